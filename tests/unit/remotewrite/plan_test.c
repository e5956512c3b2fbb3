#include "remotewrite/plan.h"

#include "remotewrite/encode.h"
#include "remotewrite/identity.h"
#include "remotewrite/kin.h"
#include "tests/testing/testing.h"

#include <stdio.h>
#include <string.h>

enum { LABELS_MAX = 40, TEXT_BYTES = 20000, BOUND = 64 << 20 };

static char text[TEXT_BYTES];

static void
learn(struct plans *p, uint32_t shape, const struct label *labels, size_t n)
{
        const struct plan_source s = {shape, labels, n, labels, n};
        struct err e = ERR_INIT;

        testing_ok(plans_learn(p, &s, &e), &e);
}

/* What the plan writes must be what encode_labels writes. */
static void
compare(struct plans *p, const struct plan *x, const struct label *labels,
    const struct label *merged, size_t n)
{
        struct buf want = BUF_INIT(BOUND);
        struct buf got = BUF_INIT(BOUND);
        struct identity_result r;
        uint64_t object = 0;
        uint64_t kin = 0;
        struct err e = ERR_INIT;

        assert_non_null(x);
        testing_ok(encode_labels(merged, n, &want, &e), &e);
        testing_ok(plans_encode(p, x, labels, &got, &r, &e), &e);
        assert_true(r.kept);
        assert_true(view_eq(r.labels, buf_view(&want)));
        for (size_t i = 0; i < n; i++) {
                bool name = view_is(merged[i].name, "__name__");
                bool instance = view_is(merged[i].name, "instance");
                size_t at = name ? r.name_at : r.instance_at;
                size_t bytes = name ? r.name_bytes : r.instance_bytes;
                uint64_t hash = kin_label(kin_text(merged[i].name, 0), merged[i].value);
                struct buf field = BUF_INIT(BOUND);

                kin += instance ? 0 : hash;
                object += name || instance ? 0 : hash;
                testing_ok(encode_labels(merged + i, 1, &field, &e), &e);
                if (name || instance)
                        assert_true(view_eq((struct view){got.ptr + at, bytes}, buf_view(&field)));
                buf_release(&field);
        }
        assert_int_equal(r.object, object);
        assert_int_equal(r.kin, kin);
        buf_release(&want);
        buf_release(&got);
}

static void
external_labels_stand_between(void **state)
{
        const struct label scraped[] = {{VIEW_LIT("__name__"), VIEW_LIT("up")},
            {VIEW_LIT("instance"), VIEW_LIT("a:1")}, {VIEW_LIT("zone"), VIEW_LIT("")}};
        const struct label external[] = {
            {VIEW_LIT("cluster"), VIEW_LIT("c")}, {VIEW_LIT("tenant"), VIEW_LIT("t")}};
        const struct label merged[] = {
            scraped[0], external[0], scraped[1], external[1], scraped[2]};
        struct label other[3];
        struct label other_merged[5];
        const struct plan_source s = {7, scraped, 3, merged, 5};
        struct plans *p = NULL;
        struct err e = ERR_INIT;

        (void)state;
        memcpy(other, scraped, sizeof(other));
        memcpy(other_merged, merged, sizeof(other_merged));
        other[0].value = other_merged[0].value = VIEW_LIT("node_cpu_seconds_total");
        other[2].value = other_merged[4].value = VIEW_LIT("z");
        testing_ok(plans_new(&p, &e), &e);
        testing_ok(plans_learn(p, &s, &e), &e);
        assert_null(plans_find(p, 0));
        assert_null(plans_find(p, 6));
        assert_null(plans_find(p, 8));
        compare(p, plans_find(p, 7), scraped, merged, 5);
        compare(p, plans_find(p, 7), other, other_merged, 5);
        assert_true(plans_bytes(p) > 0);
        plans_clear(p);
        assert_null(plans_find(p, 7));
        plans_free(p);
}

/* All lengths of names and values at which the encoding takes another way. */
static void
any_label_set(void **state)
{
        static const size_t lengths[] = {
            0, 1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 60, 120, 126, 127, 128, 200, 16383, 16384};
        const size_t n_lengths = sizeof(lengths) / sizeof(lengths[0]);
        const uint64_t seed = 11;
        struct testing_random r = {seed};
        struct plans *p = NULL;

        (void)state;
        printf("seed %llu\n", (unsigned long long)seed);
        for (size_t i = 0; i < sizeof(text); i++)
                text[i] = (char)testing_random(&r);
        testing_ok(plans_new(&p, NULL), NULL);
        for (unsigned round = 0; round < 2000; round++) {
                struct label labels[LABELS_MAX];
                size_t n = 1 + testing_random_below(&r, 8);
                uint32_t shape = 1 + (uint32_t)testing_random_below(&r, 30);

                for (size_t i = 0; i < n; i++) {
                        size_t name = lengths[testing_random_below(&r, n_lengths)];

                        labels[i].name = (struct view){text + i, name};
                        labels[i].value = (struct view){text + 20, 5};
                }
                learn(p, shape, labels, n);
                if (plans_find(p, shape) == NULL)
                        continue; /* its text was too much */
                for (size_t i = 0; i < n; i++)
                        labels[i].value.n = lengths[testing_random_below(&r, n_lengths)];
                compare(p, plans_find(p, shape), labels, labels, n);
                compare(
                    p, plans_find(p, shape), labels, labels, n); /* with the values remembered */
        }
        plans_free(p);
}

/* Names and shapes come from the log: what is kept of them has a bound. */
static void
many_and_long_shapes_are_forgotten(void **state)
{
        struct label labels[LABELS_MAX];
        struct plans *p = NULL;
        unsigned known = 0;

        (void)state;
        testing_ok(plans_new(&p, NULL), NULL);
        for (size_t i = 0; i < LABELS_MAX; i++)
                labels[i] = (struct label){{text, sizeof(text)}, {text, 1}};
        learn(p, 1, labels, LABELS_MAX); /* 800,000 bytes: it has no plan, the next one may */
        assert_null(plans_find(p, 1));
        learn(p, 2, labels, 1);
        compare(p, plans_find(p, 2), labels, labels, 1);
        for (uint32_t shape = 1; shape <= 2000; shape++) {
                learn(p, shape, labels, 2);
                known += plans_find(p, shape) != NULL;
                assert_true(plans_bytes(p) < 2 << 20);
        }
        assert_true(known > 0);
        for (size_t i = 0; i < LABELS_MAX; i++)
                labels[i].name.n = 1;
        for (unsigned round = 0; round < 5000; round++) {
                learn(p, 1 + round % 1024, labels, LABELS_MAX);
                assert_true(plans_bytes(p) < 4 << 20);
        }
        compare(p, plans_find(p, 1 + 4999 % 1024), labels, labels, LABELS_MAX);
        plans_free(p);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(external_labels_stand_between),
            cmocka_unit_test(any_label_set),
            cmocka_unit_test(many_and_long_shapes_are_forgotten),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
