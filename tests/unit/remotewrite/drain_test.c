/* The thread's clockwork: draining at ticks, stopping in every state. */
#include "remotewrite/drain.h"

#include "tests/unit/remotewrite/sender_world.h"

static bool
second_has_arrived(struct world *w, const struct sender_stats *s)
{
        return s->cursor.ledger.acknowledged == w->written;
}

static void
log_is_drained_tick_after_tick(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        world_init(&w);
        world_start(&w);
        for (int i = 0; i < 4; i++) {
                world_scrape(&w, 20);
                world_wait(&w, "the scrape to arrive", second_has_arrived);
        }
        world_stats(&w, &s);
        assert_int_equal(s.windows, 4);
        assert_int_equal(s.requests, 4);
        assert_int_equal(s.connections_opened, 1);
        world_release(&w);
}

static void
series_travel_once_per_window(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        world_init(&w);
        w.config->endpoints[0].batch_send_deadline_ms = 3600 * 1000;
        for (int i = 0; i < 20; i++)
                world_scrape(&w, 20);
        world_start(&w); /* what is there goes at once */
        world_drain(&w, &s);
        assert_int_equal(s.requests, 1);
        assert_int_equal(s.windows, 1);
        world_scrape(&w, 20);
        world_stop(&w, 20000); /* and the rest at the end, without waiting for the tick */
        assert_int_equal(w.samples, w.written);
        assert_int_equal(w.requests, 2);
        world_release(&w);
}

static int
hang(struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        (void)r;
        (void)raw;
        reply->how = w->mark == 0 ? BREAK_HANG : BREAK_NOT;
        return w->mark == 0 ? 500 : w->mark;
}

static bool
has_asked(struct world *w, const struct sender_stats *s)
{
        (void)s;
        return world_requests(w) > 0;
}

static void
stop_gives_up_at_its_deadline(void **state)
{
        struct world w;

        (void)state;
        world_init(&w);
        world_set_script(&w, hang);
        world_scrape(&w, 20);
        world_start(&w);
        world_wait(&w, "the request", has_asked);
        world_stop(&w, 100); /* would hang for 30 s otherwise, and the test with it */
        world_set_script(&w, NULL);
        world_restart(&w);
        world_wait(&w, "the samples after all", second_has_arrived);
        world_release(&w);
}

static int
hang_once(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        (void)r;
        (void)raw;
        reply->how = w->requests == 1 ? BREAK_HANG : BREAK_NOT;
        return w->requests == 1 ? 500 : 200;
}

/* A batch that is committed after the window's end was chosen goes too, without another tick. */
static void
stop_sends_what_came_while_a_window_was_under_way(void **state)
{
        struct world w;

        (void)state;
        world_init(&w);
        world_set_script(&w, hang_once);
        w.config->endpoints[0].batch_send_deadline_ms = 3600 * 1000;
        w.config->endpoints[0].remote_timeout_ms = 500;
        world_scrape(&w, 20);
        world_start(&w);
        world_wait(&w, "the request that hangs", has_asked);
        world_scrape(&w, 20);
        world_stop(&w, 20000);
        assert_int_equal(w.samples, w.written);
        world_release(&w);
}

static bool
is_in_trouble(struct world *w, const struct sender_stats *s)
{
        (void)w;
        return s->state == SENDER_BACKOFF || s->state == SENDER_HELD;
}

static void
stop_tries_a_failing_endpoint_once(void **state)
{
        static const int statuses[] = {503, 404};

        (void)state;
        for (size_t i = 0; i < 2; i++) {
                struct world w;
                unsigned before;

                world_init(&w);
                world_set_script(&w, hang);
                w.mark = statuses[i];
                w.config->endpoints[0].min_backoff_ms = 3600 * 1000;
                w.config->endpoints[0].max_backoff_ms = 3600 * 1000;
                world_scrape(&w, 20);
                world_start(&w);
                world_wait(&w, "the failure", is_in_trouble);
                before = world_requests(&w);
                world_stop(&w, 3600 * 1000);
                assert_int_equal(world_requests(&w), before + 1);
                world_set_script(&w, NULL);
                world_restart(&w);
                world_wait(&w, "the samples after all", second_has_arrived);
                assert_int_equal(w.samples, w.written);
                world_release(&w);
        }
}

static void
reload_while_requests_fly_waits_for_them(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        world_init(&w);
        w.config->endpoints[0].max_samples_per_send = 50;
        for (int i = 0; i < 10; i++)
                world_scrape(&w, 1000);
        world_start(&w);
        for (int i = 0; i < 20; i++)
                testing_ok(senders_reload(w.senders, w.config, NULL), NULL);
        world_drain(&w, &s);
        assert_int_equal(s.cursor.ledger.acknowledged, w.written);
        assert_int_equal(w.samples, w.written);
        world_release(&w);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(log_is_drained_tick_after_tick),
            cmocka_unit_test(series_travel_once_per_window),
            cmocka_unit_test(stop_gives_up_at_its_deadline),
            cmocka_unit_test(stop_sends_what_came_while_a_window_was_under_way),
            cmocka_unit_test(stop_tries_a_failing_endpoint_once),
            cmocka_unit_test(reload_while_requests_fly_waits_for_them),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
