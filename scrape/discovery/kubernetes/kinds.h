/*
 * The kinds of objects that are listed and watched: where the API has them, and which of their
 * fields are kept (specs: kubernetes-sd.md sections 2 and 4).
 */
#ifndef SCRAPE_DISCOVERY_KUBERNETES_KINDS_H
#define SCRAPE_DISCOVERY_KUBERNETES_KINDS_H

#include "scrape/discovery/kubernetes/record.h"

/* The first six are the roles too, in the order of enum kubernetes_role. */
enum kube_kind {
        KUBE_NODES,
        KUBE_PODS,
        KUBE_SERVICES,
        KUBE_ENDPOINTS,
        KUBE_SLICES,
        KUBE_INGRESSES,
        KUBE_NAMESPACES,
        KUBE_REPLICASETS,
        KUBE_JOBS,
        KUBE_KINDS
};

struct kube_kind_row {
        const char *group; /* "/api/v1" */
        const char *resource; /* "pods" */
        bool namespaced;
        const struct kube_field *fields;
};

extern const struct kube_kind_row kube_kinds[KUBE_KINDS];

#endif
