#include "scrape/discovery/kubernetes/store.h"

#include "tests/testing/testing.h"

#include <stdio.h>

static const struct kube_field meta[] = {
    {"name", NULL}, {"namespace", NULL}, {"x", NULL}, {NULL, NULL}};
static const struct kube_field object[] = {{"metadata", meta}, {NULL, NULL}};

static enum kube_change
put(struct kube_store *s, const char *namespace, unsigned name, int x)
{
        struct buf record = BUF_INIT(1000);
        enum kube_change change = KUBE_SAME;
        char id[16];
        json_t *json;

        (void)snprintf(id, sizeof(id), "n%u", name);
        json =
            json_pack("{s:{s:s,s:s,s:i}}", "metadata", "name", id, "namespace", namespace, "x", x);
        testing_ok(kube_pack(json, object, &record, NULL), NULL);
        testing_ok(kube_store_put(s, buf_view(&record), &change, NULL), NULL);
        buf_release(&record);
        json_decref(json);
        return change;
}

static bool
has(const struct kube_store *s, const char *namespace, unsigned name)
{
        char id[16];

        (void)snprintf(id, sizeof(id), "n%u", name);
        return kube_is(kube_store_get(s, view_of(namespace), view_of(id)));
}

static bool
drop(struct kube_store *s, const char *namespace, unsigned name)
{
        char id[16];

        (void)snprintf(id, sizeof(id), "n%u", name);
        return kube_store_remove(s, view_of(namespace), view_of(id));
}

static void
changes_are_told(void **state)
{
        struct kube_store s = {0};

        (void)state;
        assert_false(has(&s, "a", 1));
        assert_false(drop(&s, "a", 1));
        assert_int_equal(put(&s, "a", 1, 1), KUBE_ADDED);
        assert_int_equal(put(&s, "a", 1, 1), KUBE_SAME);
        assert_int_equal(put(&s, "a", 1, 2), KUBE_UPDATED);
        assert_int_equal(put(&s, "b", 1, 2), KUBE_ADDED);
        assert_true(drop(&s, "a", 1));
        assert_false(has(&s, "a", 1));
        assert_true(has(&s, "b", 1));
        kube_store_release(&s);
        assert_int_equal(s.bytes, 0);
}

/* What a list does not show any more is gone, wherever it lies. */
static void
sweep_takes_what_was_not_seen(void **state)
{
        struct testing_random r = {1};
        struct kube_store s = {0};
        bool there[500] = {false};

        (void)state;
        for (unsigned round = 0; round < 20; round++) {
                size_t n = 0;

                kube_store_begin(&s);
                for (unsigned i = 0; i < 500; i++) {
                        there[i] = testing_random_below(&r, 3) > 0;
                        if (there[i])
                                (void)put(&s, "ns", i, 0);
                        n += there[i];
                }
                (void)kube_store_sweep(&s);
                assert_int_equal(s.n, n);
                for (unsigned i = 0; i < 500; i++)
                        assert_int_equal(has(&s, "ns", i), there[i]);
        }
        for (unsigned i = 0; i < 500; i++)
                assert_int_equal(drop(&s, "ns", i), there[i]);
        assert_int_equal(s.n, 0);
        assert_int_equal(s.bytes, 0);
        kube_store_release(&s);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(changes_are_told), cmocka_unit_test(sweep_takes_what_was_not_seen)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
