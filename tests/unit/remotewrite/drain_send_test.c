/* What the sender does with each kind of answer, over a real connection and a real log. */
#include "remotewrite/drain_parts.h"

#include "tests/unit/remotewrite/sender_world.h"

static const char page[] = "<html><body>Please log in</body></html>";

/* Starts with so many scrapes of so many series in the log. */
static void
begin(struct world *w, world_script script, unsigned scrapes, unsigned series)
{
        world_init(w);
        world_set_script(w, script);
        for (unsigned i = 0; i < scrapes; i++)
                world_scrape(w, series);
}

static int
answer_marked(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        (void)r;
        (void)raw;
        if (w->mark == -400) {
                reply->body = page;
                return 400;
        }
        return w->mark;
}

static bool
is_held(struct world *w, const struct sender_stats *s)
{
        (void)w;
        return s->state == SENDER_HELD;
}

static void
operators_mistakes_hold_until_a_reload(void **state)
{
        static const int marks[] = {401, 403, 404, 405, 301, -400};

        (void)state;
        for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
                struct world w;
                struct sender_stats s;

                begin(&w, answer_marked, 2, 30);
                w.mark = marks[i];
                world_start(&w);
                world_wait(&w, "the hold", is_held);
                world_stats(&w, &s);
                assert_int_equal(world_ledger_sum(&s.cursor.ledger), 0);
                assert_int_equal(s.cursor.pending, w.written);
                assert_true(s.last_error[0] != '\0');
                assert_int_equal(world_requests(&w), 1);
                world_set_script(&w, NULL);
                testing_ok(senders_reload(w.senders, w.config, NULL), NULL);
                world_drain(&w, &s);
                assert_int_equal(s.cursor.ledger.acknowledged, w.written);
                world_expect_all(&w, 30);
                world_release(&w);
        }
}

/* Does what w->mark counts: one failure after the other, then yes. */
static int
fail_in_turn(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        static const int statuses[] = {503, 500, 429, 408, 502, 504};
        char attempt[16];
        int n = w->mark++;

        (void)raw;
        (void)testing_header(r, "Retry-Attempt", attempt, sizeof(attempt));
        /* libcurl itself sends the one again whose connection was closed */
        if (atoi(attempt) != (n < 7 ? n : 6)) // NOLINT(cert-err34-c): our own digits
                w->faults++;
        if (n == 6) {
                reply->how = BREAK_BEFORE;
                return 500;
        }
        return n < 6 ? statuses[n] : 200;
}

static void
server_errors_and_cuts_are_retried_with_the_same_samples(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        begin(&w, fail_in_turn, 2, 30);
        world_start(&w);
        world_drain(&w, &s);
        assert_int_equal(s.cursor.ledger.acknowledged, w.written);
        assert_int_equal(w.samples, w.written);
        assert_int_equal(s.requests_failed, 6);
        assert_int_equal(s.retries, 6);
        assert_int_equal(s.requests, 7);
        assert_int_equal(s.state, SENDER_IDLE);
        assert_string_equal(s.last_error, "");
        world_release(&w);
}

static int
take_without_an_answer(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        (void)r;
        (void)raw;
        switch (w->mark++) {
        case 0:
                reply->how = BREAK_BEFORE;
                return 200;
        case 1:
                reply->body = "out of order sample\n";
                return 409;
        default:
                return 200;
        }
}

static void
refused_repeat_is_unconfirmed_not_lost(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        begin(&w, take_without_an_answer, 2, 30);
        world_start(&w);
        world_drain(&w, &s);
        assert_int_equal(s.cursor.ledger.unconfirmed, w.written);
        world_scrape(&w, 30);
        world_drain(&w, &s);
        assert_int_equal(s.cursor.ledger.acknowledged, 30);
        world_expect_all(&w, 30);
        world_release(&w);
}

enum { SMALL = 2000 };

static int
only_small_ones(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        (void)raw;
        if (r->body.n <= SMALL)
                return 200;
        w->mark++;
        reply->body = page;
        reply->headers = "Content-Type: text/html\r\n";
        return 413;
}

static void
too_large_is_split_and_remembered(void **state)
{
        struct world w;
        struct sender_stats s;
        int refused;

        (void)state;
        begin(&w, only_small_ones, 2, 1000);
        world_start(&w);
        world_drain(&w, &s);
        assert_int_equal(s.cursor.ledger.acknowledged, w.written);
        assert_true(s.requests_split > 0);
        assert_true(s.request_bound <= SMALL);
        refused = w.mark;
        for (int i = 0; i < 3; i++) {
                world_scrape(&w, 1000);
                world_drain(&w, &s);
        }
        assert_int_equal(w.mark, refused); /* not once more */
        assert_int_equal(w.samples, w.written);
        world_release(&w);
}

static int
refuse_poison(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        static const char poison[] = "\x01i\x12\x02"
                                     "77";

        (void)r;
        if (memmem(raw.p, raw.n, poison, sizeof(poison) - 1) == NULL)
                return 200;
        reply->body = "invalid sample\n";
        return w->mark;
}

static void
refused_series_is_found_and_the_rest_arrives(void **state)
{
        static const int statuses[] = {400, 409, 422};

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                struct world w;
                struct sender_stats s;
                enum wal_lost reason = statuses[i] == 409 ? LOST_CONFLICT : LOST_REFUSED;

                begin(&w, refuse_poison, 2, 100);
                w.mark = statuses[i];
                world_start(&w);
                world_drain(&w, &s);
                assert_int_equal(s.cursor.ledger.lost[reason], 2);
                assert_int_equal(s.cursor.ledger.acknowledged, w.written - 2);
                assert_int_equal(w.samples, w.written - 2);
                assert_int_equal(w.got[77][0], 0);
                assert_int_equal(w.got[76][1], 1);
                assert_true(s.requests_refused > 0);
                world_release(&w);
        }
}

static int
refuse_poison_after_an_outage(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        return r->number <= 2 ? 503 : refuse_poison(w, r, raw, reply);
}

static void
outage_does_not_make_all_of_a_refused_request_unconfirmed(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        begin(&w, refuse_poison_after_an_outage, 2, 100);
        w.mark = 400;
        world_start(&w);
        world_drain(&w, &s);
        assert_int_equal(s.cursor.ledger.unconfirmed, 2);
        assert_int_equal(s.cursor.ledger.acknowledged, w.written - 2);
        assert_int_equal(w.samples, w.written - 2);
        world_release(&w);
}

static int
count_as_thanos(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        (void)r;
        (void)raw;
        reply->body = "store locally for endpoint a: add 7 samples: out of order sample: conflict";
        return w->mark++ == 0 ? 409 : 200;
}

static void
counts_of_thanos_settle_the_request(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        begin(&w, count_as_thanos, 2, 30);
        world_start(&w);
        world_drain(&w, &s);
        assert_int_equal(s.cursor.ledger.lost[LOST_CONFLICT], 7);
        assert_int_equal(s.cursor.ledger.acknowledged, w.written - 7);
        assert_int_equal(s.requests, 1);
        world_release(&w);
}

static int
throttle_for_ever(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        (void)w;
        (void)r;
        (void)raw;
        (void)reply;
        return 429;
}

static void
throttled_is_dropped_only_when_the_file_says_so(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        begin(&w, throttle_for_ever, 2, 30);
        w.config->endpoints[0].drop_on_429 = true;
        world_start(&w);
        world_drain(&w, &s);
        assert_int_equal(s.cursor.ledger.lost[LOST_REFUSED], w.written);
        world_release(&w);
}

static void
thin_link_meets_no_request_that_it_cannot_finish(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        world_init(&w);
        testing_server_stop(w.server);
        w.server = testing_server_start(&(struct testing_server_options){
            .handler = world_handle, .arg = &w, .bytes_per_second = 200000});
        remote_config_unref(w.config);
        w.config = world_config(&w, (const char *const[]){"central", NULL});
        w.config->endpoints[0].remote_timeout_ms = 500;
        for (int i = 0; i < 40; i++)
                world_scrape(&w, 1000);
        world_start(&w);
        world_drain(&w, &s);
        assert_int_equal(s.cursor.ledger.acknowledged + s.cursor.ledger.unconfirmed, w.written);
        world_expect_all(&w, 1000);
        world_release(&w);
}

enum { LAST_TOO_LARGE = 3 };

/* Takes a request once it was halved so often, and the rest of it only when it is as small. */
static int
too_large_thrice(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        (void)raw;
        (void)reply;
        if (r->number > LAST_TOO_LARGE && (int)r->body.n > w->mark)
                w->faults++;
        if (r->number == LAST_TOO_LARGE)
                w->mark = (int)r->body.n / 4 * 3 + 100;
        return r->number <= LAST_TOO_LARGE ? 413 : 200;
}

static void
parts_made_before_are_cut_to_the_new_bound(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        begin(&w, too_large_thrice, 40, 1000);
        w.config->endpoints[0].max_shards = 1;
        world_start(&w);
        world_drain(&w, &s);
        assert_int_equal(s.cursor.ledger.acknowledged, w.written);
        assert_int_equal(w.samples, w.written);
        world_release(&w);
}

static bool
has_failed(struct world *w, const struct sender_stats *s)
{
        (void)w;
        return s->state == SENDER_BACKOFF;
}

static void
missing_token_is_told_and_waited_for(void **state)
{
        struct world w;
        struct sender_stats s;
        char path[600];

        (void)state;
        begin(&w, NULL, 2, 30);
        (void)snprintf(path, sizeof(path), "%s/token", w.dir);
        w.config->endpoints[0].http.credentials_file = path;
        world_start(&w);
        world_wait(&w, "the failure", has_failed);
        world_stats(&w, &s);
        assert_non_null(strstr(s.last_error, path));
        assert_int_equal(world_requests(&w), 0);
        testing_write(path, "secret", 6);
        world_drain(&w, &s);
        assert_int_equal(s.cursor.ledger.acknowledged, w.written);
        world_release(&w);
}

static int
dawdle(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        (void)raw;
        if ((int)r->connection > w->mark)
                w->mark = (int)r->connection;
        reply->delay_ms = 20;
        return 200;
}

static void
backlog_is_sent_by_more_than_one_request_at_a_time(void **state)
{
        static const struct {
                uint64_t max_shards;
                int want; /* connections */
        } cases[] = {{1, 1}, {3, 3}, {50, 4}};

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct world w;
                struct sender_stats s;

                begin(&w, dawdle, 4, 1000);
                w.config->endpoints[0].max_shards = cases[i].max_shards;
                w.config->endpoints[0].max_samples_per_send = 100;
                world_start(&w);
                world_drain(&w, &s);
                assert_int_equal(s.cursor.ledger.acknowledged, w.written);
                assert_int_equal(w.samples, w.written);
                assert_int_equal(w.mark, cases[i].want);
                assert_true(s.requests >= 40);
                world_release(&w);
        }
}

static void
catching_up_keeps_to_its_rate(void **state)
{
        struct world w;
        struct sender_stats s;
        int64_t before;

        (void)state;
        begin(&w, NULL, 4, 500);
        w.config->catchup_samples_per_second = 4000;
        w.config->endpoints[0].max_samples_per_send = 100;
        before = clock_mono(w.clock);
        world_start(&w);
        world_drain(&w, &s);
        assert_int_equal(s.cursor.ledger.acknowledged, 2000);
        assert_true(clock_mono(w.clock) - before > 200); /* it can only be slower than that */
        world_release(&w);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(operators_mistakes_hold_until_a_reload),
            cmocka_unit_test(server_errors_and_cuts_are_retried_with_the_same_samples),
            cmocka_unit_test(refused_repeat_is_unconfirmed_not_lost),
            cmocka_unit_test(too_large_is_split_and_remembered),
            cmocka_unit_test(refused_series_is_found_and_the_rest_arrives),
            cmocka_unit_test(outage_does_not_make_all_of_a_refused_request_unconfirmed),
            cmocka_unit_test(counts_of_thanos_settle_the_request),
            cmocka_unit_test(throttled_is_dropped_only_when_the_file_says_so),
            cmocka_unit_test(thin_link_meets_no_request_that_it_cannot_finish),
            cmocka_unit_test(parts_made_before_are_cut_to_the_new_bound),
            cmocka_unit_test(missing_token_is_told_and_waited_for),
            cmocka_unit_test(backlog_is_sent_by_more_than_one_request_at_a_time),
            cmocka_unit_test(catching_up_keeps_to_its_rate),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
