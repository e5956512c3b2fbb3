/* Windows over a real log: restarts in the middle of one, relabeling, age, samples ahead of their
 * time. */
#include "remotewrite/drain_parts.h"

#include "base/relabel.h"
#include "tests/testing/certs.h"
#include "tests/unit/remotewrite/sender_world.h"

/* w->mark requests are taken, the answers to the others never come. */
static int
take_some_then_hang(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        (void)raw;
        if ((int)r->number <= w->mark)
                return 200;
        reply->how = BREAK_HANG;
        return 200; /* taken all the same */
}

static int refuse_what_is_known(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply);

static bool
more_than_marked(struct world *w, const struct sender_stats *s)
{
        (void)s;
        return (int)world_requests(w) > w->mark;
}

static int
find_known(void *arg, const struct decode_series *s, struct err *e)
{
        struct world *w = arg;

        (void)e;
        for (size_t i = 0; i < s->n_samples; i++) {
                double value;

                memcpy(&value, &s->samples[i].bits, sizeof(value));
                if (w->got[(unsigned)value / 1000][(unsigned)value % 1000] > 0)
                        return 1;
        }
        return 0;
}

/* Refuses a request as a whole that has a sample it knows: as Prometheus does with repeats of more
 * than one sample a series. */
static int
refuse_what_is_known(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        (void)raw;
        reply->body = "out of order sample\n";
        return decode_request(r->body, world_message(r), find_known, w, NULL) != 0 ? 400 : 200;
}

static void
window_under_way_is_rebuilt_and_its_refusals_are_unconfirmed(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        world_init(&w);
        w.config->endpoints[0].max_samples_per_send = 200;
        w.config->endpoints[0].max_shards = 1;
        for (int i = 0; i < 2; i++)
                world_scrape(&w, 1000);
        w.mark = 4;
        world_set_script(&w, take_some_then_hang);
        world_start(&w);
        world_wait(&w, "the request that is not answered", more_than_marked);
        world_scrape(&w, 1000); /* newer than the window: not mixed into it */
        world_set_script(&w, refuse_what_is_known);
        world_restart(&w);
        world_drain(&w, &s);
        world_expect_all(&w, 1000);
        assert_int_equal(world_ledger_sum(&s.cursor.ledger), 3000);
        /* five requests of 200 were taken by then: a group settles as a whole */
        assert_int_equal(s.cursor.ledger.unconfirmed, 1000);
        assert_int_equal(s.cursor.ledger.acknowledged, 2000);
        assert_int_equal(s.cursor.ledger.lost[LOST_REFUSED], 0);
        assert_int_equal(w.samples, w.written);
        world_release(&w);
}

/* The requests before the crash ended in the middle of chunks, and so must those after it. */
static void
requests_of_a_rebuilt_window_are_the_same(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        for (int taken = 1; taken < 12; taken++) {
                world_init(&w);
                w.config->endpoints[0].max_samples_per_send = 200;
                w.config->endpoints[0].max_shards = 1;
                for (int chunk = 0; chunk < 8; chunk++) {
                        w.series = 0;
                        world_scrape(&w, 150);
                        world_scrape(&w, 150);
                }
                w.mark = taken;
                world_set_script(&w, take_some_then_hang);
                world_start(&w);
                world_wait(&w, "the request that is not answered", more_than_marked);
                world_set_script(&w, refuse_what_is_known);
                world_restart(&w);
                world_drain(&w, &s);
                assert_int_equal(w.samples, w.written); /* each once */
                assert_int_equal(s.cursor.ledger.lost[LOST_REFUSED], 0);
                world_release(&w);
        }
}

enum { CEILING = 7, PIECE_MS = 10 };

/* What is known of each series: a piece must not come before the one before is answered. */
struct pieces {
        int64_t answered_ms[WORLD_SERIES];
        int64_t newest_ms[WORLD_SERIES];
        unsigned faults;
        bool takes;
        int64_t now_ms;
};

static int
check_piece(void *arg, const struct decode_series *s, struct err *e)
{
        struct pieces *p = arg;
        double value;
        unsigned i;

        (void)e;
        memcpy(&value, &s->samples[0].bits, sizeof(value));
        i = (unsigned)value / 1000;
        p->faults += p->now_ms < p->answered_ms[i] || s->n_samples > CEILING;
        p->answered_ms[i] = p->now_ms + PIECE_MS;
        if (!p->takes)
                return 0;
        p->faults += s->samples[0].time_ms <= p->newest_ms[i];
        p->newest_ms[i] = s->samples[s->n_samples - 1].time_ms;
        return 0;
}

static int
take_pieces(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        static struct pieces p;

        (void)raw;
        if (r->number == 1)
                p = (struct pieces){0};
        p.now_ms = clock_mono(clock_system());
        p.takes = r->number % 3 != 0;
        (void)decode_request(r->body, world_message(r), check_piece, &p, NULL);
        w->faults += p.faults;
        p.faults = 0;
        reply->delay_ms = PIECE_MS;
        return p.takes ? 200 : 503;
}

static void
series_over_the_ceiling_goes_piece_by_piece(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        world_init(&w);
        w.config->endpoints[0].max_samples_per_send = CEILING;
        for (int i = 0; i < 40; i++)
                world_scrape(&w, 3);
        world_set_script(&w, take_pieces);
        world_start(&w);
        world_drain(&w, &s);
        assert_int_equal(s.cursor.ledger.acknowledged, 120);
        assert_int_equal(w.samples, 120);
        assert_true(w.taken >= (120 + CEILING - 1) / CEILING);
        world_release(&w);
}

static void
pieces_are_the_same_after_a_crash(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        for (int taken = 1; taken < 16; taken += 2) {
                world_init(&w);
                w.config->endpoints[0].max_samples_per_send = CEILING;
                for (int i = 0; i < 40; i++)
                        world_scrape(&w, 3);
                w.mark = taken;
                world_set_script(&w, take_some_then_hang);
                world_start(&w);
                world_wait(&w, "the request that is not answered", more_than_marked);
                world_set_script(&w, refuse_what_is_known);
                world_restart(&w);
                world_drain(&w, &s);
                assert_int_equal(w.samples, 120);
                world_release(&w);
        }
}

static void
restart_after_the_window_repeats_nothing(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        world_init(&w);
        for (int i = 0; i < 2; i++)
                world_scrape(&w, 100);
        world_start(&w);
        world_drain(&w, &s);
        world_restart(&w);
        world_scrape(&w, 100);
        world_drain(&w, &s);
        assert_int_equal(s.cursor.ledger.acknowledged, 300);
        assert_int_equal(w.samples, 300);
        world_release(&w);
}

static void
write_relabeling_is_counted_as_filtered(void **state)
{
        struct world w;
        struct sender_stats s;
        struct relabel_options o;
        struct relabel_rule *r = NULL;
        const struct view source = VIEW_LIT("i");

        (void)state;
        world_init(&w);
        relabel_options_init(&o);
        o.action = RELABEL_DROP;
        o.source_labels = &source;
        o.n_source_labels = 1;
        o.regex = VIEW_LIT("1.*");
        testing_ok(relabel_compile(&o, &r, NULL), NULL);
        testing_ok(relabel_rules_take(&w.config->endpoints[0].write_relabel, &r, NULL), NULL);
        for (int i = 0; i < 3; i++)
                world_scrape(&w, 100);
        world_start(&w);
        world_drain(&w, &s);
        assert_int_equal(s.cursor.ledger.filtered, 11 * 3); /* 1, 10 to 19 */
        assert_int_equal(s.cursor.ledger.acknowledged, 89 * 3);
        assert_int_equal(w.got[1][0], 0);
        assert_int_equal(w.got[2][2], 1);
        world_release(&w);
}

static void
samples_over_the_age_limit_are_lost_by_age(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        world_init(&w);
        w.config->endpoints[0].sample_age_limit_ms = (int64_t)10 * 3600 * 1000;
        w.start_ms = clock_wall(w.clock) - (int64_t)20 * 3600 * 1000;
        for (int i = 0; i < 3; i++)
                world_scrape(&w, 50);
        world_start(&w);
        world_drain(&w, &s);
        assert_int_equal(s.cursor.ledger.lost[LOST_AGE], 150);
        assert_int_equal(world_requests(&w), 0);
        world_release(&w);
}

static int
check_cluster(void *arg, const struct decode_series *s, struct err *e)
{
        struct world *w = arg;

        (void)e;
        for (size_t i = 0; i < s->n_labels; i++) {
                if (view_is(s->labels[i].name, "cluster"))
                        w->mark = s->labels[i].value.p[0];
        }
        return 0;
}

static int
look_at_cluster(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        (void)raw;
        (void)reply;
        (void)decode_request(r->body, world_message(r), check_cluster, w, NULL);
        return 200;
}

static void
labels_of_a_reload_count_from_the_next_window(void **state)
{
        struct world w;
        struct sender_stats s;
        struct remote_config *c;

        (void)state;
        world_init(&w);
        world_set_script(&w, look_at_cluster);
        world_start(&w);
        world_scrape(&w, 10);
        world_drain(&w, &s);
        assert_int_equal(w.mark, 'c');
        c = world_config(&w, (const char *const[]){"central", NULL});
        c->external_labels[0].value = VIEW_LIT("d");
        testing_ok(senders_reload(w.senders, c, NULL), NULL);
        remote_config_unref(c);
        world_scrape(&w, 10);
        world_drain(&w, &s);
        assert_int_equal(w.mark, 'd');
        world_release(&w);
}

/* ---- clocks ---- */

static const int64_t hour_ms = 3600 * 1000;

static int
refuse_all(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        (void)w;
        (void)r;
        (void)raw;
        (void)reply;
        return 503;
}

static bool
is_failing(struct world *w, const struct sender_stats *s)
{
        (void)w;
        return s->state == SENDER_BACKOFF;
}

/* The thread has looked at the clock since that was moved. */
static bool
has_seen_the_time(struct world *w, const struct sender_stats *s)
{
        (void)w;
        return s->loop_beat_ms > clock_mono(clock_system()) + hour_ms / 2;
}

/* An outage of five minutes: the window that failed ended where the log did then. What came since
 * waited for the next tick, up to batch_send_deadline, before it was sent. */
static void
backlog_of_an_outage_goes_on_at_once(void **state)
{
        struct world w;
        struct sender_stats s;

        (void)state;
        world_init(&w);
        w.config->endpoints[0].batch_send_deadline_ms = hour_ms;
        world_set_script(&w, refuse_all);
        world_scrape(&w, 10);
        world_start(&w);
        world_wait(&w, "an outage", is_failing);
        world_scrape(&w, 10);
        w.time.mono_by = hour_ms + 1000; /* a tick passes */
        world_wait(&w, "the tick", has_seen_the_time);
        world_set_script(&w, NULL);
        world_drain(&w, &s);
        assert_int_equal(s.cursor.ledger.acknowledged, 20);
        assert_int_equal(s.windows, 2);
        world_release(&w);
}

/* Answers with the machine's true time. */
static int
tell_the_time(
    struct world *w, const struct testing_request *r, struct view raw, struct testing_reply *reply)
{
        static char line[64];
        time_t now = time(NULL);
        struct tm tm;

        (void)w;
        (void)r;
        (void)raw;
        (void)gmtime_r(&now, &tm);
        (void)strftime(line, sizeof(line), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
        reply->headers = line;
        return 200;
}

static bool
is_clock_held(struct world *w, const struct sender_stats *s)
{
        (void)w;
        return s->held_clock > 0;
}

static void
samples_ahead_of_the_receiver_wait(void **state)
{
        struct testing_ca *ca = testing_ca_new("authority");
        struct world w;
        struct sender_stats s;
        char paths[3][600];

        (void)state;
        world_init(&w);
        w.time.synchronised = false;
        for (int i = 0; i < 3; i++)
                (void)snprintf(paths[i], sizeof(paths[i]), "%s/%d.pem", w.dir, i);
        testing_ca_write(ca, paths[0]);
        testing_ca_issue(ca, "IP:127.0.0.1", 600, paths[1], paths[2]);
        testing_server_stop(w.server);
        w.server = testing_server_start(&(struct testing_server_options){
            .handler = world_handle, .arg = &w, .cert = paths[1], .key = paths[2]});
        world_set_script(&w, tell_the_time);
        remote_config_unref(w.config);
        w.config = world_config(&w, (const char *const[]){"central", NULL});
        w.config->endpoints[0].http.ca_file = paths[0];
        w.time.wall_by = (int64_t)3600 * 1000; /* our clock is an hour ahead */
        w.start_ms = clock_wall(clock_system()) - 10000;
        world_start(&w);
        world_scrape(&w, 10);
        world_drain(&w, &s);
        assert_true(s.receiver_skew_ms < -3500 * 1000 && s.receiver_skew_ms > -3700 * 1000);
        w.time.mono_by = 61000; /* a minute later the receiver says the same */
        world_scrape(&w, 10);
        world_drain(&w, &s);
        w.step_ms = 100000; /* now two scrapes ahead of the receiver's time */
        world_scrape(&w, 10);
        world_scrape(&w, 10);
        world_wait(&w, "the samples to be held", is_clock_held);
        world_stats(&w, &s);
        assert_int_equal(s.cursor.pending, 20);
        assert_int_equal(s.state, SENDER_HELD);
        assert_non_null(strstr(s.last_error, "clocks"));
        assert_int_equal(s.cursor.ledger.lost[LOST_CLOCK], 0);
        world_stop(&w, 3600 * 1000); /* does not wait for them */
        world_release(&w);
        testing_ca_free(ca);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(window_under_way_is_rebuilt_and_its_refusals_are_unconfirmed),
            cmocka_unit_test(requests_of_a_rebuilt_window_are_the_same),
            cmocka_unit_test(series_over_the_ceiling_goes_piece_by_piece),
            cmocka_unit_test(pieces_are_the_same_after_a_crash),
            cmocka_unit_test(restart_after_the_window_repeats_nothing),
            cmocka_unit_test(write_relabeling_is_counted_as_filtered),
            cmocka_unit_test(samples_over_the_age_limit_are_lost_by_age),
            cmocka_unit_test(labels_of_a_reload_count_from_the_next_window),
            cmocka_unit_test(backlog_of_an_outage_goes_on_at_once),
            cmocka_unit_test(samples_ahead_of_the_receiver_wait),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
