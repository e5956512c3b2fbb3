/*
 * The rules of tests/data/relabel_cases.json (Prometheus's own cases and ones derived from its
 * code), run through relabel_compile and relabel_apply.
 */
#include "base/relabel.h"

#include "base/arena.h"

#include "tests/testing/testing.h"

#include <stdio.h>
#include <string.h>

enum { MAX_SOURCES = 16 };

/* testing_json with numbers read as doubles: a modulus may need all 64 bits. */
static json_t *
load_cases(void)
{
        struct buf text = BUF_INIT(16 << 20);
        json_error_t error;
        json_t *json;

        testing_read("relabel_cases.json", &text);
        json = json_loadb(text.ptr, text.len, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
        assert_non_null(json);
        buf_release(&text);
        return json;
}

static struct view
text_of(const json_t *s)
{
        assert_true(json_is_string(s));
        return (struct view){json_string_value(s), json_string_length(s)};
}

static enum name_scheme
scheme_of(const json_t *c)
{
        const char *name = json_string_value(json_object_get(c, "name_validation_scheme"));

        return name != NULL && strcmp(name, "legacy") == 0 ? NAME_LEGACY : NAME_UTF8;
}

static void
read_text(const json_t *rule, const char *key, struct view *out)
{
        const json_t *s = json_object_get(rule, key);

        if (json_is_string(s))
                *out = text_of(s);
        else if (json_is_null(s))
                *out = (struct view){"", 0};
        else if (json_is_array(s)) /* names a constant: the default */
                *out = VIEW_LIT("$1");
}

/* As the configuration's reader does it. ERR_NOTFOUND: what only that reader tells, an unknown key
 * or action. */
static int
read_rule(const json_t *rule, struct relabel_options *o, struct view *sources)
{
        const json_t *action = json_object_get(rule, "action");
        const json_t *list = json_object_get(rule, "source_labels");

        for (size_t i = 0; i < json_array_size(list); i++)
                sources[i] = text_of(json_array_get(list, i));
        o->source_labels = sources;
        o->n_source_labels = json_array_size(list);
        assert_true(o->n_source_labels <= MAX_SOURCES);
        read_text(rule, "separator", &o->separator);
        read_text(rule, "regex", &o->regex);
        o->regex_written = json_object_get(rule, "regex") != NULL;
        read_text(rule, "target_label", &o->target_label);
        read_text(rule, "replacement", &o->replacement);
        if (json_object_get(rule, "modulus") != NULL) {
                const json_t *m = json_object_get(rule, "modulus");

                o->modulus =
                    json_real_value(m) >= 0x1p64 ? UINT64_MAX : (uint64_t)json_real_value(m);
        }
        if (json_object_get(rule, "unknown_key") != NULL || json_is_null(action))
                return ERR_NOTFOUND;
        if (action != NULL && relabel_action_of(text_of(action)) < 0)
                return ERR_NOTFOUND;
        if (action != NULL)
                o->action = (enum relabel_action)relabel_action_of(text_of(action));
        return 0;
}

static void
take_rules(const json_t *c, struct relabel_rules *rules)
{
        const json_t *list = json_object_get(c, "rules");

        for (size_t i = 0; i < json_array_size(list); i++) {
                struct view sources[MAX_SOURCES];
                struct relabel_options o;
                struct relabel_rule *r = NULL;
                struct err e = ERR_INIT;

                relabel_options_init(&o);
                o.scheme = scheme_of(c);
                testing_ok(read_rule(json_array_get(list, i), &o, sources), NULL);
                testing_ok(relabel_compile(&o, &r, &e), &e);
                testing_ok(relabel_rules_take(rules, &r, &e), &e);
                assert_null(r);
        }
}

static void
fill(struct labels *l, json_t *object)
{
        const char *name;
        json_t *value;

        json_object_foreach(object, name, value)
            testing_ok(labels_add(l, view_of(name), text_of(value), NULL), NULL);
}

static void
assert_labels(const char *id, const struct labels *l, json_t *want)
{
        const char *name;
        json_t *value;

        if (l->n != json_object_size(want))
                fail_msg("%s: %zu labels, want %zu", id, l->n, json_object_size(want));
        json_object_foreach(want, name, value)
        {
                struct view got = labels_get(l, view_of(name));

                if (!view_eq(got, text_of(value)))
                        fail_msg("%s: %s is \"%.*s\", want \"%s\"", id, name, (int)got.n, got.p,
                            json_string_value(value));
        }
}

static void
run_case(const json_t *c)
{
        const char *id = json_string_value(json_object_get(c, "id"));
        json_t *want = json_object_get(c, "expect");
        bool drop = json_is_true(json_object_get(want, "drop"));
        struct arena arena = ARENA_INIT(1 << 20);
        struct relabel_rules rules = {0};
        struct err e = ERR_INIT;
        enum relabel_verdict verdict;
        struct labels l;
        int rule = -2;

        labels_init(&l, &arena);
        fill(&l, json_object_get(c, "input"));
        take_rules(c, &rules);
        labels_freeze(&l);
        testing_ok(relabel_apply(&rules, &l, &verdict, &rule, &e), &e);
        if (drop != (rule >= 0))
                fail_msg("%s: dropped by rule %d", id, rule);
        if (drop) {
                assert_int_equal(verdict, RELABEL_DROPPED);
        } else {
                assert_labels(id, &l, json_object_get(want, "labels"));
                assert_int_equal(verdict, l.n > 0 ? RELABEL_KEPT : RELABEL_DROPPED);
        }
        relabel_rules_release(&rules);
        arena_release(&arena);
}

static void
rules_do_what_prometheus_does(void **state)
{
        json_t *data = load_cases();
        const json_t *cases = json_object_get(data, "cases");

        (void)state;
        assert_true(json_array_size(cases) > 100);
        for (size_t i = 0; i < json_array_size(cases); i++)
                run_case(json_array_get(cases, i));
        json_decref(data);
}

static int
compile_case(const json_t *c, struct err *e)
{
        const char *others = json_string_value(json_object_get(c, "fields_not_listed_are"));
        struct view sources[MAX_SOURCES];
        struct relabel_options o;
        struct relabel_rule *r = NULL;
        const json_t *rule = json_object_get(c, "rule");
        int rc;

        relabel_options_init(&o);
        if (strncmp(others, "empty", 5) == 0) {
                /* a rule that no YAML was read for: not even the action has a default */
                o = (struct relabel_options){.action = RELABEL_REPLACE};
                o.separator = o.regex = o.replacement = (struct view){"", 0};
                if (json_object_get(rule, "action") == NULL)
                        return ERR_NOTFOUND;
        }
        o.scheme = scheme_of(c);
        rc = read_rule(rule, &o, sources);
        if (rc == 0)
                rc = relabel_compile(&o, &r, e);
        relabel_rule_free(r);
        return rc;
}

static void
bad_rules_are_refused_in_prometheus_words(void **state)
{
        json_t *data = load_cases();
        const json_t *cases = json_object_get(data, "validate");

        (void)state;
        assert_true(json_array_size(cases) > 30);
        for (size_t i = 0; i < json_array_size(cases); i++) {
                const json_t *c = json_array_get(cases, i);
                const char *id = json_string_value(json_object_get(c, "id"));
                const char *want = json_string_value(json_object_get(c, "error_contains"));
                struct err e = ERR_INIT;
                int rc = compile_case(c, &e);

                if (rc == ERR_NOTFOUND)
                        continue;
                if ((want == NULL) != (rc == 0))
                        fail_msg("%s: %d %s", id, rc, e.msg);
                if (want != NULL && strstr(e.msg, want) == NULL)
                        fail_msg("%s: \"%s\" lacks \"%s\"", id, e.msg, want);
        }
        json_decref(data);
}

static void
patterns_compile_where_re2_does(void **state)
{
        json_t *data = load_cases();
        const json_t *cases = json_object_get(data, "regex_syntax");

        (void)state;
        assert_true(json_array_size(cases) > 90);
        for (size_t i = 0; i < json_array_size(cases); i++) {
                const json_t *c = json_array_get(cases, i);
                struct view regex = text_of(json_object_get(c, "regex"));
                struct err e = ERR_INIT;
                int rc = relabel_regex_check(regex, &e);

                if ((rc == 0) != json_is_true(json_object_get(c, "valid")))
                        fail_msg("%s: %d %s", regex.p, rc, e.msg);
                if (rc < 0)
                        assert_ptr_equal(strstr(e.msg, "error parsing regexp: "), e.msg);
        }
        json_decref(data);
}

/* As a target of replace and as a replacement of labelmap. */
static void
names_with_references_are_checked_under_the_legacy_scheme(void **state)
{
        json_t *data = load_cases();
        const json_t *cases = json_object_get(data, "legacy_target_label");

        (void)state;
        assert_true(json_array_size(cases) > 10);
        for (size_t i = 0; i < json_array_size(cases); i++) {
                const json_t *c = json_array_get(cases, i);
                struct view text = text_of(json_object_get(c, "text"));
                struct relabel_options o;
                bool valid = json_is_true(json_object_get(c, "valid"));

                relabel_options_init(&o);
                o.scheme = NAME_LEGACY;
                o.target_label = text;
                if ((relabel_validate(&o, NULL) == 0) != valid)
                        fail_msg("target %s", text.p);
                o.action = RELABEL_LABELMAP;
                o.replacement = text;
                if ((relabel_validate(&o, NULL) == 0) != valid)
                        fail_msg("replacement %s", text.p);
        }
        json_decref(data);
}

static struct relabel_rules
one_rule(const struct relabel_options *o)
{
        struct relabel_rules rules = {0};
        struct relabel_rule *r = NULL;
        struct err e = ERR_INIT;

        testing_ok(relabel_compile(o, &r, &e), &e);
        testing_ok(relabel_rules_take(&rules, &r, &e), &e);
        return rules;
}

/* The caller says what was there "at first": target labels come behind the scraped ones. */
static void
labelmap_takes_target_labels_after_scraped_ones(void **state)
{
        struct arena arena = ARENA_INIT(1 << 16);
        struct relabel_options o;
        struct relabel_rules rules;
        enum relabel_verdict verdict;
        struct labels l;

        (void)state;
        relabel_options_init(&o);
        o.action = RELABEL_LABELMAP;
        o.regex = VIEW_LIT("(?:a|z)_(.*)");
        o.replacement = VIEW_LIT("n$1");
        rules = one_rule(&o);
        labels_init(&l, &arena);
        testing_ok(labels_add(&l, VIEW_LIT("z_1"), VIEW_LIT("scraped"), NULL), NULL);
        labels_freeze(&l);
        testing_ok(labels_set(&l, VIEW_LIT("a_1"), VIEW_LIT("target"), NULL), NULL);
        testing_ok(relabel_apply(&rules, &l, &verdict, NULL, NULL), NULL);
        assert_true(view_is(labels_get(&l, VIEW_LIT("n1")), "target"));
        relabel_rules_release(&rules);
        arena_release(&arena);
}

static void
no_answer_in_bounds_is_an_error_not_a_mismatch(void **state)
{
        static char value[5000];
        struct arena arena = ARENA_INIT(1 << 20);
        struct relabel_options o;
        struct relabel_rules rules;
        enum relabel_verdict verdict = RELABEL_KEPT;
        struct err e = ERR_INIT;
        struct view a = VIEW_LIT("a");
        struct labels l;

        (void)state;
        memset(value, 'x', sizeof(value) - 1);
        relabel_options_init(&o);
        o.action = RELABEL_DROP;
        o.source_labels = &a;
        o.n_source_labels = 1;
        o.regex = VIEW_LIT("(x+x+)+[yz]");
        rules = one_rule(&o);
        labels_init(&l, &arena);
        testing_ok(labels_add(&l, a, view_of(value), NULL), NULL);
        assert_int_equal(relabel_apply(&rules, &l, &verdict, NULL, &e), ERR_LIMIT);
        assert_non_null(strstr(e.msg, "takes too long"));
        value[100] = '\0'; /* short enough for the algorithm that does not backtrack */
        testing_ok(labels_set(&l, a, view_of(value), NULL), NULL);
        testing_ok(relabel_apply(&rules, &l, &verdict, NULL, &e), &e);
        assert_int_equal(verdict, RELABEL_KEPT);
        relabel_rules_release(&rules);
        arena_release(&arena);
}

static void
values_that_are_not_utf8_are_refused(void **state)
{
        struct arena arena = ARENA_INIT(1 << 16);
        struct view a = VIEW_LIT("a");
        struct relabel_options o;
        enum relabel_verdict verdict;
        struct labels l;

        (void)state;
        labels_init(&l, &arena);
        testing_ok(labels_add(&l, a, VIEW_LIT("x\xffy"), NULL), NULL);
        relabel_options_init(&o);
        o.source_labels = &a;
        o.n_source_labels = 1;
        o.target_label = VIEW_LIT("b");
        for (int i = 0; i < 2; i++) {
                struct relabel_rules rules;

                o.action = i == 0 ? RELABEL_REPLACE : RELABEL_UPPERCASE;
                o.regex = VIEW_LIT("x.(y)");
                rules = one_rule(&o);
                assert_int_equal(relabel_apply(&rules, &l, &verdict, NULL, NULL), ERR_REFUSED);
                relabel_rules_release(&rules);
        }
        arena_release(&arena);
}

/* Every mapping that changes the number of bytes either way. */
static void
case_is_mapped_code_point_by_code_point(void **state)
{
        static const struct {
                const char *lower;
                const char *upper;
        } cases[] = {
            {"abc-\xc3\xa9", "ABC-\xc3\x89"},
            {"\xc9\x90", "\xe2\xb1\xaf"}, /* two bytes to three */
            {"\xea\x9f\x88", "\xea\x9f\x87"},
            {"\xf0\x90\x90\xa8", "\xf0\x90\x90\x80"},
        };
        struct view a = VIEW_LIT("a");

        (void)state;
        for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
                bool up = i % 2 == 0;
                struct arena arena = ARENA_INIT(1 << 16);
                struct relabel_options o;
                struct relabel_rules rules;
                enum relabel_verdict verdict;
                struct labels l;
                struct view got;

                relabel_options_init(&o);
                o.action = up ? RELABEL_UPPERCASE : RELABEL_LOWERCASE;
                o.source_labels = &a;
                o.n_source_labels = 1;
                o.target_label = VIEW_LIT("b");
                rules = one_rule(&o);
                labels_init(&l, &arena);
                testing_ok(
                    labels_add(&l, a, view_of(up ? cases[i / 2].lower : cases[i / 2].upper), NULL),
                    NULL);
                testing_ok(relabel_apply(&rules, &l, &verdict, NULL, NULL), NULL);
                got = labels_get(&l, VIEW_LIT("b"));
                assert_true(view_is(got, up ? cases[i / 2].upper : cases[i / 2].lower));
                relabel_rules_release(&rules);
                arena_release(&arena);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(rules_do_what_prometheus_does),
            cmocka_unit_test(bad_rules_are_refused_in_prometheus_words),
            cmocka_unit_test(patterns_compile_where_re2_does),
            cmocka_unit_test(names_with_references_are_checked_under_the_legacy_scheme),
            cmocka_unit_test(labelmap_takes_target_labels_after_scraped_ones),
            cmocka_unit_test(no_answer_in_bounds_is_an_error_not_a_mismatch),
            cmocka_unit_test(values_that_are_not_utf8_are_refused),
            cmocka_unit_test(case_is_mapped_code_point_by_code_point),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
