/* Starting, reloading and stopping endpoints; what they tell of themselves. */
#include "remotewrite/sender.h"

#include "base/memory.h"
#include "tests/unit/remotewrite/sender_world.h"

static void
samples_arrive_and_the_ledger_adds_up(void **state)
{
        struct world w;
        struct sender_stats s;
        int64_t before = memory_of(MEMORY_SEND);

        (void)state;
        world_init(&w);
        for (int i = 0; i < 10; i++)
                world_scrape(&w, 500);
        world_start(&w);
        world_drain(&w, &s);
        world_expect_all(&w, 500);
        assert_int_equal(w.samples, w.written); /* each once */
        assert_int_equal(s.cursor.ledger.acknowledged, w.written);
        assert_string_equal(s.name, "central");
        assert_string_equal(s.url, testing_server_url(w.server));
        assert_int_equal(s.samples_sent, w.written);
        assert_int_equal(s.requests, w.requests);
        assert_int_equal(s.requests_failed, 0);
        assert_int_equal(s.bytes_sent, s.bytes_acknowledged);
        assert_int_equal(s.highest_sent_ms, world_time(&w, 9));
        assert_string_equal(s.last_error, "");
        assert_int_equal(s.failing_since_ms, 0);
        assert_int_equal(s.drained_in_ms, 0);
        assert_true(s.windows >= 1);
        assert_true(s.loop_beat_ms > 0);
        world_release(&w);
        assert_int_equal(memory_of(MEMORY_SEND), before);
}

static bool
both_are_drained(struct world *w, const struct sender_stats *s)
{
        struct sender_stats v[3];

        (void)s;
        assert_int_equal(senders_stats(w->senders, v, 3), 2);
        return v[0].cursor.pending == 0 && v[1].cursor.pending == 0;
}

static int
refuse_marked_tenant(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        char tenant[32];

        (void)w;
        (void)raw;
        (void)reply;
        return strcmp(testing_header(r, "X-Tenant", tenant, sizeof(tenant)), "down") == 0 ? 503
                                                                                          : 200;
}

static bool
second_has_failed(struct world *w, const struct sender_stats *s)
{
        struct sender_stats v[2];

        assert_int_equal(senders_stats(w->senders, v, 2), 2);
        return v[1].requests_failed > 2 && s->cursor.pending == 0;
}

static void
endpoint_that_is_down_holds_no_other_back(void **state)
{
        static const char *const two[] = {"central", "second", NULL};
        struct world w;
        struct sender_stats v[2];

        (void)state;
        world_init(&w);
        world_set_script(&w, refuse_marked_tenant);
        remote_config_unref(w.config);
        w.config = world_config(&w, two);
        w.config->endpoints[1].tenant_header = "X-Tenant";
        w.config->endpoints[1].tenant = "down";
        world_start(&w); /* both are there from the first sample on */
        for (int i = 0; i < 5; i++)
                world_scrape(&w, 50);
        world_wait(&w, "the first to finish and the second to fail", second_has_failed);
        assert_int_equal(senders_stats(w.senders, v, 2), 2);
        assert_int_equal(v[0].cursor.ledger.acknowledged, w.written);
        assert_int_equal(v[1].cursor.ledger.acknowledged, 0);
        assert_int_equal(v[1].cursor.pending, w.written);
        assert_int_equal(v[1].state, SENDER_BACKOFF);
        assert_non_null(strstr(v[1].last_error, "503"));
        assert_true(v[1].failing_since_ms > 0);
        world_set_script(&w, NULL);
        world_wait(&w, "both to finish", both_are_drained);
        world_release(&w);
}

static void
reload_adds_keeps_and_removes_endpoints(void **state)
{
        static const char *const two[] = {"second", "central", NULL};
        static const char *const other[] = {"third", NULL};
        struct world w;
        struct sender_stats v[3];
        struct remote_config *c;

        (void)state;
        world_init(&w);
        world_start(&w);
        world_scrape(&w, 20);
        world_drain(&w, &v[0]);

        c = world_config(&w, two);
        testing_ok(senders_reload(w.senders, c, NULL), NULL);
        remote_config_unref(c);
        assert_int_equal(senders_stats(w.senders, v, 3), 2);
        world_scrape(&w, 20);
        world_wait(&w, "both to finish", both_are_drained);
        assert_int_equal(senders_stats(w.senders, v, 3), 2);
        for (int i = 0; i < 2; i++) {
                /* the one that stayed has all, the new one began with the new */
                uint64_t want = strcmp(v[i].name, "central") == 0 ? 40 : 20;

                assert_int_equal(v[i].cursor.ledger.acknowledged, want);
        }

        c = world_config(&w, other);
        testing_ok(senders_reload(w.senders, c, NULL), NULL);
        remote_config_unref(c);
        assert_int_equal(senders_stats(w.senders, v, 3), 1);
        assert_string_equal(v[0].name, "third");
        world_release(&w);
}

static void
endpoint_that_cannot_start_changes_nothing(void **state)
{
        static const char *const two[] = {"central", "second", NULL};
        struct world w;
        struct sender_stats v[2];
        struct remote_config *c;
        struct err e = ERR_INIT;

        (void)state;
        world_init(&w);
        world_start(&w);
        c = world_config(&w, two);
        c->endpoints[1].http.min_version = TLS_1_3;
        c->endpoints[1].http.max_version = TLS_1_2;
        assert_int_equal(senders_reload(w.senders, c, &e), ERR_CONFIG);
        assert_non_null(strstr(e.msg, "second"));
        remote_config_unref(c);
        assert_int_equal(senders_stats(w.senders, v, 2), 1);
        world_scrape(&w, 20);
        world_drain(&w, &v[0]);
        world_release(&w);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(samples_arrive_and_the_ledger_adds_up),
            cmocka_unit_test(endpoint_that_is_down_holds_no_other_back),
            cmocka_unit_test(reload_adds_keeps_and_removes_endpoints),
            cmocka_unit_test(endpoint_that_cannot_start_changes_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
