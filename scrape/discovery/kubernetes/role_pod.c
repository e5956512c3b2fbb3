#include "scrape/discovery/kubernetes/roles.h"
#include "scrape/job.h"

static struct view
container_id(const struct kube_containers *c)
{
        struct kube_value list = kube_get(
            kube_get(c->pod, "status"), c->init ? "initContainerStatuses" : "containerStatuses");
        struct view name = kube_get_text(c->container, "name");

        for (struct kube_items i = kube_items(list); kube_next(&i);) {
                if (view_eq(kube_get_text(i.value, "name"), name))
                        return kube_get_text(i.value, "containerID");
        }
        return VIEW_LIT("");
}

static void
container_targets(const struct kube_containers *c, struct view ip, struct kube_out *out)
{
        static const struct kube_value no_port = {NULL};
        struct view id = container_id(c);
        struct kube_items ports = kube_items(kube_get(c->container, "ports"));
        bool any = false;

        while (kube_next(&ports)) {
                any = true;
                kube_container_labels(c, ports.value, out);
                kube_label(out, KUBE_PREFIX "pod_container_id", id);
                kube_out_target(
                    out, kube_address(out, ip, kube_number(ports.value, "containerPort")));
        }
        if (any)
                return;
        kube_container_labels(c, no_port, out);
        kube_label(out, KUBE_PREFIX "pod_container_id", id);
        kube_out_target(out, kube_address(out, ip, (struct view){NULL, 0}));
}

void
kube_role_pod(const struct kube_sight *sight, struct kube_value object, struct kube_out *out)
{
        const struct kubernetes_selector *nodes = &sight->sd->selectors[KUBERNETES_NODE];
        struct view ip = kube_get_text(kube_get(object, "status"), "podIP");
        struct view node = kube_get_text(kube_get(object, "spec"), "nodeName");

        if (ip.n == 0)
                return; /* it starts, or was evicted */
        if (sight->sd->attach_node && (nodes->label[0] != '\0' || nodes->field[0] != '\0') &&
            !kube_is(kube_sight_get(sight, KUBE_NODES, VIEW_LIT(""), node)))
                return;
        kube_pod_labels(sight, object, out);
        kube_label_namespace(sight, object, out);
        kube_attach_node(sight, node, out);
        kube_out_group(out);
        for (struct kube_containers c = kube_containers(object); kube_container_next(&c);)
                container_targets(&c, ip, out);
}
