#include "tests/unit/wal/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { RUN = 100 };

/* What the scraper does with "not stored": everything that was in the batch is made again. */
static void
on_answer(struct fixture *f, struct source *s, uint64_t serial, bool had_layout)
{
        int a = fixture_answered(f, serial);

        assert_int_not_equal(a, -1);
        if (a == 0)
                source_lost(s, had_layout);
}

/* Which of the run's scrapes were answered as stored are what is read back, no more and no less. */
static void
check_stored(struct fixture *f, const struct source *s, const bool *stored, struct readback *r)
{
        size_t n = 0;

        fixture_read(f, s, 1, 0, r);
        assert_int_equal(r->undecodable, 0);
        assert_false(r->disordered);
        for (int i = 0; i < RUN; i++) {
                if (!stored[i])
                        continue;
                assert_true(n < r->n_times);
                assert_int_equal(r->times[n], fixture_epoch_ms + i * 1000);
                n++;
        }
        assert_int_equal(r->n_times, n);
}

static int
count_part(void *arg, struct layout_part *part, struct err *e)
{
        (void)e;
        ++*(int *)arg;
        layout_part_free(part);
        return 0;
}

static uint64_t
run_with_failure(struct fixture *f, struct source *s, int k, int errnum, bool *stored)
{
        uint64_t lost = 0;

        f->fail_errno = errnum;
        f->fail_count = 1;
        f->fail_from = f->commits + k;
        for (int i = 0; i < RUN; i++) {
                uint64_t serial = (uint64_t)i + 1;
                bool had_layout = s->has_layout;
                struct wal_batch *b = source_scrape(s, serial, fixture_epoch_ms + i * 1000);
                uint64_t samples = b->samples;

                fixture_submit(f, b);
                wal_flush(f->w);
                on_answer(f, s, serial, had_layout);
                stored[i] = fixture_answered(f, serial) == 1;
                lost += stored[i] ? 0 : samples;
        }
        return lost;
}

static void
test_a_failure_in_every_commit(void **state)
{
        struct fixture *f = *state;
        struct readback *r = calloc(1, sizeof(*r));

        assert_non_null(r);
        /* ten thousand commits: in memory where that is possible */
        if (getenv("TMPDIR") == NULL && access("/dev/shm", W_OK) == 0)
                assert_int_equal(setenv("TMPDIR", "/dev/shm", 1), 0);
        for (int k = 1; k <= RUN; k++) {
                bool stored[RUN];
                struct wal_stats stats;
                struct source s;
                uint64_t lost;
                int parts = 0;

                fixture_close(f);
                testing_remove(f->dir);
                f->dir = testing_directory();
                fixture_open(f);
                source_init(&s, f->w);
                lost = run_with_failure(f, &s, k, EIO, stored);
                assert_false(stored[k - 1]);
                wal_stats(f->w, &stats);
                assert_int_equal(stats.not_stored[NOT_STORED_DISK], lost);
                assert_int_equal(stats.commit_failures, 1);
                assert_int_equal(wal_usable(f->w, NULL), k < RUN);
                check_stored(f, &s, stored, r);
                assert_int_equal(r->samples, stats.samples_stored);
                assert_int_equal(r->barriers, 1); /* the process's start, given on */
                testing_ok(wal_read_layout(f->w, s.chunk, count_part, &parts, NULL), NULL);
                assert_int_equal(parts, 1);
                fixture_close(f);
                fixture_open(f);
                wal_stats(f->w, &stats);
                assert_int_equal(stats.not_stored[NOT_STORED_DISK], lost);
                s.w = f->w;
                check_stored(f, &s, stored, r);
                source_release(&s);
        }
        free(r);
}

/* A full disk is no reason to lose what comes: the oldest goes instead. */
static void
test_no_room_makes_room(void **state)
{
        struct fixture *f = *state;
        struct readback *r = calloc(1, sizeof(*r));
        struct wal_endpoint *ep = fixture_endpoint(f, "central");
        struct wal_cursor c;
        struct wal_stats stats;
        struct source s;
        uint64_t serial = 1;

        assert_non_null(r);
        source_init(&s, f->w);
        s.noise = true;
        fixture_run(f, &s, &serial, 200, true);
        f->fail_errno = ENOSPC;
        f->fail_count = 1;
        f->fail_from = f->commits + 1;
        fixture_run(f, &s, &serial, 1, true);
        assert_int_equal(fixture_answered(f, serial - 1), 1);
        wal_stats(f->w, &stats);
        assert_int_equal(stats.commit_failures, 0);
        assert_true(stats.trimmed_samples[1] > 0);
        c = fixture_cursor(f, ep);
        assert_int_equal(c.ledger.lost[LOST_SIZE], stats.trimmed_samples[1]);
        fixture_read(f, &s, 1, 0, r);
        assert_int_equal(r->undecodable, 0);
        assert_int_equal(r->samples, c.pending);
        source_release(&s);
        free(r);
}

static void
test_all_commits_failing(void **state)
{
        struct fixture *f = *state;
        struct wal_stats stats;
        struct source s;
        struct err e = ERR_INIT;
        uint64_t serial = 1;

        source_init(&s, f->w);
        f->fail_errno = EIO;
        f->fail_count = 1 << 20;
        f->fail_from = f->commits + 1;
        for (int i = 0; i < 5; i++) {
                source_lost(&s, false);
                fixture_run(f, &s, &serial, 1, true);
        }
        wal_stats(f->w, &stats);
        assert_int_equal(stats.samples_appended, 0);
        assert_true(stats.not_stored[NOT_STORED_DISK] > 0);
        assert_false(wal_usable(f->w, &e));
        assert_non_null(strstr(e.msg, "cannot commit"));
        assert_string_equal(stats.last_error, e.msg);
        f->fail_from = 0;
        source_lost(&s, false);
        fixture_run(f, &s, &serial, 1, true);
        assert_true(wal_usable(f->w, NULL));
        assert_int_equal(fixture_answered(f, serial - 1), 1);
        source_release(&s);
}

/* The descriptor that LMDB writes its meta pages with: the later one of the two on the file. */
static int
meta_descriptor(void)
{
        int found = -1;

        for (int fd = 3; fd < 200; fd++) {
                char link[64];
                char target[700];
                ssize_t n;

                (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
                n = readlink(link, target, sizeof(target) - 1);
                if (n < 9)
                        continue;
                target[n] = '\0';
                if (strcmp(target + n - 9, "/data.mdb") == 0)
                        found = fd;
        }
        assert_true(found >= 0);
        return found;
}

/* LMDB refuses everything after that; the log opens itself again. */
static void
test_a_meta_page_that_cannot_be_written(void **state)
{
        struct fixture *f = *state;
        struct wal_endpoint *ep = fixture_endpoint(f, "central");
        struct readback *r = calloc(1, sizeof(*r));
        struct wal_stats stats;
        struct source s;
        uint64_t serial = 1;
        int nowhere = open("/dev/null", O_RDONLY | O_CLOEXEC);
        int fd = meta_descriptor();

        assert_non_null(r);
        source_init(&s, f->w);
        fixture_run(f, &s, &serial, 10, true);
        assert_int_equal(dup2(nowhere, fd), fd);
        (void)close(nowhere);
        source_lost(&s, true);
        fixture_run(f, &s, &serial, 1, true);
        assert_int_equal(fixture_answered(f, serial - 1), 0);
        source_lost(&s, true);
        fixture_run(f, &s, &serial, 5, true);
        for (uint64_t i = serial - 5; i < serial; i++)
                assert_int_equal(fixture_answered(f, i), 1);
        assert_true(wal_usable(f->w, NULL));
        fixture_read(f, &s, 1, 0, r);
        assert_int_equal(r->n_times, 15);
        assert_int_equal(r->undecodable, 0);
        wal_stats(f->w, &stats);
        assert_int_equal(stats.samples_stored, r->samples);
        assert_int_equal(fixture_cursor(f, ep).pending, r->samples);
        source_release(&s);
        free(r);
}

/* Cursors, deletes and the book record are of the same transaction: a failure undoes all. */
static void
test_a_failed_commit_keeps_what_was_settled(void **state)
{
        struct fixture *f = *state;
        struct wal_endpoint *ep = fixture_endpoint(f, "central");
        struct wal_stats before;
        struct wal_stats after;
        struct source s;
        uint64_t serial = 1;

        source_init(&s, f->w);
        fixture_run(f, &s, &serial, 20, true);
        fixture_settle_all(f, ep);
        wal_stats(f->w, &before);
        assert_int_equal(before.first_block, 1);
        f->fail_errno = EIO;
        f->fail_count = 1;
        f->fail_from = f->commits + 1;
        wal_flush(f->w);
        wal_stats(f->w, &after);
        assert_int_equal(after.first_block, 1);
        wal_flush(f->w);
        wal_stats(f->w, &after);
        assert_int_equal(after.first_block, before.next_block);
        assert_int_equal(after.samples_stored, 0);
        assert_int_equal(after.trimmed_samples[0] + after.trimmed_samples[1], 0);
        source_release(&s);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
        const struct CMUnitTest tests[] = {
            CASE(test_a_failure_in_every_commit),
            CASE(test_no_room_makes_room),
            CASE(test_all_commits_failing),
            CASE(test_a_meta_page_that_cannot_be_written),
            CASE(test_a_failed_commit_keeps_what_was_settled),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
