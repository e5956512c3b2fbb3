/*
 * kill -9 at random instants: what was answered as stored is read back, in order, exactly once;
 * the ledger of every cursor adds up; the window that was under way comes back as it was.
 *
 * The child is forked before it opens the log, as LMDB asks, and tells what it did through a pipe:
 * what is in the pipe when it dies had happened.
 */
#include "tests/unit/wal/fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 25, TIMES_MAX = 1 << 17 };

enum event_kind { EVENT_READY, EVENT_STORED, EVENT_WINDOW };

struct event {
        enum event_kind kind;
        int64_t time_ms; /* of a stored scrape */
        uint64_t end; /* of a window that was begun */
};

static void
tell(int fd, enum event_kind kind, int64_t time_ms, uint64_t end)
{
        struct event x = {kind, time_ms, end};

        if (write(fd, &x, sizeof(x)) != (ssize_t)sizeof(x))
                _exit(3);
}

/* ---- the child ---- */

struct child {
        int fd;
        int64_t first_ms; /* of serial 1 */
};

static void
tell_answer(void *arg, uint64_t target, uint64_t serial, bool stored)
{
        const struct child *c = arg;

        (void)target;
        if (stored)
                tell(c->fd, EVENT_STORED, c->first_ms + (int64_t)(serial - 1) * 1000, 0);
}

static void
drain_a_little(struct wal *w, struct wal_endpoint *ep, int fd, struct testing_random *r)
{
        struct wal_ledger counts = {.acknowledged = testing_random_below(r, 50)};
        struct wal_stats stats;
        struct wal_cursor c;

        wal_stats(w, &stats);
        wal_endpoint_get(w, ep, &c);
        if (c.window_end == 0) {
                uint64_t end = c.settled + 1 + testing_random_below(r, 8);

                if (end > stats.next_block)
                        return;
                wal_window_begin(w, ep, end);
                tell(fd, EVENT_WINDOW, 0, end);
        } else if (testing_random_below(r, 3) > 0) {
                wal_window_settle(w, ep, 1, &counts);
        } else {
                wal_window_end(w, ep);
        }
}

static void
child(const char *dir, int fd, int64_t first_ms, uint64_t seed)
{
        struct child c = {fd, first_ms};
        struct testing_random r = {seed};
        struct wal_options o = {.dir = dir,
            .tenant = "tenant-a",
            .max_size = 3 << 20,
            .max_age_ms = 3600 * 1000,
            .sync_interval_ms = 3,
            .clock = clock_system(),
            .answer = tell_answer,
            .answer_arg = &c};
        struct wal_endpoint *ep = NULL;
        struct source s;
        struct wal *w = NULL;
        int64_t t = first_ms;

        if (wal_open(&o, &w, NULL) < 0 ||
            wal_endpoint_open(w, "central", WAL_START_OLDEST, &ep, NULL) < 0)
                _exit(2);
        source_init(&s, w);
        tell(fd, EVENT_READY, 0, 0);
        for (uint64_t serial = 1;; serial++, t += 1000) {
                struct wal_batch *b = source_scrape(&s, serial, t);

                while (wal_submit(w, &b, NULL) < 0)
                        wal_flush(w);
                (void)usleep(30); /* the parent reads the pipe only when this is dead */
                if (testing_random_below(&r, 4) == 0)
                        drain_a_little(w, ep, fd, &r);
                if (testing_random_below(&r, 30) == 0)
                        wal_flush(w);
        }
}

/* ---- the parent ---- */

struct seen {
        int64_t times[TIMES_MAX]; /* stored since the beginning, in the order of the answers */
        size_t n;
        uint64_t window; /* the last one begun in this round */
        bool ready;
};

static void
take_events(int fd, struct seen *x)
{
        struct event ev;

        while (read(fd, &ev, sizeof(ev)) == (ssize_t)sizeof(ev)) {
                if (ev.kind == EVENT_READY) {
                        x->ready = true;
                } else if (ev.kind == EVENT_WINDOW) {
                        x->window = ev.end;
                } else {
                        assert_true(x->n < TIMES_MAX);
                        x->times[x->n++] = ev.time_ms;
                }
        }
}

static void
run_and_kill(const char *dir, int64_t first_ms, struct testing_random *r, struct seen *x)
{
        int fds[2];
        struct pollfd p;
        struct timespec life = {0, (long)testing_random_below(r, 60000000)};
        pid_t pid;
        int status;

        assert_int_equal(pipe(fds), 0);
        (void)fcntl(fds[1], F_SETPIPE_SZ, 1 << 20);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void)close(fds[0]);
                child(dir, fds[1], first_ms, testing_random(r));
        }
        (void)close(fds[1]);
        p = (struct pollfd){fds[0], POLLIN, 0};
        assert_int_equal(poll(&p, 1, 60000), 1); /* ready */
        (void)nanosleep(&life, NULL);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        x->ready = false;
        x->window = 0;
        take_events(fds[0], x);
        (void)close(fds[0]);
        assert_true(x->ready);
}

struct found {
        struct wal *w;
        int64_t times[TIMES_MAX];
        size_t n;
        uint64_t samples;
};

static int
note_block(void *arg, const struct block_head *head, struct view bytes, struct err *e)
{
        struct found *x = arg;
        struct block_record *v = calloc(BLOCK_MAX_RECORDS, sizeof(*v));
        struct buf payload = BUF_INIT(BLOCK_MAX_PAYLOAD + 1);
        struct zstd_unpacker *z = NULL;

        assert_non_null(v);
        testing_ok(zstd_unpacker_new(&z, e), e);
        testing_ok(block_read_directory(bytes, v, BLOCK_MAX_RECORDS, e), e);
        testing_ok(block_read_payload(bytes, z, &payload, e), e);
        for (unsigned i = 0; i < head->records; i++) {
                const struct source nobody = {.target = v[i].target};
                uint64_t keyframe[CHUNK_SLOTS];
                uint64_t column[CHUNK_SLOTS];
                struct record_decode_input in = {.bytes = {payload.ptr + v[i].offset, v[i].length},
                    .keyframe = keyframe,
                    .first = v[i].first,
                    .slots = v[i].slots,
                    .time_ms = v[i].time_ms};

                testing_ok(
                    wal_read_keyframe(x->w, v[i].keyframe, keyframe, &in.keyframe_slots, e), e);
                testing_ok(record_decode(&in, column, e), e);
                for (unsigned k = 0; k < v[i].slots; k++)
                        assert_true(column[k] == source_value(&nobody, k, v[i].time_ms));
                assert_true(x->n < TIMES_MAX);
                x->times[x->n++] = v[i].time_ms;
        }
        x->samples += head->samples;
        zstd_unpacker_free(z);
        buf_release(&payload);
        free(v);
        return 0;
}

/*
 * Blocks that were settled or trimmed are gone from the front; behind the last answer there may be
 * scrapes that were committed but not answered any more. Between the two nothing is missing.
 */
static void
check_times(const struct seen *x, const struct found *f)
{
        size_t at = 0;

        for (size_t i = 1; i < f->n; i++)
                assert_true(f->times[i] > f->times[i - 1]); /* in order, none twice */
        if (f->n == 0)
                return;
        while (at < x->n && x->times[at] < f->times[0])
                at++;
        for (size_t i = 0; i < f->n && at < x->n; i++) {
                if (f->times[i] < x->times[at])
                        continue; /* committed, the answer died with the process */
                assert_int_equal(f->times[i], x->times[at]);
                at++;
        }
        assert_int_equal(at, x->n);
}

static int64_t
look_at_what_is_left(struct fixture *fx, const struct seen *x, struct found *f)
{
        struct wal_endpoint *ep;
        struct wal_stats stats;
        struct wal_cursor c;
        struct err e = ERR_INIT;

        fixture_open(fx);
        memset(f, 0, sizeof(*f));
        f->w = fx->w;
        ep = fixture_endpoint(fx, "central");
        c = fixture_cursor(fx, ep); /* adds up */
        testing_ok(wal_scan(fx->w, 0, note_block, f, &e), &e);
        check_times(x, f);
        wal_stats(fx->w, &stats);
        assert_int_equal(stats.samples_stored, f->samples);
        assert_int_equal(c.appended, stats.samples_appended);
        assert_int_equal(stats.damaged_blocks, 0);
        assert_int_equal(stats.damaged_values, 0);
        /* what wal_window_begin returned from is on disk: the window itself or its end */
        if (x->window != 0)
                assert_true(c.window_end >= x->window || c.settled >= x->window);
        assert_int_equal(c.resumed, c.window_end != 0);
        fixture_close(fx);
        return f->n > 0 ? f->times[f->n - 1] : 0;
}

static void
test_killed_at_any_moment(void **state)
{
        struct testing_random r = {(uint64_t)time(NULL)};
        struct seen *x = calloc(1, sizeof(*x));
        struct found *f = calloc(1, sizeof(*f));
        int64_t t = fixture_epoch_ms;
        struct fixture fx = {.max_size = 3 << 20, .max_age_ms = 3600 * 1000};

        (void)state;
        assert_non_null(x);
        assert_non_null(f);
        print_message("seed %llu\n", (unsigned long long)r.state);
        fx.dir = testing_directory();
        clock_manual_init(&fx.clock, fixture_epoch_ms);
        (void)pthread_mutex_init(&fx.mtx, NULL);
        for (int i = 0; i < ROUNDS; i++) {
                int64_t last;

                run_and_kill(fx.dir, t, &r, x);
                last = look_at_what_is_left(&fx, x, f);
                if (last >= t)
                        t = last + 1000;
                if (x->n > 0 && x->times[x->n - 1] >= t)
                        t = x->times[x->n - 1] + 1000;
        }
        print_message("%zu scrapes answered as stored\n", x->n);
        assert_true(x->n > 0);
        testing_remove(fx.dir);
        free(x);
        free(f);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_killed_at_any_moment),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
