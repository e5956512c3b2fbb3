#include "scrape/discovery/kubernetes/record.h"

#include "tests/testing/testing.h"

static const struct kube_field inner[] = {{"name", NULL}, {"port", NULL}, {NULL, NULL}};
static const struct kube_field outer[] = {{"kind", NULL}, {"labels", NULL}, {"ports", inner},
    {"hosts", NULL}, {"spec", inner}, {NULL, NULL}};

static void
fields_are_kept_as_text(void **state)
{
        json_t *json =
            json_loads("{\"kind\":\"Pod\",\"other\":{\"a\":[1]},\"hosts\":[\"x\",{},2],"
                       "\"labels\":{\"app\":\"web\",\"odd key\":\"\",\"n\":null},"
                       "\"ports\":[{\"port\":80,\"name\":true,\"z\":1},7],\"spec\":null}",
                0, NULL);
        struct buf record = BUF_INIT(1000);
        struct kube_value v;
        struct kube_items i;

        (void)state;
        testing_ok(kube_pack(json, outer, &record, NULL), NULL);
        v.p = (const uint8_t *)record.ptr;
        assert_true(view_is(kube_get_text(v, "kind"), "Pod"));
        assert_false(kube_is(kube_get(v, "other")));
        assert_false(kube_is(kube_get(v, "spec")));
        assert_true(view_is(kube_get_text(kube_get(v, "labels"), "app"), "web"));
        assert_true(kube_is(kube_get(kube_get(v, "labels"), "odd key")));
        i = kube_items(kube_get(v, "ports"));
        assert_true(kube_next(&i));
        assert_true(view_is(kube_get_text(i.value, "port"), "80"));
        assert_true(view_is(kube_get_text(i.value, "name"), "true"));
        assert_false(kube_next(&i));
        i = kube_items(kube_get(v, "hosts"));
        assert_true(kube_next(&i) && view_is(kube_text(i.value), "x"));
        assert_true(kube_next(&i) && view_is(kube_text(i.value), "2"));
        assert_false(kube_next(&i));
        assert_false(kube_is(kube_get(kube_get(v, "kind"), "x")));
        buf_release(&record);
        json_decref(json);
}

static void
bound_is_kept(void **state)
{
        json_t *json = json_loads("{\"kind\":\"a long word\"}", 0, NULL);
        struct buf record = BUF_INIT(8);

        (void)state;
        assert_int_equal(kube_pack(json, outer, &record, NULL), ERR_LIMIT);
        buf_release(&record);
        json_decref(json);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(fields_are_kept_as_text), cmocka_unit_test(bound_is_kept)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
