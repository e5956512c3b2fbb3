#include "scrape/discovery/kubernetes/roles.h"

#include "scrape/job.h"

static const kube_role roles[KUBERNETES_ROLES] = {
    [KUBERNETES_NODE] = kube_role_node,
    [KUBERNETES_POD] = kube_role_pod,
    [KUBERNETES_SERVICE] = kube_role_service,
    [KUBERNETES_ENDPOINTS] = kube_role_endpoints,
    [KUBERNETES_ENDPOINTSLICE] = kube_role_slice,
    [KUBERNETES_INGRESS] = kube_role_ingress,
};

void
kube_role_run(const struct kube_sight *sight, struct kube_out *out)
{
        const struct kube_stores *stores = &sight->of[sight->sd->role];

        for (size_t i = 0; i < stores->n; i++) {
                struct kube_value object;
                size_t at = 0;

                while (out->rc == 0 && kube_store_each(stores->v[i], &at, &object)) {
                        kube_out_next(out);
                        roles[sight->sd->role](sight, object, out);
                }
        }
}

struct view
kube_number(struct kube_value v, const char *key)
{
        struct view text = kube_get_text(v, key);

        return text.n > 0 ? text : VIEW_LIT("0");
}
