#include "remotewrite/identity.h"

#include "base/memory.h"
#include "base/relabel.h"
#include "remotewrite/encode.h"
#include "remotewrite/endpoint.h"
#include "remotewrite/group.h"
#include "tests/testing/testing.h"

#include <stdlib.h>
#include <string.h>

enum { LABELS_MAX = 8 };

struct pair {
        const char *name;
        const char *value;
};

/* A configuration with one endpoint, external labels and at most two rules. */
static struct remote_config *
config_new(const struct pair *external, const struct relabel_options *rules, size_t n_rules)
{
        struct remote_config *c = NULL;
        struct err e = ERR_INIT;

        testing_ok(remote_config_new(&c, &e), &e);
        c->endpoints = arena_calloc(&c->arena, 1, sizeof(*c->endpoints));
        c->external_labels = arena_calloc(&c->arena, LABELS_MAX, sizeof(struct label));
        assert_non_null(c->endpoints);
        assert_non_null(c->external_labels);
        c->n_endpoints = 1;
        for (; external != NULL && external->name != NULL; external++)
                c->external_labels[c->n_external_labels++] =
                    (struct label){view_of(external->name), view_of(external->value)};
        for (size_t i = 0; i < n_rules; i++) {
                struct relabel_rule *r = NULL;

                testing_ok(relabel_compile(&rules[i], &r, &e), &e);
                testing_ok(relabel_rules_take(&c->endpoints[0].write_relabel, &r, &e), &e);
        }
        return c;
}

static size_t
labels_from(const struct pair *pairs, struct label *out)
{
        size_t n = 0;

        for (; pairs[n].name != NULL; n++)
                out[n] = (struct label){view_of(pairs[n].name), view_of(pairs[n].value)};
        return n;
}

/* The encoded form of what is wanted. */
static void
encoded(const struct pair *pairs, struct buf *out)
{
        struct label labels[LABELS_MAX];
        size_t n = labels_from(pairs, labels);

        testing_ok(encode_labels(labels, n, out, NULL), NULL);
}

static void
ask_shape(struct identity *d, const struct pair *pairs, unsigned slot, uint32_t shape,
    struct identity_result *out)
{
        struct label labels[LABELS_MAX];
        const struct group_series s = {.chunk = 3,
            .slot = slot,
            .shape = shape,
            .labels = labels,
            .n_labels = labels_from(pairs, labels)};
        struct err e = ERR_INIT;

        testing_ok(identity_of(d, &s, out, &e), &e);
}

static void
ask(struct identity *d, const struct pair *pairs, unsigned slot, struct identity_result *out)
{
        ask_shape(d, pairs, slot, 0, out);
}

static void
external_labels_are_merged_and_existing_ones_win(void **state)
{
        static const struct {
                struct pair external[LABELS_MAX];
                struct pair series[LABELS_MAX];
                struct pair want[LABELS_MAX];
        } cases[] = {
            {{{NULL, NULL}}, {{"__name__", "up"}, {"job", "a"}},
                {{"__name__", "up"}, {"job", "a"}}},
            {{{"cluster", "c"}, {"tenant", "t"}}, {{"__name__", "up"}, {"job", "a"}},
                {{"__name__", "up"}, {"cluster", "c"}, {"job", "a"}, {"tenant", "t"}}},
            {{{"cluster", "c"}, {"job", "x"}}, {{"__name__", "up"}, {"job", "a"}},
                {{"__name__", "up"}, {"cluster", "c"}, {"job", "a"}}},
            {{{"A", "1"}}, {{"__name__", "up"}}, {{"A", "1"}, {"__name__", "up"}}},
            {{{"a", "1"}}, {{"b", "2"}}, {{"a", "1"}, {"b", "2"}}},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct remote_config *c = config_new(cases[i].external, NULL, 0);
                struct identity *d = NULL;
                struct identity_result r;
                struct identity_result first;
                struct buf want = BUF_INIT(65536);

                testing_ok(identity_new(c, &c->endpoints[0], &d, NULL), NULL);
                encoded(cases[i].want, &want);
                /* the long way, the same with its shape learned, by the shape */
                for (unsigned round = 0; round < 3; round++) {
                        ask_shape(d, cases[i].series, 0, round > 0, &r);
                        assert_true(r.kept);
                        if (!view_eq(r.labels, buf_view(&want)))
                                fail_msg("case %zu, round %u", i, round);
                        if (round == 0)
                                first = r;
                        assert_int_equal(r.object, first.object);
                        assert_int_equal(r.kin, first.kin);
                }
                buf_release(&want);
                identity_free(d);
                remote_config_unref(c);
        }
}

static void
rules_run_on_the_merged_set_and_are_remembered(void **state)
{
        struct relabel_options rules[2];
        const struct view job = VIEW_LIT("job");
        const struct view cluster = VIEW_LIT("cluster");
        const struct pair external[] = {{"cluster", "c"}, {NULL, NULL}};
        const struct pair kept[] = {{"__name__", "up"}, {"job", "a"}, {NULL, NULL}};
        const struct pair dropped[] = {{"__name__", "up"}, {"job", "b"}, {NULL, NULL}};
        const struct pair changed[] = {{"__name__", "up"}, {"job", "c"}, {NULL, NULL}};
        const struct pair as_kept[] = {
            {"__name__", "up"}, {"cluster", "c"}, {"job", "a"}, {NULL, NULL}};
        const struct pair as_changed[] = {
            {"__name__", "up"}, {"a_new", "c/c"}, {"cluster", "c"}, {"job", "c"}, {NULL, NULL}};
        const struct view both[] = {job, cluster};
        struct remote_config *c;
        struct identity *d = NULL;
        struct identity_result r;
        struct buf want = BUF_INIT(65536);

        (void)state;
        relabel_options_init(&rules[0]);
        rules[0].action = RELABEL_DROP;
        rules[0].source_labels = &job;
        rules[0].n_source_labels = 1;
        rules[0].regex = VIEW_LIT("b");
        relabel_options_init(&rules[1]);
        rules[1].source_labels = both;
        rules[1].n_source_labels = 2;
        rules[1].separator = VIEW_LIT("/");
        rules[1].regex = VIEW_LIT("(c/c)");
        rules[1].target_label = VIEW_LIT("a_new");
        c = config_new(external, rules, 2);
        testing_ok(identity_new(c, &c->endpoints[0], &d, NULL), NULL);
        for (int i = 0; i < 3; i++) { /* the second time from memory */
                ask(d, dropped, 8, &r);
                assert_false(r.kept);
                ask(d, kept, 9, &r);
                assert_true(r.kept);
                buf_reset(&want);
                encoded(as_kept, &want);
                assert_true(view_eq(r.labels, buf_view(&want)));
                ask(d, changed, 10, &r);
                assert_true(r.kept);
                buf_reset(&want);
                encoded(as_changed, &want);
                assert_true(view_eq(r.labels, buf_view(&want)));
        }
        buf_release(&want);
        identity_free(d);
        remote_config_unref(c);
}

/* Verdicts are those of a slot, whatever its shape; another group numbers its shapes anew. */
static void
shapes_are_those_of_a_group(void **state)
{
        struct relabel_options rule;
        const struct view job = VIEW_LIT("job");
        const struct pair external[] = {{"cluster", "c"}, {NULL, NULL}};
        const struct pair kept[] = {{"__name__", "up"}, {"job", "a"}, {NULL, NULL}};
        const struct pair other[] = {{"a", "1"}, {"job", "a"}, {NULL, NULL}};
        const struct pair changed[] = {{"__name__", "up"}, {"job", "c"}, {NULL, NULL}};
        const struct pair wants[][LABELS_MAX] = {
            {{"__name__", "up"}, {"cluster", "c"}, {"job", "a"}, {NULL, NULL}},
            {{"__name__", "up"}, {"cluster", "c"}, {"job", "x"}, {NULL, NULL}},
            {{"a", "1"}, {"cluster", "c"}, {"job", "a"}, {NULL, NULL}},
        };
        struct remote_config *c;
        struct identity *d = NULL;
        struct identity_result r;

        (void)state;
        relabel_options_init(&rule);
        rule.source_labels = &job;
        rule.n_source_labels = 1;
        rule.regex = VIEW_LIT("c");
        rule.target_label = VIEW_LIT("job");
        rule.replacement = VIEW_LIT("x");
        c = config_new(external, &rule, 1);
        testing_ok(identity_new(c, &c->endpoints[0], &d, NULL), NULL);
        for (unsigned round = 0; round < 9; round++) {
                const struct pair *const asked[] = {kept, changed, other};
                unsigned which = round % 3;
                struct buf want = BUF_INIT(65536);

                if (which != 1)
                        identity_group_begins(d);
                ask_shape(d, asked[which], which, 1, &r);
                encoded(wants[which], &want);
                assert_true(view_eq(r.labels, buf_view(&want)));
                ask_shape(d, asked[which], which, 1, &r);
                assert_true(view_eq(r.labels, buf_view(&want)));
                buf_release(&want);
        }
        identity_free(d);
        remote_config_unref(c);
}

/* The bytes at [at, at + n) must be the field of this label; n is 0 when the value is NULL. */
static void
expect_field(const struct identity_result *r, size_t at, size_t n, struct pair want)
{
        const struct pair pairs[] = {want, {NULL, NULL}};
        struct buf bytes = BUF_INIT(65536);

        encoded(want.value != NULL ? pairs : pairs + 1, &bytes);
        assert_true(at + n <= r->labels.n);
        assert_true(view_eq((struct view){r->labels.p + at, n}, buf_view(&bytes)));
        buf_release(&bytes);
}

static void
name_and_instance_are_found(void **state)
{
        static const struct pair cases[][LABELS_MAX] = {
            {{"__name__", "x"}, {"instance", "i"}, {"pod", "p"}, {NULL, NULL}},
            {{"A", "1"}, {"__name__", "x"}, {"b", "2"}, {"instance", "i"}, {NULL, NULL}},
            {{"__name__", "x"}, {"pod", "p"}, {NULL, NULL}},
            {{"Instance", "1"}, {"instance", "i"}, {NULL, NULL}},
            {{"a", "1"}, {NULL, NULL}},
        };
        struct remote_config *c = config_new(NULL, NULL, 0);
        struct identity *d = NULL;
        struct identity_result r;

        (void)state;
        testing_ok(identity_new(c, &c->endpoints[0], &d, NULL), NULL);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const char *name = i < 3 ? "x" : NULL;
                const char *instance = i == 0 || i == 1 || i == 3 ? "i" : NULL;
                struct buf want = BUF_INIT(65536);

                ask(d, cases[i], (unsigned)i, &r);
                encoded(cases[i], &want);
                assert_true(view_eq(r.labels, buf_view(&want)));
                expect_field(&r, r.name_at, r.name_bytes, (struct pair){"__name__", name});
                expect_field(
                    &r, r.instance_at, r.instance_bytes, (struct pair){"instance", instance});
                buf_release(&want);
        }
        identity_free(d);
        remote_config_unref(c);
}

/* What stands together in a request: sets that differ in instance, or in name and instance. */
static void
kin_and_objects_are_told_apart(void **state)
{
        static const struct {
                struct pair series[LABELS_MAX];
                bool object; /* the same as the first one's */
                bool kin;
        } cases[] = {
            {{{"__name__", "x"}, {"instance", "1"}, {"pod", "abcdefghijk"}}, true, true},
            {{{"__name__", "x"}, {"instance", "2"}, {"pod", "abcdefghijk"}}, true, true},
            {{{"__name__", "x"}, {"pod", "abcdefghijk"}}, true, true},
            {{{"__name__", "y"}, {"instance", "1"}, {"pod", "abcdefghijk"}}, true, false},
            {{{"instance", "1"}, {"pod", "abcdefghijk"}}, true, false},
            {{{"__name__", "x"}, {"instance", "1"}, {"pod", "abcdefghijl"}}, false, false},
            {{{"__name__", "x"}, {"instance", "1"}, {"pod", "bbcdefghijk"}}, false, false},
            {{{"__name__", "x"}, {"instance", "1"}, {"pod", "abc"}}, false, false},
            {{{"__name__", "x"}, {"instance", "1"}, {"poe", "abcdefghijk"}}, false, false},
            {{{"__name__", "x"}, {"instance", "1"}}, false, false},
            {{{"__name__", "abcdefghijk"}, {"instance", "1"}, {"pod", "x"}}, false, false},
        };
        const struct pair external[] = {{"cluster", "c"}, {NULL, NULL}};
        struct remote_config *c = config_new(external, NULL, 0);
        struct identity *d = NULL;
        struct identity_result first = {0};

        (void)state;
        testing_ok(identity_new(c, &c->endpoints[0], &d, NULL), NULL);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct identity_result r;

                ask(d, cases[i].series, 0, &r);
                first = i == 0 ? r : first;
                if ((r.object == first.object) != cases[i].object ||
                    (r.kin == first.kin) != cases[i].kin)
                        fail_msg("case %zu", i);
        }
        identity_free(d);
        remote_config_unref(c);
}

static void
reference_and_memory_go_back(void **state)
{
        int64_t before = memory_of(MEMORY_SEND);
        struct remote_config *c = config_new(NULL, NULL, 0);
        struct identity *d = NULL;

        (void)state;
        testing_ok(identity_new(c, &c->endpoints[0], &d, NULL), NULL);
        assert_int_equal(c->refs, 2);
        identity_free(d);
        assert_int_equal(c->refs, 1);
        assert_int_equal(memory_of(MEMORY_SEND), before);
        remote_config_unref(c);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(external_labels_are_merged_and_existing_ones_win),
            cmocka_unit_test(rules_run_on_the_merged_set_and_are_remembered),
            cmocka_unit_test(shapes_are_those_of_a_group),
            cmocka_unit_test(name_and_instance_are_found),
            cmocka_unit_test(kin_and_objects_are_told_apart),
            cmocka_unit_test(reference_and_memory_go_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
