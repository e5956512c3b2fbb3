#include "tests/unit/wal/fixture.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

static void
reopen(struct fixture *f, uint64_t max_size, int64_t max_age_ms)
{
        fixture_close(f);
        f->max_size = max_size;
        f->max_age_ms = max_age_ms;
        fixture_open(f);
}

/* n batches of many scrapes each: faster than one commit a scrape. */
static void
fill(struct fixture *f, struct source *s, uint64_t *serial, unsigned scrapes)
{
        for (unsigned i = 0; i < scrapes; i++)
                fixture_run(f, s, serial, 1, i % 20 == 19);
        wal_flush(f->w);
}

static void
test_the_oldest_go_at_the_size(void **state)
{
        struct fixture *f = *state;
        struct readback *r = calloc(1, sizeof(*r));
        struct wal_endpoint *idle;
        struct wal_endpoint *busy;
        const struct wal_ledger some = {.acknowledged = 100};
        struct wal_stats stats;
        struct wal_cursor c;
        struct source s;
        uint64_t serial = 1;

        assert_non_null(r);
        reopen(f, 2 << 20, (int64_t)48 * 3600 * 1000);
        idle = fixture_endpoint(f, "idle");
        busy = fixture_endpoint(f, "busy");
        source_init(&s, f->w);
        s.noise = true;
        fill(f, &s, &serial, 3000);
        wal_stats(f->w, &stats);
        assert_int_equal(stats.first_block, 1);
        wal_window_begin(f->w, busy, 200); /* a window with some settled, some to be trimmed */
        wal_window_settle(f->w, busy, 1, &some);
        while (stats.first_block < 400) {
                fill(f, &s, &serial, 200);
                wal_stats(f->w, &stats);
                assert_true(stats.bytes_used <= f->max_size);
                (void)fixture_cursor(f, idle); /* adds up at every moment */
                (void)fixture_cursor(f, busy);
        }
        assert_int_equal(stats.not_stored[NOT_STORED_DISK], 0);
        c = fixture_cursor(f, idle);
        assert_int_equal(c.settled, stats.first_block);
        assert_int_equal(c.pending, stats.samples_stored);
        assert_int_equal(c.ledger.lost[LOST_SIZE], stats.samples_appended - stats.samples_stored);
        assert_int_equal(stats.trimmed_samples[1], c.ledger.lost[LOST_SIZE]);
        assert_int_equal(fixture_cursor(f, busy).window_end, 200);
        wal_window_end(f->w, busy);
        c = fixture_cursor(f, busy);
        assert_int_equal(c.settled, stats.first_block);
        assert_int_equal(c.ledger.acknowledged, 100);
        assert_int_equal(
            c.ledger.lost[LOST_SIZE] + 100, stats.samples_appended - stats.samples_stored);
        assert_int_equal(c.ledger.lost[LOST_DAMAGED], 0);
        fixture_read(f, &s, 1, 0, r); /* what is left has its keyframes */
        assert_int_equal(r->undecodable, 0);
        assert_int_equal(r->samples, stats.samples_stored);
        reopen(f, 2 << 20, (int64_t)48 * 3600 * 1000);
        idle = fixture_endpoint(f, "idle");
        assert_int_equal(fixture_cursor(f, idle).pending, stats.samples_stored);
        source_release(&s);
        free(r);
}

static void
test_a_smaller_size_trims_at_the_start(void **state)
{
        struct fixture *f = *state;
        struct wal_stats before;
        struct wal_stats after;
        struct readback *r = calloc(1, sizeof(*r));
        struct source s;
        uint64_t serial = 1;

        assert_non_null(r);
        source_init(&s, f->w);
        s.noise = true;
        fill(f, &s, &serial, 6000);
        wal_stats(f->w, &before);
        assert_true(before.bytes_used > 2 << 20);
        reopen(f, 1 << 20, (int64_t)48 * 3600 * 1000);
        s.w = f->w;
        s.keyframe = 0; /* as after any start */
        serial = 1;
        fill(f, &s, &serial, 20);
        wal_stats(f->w, &after);
        assert_true(after.bytes_used <= 1 << 20);
        assert_int_equal(after.bytes_max, 1 << 20);
        assert_true(after.first_block > before.first_block);
        assert_int_equal(after.not_stored[NOT_STORED_DISK], 0);
        fixture_read(f, &s, 1, 0, r);
        assert_int_equal(r->undecodable, 0);
        source_release(&s);
        free(r);
}

/* The thread looks at a clock set by hand every few milliseconds. */
static bool
trimmed_soon(struct fixture *f, int64_t oldest_ms, struct wal_stats *stats)
{
        for (int i = 0; i < 5000; i++) {
                wal_stats(f->w, stats);
                if (stats->oldest_ms >= oldest_ms)
                        return true;
                (void)usleep(1000);
        }
        return false;
}

static void
test_age_is_running_time(void **state)
{
        struct fixture *f = *state;
        struct wal_endpoint *ep;
        struct wal_stats stats;
        struct wal_cursor c;
        struct source s;
        uint64_t serial = 1;

        reopen(f, (uint64_t)64 << 20, 3600 * 1000);
        ep = fixture_endpoint(f, "central");
        source_init(&s, f->w);
        fixture_run(f, &s, &serial, 600, true); /* ten minutes */
        /* a wall clock that steps ahead by a year deletes nothing */
        f->clock.wall += (int64_t)365 * 24 * 3600 * 1000;
        for (int i = 0; i < 5; i++) {
                clock_manual_advance(&f->clock, 60000);
                (void)usleep(20000);
        }
        wal_stats(f->w, &stats);
        assert_int_equal(stats.first_block, 1);
        /* neither does time that was spent switched off */
        fixture_close(f);
        clock_manual_advance(&f->clock, 5 * 3600 * 1000);
        fixture_open(f);
        ep = fixture_endpoint(f, "central");
        for (int i = 0; i < 5; i++) {
                clock_manual_advance(&f->clock, 60000);
                (void)usleep(20000);
        }
        wal_stats(f->w, &stats);
        assert_int_equal(stats.first_block, 1);
        /* 20 minutes so far: after 65, the first five minutes' blocks are too old */
        clock_manual_advance(&f->clock, 45 * 60000);
        assert_true(trimmed_soon(f, fixture_epoch_ms + 270000, &stats));
        assert_in_range(stats.oldest_ms - fixture_epoch_ms, 270000, 300000);
        c = fixture_cursor(f, ep);
        assert_int_equal(c.ledger.lost[LOST_AGE], stats.samples_appended - stats.samples_stored);
        assert_int_equal(stats.trimmed_samples[0], c.ledger.lost[LOST_AGE]);
        source_release(&s);
}

/* Twenty seconds into an outage, samples of the first ten are gone: not only at the next minute. */
static void
test_a_short_max_age_is_kept(void **state)
{
        struct fixture *f = *state;
        struct wal_endpoint *ep;
        struct wal_stats stats;
        struct wal_cursor c;
        struct source s;
        uint64_t serial = 1;

        reopen(f, (uint64_t)64 << 20, 10000);
        ep = fixture_endpoint(f, "central");
        source_init(&s, f->w);
        fixture_run(f, &s, &serial, 20, true);
        assert_true(trimmed_soon(f, fixture_epoch_ms + 1, &stats));
        c = fixture_cursor(f, ep);
        assert_true(c.ledger.lost[LOST_AGE] > 0);
        assert_true(c.pending > 0);
        source_release(&s);
}

/* Keyframes and layouts that are in use cannot go: what comes is refused, and later taken again. */
static void
test_a_map_full_of_living_values(void **state)
{
        struct fixture *f = *state;
        struct wal_stats stats;
        struct source s;
        struct source filler;
        uint64_t serial = 1;
        uint64_t ids[4000];
        size_t n = 0;
        struct err e = ERR_INIT;

        reopen(f, 1 << 20, (int64_t)48 * 3600 * 1000);
        source_init(&s, f->w);
        source_init(&filler, f->w);
        fixture_run(f, &s, &serial, 20, true);
        do {
                struct wal_batch *b = source_batch(&filler, serial);
                struct batch_put put = {.kind = BATCH_LAYOUT, .id = wal_new_id(f->w)};

                testing_ok(buf_reserve(&b->bytes, 100 << 10, NULL), NULL);
                memset(b->bytes.ptr, 'x', 100 << 10);
                b->bytes.len = 100 << 10;
                testing_ok(wal_batch_put(b, &put, 0, NULL), NULL);
                ids[n++] = put.id;
                fixture_submit(f, b);
                wal_flush(f->w);
        } while (fixture_answered(f, serial++) == 1 && n < 4000);
        assert_false(wal_usable(f->w, &e));
        assert_non_null(strstr(e.msg, "full"));
        source_lost(&filler, false);
        {
                struct wal_batch *b = source_batch(&filler, serial++);

                for (size_t i = 0; i + 1 < n; i++) {
                        struct batch_put put = {.kind = BATCH_RETIRE_CHUNK, .id = ids[i]};

                        testing_ok(wal_batch_put(b, &put, 0, NULL), NULL);
                }
                fixture_submit(f, b);
                wal_flush(f->w);
                assert_int_equal(fixture_answered(f, serial - 1), 1);
        }
        s.keyframe = 0;
        s.has_layout = false;
        fill(f, &s, &serial, 400);
        assert_int_equal(fixture_answered(f, serial - 1), 1);
        assert_true(wal_usable(f->w, NULL));
        wal_stats(f->w, &stats);
        assert_true(stats.bytes_used <= 1 << 20);
        source_release(&s);
        source_release(&filler);
}

/* Fills a log whose file cannot grow as far as its size allows; nothing that comes is dropped. */
static void
fill_a_full_disk(struct fixture *f)
{
        struct readback *r = calloc(1, sizeof(*r));
        struct wal_endpoint *ep = fixture_endpoint(f, "central");
        struct wal_stats stats = {.first_block = 1};
        struct wal_cursor c;
        struct source s;
        uint64_t serial = 1;

        assert_non_null(r);
        source_init(&s, f->w);
        s.noise = true;
        while (stats.first_block < 300 && serial < 20000) {
                fill(f, &s, &serial, 20);
                wal_stats(f->w, &stats);
        }
        assert_true(stats.first_block >= 300);
        assert_true(stats.bytes_file < (uint64_t)5 << 20);
        for (uint64_t i = 1; i < serial; i++)
                assert_int_equal(fixture_answered(f, i), 1);
        assert_int_equal(stats.not_stored[NOT_STORED_DISK], 0);
        c = fixture_cursor(f, ep);
        assert_int_equal(c.ledger.lost[LOST_SIZE], stats.samples_appended - stats.samples_stored);
        fixture_read(f, &s, 1, 0, r);
        assert_int_equal(r->undecodable, 0);
        assert_int_equal(r->samples, stats.samples_stored);
        source_release(&s);
        free(r);
}

/* In a mount namespace of its own, a test that fails leaves nothing mounted. */
static bool alone;

static void
test_a_full_disk(void **state)
{
        struct fixture *f = *state;
        char *dir = testing_directory();

        if (!alone || mount("gleaner-test", dir, "tmpfs", 0, "size=4m") != 0) {
                print_message("a full disk: not tried, mounting needs root\n");
                testing_remove(dir);
                skip();
        }
        fixture_close(f);
        testing_remove(f->dir);
        f->dir = malloc(600);
        assert_non_null(f->dir);
        (void)snprintf(f->dir, 600, "%s/t", dir);
        fixture_open(f);
        fill_a_full_disk(f);
        fixture_close(f);
        testing_remove(f->dir);
        assert_int_equal(umount(dir), 0);
        testing_remove(dir);
        f->dir = testing_directory();
        fixture_open(f);
}

static void
test_a_file_that_may_not_grow(void **state)
{
        struct fixture *f = *state;
        struct rlimit before;
        struct rlimit limit;

        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        limit = before;
        limit.rlim_cur = 4 << 20;
        assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        fill_a_full_disk(f);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
        const struct CMUnitTest tests[] = {
            CASE(test_the_oldest_go_at_the_size),
            CASE(test_a_smaller_size_trims_at_the_start),
            CASE(test_age_is_running_time),
            CASE(test_a_short_max_age_is_kept),
            CASE(test_a_map_full_of_living_values),
            CASE(test_a_full_disk),
            CASE(test_a_file_that_may_not_grow),
        };

        alone = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
