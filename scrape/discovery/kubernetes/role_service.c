#include "scrape/discovery/kubernetes/roles.h"

#include <stdio.h>

/* All addresses of the load balancer, else the one that was asked for. */
static struct view
balancer_ip(struct kube_value object, struct kube_out *out)
{
        struct kube_value list =
            kube_get(kube_get(kube_get(object, "status"), "loadBalancer"), "ingress");
        size_t n = 0;
        size_t len = 0;
        char *s;

        for (struct kube_items i = kube_items(list); kube_next(&i);)
                n += kube_get_text(i.value, "ip").n + 1;
        s = n > 0 ? arena_alloc(&out->arena, n) : NULL;
        for (struct kube_items i = kube_items(list); s != NULL && kube_next(&i);) {
                struct view ip = kube_get_text(i.value, "ip");

                if (ip.n == 0)
                        continue;
                if (len > 0)
                        s[len++] = ',';
                memcpy(s + len, ip.p, ip.n);
                len += ip.n;
        }
        if (len > 0)
                return (struct view){s, len};
        return kube_get_text(kube_get(object, "spec"), "loadBalancerIP");
}

/* NAME.NS.svc */
static struct view
host_of(struct kube_value object, struct kube_out *out)
{
        struct kube_value meta = kube_get(object, "metadata");
        struct view name = kube_get_text(meta, "name");
        struct view namespace = kube_get_text(meta, "namespace");
        size_t n = name.n + namespace.n + sizeof("..svc");
        char *s = arena_alloc(&out->arena, n);

        if (s == NULL)
                return VIEW_LIT("");
        (void)snprintf(s, n, "%.*s.%.*s.svc", (int)name.n, name.p, (int)namespace.n, namespace.p);
        return (struct view){s, n - 1};
}

void
kube_role_service(const struct kube_sight *sight, struct kube_value object, struct kube_out *out)
{
        struct kube_value spec = kube_get(object, "spec");
        struct view type = kube_get_text(spec, "type");
        struct view host = host_of(object, out);

        kube_label_namespace(sight, object, out);
        kube_label_object(out, "service", object);
        kube_label(out, KUBE_PREFIX "service_type", type);
        if (view_is(type, "ExternalName"))
                kube_label(
                    out, KUBE_PREFIX "service_external_name", kube_get_text(spec, "externalName"));
        else
                kube_label(out, KUBE_PREFIX "service_cluster_ip", kube_get_text(spec, "clusterIP"));
        if (view_is(type, "LoadBalancer"))
                kube_label(out, KUBE_PREFIX "service_loadbalancer_ip", balancer_ip(object, out));
        kube_out_group(out);
        for (struct kube_items i = kube_items(kube_get(spec, "ports")); kube_next(&i);) {
                struct view number = kube_number(i.value, "port");

                kube_label(out, KUBE_PREFIX "service_port_name", kube_get_text(i.value, "name"));
                kube_label(out, KUBE_PREFIX "service_port_number", number);
                kube_label(
                    out, KUBE_PREFIX "service_port_protocol", kube_get_text(i.value, "protocol"));
                kube_out_target(out, kube_address(out, host, number));
        }
}
