#include "tests/unit/wal/fixture.h"

#include "wal/writer.h"

#include <unistd.h>

static uint64_t
commits(struct fixture *f)
{
        struct wal_stats s;

        wal_stats(f->w, &s);
        return s.commits;
}

/* The thread looks at a clock set by hand every few milliseconds. */
static bool
soon(struct fixture *f, uint64_t want)
{
        for (int i = 0; i < 2000; i++) {
                if (commits(f) >= want)
                        return true;
                (void)usleep(1000);
        }
        return false;
}

static void
test_a_group_is_stored_within_its_interval(void **state)
{
        struct fixture *f = *state;
        struct source s;
        uint64_t before = commits(f);

        source_init(&s, f->w);
        fixture_submit(f, source_scrape(&s, 1, fixture_epoch_ms));
        clock_manual_advance(&f->clock, 2000);
        fixture_submit(f, source_scrape(&s, 2, fixture_epoch_ms + 1000));
        clock_manual_advance(&f->clock, 2687);
        (void)usleep(30000);
        assert_int_equal(commits(f), before);
        assert_int_equal(fixture_answered(f, 1), -1);
        clock_manual_advance(&f->clock, 1); /* a sixteenth before 5 s after the oldest */
        assert_true(soon(f, before + 1));
        assert_int_equal(commits(f), before + 1);
        wal_flush(f->w); /* nothing is left: no commit */
        assert_int_equal(commits(f), before + 1);
        assert_int_equal(fixture_answered(f, 1), 1);
        assert_int_equal(fixture_answered(f, 2), 1);
        source_release(&s);
}

/* The store seam: a commit that takes as long as the disk is slow. */
struct slow_disk {
        struct fixture *f;
        _Atomic int64_t takes_ms;
};

static int
take_time(void *arg)
{
        struct slow_disk *x = arg;

        clock_manual_advance(&x->f->clock, x->takes_ms);
        return 0;
}

/* A scrape's commit begins so long after it was queued, and not before. */
static void
begins_after(struct fixture *f, struct source *s, uint64_t serial, int64_t ms)
{
        fixture_submit(f, source_scrape(s, serial, clock_wall(&f->clock.clock)));
        clock_manual_advance(&f->clock, ms - 1);
        (void)usleep(30000);
        assert_int_equal(fixture_answered(f, serial), -1);
        clock_manual_advance(&f->clock, 1);
        for (int i = 0; i < 20000 && fixture_answered(f, serial) < 0; i++)
                (void)usleep(1000);
        assert_int_equal(fixture_answered(f, serial), 1);
}

static uint64_t
late(struct fixture *f)
{
        struct wal_stats s;

        wal_stats(f->w, &s);
        return s.commits_late;
}

static void
test_a_slow_disk_makes_commits_begin_earlier(void **state)
{
        struct fixture *f = *state;
        struct slow_disk disk = {f, 0};
        struct wal_options o = fixture_options(f);
        struct source s;
        struct err e = ERR_INIT;

        fixture_close(f);
        o.commit_fault = take_time;
        o.commit_fault_arg = &disk;
        memset(f->answer, -1, sizeof(f->answer));
        testing_ok(wal_open(&o, &f->w, &e), &e);
        source_init(&s, f->w);
        disk.takes_ms = 1000;
        begins_after(f, &s, 1, 4688); /* a sixteenth early; nobody could know */
        assert_int_equal(late(f), 1);
        begins_after(f, &s, 2, 2688);
        begins_after(f, &s, 3, 2688);
        assert_int_equal(late(f), 1);
        disk.takes_ms = 10000;
        begins_after(f, &s, 4, 2688);
        assert_int_equal(late(f), 2);
        begins_after(f, &s, 5, 2500); /* never before half of the interval */
        assert_int_equal(late(f), 3);
        disk.takes_ms = 0;
        for (uint64_t serial = 6; serial < 100; serial++) {
                fixture_submit(f, source_scrape(&s, serial, clock_wall(&f->clock.clock)));
                wal_flush(f->w);
        }
        begins_after(f, &s, 100, 4688); /* it is forgotten */
        assert_int_equal(late(f), 3);
        source_release(&s);
}

static void
test_nothing_is_written_when_nothing_happens(void **state)
{
        struct fixture *f = *state;
        uint64_t before = commits(f);

        for (int i = 0; i < 20; i++) {
                clock_manual_advance(&f->clock, 60000);
                (void)usleep(10000);
        }
        assert_int_equal(commits(f), before);
}

static void
test_a_cursor_is_stored_in_the_end(void **state)
{
        struct fixture *f = *state;
        uint64_t before = commits(f);

        (void)fixture_endpoint(f, "central");
        (void)usleep(20000);
        assert_int_equal(commits(f), before);
        for (int i = 0; i < 4; i++) {
                clock_manual_advance(&f->clock, 10000);
                (void)usleep(20000);
        }
        assert_true(soon(f, before + 1));
}

static uint64_t
queued(struct fixture *f)
{
        struct wal_stats s;

        wal_stats(f->w, &s);
        return s.queue_bytes;
}

static void
test_much_is_stored_at_once(void **state)
{
        struct fixture *f = *state;
        uint64_t before = commits(f);
        struct source s;
        uint64_t n = 0;

        source_init(&s, f->w);
        s.noise = true;
        /* the clock stands still: only the amount makes it commit */
        for (n = 1; n < 4000 && commits(f) == before && queued(f) < WRITER_QUEUE_BYTES / 2; n++)
                fixture_submit(f, source_scrape(&s, n, fixture_epoch_ms + (int64_t)n * 1000));
        assert_true(soon(f, before + 1));
        wal_flush(f->w); /* the commit is counted a moment before it is answered */
        assert_int_equal(fixture_answered(f, 1), 1);
        source_release(&s);
}

static struct wal_batch *
large(struct source *s, uint64_t serial, size_t bytes)
{
        struct wal_batch *b = source_batch(s, serial);
        struct batch_put put = {.kind = BATCH_TARGET, .id = s->target};

        testing_ok(buf_reserve(&b->bytes, bytes, NULL), NULL);
        memset(b->bytes.ptr, 'x', bytes);
        b->bytes.len = bytes;
        testing_ok(wal_batch_put(b, &put, 0, NULL), NULL);
        return b;
}

static void
test_the_queue_is_bounded(void **state)
{
        struct fixture *f = *state;
        struct wal_batch *b;
        struct wal_stats stats;
        struct source s;
        struct err e = ERR_INIT;

        source_init(&s, f->w);
        /* one of any size when it is empty */
        fixture_submit(f, large(&s, 1, WRITER_QUEUE_BYTES + (1 << 20)));
        wal_flush(f->w);
        assert_int_equal(fixture_answered(f, 1), 1);
        fixture_submit(f, large(&s, 2, 100 << 10));
        b = large(&s, 3, WRITER_QUEUE_BYTES);
        assert_int_equal(wal_submit(f->w, &b, &e), ERR_LIMIT);
        assert_non_null(b); /* the caller keeps it */
        wal_flush(f->w);
        wal_stats(f->w, &stats);
        assert_int_equal(stats.queue_bytes, 0);
        assert_int_equal(stats.queue_batches, 0);
        testing_ok(wal_submit(f->w, &b, &e), &e);
        wal_flush(f->w);
        assert_int_equal(fixture_answered(f, 3), 1);
        source_release(&s);
}

struct submitter {
        struct fixture *f;
        struct source source;
        uint64_t first;
};

enum { SUBMITS = 200, SUBMITTERS = 3 };

static void *
submit_many(void *arg)
{
        struct submitter *x = arg;

        for (int i = 0; i < SUBMITS; i++) {
                uint64_t id = wal_new_id(x->f->w);
                struct wal_batch *b = source_scrape(&x->source, 0, fixture_epoch_ms + i * 1000);

                (void)id;
                while (wal_submit(x->f->w, &b, NULL) < 0)
                        wal_flush(x->f->w);
                if (i % 50 == 0)
                        wal_flush(x->f->w);
        }
        return NULL;
}

static void
ignore_answer(void *arg, uint64_t target, uint64_t serial, bool stored)
{
        (void)target;
        (void)serial;
        if (stored)
                atomic_fetch_add((_Atomic int *)arg, 1);
}

static void
test_many_threads(void **state)
{
        struct fixture *f = *state;
        struct submitter x[SUBMITTERS];
        struct source sources[SUBMITTERS];
        struct readback *r = calloc(1, sizeof(*r));
        pthread_t threads[SUBMITTERS];
        _Atomic int stored = 0;
        struct wal_options o = fixture_options(f);
        struct err e = ERR_INIT;

        assert_non_null(r);
        fixture_close(f);
        o.answer = ignore_answer;
        o.answer_arg = &stored;
        o.sync_interval_ms = 1;
        o.clock = clock_system();
        testing_ok(wal_open(&o, &f->w, &e), &e);
        for (int i = 0; i < SUBMITTERS; i++) {
                x[i].f = f;
                source_init(&x[i].source, f->w);
                assert_int_equal(pthread_create(&threads[i], NULL, submit_many, &x[i]), 0);
        }
        for (int i = 0; i < SUBMITTERS; i++) {
                assert_int_equal(pthread_join(threads[i], NULL), 0);
                sources[i] = x[i].source;
        }
        wal_flush(f->w);
        assert_int_equal(stored, SUBMITS * SUBMITTERS);
        fixture_read(f, sources, SUBMITTERS, 0, r);
        assert_int_equal(r->records, SUBMITS * SUBMITTERS);
        assert_int_equal(r->undecodable, 0);
        for (int i = 0; i < SUBMITTERS; i++)
                source_release(&x[i].source);
        free(r);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
        const struct CMUnitTest tests[] = {
            CASE(test_a_group_is_stored_within_its_interval),
            CASE(test_a_slow_disk_makes_commits_begin_earlier),
            CASE(test_nothing_is_written_when_nothing_happens),
            CASE(test_a_cursor_is_stored_in_the_end),
            CASE(test_much_is_stored_at_once),
            CASE(test_the_queue_is_bounded),
            CASE(test_many_threads),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
