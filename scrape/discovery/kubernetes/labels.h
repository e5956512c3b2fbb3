/*
 * Labels of the objects' target groups. One list holds the group's labels and behind them those of
 * the target that is being made; of two with one name the later one counts, as target_build has it.
 *
 * An error is kept in rc and ends all that follows, so that the roles read like their tables.
 * Names and addresses lie in the arena until kube_out_next.
 */
#ifndef SCRAPE_DISCOVERY_KUBERNETES_LABELS_H
#define SCRAPE_DISCOVERY_KUBERNETES_LABELS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/labels.h"
#include "scrape/discovery/kubernetes/record.h"

#include <stddef.h>

struct target_group;

#define KUBE_PREFIX "__meta_kubernetes_"

enum {
        KUBE_MAX_LABELS = 20000, /* of one target; an object has 1.5 MiB */
        KUBE_SCRATCH_BYTES = 64 << 20, /* that one object's groups may take while they are made */
};

/* A group of one target; valid during the call. */
typedef int (*kube_emit)(void *arg, const struct target_group *group, struct err *e);

struct kube_out {
        kube_emit emit;
        void *arg;
        struct arena arena;
        struct label *v; /* owned */
        size_t n;
        size_t cap;
        size_t n_group; /* the first of them, which all targets of the group have */
        int rc;
        struct err err;
};

void kube_out_init(struct kube_out *o, kube_emit emit, void *arg);
void kube_out_release(struct kube_out *o);

/* The next object's group begins: no labels. */
void kube_out_next(struct kube_out *o);
/* What was added is the group's; what follows is the first target's. */
void kube_out_group(struct kube_out *o);
/* Hands the target on; its own labels are forgotten, the group's stay. */
void kube_out_target(struct kube_out *o, const char *address);

/* name with its prefix; it and the value must stay until the target is handed on. */
void kube_label(struct kube_out *o, const char *name, struct view value);
/* __meta_kubernetes_<prefix><key, sanitised>. */
void kube_label_key(struct kube_out *o, const char *prefix, struct view key, struct view value);
/* The same and <prefix>present_<key>="true": of <what>_label, _annotation, _topology. */
void kube_label_map(
    struct kube_out *o, const char *prefix, const char *present, struct kube_value map);
/* Labels and annotations of an object, <what> being pod, service, …; and its name. */
void kube_label_object(struct kube_out *o, const char *what, struct kube_value object);
void kube_label_meta(struct kube_out *o, const char *what, struct kube_value object);

/* host:port, IPv6 in brackets; port.p NULL: the host alone. Never NULL. */
const char *kube_address(struct kube_out *o, struct view host, struct view port);
/* In lower case, in the arena. */
struct view kube_lower(struct kube_out *o, struct view v);

#endif
