#include "scrape/discovery/kubernetes/roles.h"

/* Equal, or "*." for exactly one label. */
static bool
host_matches(struct view pattern, struct view host)
{
        const char *dot = host.n > 0 ? memchr(host.p, '.', host.n) : NULL;
        struct view rest;

        if (view_eq(pattern, host))
                return true;
        if (pattern.n < 2 || pattern.p[0] != '*' || pattern.p[1] != '.' || dot == NULL)
                return false;
        rest = (struct view){dot, host.n - (size_t)(dot - host.p)};
        return view_eq((struct view){pattern.p + 1, pattern.n - 1}, rest);
}

static bool
has_tls(struct kube_value spec, struct view host)
{
        for (struct kube_items t = kube_items(kube_get(spec, "tls")); kube_next(&t);) {
                for (struct kube_items h = kube_items(kube_get(t.value, "hosts")); kube_next(&h);) {
                        if (host_matches(kube_text(h.value), host))
                                return true;
                }
        }
        return false;
}

static void
target(struct kube_value spec, struct view host, struct view path, struct kube_out *out)
{
        kube_label(out, KUBE_PREFIX "ingress_scheme",
            has_tls(spec, host) ? VIEW_LIT("https") : VIEW_LIT("http"));
        kube_label(out, KUBE_PREFIX "ingress_host", host);
        kube_label(out, KUBE_PREFIX "ingress_path", path.n > 0 ? path : VIEW_LIT("/"));
        kube_out_target(out, kube_address(out, host, (struct view){NULL, 0}));
}

void
kube_role_ingress(const struct kube_sight *sight, struct kube_value object, struct kube_out *out)
{
        struct kube_value spec = kube_get(object, "spec");

        kube_label_namespace(sight, object, out);
        kube_label_object(out, "ingress", object);
        kube_label(out, KUBE_PREFIX "ingress_class_name", kube_get_text(spec, "ingressClassName"));
        kube_out_group(out);
        for (struct kube_items i = kube_items(kube_get(spec, "rules")); kube_next(&i);) {
                struct view host = kube_get_text(i.value, "host");
                struct kube_value http = kube_get(i.value, "http");
                struct kube_items paths = kube_items(kube_get(http, "paths"));

                if (!kube_is(http))
                        target(spec, host, VIEW_LIT("/"), out);
                while (kube_next(&paths))
                        target(spec, host, kube_get_text(paths.value, "path"), out);
        }
}
