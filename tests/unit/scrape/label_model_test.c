#include "scrape/label_model.h"

#include "base/arena.h"
#include "base/labels.h"
#include "base/memory.h"
#include "tests/testing/testing.h"

#include <stdlib.h>
#include <string.h>

enum { ARENA_BYTES = 1 << 20, LONG = 300 };

static char long_text[LONG + 1];

/* name=value, in the order given; value NULL: a long one. */
struct pair {
        const char *name;
        const char *value;
};

static void
fill(struct labels *l, struct arena *a, const struct pair *v)
{
        labels_init(l, a);
        for (; v->name != NULL; v++)
                testing_ok(labels_add(l, view_of(v->name),
                               view_of(v->value != NULL ? v->value : long_text), NULL),
                    NULL);
}

static const struct pair first[] = {{"a", "1"}, {"b", "two"}, {"c", ""}, {NULL, NULL}};

static const struct {
        const char *name;
        struct pair set[5];
        size_t want_size; /* 0: has other names, and becomes its own model */
} cases[] = {
    {"the model itself", {{"a", "1"}, {"b", "two"}, {"c", ""}}, 3},
    {"another value", {{"a", "1"}, {"b", "three"}, {"c", ""}}, 2 + 1 + 5},
    {"an empty value", {{"a", ""}, {"b", "two"}, {"c", ""}}, 3},
    {"a long value", {{"a", "1"}, {"b", NULL}, {"c", ""}}, 2 + 2 + LONG},
    {"all others", {{"a", "x"}, {"b", "y"}, {"c", "z"}}, 6},
    {"fewer", {{"a", "1"}, {"b", "two"}}, 0},
    {"more", {{"a", "1"}, {"b", "two"}, {"c", ""}, {"d", "1"}}, 0},
    {"another name", {{"a", "1"}, {"bb", "two"}, {"c", ""}}, 0},
    {"none", {{NULL, NULL}}, 0},
};

static void
round_trips(void **state)
{
        struct label_models models = {{NULL}};
        struct arena a = ARENA_INIT(ARENA_BYTES);
        struct labels set;
        struct label_model *one;

        (void)state;
        memset(long_text, 'x', LONG);
        fill(&set, &a, first);
        one = label_models_take(&models, &set);
        assert_non_null(one);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct label_model *m;
                struct labels back;
                uint8_t *bytes;
                size_t n;

                print_message("%s\n", cases[i].name);
                fill(&set, &a, cases[i].set);
                m = label_models_take(&models, &set);
                assert_non_null(m);
                n = label_model_size(m, &set);
                assert_int_equal(m == one, cases[i].want_size > 0);
                assert_int_equal(n, cases[i].want_size > 0 ? cases[i].want_size : set.n);
                bytes = malloc(n + 1);
                assert_non_null(bytes);
                bytes[n] = 0xa5;
                label_model_write(m, &set, bytes);
                assert_int_equal(bytes[n], 0xa5);
                labels_init(&back, &a);
                testing_ok(label_model_read(m, bytes, &back, NULL), NULL);
                assert_int_equal(back.n, set.n);
                for (size_t k = 0; k < set.n; k++) {
                        assert_true(view_eq(back.v[k].name, set.v[k].name));
                        assert_true(view_eq(back.v[k].value, set.v[k].value));
                }
                free(bytes);
                label_model_unref(m);
        }
        label_model_unref(one);
        label_models_release(&models);
        arena_release(&a);
        assert_int_equal(memory_of(MEMORY_TARGETS), 0);
}

static void
lives_on_without_the_table(void **state)
{
        struct label_models models = {{NULL}};
        struct arena a = ARENA_INIT(ARENA_BYTES);
        static const uint8_t same[] = {0, 0, 0};
        struct labels set;
        struct labels back;
        struct label_model *m;

        (void)state;
        fill(&set, &a, first);
        m = label_models_take(&models, &set);
        label_models_release(&models);
        labels_init(&back, &a);
        testing_ok(label_model_read(m, same, &back, NULL), NULL);
        assert_true(view_is(labels_get(&back, VIEW_LIT("b")), "two"));
        label_model_unref(m);
        m = label_models_take(NULL, &set);
        assert_non_null(m);
        label_model_unref(m);
        label_model_unref(NULL);
        labels_init(&back, &a);
        testing_ok(label_model_read(NULL, NULL, &back, NULL), NULL);
        assert_int_equal(back.n, 0);
        arena_release(&a);
        assert_int_equal(memory_of(MEMORY_TARGETS), 0);
}

/* One slot per hash: a thousand shapes are known no longer than their slot. */
static void
table_is_bounded(void **state)
{
        struct label_models models = {{NULL}};
        struct arena a = ARENA_INIT(ARENA_BYTES);
        size_t known = 0;

        (void)state;
        for (int i = 0; i < 1000; i++) {
                char name[32];
                const struct pair one[] = {{name, "v"}, {NULL, NULL}};
                struct labels set;

                (void)snprintf(name, sizeof(name), "name_%d", i);
                fill(&set, &a, one);
                label_model_unref(label_models_take(&models, &set));
        }
        for (size_t i = 0; i < LABEL_MODELS; i++)
                known += models.v[i] != NULL;
        assert_in_range(known, 200, LABEL_MODELS);
        label_models_release(&models);
        arena_release(&a);
        assert_int_equal(memory_of(MEMORY_TARGETS), 0);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(round_trips),
            cmocka_unit_test(lives_on_without_the_table),
            cmocka_unit_test(table_is_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
