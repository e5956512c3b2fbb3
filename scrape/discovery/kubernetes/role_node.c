#include "scrape/discovery/kubernetes/roles.h"

/* The first address of the first type that there is. */
static struct view
main_address(struct kube_value addresses)
{
        static const char *const types[] = {
            "InternalIP", "InternalDNS", "ExternalIP", "ExternalDNS", "LegacyHostIP", "Hostname"};

        for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
                for (struct kube_items i = kube_items(addresses); kube_next(&i);) {
                        if (view_is(kube_get_text(i.value, "type"), types[t]))
                                return kube_get_text(i.value, "address");
                }
        }
        return (struct view){NULL, 0};
}

/* Is there none of that type before it? */
static bool
first_of_type(struct kube_value addresses, const struct kube_items *at)
{
        struct view type = kube_get_text(at->value, "type");

        for (struct kube_items i = kube_items(addresses); kube_next(&i);) {
                if (i.value.p == at->value.p)
                        return true;
                if (view_eq(kube_get_text(i.value, "type"), type))
                        return false;
        }
        return true;
}

void
kube_role_node(const struct kube_sight *sight, struct kube_value object, struct kube_out *out)
{
        struct kube_value status = kube_get(object, "status");
        struct kube_value addresses = kube_get(status, "addresses");
        struct kube_value kubelet =
            kube_get(kube_get(status, "daemonEndpoints"), "kubeletEndpoint");
        struct view address = main_address(addresses);

        (void)sight;
        if (address.p == NULL)
                return;
        kube_label(out, KUBE_PREFIX "node_provider_id",
            kube_get_text(kube_get(object, "spec"), "providerID"));
        for (struct kube_items i = kube_items(kube_get(status, "conditions")); kube_next(&i);)
                kube_label_key(out, "node_condition_",
                    kube_lower(out, kube_get_text(i.value, "type")),
                    kube_lower(out, kube_get_text(i.value, "status")));
        kube_label_object(out, "node", object);
        kube_out_group(out);
        kube_label(out, "instance", kube_get_text(kube_get(object, "metadata"), "name"));
        for (struct kube_items i = kube_items(addresses); kube_next(&i);) {
                if (first_of_type(addresses, &i))
                        kube_label_key(out, "node_address_", kube_get_text(i.value, "type"),
                            kube_get_text(i.value, "address"));
        }
        kube_out_target(out, kube_address(out, address, kube_number(kubelet, "Port")));
}
