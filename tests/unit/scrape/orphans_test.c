#include "scrape/orphans.h"

#include "scrape/mailbox.h"
#include "scrape/series.h"
#include "tests/unit/scrape/rig.h"

/* Who "runs", as the tests want it. */
struct owner {
        uint64_t number; /* 0: none */
        bool labels;
};

static bool
has_number(void *arg, uint64_t number)
{
        return ((const struct owner *)arg)->number == number;
}

static bool
has_labels(void *arg, const char *identity)
{
        assert_non_null(strstr(identity, "\"job\":\"a\""));
        return ((const struct owner *)arg)->labels;
}

static struct orphans *
make(struct rig *r, struct owner *owner)
{
        const struct orphans_owner o = {has_number, has_labels, owner};
        struct orphans *out = NULL;

        testing_ok(orphans_new(r->wal, &o, &out, NULL), NULL);
        return out;
}

static int
on_sample(void *arg, const struct text_sample *s, struct err *e)
{
        return series_sample(arg, s, e);
}

/* Has the target scraped once with `n` series, and returns its number. */
static uint64_t
scrape_once(struct rig *r, unsigned n)
{
        struct rig_job job = {.name = "a"};
        struct target_set *set = rig_set(r, &job, 1);
        struct series_pool *pool = NULL;
        struct series *s = NULL;
        struct textparse *t = NULL;
        struct series_report report;
        struct err e = ERR_INIT;
        bool done = false;
        uint64_t number;

        testing_ok(series_pool_new(r->wal, &pool, &e), &e);
        testing_ok(series_new(pool, set->active[0], &s, &e), &e);
        testing_ok(
            textparse_new(&(struct textparse_options){.sink = on_sample, .arg = s}, &t, &e), &e);
        testing_ok(series_begin(s, RIG_EPOCH_MS, &e), &e);
        for (unsigned i = 0; i < n; i++) {
                char line[64];
                int len = snprintf(line, sizeof(line), "m{i=\"%u\"} %u\n", i, i);

                testing_ok(textparse_feed(t, line, (size_t)len, &e), &e);
        }
        testing_ok(textparse_finish(t, &e), &e);
        testing_ok(series_end(s, true, 0.1, &report, &e), &e);
        while (!done)
                testing_ok(series_encode(s, 1, &done, &e), &e);
        number = series_target_number(s);
        rig_settle(r);
        textparse_free(t);
        series_free(s);
        series_pool_free(pool);
        target_set_free(set);
        return number;
}

/* Steps until nothing is left, as the log's answers come in. */
static void
finish(struct rig *r, struct orphans *o, int64_t mono_ms)
{
        while (orphans_count(o) > 0) {
                const struct mailbox_answer *v = NULL;
                size_t n;
                struct err e = ERR_INIT;

                testing_ok(orphans_step(o, mono_ms, RIG_EPOCH_MS + 5000, &e), &e);
                rig_settle(r);
                n = mailbox_take(r->mailbox, &v);
                for (size_t i = 0; i < n; i++)
                        orphans_answered(o, v[i].target, v[i].stored, mono_ms);
                mono_ms += 10000;
        }
}

static int
set_up(void **state)
{
        *state = rig_new();
        return 0;
}

static int
tear_down(void **state)
{
        rig_free(*state);
        return 0;
}

static void
ignore_wake(void *arg)
{
        (void)arg;
}

/* 2,500 series in three chunks, and the five of the report. */
static void
ends_what_is_alive(void **state)
{
        struct rig *r = *state;
        struct owner nobody = {0};
        struct orphans *o = make(r, &nobody);
        struct err e = ERR_INIT;

        (void)scrape_once(r, 2500);
        mailbox_attach(r->mailbox, ignore_wake, NULL);
        testing_ok(orphans_collect(o, 1000, &e), &e);
        assert_int_equal(orphans_count(o), 1);
        assert_int_equal(orphans_due(o), 1000 + 2 * RIG_INTERVAL_MS);
        testing_ok(orphans_step(o, 1000, RIG_EPOCH_MS, &e), &e); /* too early */
        assert_int_equal(rig_count(r, "STALE"), 0);
        finish(r, o, 3000);
        assert_int_equal(rig_count(r, "STALE"), 2505);
        assert_int_equal(
            rig_count(r, "m{i=\"2499\",instance=\"i\",job=\"a\"} STALE 1704067205000"), 1);
        assert_int_equal(rig_count(r, "up{instance=\"i\",job=\"a\"} STALE"), 1);
        assert_int_equal(rig_known_targets(r), 0);
        orphans_free(o);
}

static void
leaves_those_that_run(void **state)
{
        struct rig *r = *state;
        struct owner owner = {0};
        struct orphans *o = make(r, &owner);
        uint64_t number = scrape_once(r, 3);
        struct err e = ERR_INIT;

        owner.number = number;
        testing_ok(orphans_collect(o, 1000, &e), &e);
        assert_int_equal(orphans_count(o), 0);
        /* one that comes back before its time */
        owner.number = 0;
        testing_ok(orphans_collect(o, 1000, &e), &e);
        testing_ok(orphans_collect(o, 1000, &e), &e); /* the same one again */
        assert_int_equal(orphans_count(o), 1);
        owner.number = number;
        testing_ok(orphans_step(o, 10000, RIG_EPOCH_MS, &e), &e);
        assert_int_equal(orphans_count(o), 0);
        assert_int_equal(rig_count(r, "STALE"), 0);
        assert_int_equal(rig_known_targets(r), 1);
        orphans_free(o);
}

static void
series_that_go_on_elsewhere_get_no_markers(void **state)
{
        struct rig *r = *state;
        struct owner owner = {.labels = true};
        struct orphans *o = make(r, &owner);
        struct err e = ERR_INIT;

        (void)scrape_once(r, 3);
        mailbox_attach(r->mailbox, ignore_wake, NULL);
        testing_ok(orphans_collect(o, 1000, &e), &e);
        finish(r, o, 3000);
        assert_int_equal(rig_count(r, "STALE"), 0);
        assert_int_equal(rig_known_targets(r), 0);
        orphans_free(o);
}

static void
tries_again_until_it_is_stored(void **state)
{
        struct rig *r = *state;
        struct owner nobody = {0};
        struct orphans *o = make(r, &nobody);
        const struct mailbox_answer *v = NULL;
        uint64_t number = scrape_once(r, 3);
        struct err e = ERR_INIT;

        mailbox_attach(r->mailbox, ignore_wake, NULL);
        testing_ok(orphans_add(o, number, false, 1000, &e), &e);
        atomic_store(&r->fail_commits, true);
        testing_ok(orphans_step(o, 1000, RIG_EPOCH_MS + 5000, &e), &e);
        assert_true(orphans_due(o) == INT64_MAX); /* under way */
        rig_settle(r);
        assert_int_equal(mailbox_take(r->mailbox, &v), 1);
        assert_int_equal(v[0].target, number);
        assert_false(v[0].stored);
        orphans_answered(o, number, false, 2000);
        assert_in_range(orphans_due(o), 2001, 60000);
        atomic_store(&r->fail_commits, false);
        finish(r, o, 60000);
        assert_int_equal(rig_count(r, "STALE"), 8);
        assert_int_equal(rig_known_targets(r), 0);
        orphans_free(o);
}

static void
watches_over_a_last_batch(void **state)
{
        struct rig *r = *state;
        struct owner nobody = {0};
        struct orphans *o = make(r, &nobody);
        uint64_t number = scrape_once(r, 3);
        struct err e = ERR_INIT;

        mailbox_attach(r->mailbox, ignore_wake, NULL);
        testing_ok(orphans_watch(o, number, &e), &e);
        orphans_answered(o, number + 1, true, 1000); /* somebody else */
        assert_int_equal(orphans_count(o), 1);
        orphans_answered(o, number, true, 1000);
        assert_int_equal(orphans_count(o), 0);
        testing_ok(orphans_watch(o, number, &e), &e);
        orphans_answered(o, number, false, 1000);
        finish(r, o, 60000);
        assert_int_equal(rig_count(r, "STALE"), 8);
        orphans_free(o);
}

static void
unknown_target(void **state)
{
        struct rig *r = *state;
        struct owner nobody = {0};
        struct orphans *o = make(r, &nobody);
        struct err e = ERR_INIT;

        testing_ok(orphans_add(o, 4711, false, 1000, &e), &e);
        testing_ok(orphans_step(o, 1000, RIG_EPOCH_MS, &e), &e);
        assert_int_equal(orphans_count(o), 0);
        orphans_free(o);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(ends_what_is_alive, set_up, tear_down),
            cmocka_unit_test_setup_teardown(leaves_those_that_run, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                series_that_go_on_elsewhere_get_no_markers, set_up, tear_down),
            cmocka_unit_test_setup_teardown(tries_again_until_it_is_stored, set_up, tear_down),
            cmocka_unit_test_setup_teardown(watches_over_a_last_batch, set_up, tear_down),
            cmocka_unit_test_setup_teardown(unknown_target, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
