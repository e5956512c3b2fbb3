/*
 * From an object to its targets, a function per role (specs: kubernetes-sd.md section 4; upstream
 * discovery/kubernetes/<role>.go). Pure but for the stores that they look into.
 */
#ifndef SCRAPE_DISCOVERY_KUBERNETES_ROLES_H
#define SCRAPE_DISCOVERY_KUBERNETES_ROLES_H

#include "scrape/discovery/kubernetes/kinds.h"
#include "scrape/discovery/kubernetes/labels.h"
#include "scrape/discovery/kubernetes/store.h"

struct kubernetes_sd;

/* The stores of one kind, one per namespace that is looked at. */
struct kube_stores {
        const struct kube_store *const *v;
        size_t n;
};

/* What a section of the configuration sees. */
struct kube_sight {
        const struct kubernetes_sd *sd;
        struct kube_stores of[KUBE_KINDS]; /* empty where the role needs none */
};

typedef void (*kube_role)(
    const struct kube_sight *sight, struct kube_value object, struct kube_out *out);

void kube_role_node(const struct kube_sight *sight, struct kube_value object, struct kube_out *out);
void kube_role_pod(const struct kube_sight *sight, struct kube_value object, struct kube_out *out);
void kube_role_service(
    const struct kube_sight *sight, struct kube_value object, struct kube_out *out);
void kube_role_endpoints(
    const struct kube_sight *sight, struct kube_value object, struct kube_out *out);
void kube_role_slice(
    const struct kube_sight *sight, struct kube_value object, struct kube_out *out);
void kube_role_ingress(
    const struct kube_sight *sight, struct kube_value object, struct kube_out *out);

/* All objects of the sight's role; the first error ends it and is in out. */
void kube_role_run(const struct kube_sight *sight, struct kube_out *out);

/* ---- what the roles share (attach.c, pod_labels.c) ---- */

/* The object in any of the kind's stores; not there when there is none. */
struct kube_value kube_sight_get(
    const struct kube_sight *sight, enum kube_kind kind, struct view namespace, struct view name);
/* Labels of the node, if attach_metadata asks for them. */
void kube_attach_node(const struct kube_sight *sight, struct view node, struct kube_out *out);
/* The object's namespace and, if attach_metadata asks for them, the labels of that. */
void kube_label_namespace(
    const struct kube_sight *sight, struct kube_value object, struct kube_out *out);

/* What all targets of a pod have. */
void kube_pod_labels(const struct kube_sight *sight, struct kube_value pod, struct kube_out *out);
/* The pod that a targetRef names, if it is known. */
struct kube_value kube_pod_of(const struct kube_sight *sight, struct kube_value reference);

/* Containers, then init containers: for (… c = kube_containers(pod); kube_container_next(&c);) */
struct kube_containers {
        struct kube_value pod;
        struct kube_items items;
        bool init; /* those of now are init containers */
        struct kube_value container;
};
struct kube_containers kube_containers(struct kube_value pod);
bool kube_container_next(struct kube_containers *c);
/* Name, image and init; with a port: its name, number and protocol too. */
void kube_container_labels(
    const struct kube_containers *c, struct kube_value port, struct kube_out *out);

/* Pods that an endpoints object or slice refers to, and the ports that it covers of each. */
struct kube_covered {
        struct kube_cover *v; /* in the arena of the kube_out */
        size_t n;
        size_t cap;
};
/* Labels of the pod and of its container port of that number, which is covered now. port may be
 * empty: none. */
void kube_covered_pod(const struct kube_sight *sight, struct kube_covered *covered,
    struct kube_value pod, struct kube_value port, struct kube_out *out);
/* A target for each container port of these pods that is not covered. */
void kube_covered_rest(
    const struct kube_sight *sight, struct kube_covered *covered, struct kube_out *out);

/* A number that Go has as 0 when it is not there. */
struct view kube_number(struct kube_value v, const char *key);

#endif
