#include "remotewrite/order.h"

#include "base/memory.h"
#include "remotewrite/kin.h"
#include "tests/testing/testing.h"

#include <stdio.h>
#include <string.h>

/* What the sender does label by label, here word by word (kin.h): the words but for one or two. */
static uint64_t
sum_of_words(const char *text, const char *without)
{
        uint64_t sum = 0;

        for (; *text != '\0'; text += strcspn(text, " ") + 1) {
                struct view word = {text, strcspn(text, " ")};

                if (strncmp(text, "i=", 2) != 0 &&
                    (without == NULL || strncmp(text, without, 2) != 0))
                        sum += kin_label(1, word);
        }
        return sum;
}

/* Labels are text here: "n=<name> " "i=<instance> " and the rest, in any order. */
static void
add(struct order *o, struct buf *pool, const char *text)
{
        const char *name = strstr(text, "n=");
        const char *instance = strstr(text, "i=");
        const struct order_series s = {
            .at = (uint32_t)pool->len,
            .bytes = (uint32_t)strlen(text),
            .name_at = name != NULL ? (uint32_t)(name - text) : 0,
            .name_bytes = name != NULL ? (uint32_t)strcspn(name, " ") + 1 : 0,
            .instance_at = instance != NULL ? (uint32_t)(instance - text) : 0,
            .instance_bytes = instance != NULL ? (uint32_t)strcspn(instance, " ") + 1 : 0,
            .object = sum_of_words(text, "n="),
            .kin = sum_of_words(text, NULL),
        };

        testing_ok(buf_puts(pool, text, NULL), NULL);
        testing_ok(order_add(o, &s, NULL), NULL);
}

static void
series_of_an_object_and_of_a_kin_stand_together(void **state)
{
        static const struct {
                const char *name;
                const char *series[8];
                unsigned n;
                unsigned want[8];
        } cases[] = {
            {"objects are sorted, their series stay in order",
                {"n=b x=2 ", "n=a x=2 ", "n=b x=1 ", "n=a x=1 "}, 4, {2, 3, 0, 1}},
            {"targets of one kin follow each other",
                {"n=a i=1 x=1 ", "n=b i=1 x=1 ", "n=a i=2 x=1 ", "n=b i=2 x=1 "}, 4, {0, 2, 1, 3}},
            {"wherever name and instance stand",
                {"x=1 i=1 y=2 n=a ", "n=a x=2 ", "x=1 i=2 y=2 n=a ", "x=1 i=1 y=2 n=b "}, 4,
                {1, 0, 2, 3}},
            {"a prefix comes first", {"n=a x=12 ", "n=a x=1 ", "n=a "}, 3, {2, 1, 0}},
            {"no name at all", {"x=2 ", "i=1 x=1 ", "x=1 "}, 3, {1, 2, 0}},
            {"one", {"n=a "}, 1, {0}},
            {"none", {NULL}, 0, {0}},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct order *o = NULL;
                struct buf pool = BUF_INIT(65536);
                const uint32_t *sorted;

                testing_ok(order_new(&o, NULL), NULL);
                for (unsigned n = 0; n < cases[i].n; n++)
                        add(o, &pool, cases[i].series[n]);
                sorted = order_sort(o, pool.ptr);
                for (unsigned n = 0; n < cases[i].n; n++) {
                        if (sorted[n] != cases[i].want[n])
                                fail_msg("%s: place %u has %u", cases[i].name, n, sorted[n]);
                }
                buf_release(&pool);
                order_free(o);
        }
}

static void
every_series_comes_once(void **state)
{
        struct testing_random r = {8};
        struct order *o = NULL;
        struct buf pool = BUF_INIT(4 << 20);

        (void)state;
        testing_ok(order_new(&o, NULL), NULL);
        for (int round = 0; round < 3; round++) {
                static bool seen[20000];
                const uint32_t *sorted;
                char text[64];

                memset(seen, 0, sizeof(seen));
                buf_reset(&pool);
                order_clear(o);
                for (unsigned i = 0; i < 20000; i++) {
                        (void)snprintf(text, sizeof(text), "n=%u i=%u x=%u ",
                            (unsigned)testing_random_below(&r, 50),
                            (unsigned)testing_random_below(&r, 20),
                            (unsigned)testing_random_below(&r, 2000));
                        add(o, &pool, text);
                }
                sorted = order_sort(o, pool.ptr);
                for (unsigned i = 0; i < 20000; i++) {
                        assert_false(seen[sorted[i]]);
                        seen[sorted[i]] = true;
                }
        }
        buf_release(&pool);
        order_free(o);
}

static void
memory_goes_back(void **state)
{
        int64_t before = memory_of(MEMORY_SEND);
        struct order *o = NULL;
        struct buf pool = BUF_INIT(65536);

        (void)state;
        testing_ok(order_new(&o, NULL), NULL);
        add(o, &pool, "n=a x=1 ");
        assert_true(memory_of(MEMORY_SEND) - before > 10000);
        order_reset(o);
        assert_true(memory_of(MEMORY_SEND) - before < 1000);
        buf_reset(&pool);
        add(o, &pool, "n=a x=1 ");
        assert_int_equal(order_sort(o, pool.ptr)[0], 0);
        order_free(o);
        assert_int_equal(memory_of(MEMORY_SEND), before);
        buf_release(&pool);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(series_of_an_object_and_of_a_kin_stand_together),
            cmocka_unit_test(every_series_comes_once),
            cmocka_unit_test(memory_goes_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
