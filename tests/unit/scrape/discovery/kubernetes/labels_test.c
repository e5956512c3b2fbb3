#include "scrape/discovery/kubernetes/labels.h"

#include "scrape/job.h"
#include "tests/testing/testing.h"

static int
take(void *arg, const struct target_group *g, struct err *e)
{
        testing_ok(buf_printf(arg, e, "%s", g->targets[0]), e);
        for (size_t i = 0; i < g->n_labels; i++)
                testing_ok(
                    buf_printf(arg, e, " %.*s=%.*s", (int)g->labels[i].name.n, g->labels[i].name.p,
                        (int)g->labels[i].value.n, g->labels[i].value.p),
                    e);
        return buf_putc(arg, '\n', e);
}

static void
names_are_sanitised_and_groups_kept(void **state)
{
        struct buf got = BUF_INIT(4096);
        struct kube_out o;

        (void)state;
        kube_out_init(&o, take, &got);
        kube_out_next(&o);
        kube_label_key(&o, "pod_label_", VIEW_LIT("a.b/c-d\xc3\xbc"), VIEW_LIT("1"));
        kube_out_group(&o);
        kube_label(&o, "x", kube_lower(&o, VIEW_LIT("MiXed")));
        kube_out_target(&o, kube_address(&o, VIEW_LIT("::1"), VIEW_LIT("80")));
        kube_out_target(&o, kube_address(&o, VIEW_LIT("h"), VIEW_LIT("80")));
        kube_out_target(&o, kube_address(&o, VIEW_LIT("::1"), (struct view){NULL, 0}));
        kube_out_next(&o);
        kube_out_target(&o, "none");
        testing_ok(o.rc, &o.err);
        testing_ok(buf_putc(&got, '\0', NULL), NULL);
        assert_string_equal(got.ptr,
            "[::1]:80 __meta_kubernetes_pod_label_a_b_c_d_=1 x=mixed\n"
            "h:80 __meta_kubernetes_pod_label_a_b_c_d_=1\n"
            "::1 __meta_kubernetes_pod_label_a_b_c_d_=1\nnone\n");
        kube_out_release(&o);
        buf_release(&got);
}

static int
refuse(void *arg, const struct target_group *g, struct err *e)
{
        (void)arg;
        (void)g;
        return err_set(e, ERR_LIMIT, "full");
}

static void
first_error_is_kept(void **state)
{
        struct kube_out o;

        (void)state;
        kube_out_init(&o, refuse, NULL);
        kube_out_target(&o, "a");
        kube_out_target(&o, "b");
        assert_int_equal(o.rc, ERR_LIMIT);
        assert_string_equal(o.err.msg, "full");
        kube_out_release(&o);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(names_are_sanitised_and_groups_kept),
            cmocka_unit_test(first_error_is_kept)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
