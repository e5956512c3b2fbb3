/* Which message is sent, over a real connection and a real log. */
#include "remotewrite/drain_parts.h"

#include "tests/unit/remotewrite/sender_world.h"

enum { SERIES = 30, DAY = 24 * 3600 * 1000 };

/* Starts with two scrapes in the log, to be sent by 2.0. */
static void
begin(struct world *w, world_script script)
{
        world_init(w);
        world_set_script(w, script);
        w->config->endpoints[0].message = WRITE_2;
        for (unsigned i = 0; i < 2; i++)
                world_scrape(w, SERIES);
}

/* Everything is there, once, and acknowledged. */
static void
expect_all(struct world *w, struct sender_stats *s)
{
        world_drain(w, s);
        world_expect_all(w, SERIES);
        assert_int_equal(w->samples, w->written);
        assert_int_equal(w->faults, 0);
        assert_int_equal(s->cursor.ledger.acknowledged, w->written);
}

static void
samples_go_by_2(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        begin(&w, NULL);
        world_start(&w);
        expect_all(&w, &s);
        assert_int_equal(s.protocol_version, 2);
        assert_int_equal(s.fallbacks, 0);
        assert_int_equal(w.requests_2, s.requests);
        world_release(&w);
}

static int
answer_2_as_marked(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        (void)raw;
        (void)reply;
        return world_message(r) == WRITE_2 ? w->mark : 200;
}

static bool
is_by_2(struct world *w, const struct sender_stats *s)
{
        (void)w;
        return s->cursor.pending == 0 && s->protocol_version == 2;
}

static void
who_does_not_take_2_gets_1_until_asked_again(void **state)
{
        static const int marks[] = {200, 204, 415, 400};

        (void)state;
        for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
                struct world w;
                struct sender_stats s;

                begin(&w, answer_2_as_marked);
                w.mark = marks[i];
                w.only_1 = true;
                world_start(&w);
                expect_all(&w, &s);
                assert_int_equal(s.protocol_version, 1);
                assert_int_equal(s.fallbacks, 1);
                assert_int_equal(w.requests_2, 1);
                world_scrape(&w, SERIES);
                expect_all(&w, &s);
                assert_int_equal(w.requests_2, 1);
                /* a day later it is another receiver */
                w.time.mono_by += DAY;
                world_set_script(&w, NULL);
                w.only_1 = false;
                world_scrape(&w, SERIES);
                world_wait(&w, "2.0", is_by_2);
                expect_all(&w, &s);
                assert_int_equal(s.fallbacks, 1);
                world_release(&w);
        }
}

static void
a_reload_asks_again_and_changes_the_message(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        begin(&w, answer_2_as_marked);
        w.mark = 415;
        world_start(&w);
        expect_all(&w, &s);
        assert_int_equal(s.protocol_version, 1);
        world_set_script(&w, NULL);
        testing_ok(senders_reload(w.senders, w.config, NULL), NULL);
        world_scrape(&w, SERIES);
        world_wait(&w, "2.0", is_by_2);
        expect_all(&w, &s);
        assert_int_equal(s.fallbacks, 1);
        world_release(&w);
}

static int
take_only_2(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        (void)raw;
        (void)reply;
        w->mark += world_message(r) == WRITE_1;
        return world_message(r) == WRITE_2 ? 200 : 415;
}

static bool
is_held(struct world *w, const struct sender_stats *s)
{
        (void)w;
        return s->state == SENDER_HELD;
}

/* A request of one message is pending, and the configuration says the other one. */
static void
what_is_pending_becomes_the_message_of_the_reload(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        begin(&w, take_only_2);
        w.config->endpoints[0].message = WRITE_1;
        world_start(&w);
        world_wait(&w, "the hold", is_held);
        world_stats(&w, &s);
        assert_non_null(strstr(s.last_error, "protobuf_message"));
        w.config->endpoints[0].message = WRITE_2;
        testing_ok(senders_reload(w.senders, w.config, NULL), NULL);
        expect_all(&w, &s);
        assert_int_equal(s.protocol_version, 2);
        assert_int_equal(w.mark, 1);
        world_release(&w);
}

/* 2.0 is turned away once: by a proxy that is being changed, say. */
static int
take_2_but_not_at_first(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        (void)raw;
        (void)reply;
        return world_message(r) == WRITE_1 || w->mark++ == 0 ? 415 : 200;
}

static void
who_takes_only_2_is_not_left_with_1(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        begin(&w, take_2_but_not_at_first);
        world_start(&w);
        world_wait(&w, "the hold", is_held);
        w.time.mono_by += 5 * 60 * 1000; /* the longest delay of a probe */
        expect_all(&w, &s);
        assert_int_equal(s.protocol_version, 2);
        world_release(&w);
}

/* As Prometheus 3: the first request is written but for two samples, with a 400. */
static int
write_all_but_two(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        (void)raw;
        if (world_message(r) == WRITE_1)
                return 415;
        reply->headers =
            w->mark++ == 0 ? "X-Prometheus-Remote-Write-Samples-Written: 58\r\n" : NULL;
        reply->body = "out of order sample\n";
        return w->mark == 1 ? 400 : 200;
}

static void
what_was_not_written_is_lost_and_nothing_is_doubled(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        begin(&w, write_all_but_two);
        world_start(&w);
        world_drain(&w, &s);
        assert_int_equal(s.requests, 1);
        assert_int_equal(s.cursor.ledger.acknowledged, 58);
        assert_int_equal(s.cursor.ledger.lost[LOST_REFUSED], 2);
        assert_int_equal(s.requests_refused, 1);
        world_scrape(&w, SERIES);
        world_drain(&w, &s);
        assert_int_equal(s.protocol_version, 2);
        assert_int_equal(s.cursor.ledger.acknowledged, 58 + SERIES);
        world_release(&w);
}

/* As a receiver that takes all of a request or nothing: series 7 is the reason. */
static int
take_no_seven(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        (void)w;
        (void)r;
        if (memmem(raw.p, raw.n, "\x22\x01\x37", 3) == NULL) /* the symbol "7" */
                return 200;
        reply->headers = "X-Prometheus-Remote-Write-Samples-Written: 0\r\n";
        reply->body = "invalid label";
        return 400;
}

static void
a_refused_series_is_searched(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        begin(&w, take_no_seven);
        world_start(&w);
        world_drain(&w, &s);
        assert_int_equal(s.cursor.ledger.lost[LOST_REFUSED], 2);
        assert_int_equal(s.cursor.ledger.acknowledged, w.written - 2);
        assert_int_equal(w.samples, w.written - 2);
        assert_int_equal(s.fallbacks, 0);
        world_release(&w);
}

static int
answer_503(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        (void)w;
        (void)r;
        (void)raw;
        (void)reply;
        return 503;
}

static bool
has_failed(struct world *w, const struct sender_stats *s)
{
        (void)w;
        return s->cursor.window_end != 0 && s->requests_failed > 1;
}

static void
a_restart_with_the_other_message_sends_the_rest(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        for (int from = WRITE_1; from <= WRITE_2; from++) {
                begin(&w, answer_503);
                w.config->endpoints[0].message = (enum write_message)from;
                world_start(&w);
                world_wait(&w, "a window under way", has_failed);
                /* the log has no message: it is the configuration's when the agent starts */
                w.config->endpoints[0].message = from == WRITE_1 ? WRITE_2 : WRITE_1;
                world_restart(&w);
                world_set_script(&w, NULL);
                world_drain(&w, &s);
                world_expect_all(&w, SERIES);
                assert_int_equal(w.samples, w.written);
                assert_int_equal(s.cursor.ledger.acknowledged, w.written);
                assert_int_equal(s.protocol_version, from == WRITE_1 ? 2 : 1);
                world_release(&w);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(samples_go_by_2),
            cmocka_unit_test(who_does_not_take_2_gets_1_until_asked_again),
            cmocka_unit_test(a_reload_asks_again_and_changes_the_message),
            cmocka_unit_test(what_is_pending_becomes_the_message_of_the_reload),
            cmocka_unit_test(who_takes_only_2_is_not_left_with_1),
            cmocka_unit_test(what_was_not_written_is_lost_and_nothing_is_doubled),
            cmocka_unit_test(a_refused_series_is_searched),
            cmocka_unit_test(a_restart_with_the_other_message_sends_the_rest),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
