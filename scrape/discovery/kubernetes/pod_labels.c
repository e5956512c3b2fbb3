/*
 * The labels of a pod and its containers, for the roles pod, endpoints and endpointslice.
 */
#include "scrape/discovery/kubernetes/roles.h"
#include "scrape/job.h"

#include <stdlib.h>

/* The owner that controls the object; not there when nobody does. */
static struct kube_value
controller_of(struct kube_value object)
{
        struct kube_value owners = kube_get(kube_get(object, "metadata"), "ownerReferences");

        for (struct kube_items i = kube_items(owners); kube_next(&i);) {
                if (view_is(kube_get_text(i.value, "controller"), "true"))
                        return i.value;
        }
        return (struct kube_value){NULL};
}

/* The owner's own owner, when that is of this kind. */
static struct kube_value
owner_of_owner(const struct kube_sight *sight, enum kube_kind kind, struct view namespace,
    struct kube_value owner, const char *want)
{
        struct kube_value object =
            kube_sight_get(sight, kind, namespace, kube_get_text(owner, "name"));
        struct kube_value found = controller_of(object);

        if (!view_is(kube_get_text(found, "kind"), want))
                found.p = NULL;
        return found;
}

static void
label_owners(const struct kube_sight *sight, struct kube_value pod, struct kube_out *out)
{
        struct view namespace = kube_get_text(kube_get(pod, "metadata"), "namespace");
        struct kube_value owner = controller_of(pod);
        struct view kind = kube_get_text(owner, "kind");
        struct kube_value above;

        kube_label(out, KUBE_PREFIX "pod_controller_kind", kind);
        kube_label(out, KUBE_PREFIX "pod_controller_name", kube_get_text(owner, "name"));
        if (sight->sd->attach_deployment && view_is(kind, "ReplicaSet")) {
                above = owner_of_owner(sight, KUBE_REPLICASETS, namespace, owner, "Deployment");
                kube_label(out, KUBE_PREFIX "pod_deployment_name", kube_get_text(above, "name"));
        }
        if (!view_is(kind, "Job"))
                return;
        if (sight->sd->attach_job)
                kube_label(out, KUBE_PREFIX "pod_job_name", kube_get_text(owner, "name"));
        if (sight->sd->attach_cronjob) {
                above = owner_of_owner(sight, KUBE_JOBS, namespace, owner, "CronJob");
                kube_label(out, KUBE_PREFIX "pod_cronjob_name", kube_get_text(above, "name"));
        }
}

static struct view
ready_of(struct kube_value status, struct kube_out *out)
{
        for (struct kube_items i = kube_items(kube_get(status, "conditions")); kube_next(&i);) {
                if (view_is(kube_get_text(i.value, "type"), "Ready"))
                        return kube_lower(out, kube_get_text(i.value, "status"));
        }
        return VIEW_LIT("unknown");
}

void
kube_pod_labels(const struct kube_sight *sight, struct kube_value pod, struct kube_out *out)
{
        struct kube_value status = kube_get(pod, "status");

        kube_label(out, KUBE_PREFIX "pod_ip", kube_get_text(status, "podIP"));
        kube_label(out, KUBE_PREFIX "pod_host_ip", kube_get_text(status, "hostIP"));
        kube_label(out, KUBE_PREFIX "pod_phase", kube_get_text(status, "phase"));
        kube_label(out, KUBE_PREFIX "pod_ready", ready_of(status, out));
        kube_label(
            out, KUBE_PREFIX "pod_node_name", kube_get_text(kube_get(pod, "spec"), "nodeName"));
        kube_label(out, KUBE_PREFIX "pod_uid", kube_get_text(kube_get(pod, "metadata"), "uid"));
        label_owners(sight, pod, out);
        kube_label_object(out, "pod", pod);
}

/* ---- containers ---- */

struct kube_containers
kube_containers(struct kube_value pod)
{
        struct kube_containers c = {.pod = pod};

        c.items = kube_items(kube_get(kube_get(pod, "spec"), "containers"));
        return c;
}

bool
kube_container_next(struct kube_containers *c)
{
        if (!kube_next(&c->items)) {
                if (c->init)
                        return false;
                c->init = true;
                c->items = kube_items(kube_get(kube_get(c->pod, "spec"), "initContainers"));
                if (!kube_next(&c->items))
                        return false;
        }
        c->container = c->items.value;
        return true;
}

void
kube_container_labels(const struct kube_containers *c, struct kube_value port, struct kube_out *out)
{
        kube_label(out, KUBE_PREFIX "pod_container_name", kube_get_text(c->container, "name"));
        kube_label(out, KUBE_PREFIX "pod_container_image", kube_get_text(c->container, "image"));
        kube_label(
            out, KUBE_PREFIX "pod_container_init", c->init ? VIEW_LIT("true") : VIEW_LIT("false"));
        if (!kube_is(port))
                return;
        kube_label(out, KUBE_PREFIX "pod_container_port_name", kube_get_text(port, "name"));
        kube_label(
            out, KUBE_PREFIX "pod_container_port_number", kube_number(port, "containerPort"));
        kube_label(out, KUBE_PREFIX "pod_container_port_protocol", kube_get_text(port, "protocol"));
}

/* ---- which ports of which pods have been seen ---- */

struct kube_cover {
        struct kube_value pod;
        struct view port; /* "": none */
};

static void
cover(struct kube_covered *covered, struct kube_cover x, struct kube_out *out)
{
        if (covered->n == covered->cap) {
                size_t cap = covered->cap > 0 ? covered->cap * 2 : 8;
                struct kube_cover *v = arena_alloc(&out->arena, cap * sizeof(*v));

                if (v == NULL) {
                        if (out->rc == 0)
                                out->rc = err_nomem(&out->err, "pods of an endpoint");
                        return;
                }
                if (covered->n > 0)
                        memcpy(v, covered->v, covered->n * sizeof(*v));
                covered->v = v;
                covered->cap = cap;
        }
        covered->v[covered->n++] = x;
}

void
kube_covered_pod(const struct kube_sight *sight, struct kube_covered *covered,
    struct kube_value pod, struct kube_value port, struct kube_out *out)
{
        struct view number = kube_is(port) ? kube_number(port, "port") : VIEW_LIT("");

        kube_pod_labels(sight, pod, out);
        for (struct kube_containers c = kube_containers(pod);
             number.n > 0 && kube_container_next(&c);) {
                struct kube_value ports = kube_get(c.container, "ports");

                for (struct kube_items i = kube_items(ports); kube_next(&i);) {
                        if (view_eq(kube_number(i.value, "containerPort"), number)) {
                                kube_container_labels(&c, i.value, out);
                                kube_label(out, KUBE_PREFIX "pod_container_port_protocol",
                                    kube_get_text(port, "protocol"));
                                break;
                        }
                }
        }
        cover(covered, (struct kube_cover){pod, number}, out);
}

static int
compare_pods(const void *a, const void *b)
{
        uintptr_t x = (uintptr_t)((const struct kube_cover *)a)->pod.p;
        uintptr_t y = (uintptr_t)((const struct kube_cover *)b)->pod.p;

        return (x > y) - (x < y);
}

/* v: all that is covered of one pod. */
static void
rest_of_pod(
    const struct kube_sight *sight, const struct kube_cover *v, size_t n, struct kube_out *out)
{
        struct kube_value pod = v[0].pod;
        struct view ip = kube_get_text(kube_get(pod, "status"), "podIP");

        for (struct kube_containers c = kube_containers(pod);
             ip.n > 0 && kube_container_next(&c);) {
                struct kube_value ports = kube_get(c.container, "ports");

                for (struct kube_items i = kube_items(ports); kube_next(&i);) {
                        struct view number = kube_number(i.value, "containerPort");
                        size_t k = 0;

                        while (k < n && !view_eq(v[k].port, number))
                                k++;
                        if (k < n)
                                continue;
                        kube_container_labels(&c, i.value, out);
                        kube_pod_labels(sight, pod, out);
                        kube_out_target(out, kube_address(out, ip, number));
                }
        }
}

void
kube_covered_rest(
    const struct kube_sight *sight, struct kube_covered *covered, struct kube_out *out)
{
        size_t first = 0;

        if (covered->n == 0)
                return;
        qsort(covered->v, covered->n, sizeof(*covered->v), compare_pods);
        for (size_t i = 1; i <= covered->n && out->rc == 0; i++) {
                if (i < covered->n && covered->v[i].pod.p == covered->v[first].pod.p)
                        continue;
                rest_of_pod(sight, &covered->v[first], i - first, out);
                first = i;
        }
}
