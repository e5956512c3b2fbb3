#include "scrape/discovery/kubernetes/roles.h"

struct one {
        struct kube_value address;
        struct kube_value port;
        bool ready;
};

static void
attach(const struct kube_sight *sight, struct kube_value address, struct kube_out *out)
{
        struct kube_value reference = kube_get(address, "targetRef");
        struct kube_value node = kube_get(address, "nodeName");

        if (kube_is(node))
                kube_attach_node(sight, kube_text(node), out);
        else if (view_is(kube_get_text(reference, "kind"), "Node"))
                kube_attach_node(sight, kube_get_text(reference, "name"), out);
}

static void
target(const struct kube_sight *sight, const struct one *x, struct kube_covered *covered,
    struct kube_out *out)
{
        struct kube_value reference = kube_get(x->address, "targetRef");
        struct kube_value pod = kube_pod_of(sight, reference);

        kube_label(out, KUBE_PREFIX "endpoint_port_name", kube_get_text(x->port, "name"));
        kube_label(out, KUBE_PREFIX "endpoint_port_protocol", kube_get_text(x->port, "protocol"));
        kube_label(
            out, KUBE_PREFIX "endpoint_ready", x->ready ? VIEW_LIT("true") : VIEW_LIT("false"));
        kube_label(
            out, KUBE_PREFIX "endpoint_address_target_kind", kube_get_text(reference, "kind"));
        kube_label(
            out, KUBE_PREFIX "endpoint_address_target_name", kube_get_text(reference, "name"));
        kube_label(out, KUBE_PREFIX "endpoint_node_name", kube_get_text(x->address, "nodeName"));
        kube_label(out, KUBE_PREFIX "endpoint_hostname", kube_get_text(x->address, "hostname"));
        attach(sight, x->address, out);
        if (kube_is(pod))
                kube_covered_pod(sight, covered, pod, x->port, out);
        kube_out_target(
            out, kube_address(out, kube_get_text(x->address, "ip"), kube_number(x->port, "port")));
}

static void
subset_targets(const struct kube_sight *sight, struct kube_value subset,
    struct kube_covered *covered, struct kube_out *out)
{
        static const char *const lists[] = {"addresses", "notReadyAddresses"};

        for (struct kube_items p = kube_items(kube_get(subset, "ports")); kube_next(&p);) {
                for (size_t k = 0; k < 2; k++) {
                        struct kube_items a = kube_items(kube_get(subset, lists[k]));

                        while (out->rc == 0 && kube_next(&a)) {
                                struct one x = {a.value, p.value, k == 0};

                                target(sight, &x, covered, out);
                        }
                }
        }
}

void
kube_role_endpoints(const struct kube_sight *sight, struct kube_value object, struct kube_out *out)
{
        struct kube_value meta = kube_get(object, "metadata");
        struct kube_value service = kube_sight_get(
            sight, KUBE_SERVICES, kube_get_text(meta, "namespace"), kube_get_text(meta, "name"));
        struct kube_covered covered = {0};

        kube_label_namespace(sight, object, out);
        if (kube_is(service))
                kube_label_object(out, "service", service);
        kube_label_object(out, "endpoints", object);
        kube_out_group(out);
        for (struct kube_items i = kube_items(kube_get(object, "subsets")); kube_next(&i);)
                subset_targets(sight, i.value, &covered, out);
        kube_covered_rest(sight, &covered, out);
}
