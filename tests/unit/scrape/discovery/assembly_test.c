#include "scrape/discovery/assembly.h"

#include "base/memory.h"
#include "base/relabel.h"
#include "scrape/discovery/memo.h"
#include "scrape/job.h"
#include "scrape/target.h"
#include "tests/testing/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct scrape_config *
make_config(size_t jobs)
{
        static const char *const names[] = {"one", "two", "three"};
        struct scrape_config *c = NULL;

        testing_ok(scrape_config_new(&c, NULL), NULL);
        c->jobs = arena_calloc(&c->arena, jobs, sizeof(*c->jobs));
        assert_non_null(c->jobs);
        c->n_jobs = jobs;
        for (size_t i = 0; i < jobs; i++) {
                c->jobs[i].name = names[i];
                c->jobs[i].interval_ms = 15000;
                c->jobs[i].timeout_ms = 10000;
                c->jobs[i].metrics_path = "/metrics";
                c->jobs[i].scheme = "http";
        }
        return c;
}

static struct target_group
group(const char **targets, size_t n)
{
        return (struct target_group){.targets = targets, .n_targets = n};
}

static struct assembly *
begin_knowing(struct scrape_config *c, struct memo *known)
{
        struct assembly *a = NULL;
        struct err e = ERR_INIT;

        const struct assembly_input in = {.config = c, .host_name = "host", .memo = known};

        testing_ok(assembly_new(&in, &a, &e), &e);
        return a;
}

static struct assembly *
begin(struct scrape_config *c)
{
        return begin_knowing(c, NULL);
}

static struct target_set *
finish(struct assembly *a, struct assembly_report *r)
{
        struct target_set *s = NULL;
        struct err e = ERR_INIT;

        testing_ok(assembly_finish(&a, &s, r, &e), &e);
        assert_null(a);
        return s;
}

static void
joins_equal_targets_of_a_job(void **state)
{
        struct scrape_config *c = make_config(2);
        struct assembly *a = begin(c);
        const char *twice[] = {"b", "a", "b"};
        const char *once[] = {"a"};
        struct target_group groups[] = {group(twice, 3), group(once, 1)};
        struct assembly_report r = {0};
        struct target_set *s;

        (void)state;
        assembly_job(a, &c->jobs[0]);
        testing_ok(assembly_groups(a, groups, 2, NULL), NULL);
        assembly_job(a, &c->jobs[1]);
        testing_ok(assembly_groups(a, groups, 2, NULL), NULL);
        s = finish(a, &r);
        assert_int_equal(s->n_active, 4);
        assert_int_equal(r.duplicates, 4);
        assert_string_equal(s->active[0]->url, "http://a/metrics");
        assert_string_equal(s->active[1]->url, "http://b/metrics");
        assert_string_equal(s->active[2]->job->name, "two");
        assert_false(s->first_sync_done);
        target_set_free(s);
        scrape_config_unref(c);
        assert_int_equal(memory_of(MEMORY_TARGETS), 0);
}

static void
marks_all_targets_over_the_limit(void **state)
{
        struct scrape_config *c = make_config(3);
        struct assembly *a = begin(c);
        const char *targets[] = {"a", "b", "b", "c"};
        struct target_group g = group(targets, 4);
        struct assembly_report r = {0};
        struct target_set *s;

        (void)state;
        c->jobs[0].target_limit = 3; /* three after joining: just fits */
        c->jobs[1].target_limit = 2;
        for (size_t i = 0; i < 3; i++) {
                assembly_job(a, &c->jobs[i]);
                testing_ok(assembly_groups(a, &g, 1, NULL), NULL);
        }
        s = finish(a, &r);
        assert_int_equal(s->n_active, 9);
        for (size_t i = 0; i < 9; i++)
                assert_int_equal(s->active[i]->over_limit, i >= 3 && i < 6);
        target_set_free(s);
        scrape_config_unref(c);
}

static void
counts_what_is_refused(void **state)
{
        struct scrape_config *c = make_config(1);
        const char *bad[] = {"http://x", "a", ""};
        const char *worse[] = {"http://y", "a", ""};
        struct target_group g[] = {group(bad, 3), group(worse, 3)};
        struct assembly_report r[3] = {0};

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                struct assembly *a = begin(c);
                struct target_set *s;

                assembly_job(a, &c->jobs[0]);
                testing_ok(assembly_groups(a, &g[i / 2], 1, NULL), NULL);
                s = finish(a, &r[i]);
                assert_int_equal(s->n_active, 1);
                assert_int_equal(r[i].refused, 2);
                target_set_free(s);
        }
        assert_string_equal(r[0].first_refusal,
            "job \"one\", target \"http://x\": \"http://x\" is not a valid hostname");
        assert_true(r[0].refusals_hash == r[1].refusals_hash);
        assert_true(r[0].refusals_hash != r[2].refusals_hash);
        scrape_config_unref(c);
}

static void
drop_all(struct scrape_job *job)
{
        struct view source = VIEW_LIT("job");
        struct relabel_options o;
        struct relabel_rule *rule = NULL;
        struct err e = ERR_INIT;

        relabel_options_init(&o);
        o.action = RELABEL_DROP;
        o.source_labels = &source;
        o.n_source_labels = 1;
        testing_ok(relabel_compile(&o, &rule, &e), &e);
        testing_ok(relabel_rules_take(&job->relabel, &rule, &e), &e);
}

static void
keeps_some_of_the_dropped(void **state)
{
        struct scrape_config *c = make_config(3);
        struct assembly *a = begin(c);
        const char *targets[] = {"a", "b", "c"};
        struct target_group g = group(targets, 3);
        struct assembly_report r = {0};
        struct target_set *s;

        (void)state;
        c->jobs[1].keep_dropped_targets = 2;
        for (size_t i = 0; i < 3; i++) {
                drop_all(&c->jobs[i]);
                assembly_job(a, &c->jobs[i]);
                testing_ok(assembly_groups(a, &g, 1, NULL), NULL);
        }
        s = finish(a, &r);
        assert_int_equal(s->n_active, 0);
        assert_int_equal(s->n_dropped, 8);
        assert_int_equal(s->n_dropped_total, 9);
        assert_int_equal(r.dropped, 9);
        target_set_free(s);
        scrape_config_unref(c);
}

static void
bounded(void **state)
{
        struct scrape_config *c = make_config(1);
        struct assembly *a = begin(c);
        struct assembly_report r = {0};
        struct target_set *s;

        (void)state;
        assembly_job(a, &c->jobs[0]);
        for (int i = 0; i < ASSEMBLY_MAX_TARGETS + 5; i++) {
                char address[32];
                const char *targets[] = {address};
                struct target_group g = group(targets, 1);

                (void)snprintf(address, sizeof(address), "host-%d", i);
                testing_ok(assembly_groups(a, &g, 1, NULL), NULL);
        }
        s = finish(a, &r);
        assert_int_equal(s->n_active, ASSEMBLY_MAX_TARGETS);
        assert_int_equal(r.refused, 5);
        target_set_free(s);
        scrape_config_unref(c);
}

static void
given_up(void **state)
{
        struct scrape_config *c = make_config(1);
        struct assembly *a = begin(c);
        const char *targets[] = {"a", "b", "c"};
        struct target_group g = group(targets, 3);

        (void)state;
        assembly_job(a, &c->jobs[0]);
        testing_ok(assembly_groups(a, &g, 1, NULL), NULL);
        assembly_free(a);
        scrape_config_unref(c);
        assert_int_equal(memory_of(MEMORY_TARGETS), 0);
}

/* One assembly of the first job with these targets, each in a group of its own. */
static struct target_set *
once(struct scrape_config *c, struct memo *known, const char *targets, struct assembly_report *r)
{
        struct assembly *a = begin_knowing(c, known);
        char address[] = "x";

        assembly_job(a, &c->jobs[0]);
        for (; *targets != '\0'; targets++) {
                const char *one[] = {address};
                struct label source = {VIEW_LIT("__meta_source"), {targets, 1}};
                struct target_group g = {one, 1, &source, 1};

                address[0] = *targets;
                if (*targets >= 'A' && *targets <= 'Z')
                        address[0] = 'z'; /* all the same but for where they come from */
                testing_ok(assembly_groups(a, &g, 1, NULL), NULL);
        }
        *r = (struct assembly_report){0};
        return finish(a, r);
}

static const struct {
        const char *name;
        const char *before;
        const char *after;
        unsigned want_built;
        bool want_changed;
} known_cases[] = {
    {"nothing new", "abc", "abc", 0, false},
    {"in another order", "abc", "cab", 0, false},
    {"one more", "abc", "abcd", 1, true},
    {"one less", "abc", "ac", 0, true},
    {"another instead", "abc", "abd", 1, true},
    {"twice", "aab", "aab", 0, false},
    {"equal ones", "aAB", "aAB", 0, false},
    {"the first of equal ones goes", "aAB", "aB", 1, true},
    {"a later one goes", "aAB", "aA", 0, false},
    {"equal ones change places", "aAB", "aBA", 1, true},
    {"all gone", "abc", "", 0, true},
};

static void
takes_what_is_known(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(known_cases) / sizeof(known_cases[0]); i++) {
                struct scrape_config *c = make_config(1);
                struct memo known = {.index = SLOTMAP_INIT};
                struct assembly_report r;
                struct target_set *before = once(c, &known, known_cases[i].before, &r);
                struct target_set *after = once(c, &known, known_cases[i].after, &r);
                struct assembly_report plain;
                struct target_set *afresh = once(c, NULL, known_cases[i].after, &plain);

                print_message("%s\n", known_cases[i].name);
                assert_int_equal(r.built, known_cases[i].want_built);
                assert_int_equal(r.changed, known_cases[i].want_changed);
                assert_int_equal(r.duplicates, plain.duplicates);
                assert_int_equal(after->n_active, afresh->n_active);
                for (size_t k = 0; k < after->n_active; k++)
                        assert_string_equal(
                            after->active[k]->identity, afresh->active[k]->identity);
                if (!r.changed)
                        assert_memory_equal(
                            before->active, after->active, before->n_active * sizeof(void *));
                target_set_free(before);
                target_set_free(after);
                target_set_free(afresh);
                memo_release(&known);
                scrape_config_unref(c);
                assert_int_equal(memory_of(MEMORY_TARGETS), 0);
        }
}

static void
a_limit_begins_and_ends(void **state)
{
        struct scrape_config *c = make_config(1);
        struct memo known = {.index = SLOTMAP_INIT};
        const char *const rounds[] = {"ab", "abc", "abc", "abcd", "b"};
        const bool want_again[] = {false, true, false, false, true};

        (void)state;
        c->jobs[0].target_limit = 2;
        for (size_t i = 0; i < 5; i++) {
                struct assembly_report r;
                struct target_set *s = once(c, &known, rounds[i], &r);

                assert_int_equal(r.again, want_again[i]);
                if (r.again) { /* as the caller does */
                        target_set_free(s);
                        s = once(c, &known, rounds[i], &r);
                        assert_false(r.again);
                }
                assert_int_equal(s->n_active, strlen(rounds[i]));
                for (size_t k = 0; k < s->n_active; k++)
                        assert_int_equal(s->active[k]->over_limit, s->n_active > 2);
                target_set_free(s);
        }
        memo_release(&known);
        scrape_config_unref(c);
        assert_int_equal(memory_of(MEMORY_TARGETS), 0);
}

/* What had no room to be shown is shown when there is. */
static void
dropped_ones_are_known_too(void **state)
{
        struct scrape_config *c = make_config(1);
        struct memo known = {.index = SLOTMAP_INIT};
        const char *const rounds[] = {"abcd", "abcd", "bcd", "d", ""};
        const unsigned want_built[] = {4, 0, 1, 1, 0};
        const unsigned want_shown[] = {2, 2, 2, 1, 0};

        (void)state;
        drop_all(&c->jobs[0]);
        c->jobs[0].keep_dropped_targets = 2;
        for (size_t i = 0; i < 5; i++) {
                struct assembly_report r;
                struct target_set *s = once(c, &known, rounds[i], &r);

                assert_int_equal(r.built, want_built[i]);
                assert_int_equal(r.dropped, strlen(rounds[i]));
                assert_int_equal(s->n_dropped_total, strlen(rounds[i]));
                assert_int_equal(s->n_dropped, want_shown[i]);
                assert_int_equal(r.changed, i != 1);
                target_set_free(s);
        }
        memo_release(&known);
        scrape_config_unref(c);
        assert_int_equal(memory_of(MEMORY_TARGETS), 0);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(joins_equal_targets_of_a_job),
            cmocka_unit_test(marks_all_targets_over_the_limit),
            cmocka_unit_test(counts_what_is_refused),
            cmocka_unit_test(keeps_some_of_the_dropped),
            cmocka_unit_test(bounded),
            cmocka_unit_test(given_up),
            cmocka_unit_test(takes_what_is_known),
            cmocka_unit_test(a_limit_begins_and_ends),
            cmocka_unit_test(dropped_ones_are_known_too),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
