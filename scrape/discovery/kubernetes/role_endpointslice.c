#include "scrape/discovery/kubernetes/roles.h"

#define PREFIX KUBE_PREFIX "endpointslice_"

static void
label_port(struct kube_value port, struct kube_out *out)
{
        kube_label(out, PREFIX "port", kube_get_text(port, "port"));
        kube_label(out, PREFIX "port_name", kube_get_text(port, "name"));
        kube_label(out, PREFIX "port_protocol", kube_get_text(port, "protocol"));
        kube_label(out, PREFIX "port_app_protocol", kube_get_text(port, "appProtocol"));
}

static void
label_endpoint(struct kube_value endpoint, struct kube_out *out)
{
        struct kube_value conditions = kube_get(endpoint, "conditions");
        struct kube_value reference = kube_get(endpoint, "targetRef");

        kube_label(out, PREFIX "endpoint_conditions_ready", kube_get_text(conditions, "ready"));
        kube_label(out, PREFIX "endpoint_conditions_serving", kube_get_text(conditions, "serving"));
        kube_label(out, PREFIX "endpoint_conditions_terminating",
            kube_get_text(conditions, "terminating"));
        kube_label(out, PREFIX "endpoint_hostname", kube_get_text(endpoint, "hostname"));
        kube_label(out, PREFIX "endpoint_node_name", kube_get_text(endpoint, "nodeName"));
        kube_label(out, PREFIX "endpoint_zone", kube_get_text(endpoint, "zone"));
        kube_label(out, PREFIX "address_target_kind", kube_get_text(reference, "kind"));
        kube_label(out, PREFIX "address_target_name", kube_get_text(reference, "name"));
        kube_label_map(out, "endpointslice_endpoint_topology_",
            "endpointslice_endpoint_topology_present_", kube_get(endpoint, "deprecatedTopology"));
}

static void
target(const struct kube_sight *sight, struct kube_value endpoint, struct kube_value port,
    struct kube_covered *covered, struct view address, struct kube_out *out)
{
        struct kube_value reference = kube_get(endpoint, "targetRef");
        struct kube_value number = kube_get(port, "port");
        struct kube_value pod = kube_pod_of(sight, reference);

        label_port(port, out);
        label_endpoint(endpoint, out);
        kube_attach_node(sight,
            view_is(kube_get_text(reference, "kind"), "Node") ? kube_get_text(reference, "name")
                                                              : kube_get_text(endpoint, "nodeName"),
            out);
        if (kube_is(pod))
                kube_covered_pod(
                    sight, covered, pod, kube_is(number) ? port : (struct kube_value){NULL}, out);
        kube_out_target(out,
            kube_address(
                out, address, kube_is(number) ? kube_text(number) : (struct view){NULL, 0}));
}

/* A slice of the service's other family says the same again. */
static bool
other_family(struct kube_value service, struct view address_type)
{
        struct kube_value spec = kube_get(service, "spec");
        struct view policy = kube_get_text(spec, "ipFamilyPolicy");
        struct kube_items families = kube_items(kube_get(spec, "ipFamilies"));

        if (!view_is(policy, "PreferDualStack") && !view_is(policy, "RequireDualStack"))
                return false;
        return kube_next(&families) && !view_eq(kube_text(families.value), address_type);
}

static void
endpoint_targets(const struct kube_sight *sight, struct kube_value endpoint,
    struct kube_value ports, struct kube_covered *covered, struct kube_out *out)
{
        for (struct kube_items p = kube_items(ports); kube_next(&p);) {
                struct kube_items a = kube_items(kube_get(endpoint, "addresses"));

                while (out->rc == 0 && kube_next(&a))
                        target(sight, endpoint, p.value, covered, kube_text(a.value), out);
        }
}

void
kube_role_slice(const struct kube_sight *sight, struct kube_value object, struct kube_out *out)
{
        struct kube_value meta = kube_get(object, "metadata");
        struct view name = kube_get_text(kube_get(meta, "labels"), "kubernetes.io/service-name");
        struct view type = kube_get_text(object, "addressType");
        struct kube_value service =
            kube_sight_get(sight, KUBE_SERVICES, kube_get_text(meta, "namespace"), name);
        struct kube_covered covered = {0};

        if (other_family(service, type))
                return;
        kube_label_namespace(sight, object, out);
        kube_label(out, PREFIX "address_type", type);
        kube_label_object(out, "endpointslice", object);
        if (kube_is(service))
                kube_label_object(out, "service", service);
        kube_out_group(out);
        for (struct kube_items i = kube_items(kube_get(object, "endpoints")); kube_next(&i);)
                endpoint_targets(sight, i.value, kube_get(object, "ports"), &covered, out);
        kube_covered_rest(sight, &covered, out);
}
