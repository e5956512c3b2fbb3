/*
 * Looking into other stores: attach_metadata, and the pods that endpoints refer to.
 */
#include "scrape/discovery/kubernetes/roles.h"
#include "scrape/job.h"

struct kube_value
kube_sight_get(
    const struct kube_sight *sight, enum kube_kind kind, struct view namespace, struct view name)
{
        const struct kube_stores *stores = &sight->of[kind];
        struct kube_value found = {NULL};

        for (size_t i = 0; i < stores->n && found.p == NULL; i++)
                found = kube_store_get(stores->v[i], namespace, name);
        return found;
}

void
kube_attach_node(const struct kube_sight *sight, struct view node, struct kube_out *out)
{
        struct kube_value object;

        if (!sight->sd->attach_node || node.n == 0)
                return;
        object = kube_sight_get(sight, KUBE_NODES, VIEW_LIT(""), node);
        if (kube_is(object))
                kube_label_object(out, "node", object);
}

void
kube_label_namespace(const struct kube_sight *sight, struct kube_value object, struct kube_out *out)
{
        struct view name = kube_get_text(kube_get(object, "metadata"), "namespace");

        kube_label(out, KUBE_PREFIX "namespace", name);
        if (!sight->sd->attach_namespace)
                return;
        object = kube_sight_get(sight, KUBE_NAMESPACES, VIEW_LIT(""), name);
        if (kube_is(object))
                kube_label_meta(out, "namespace", object);
}

struct kube_value
kube_pod_of(const struct kube_sight *sight, struct kube_value reference)
{
        if (!view_is(kube_get_text(reference, "kind"), "Pod"))
                return (struct kube_value){NULL};
        return kube_sight_get(sight, KUBE_PODS, kube_get_text(reference, "namespace"),
            kube_get_text(reference, "name"));
}
