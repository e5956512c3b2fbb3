/* Learning the receiver's time before samples go out, holding them by it, going on when it is
 * mended. Our own clock is not synchronised here, but where a test says so. */
#include "remotewrite/drain_parts.h"

#include "tests/unit/remotewrite/sender_world.h"

enum { HOUR = 3600 * 1000, NO_DATE = INT32_MAX };

/* The receiver's clock less ours; a script may change it. */
static _Atomic int64_t receiver_by;
static _Atomic unsigned asked; /* requests without samples */
static _Atomic int answer_to_empty;

static void
tell_the_time(struct testing_reply *reply)
{
        static char line[64];
        time_t now = (time_t)((clock_wall(clock_system()) + receiver_by) / 1000);
        struct tm tm;

        (void)gmtime_r(&now, &tm);
        (void)strftime(line, sizeof(line), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
        reply->headers = receiver_by == NO_DATE ? NULL : line;
}

static int
receive(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        (void)w;
        (void)r;
        tell_the_time(reply);
        if (raw.n > 0)
                return 200;
        asked++;
        return answer_to_empty;
}

static void
prepare(struct world *w, int64_t by)
{
        world_init(w);
        w->time.synchronised = false;
        w->start_ms = clock_wall(w->clock) - 2000;
        receiver_by = by;
        asked = 0;
        answer_to_empty = 200;
        world_set_script(w, receive);
        world_scrape(w, 50);
}

static bool
is_held(struct world *w, const struct sender_stats *s)
{
        (void)w;
        return s->held_clock > 0 && s->state == SENDER_HELD;
}

static bool
was_asked_again(struct world *w, const struct sender_stats *s)
{
        (void)s;
        return (int)asked > w->mark;
}

static void
nothing_is_sent_to_a_receiver_that_is_an_hour_behind(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        prepare(&w, -HOUR);
        world_start(&w);
        world_wait(&w, "the samples to be held", is_held);
        world_scrape(&w, 50);
        w.mark = (int)asked + 2;
        world_wait(&w, "more questions", was_asked_again);
        world_stats(&w, &s);
        assert_int_equal(w.samples, 0);
        assert_int_equal(s.cursor.pending, 100);
        assert_non_null(strstr(s.last_error, "its clock less ours: -3"));
        assert_true(s.empty_requests >= 3 && s.empty_requests == s.requests);
        receiver_by = 0; /* its clock is mended */
        world_drain(&w, &s);
        world_expect_all(&w, 50);
        assert_int_equal(s.held_clock, 0);
        assert_string_equal(s.last_error, "");
        assert_int_equal(s.cursor.ledger.acknowledged, 100);
        world_release(&w);
}

static void
our_own_clock_is_mended(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        prepare(&w, -HOUR);
        world_start(&w);
        world_wait(&w, "the samples to be held", is_held);
        w.time.synchronised = true; /* the kernel's word is above the receiver's */
        world_drain(&w, &s);
        world_expect_all(&w, 50);
        world_release(&w);
}

static void
a_synchronised_clock_asks_nothing(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        prepare(&w, 0);
        world_start(&w);
        world_drain(&w, &s);
        world_stop(&w, 0);
        asked = 0;
        receiver_by = -HOUR;
        w.time.synchronised = true;
        world_restart(&w);
        world_scrape(&w, 50);
        world_drain(&w, &s);
        assert_int_equal(asked, 0);
        assert_int_equal(s.empty_requests, 0);
        world_release(&w);
}

static void
the_steady_state_asks_once(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        prepare(&w, 0);
        world_start(&w);
        for (int i = 0; i < 4; i++) {
                world_drain(&w, &s);
                world_scrape(&w, 50);
        }
        world_drain(&w, &s);
        assert_int_equal(s.empty_requests, 1);
        w.time.mono_by = RECEIVER_CLOCK_FRESH_MS; /* silence for long */
        world_scrape(&w, 50);
        world_drain(&w, &s);
        assert_int_equal(s.empty_requests, 2);
        world_release(&w);
}

static void
an_idle_endpoint_asks_nothing(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        prepare(&w, 0);
        world_start(&w);
        world_drain(&w, &s);
        w.time.mono_by = (int64_t)10 * RECEIVER_CLOCK_FRESH_MS;
        (void)nanosleep(&(struct timespec){0, 300000000}, NULL);
        assert_int_equal(asked, 1);
        world_release(&w);
}

static void
receivers_that_do_not_tell_stop_nobody(void **state)
{
        static const struct {
                const char *name;
                int64_t by;
                int status; /* of the answer to a request without samples */
                unsigned asked;
        } cases[] = {
            {"no Date", NO_DATE, 200, 1},
            {"refused, no Date", NO_DATE, 400, 1},
            {"refused", 0, 422, 1},
            {"too large", NO_DATE, 413, 1},
            {"it does not work", NO_DATE, 500, RECEIVER_CLOCK_TRIES},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct world w;
                struct sender_stats s;

                prepare(&w, cases[i].by);
                answer_to_empty = cases[i].status;
                world_start(&w);
                world_drain(&w, &s);
                if (s.empty_requests > cases[i].asked || s.cursor.ledger.lost[LOST_REFUSED] > 0)
                        fail_msg("%s: asked %u times", cases[i].name, (unsigned)s.empty_requests);
                world_release(&w);
        }
}

static bool
is_turned_away(struct world *w, const struct sender_stats *s)
{
        (void)w;
        return s->state == SENDER_HELD && s->held_clock == 0;
}

static void
an_answer_that_holds_holds(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        prepare(&w, 0);
        answer_to_empty = 401;
        world_start(&w);
        world_wait(&w, "the endpoint to be held", is_turned_away);
        world_stats(&w, &s);
        assert_int_equal(w.samples, 0);
        assert_non_null(strstr(s.last_error, "401"));
        assert_int_equal(s.requests_failed, 1);
        answer_to_empty = 200;
        testing_ok(senders_reload(w.senders, w.config, NULL), NULL); /* probes at once */
        world_drain(&w, &s);
        world_expect_all(&w, 50);
        world_release(&w);
}

/* Away for the first request with samples; by then its clock has been stepped back an hour. */
static int
step_back_while_away(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        if (raw.n > 0 && w->mark == 0) {
                w->mark = 1;
                receiver_by = -HOUR;
                tell_the_time(reply);
                return 503;
        }
        return receive(w, r, raw, reply);
}

static void
a_repeat_is_held_when_its_time_has_become_the_future(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        prepare(&w, NO_DATE);
        world_set_script(&w, step_back_while_away);
        world_start(&w);
        world_wait(&w, "the repeat to be held", is_held);
        world_stats(&w, &s);
        assert_int_equal(w.samples, 0);
        assert_int_equal(s.cursor.pending, 50);
        receiver_by = 0;
        world_drain(&w, &s);
        world_expect_all(&w, 50);
        world_release(&w);
}

static void
what_a_wrong_clock_wrote_is_given_up_when_it_is_mended(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        world_init(&w);
        w.time.synchronised = false;
        receiver_by = 0;
        answer_to_empty = 200;
        world_set_script(&w, receive);
        w.time.wall_by = HOUR; /* ours is ahead */
        w.start_ms = clock_wall(w.clock) - 2000;
        world_scrape(&w, 50);
        world_start(&w);
        world_wait(&w, "the samples to be held", is_held);
        w.time.wall_by = 0; /* set right, but who says so? */
        w.mark = (int)asked + 2;
        world_wait(&w, "more questions", was_asked_again);
        world_stats(&w, &s);
        assert_int_equal(s.cursor.ledger.lost[LOST_CLOCK], 0);
        w.time.synchronised = true; /* the kernel */
        world_drain(&w, &s);
        assert_int_equal(s.cursor.ledger.lost[LOST_CLOCK], 50);
        assert_int_equal(w.samples, 0);
        world_release(&w);
}

/* Away: 503 to everything. mark: the requests with samples meanwhile. */
static int
away(struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        (void)r;
        tell_the_time(reply);
        if (raw.n > 0)
                w->mark++;
        else
                asked++;
        return answer_to_empty;
}

/* By then the samples are not tried again for at least 320 seconds. */
static void
fail_for_long(struct world *w)
{
        struct sender_stats s = {.requests_failed = 0};

        for (uint64_t i = 1; i <= 8; i++) {
                w->time.mono_by += 700 * 1000;
                while (s.requests_failed < i) {
                        (void)nanosleep(&(struct timespec){0, 10000000}, NULL);
                        world_stats(w, &s);
                }
        }
}

/* Time passes, at most 150 seconds, until *what is not 0. */
static void
let_pass_until(struct world *w, const _Atomic unsigned *what)
{
        for (int i = 0; i < 30 && *what == 0; i++) {
                w->time.mono_by += 5 * 1000;
                (void)nanosleep(&(struct timespec){0, 100000000}, NULL);
        }
        assert_int_not_equal(*what, 0);
}

static void
knocks_find_a_receiver_that_is_back(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        prepare(&w, 0);
        w.time.synchronised = true;
        w.config->endpoints[0].min_backoff_ms = 5000;
        w.config->endpoints[0].max_backoff_ms = 3600 * 1000;
        answer_to_empty = 503;
        world_set_script(&w, away);
        world_start(&w);
        fail_for_long(&w);
        asked = 0;
        let_pass_until(&w, &asked); /* that fails, too */
        asked = 0;
        answer_to_empty = 200;
        world_set_script(&w, receive); /* it is back */
        let_pass_until(&w, &asked);
        world_drain(&w, &s);
        world_expect_all(&w, 50);
        assert_int_equal(s.cursor.ledger.acknowledged, 50);
        world_release(&w);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(nothing_is_sent_to_a_receiver_that_is_an_hour_behind),
            cmocka_unit_test(our_own_clock_is_mended),
            cmocka_unit_test(a_synchronised_clock_asks_nothing),
            cmocka_unit_test(the_steady_state_asks_once),
            cmocka_unit_test(an_idle_endpoint_asks_nothing),
            cmocka_unit_test(receivers_that_do_not_tell_stop_nobody),
            cmocka_unit_test(an_answer_that_holds_holds),
            cmocka_unit_test(a_repeat_is_held_when_its_time_has_become_the_future),
            cmocka_unit_test(knocks_find_a_receiver_that_is_back),
            cmocka_unit_test(what_a_wrong_clock_wrote_is_given_up_when_it_is_mended),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
