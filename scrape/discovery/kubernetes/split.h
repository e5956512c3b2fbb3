/*
 * Cuts an answer of the API server into pieces as its bytes come: the events of a watch (one JSON
 * object after another), or the items of a list and the other members of its object. One piece is
 * held at a time, up to a bound; what JSON means is for whoever gets the piece. Pure.
 */
#ifndef SCRAPE_DISCOVERY_KUBERNETES_SPLIT_H
#define SCRAPE_DISCOVERY_KUBERNETES_SPLIT_H

#include "base/buf.h"
#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>

struct err;

/* etcd takes 1.5 MiB for an object; its JSON is larger */
enum { KUBE_MAX_PIECE = 4 << 20 };

/*
 * key: "" for an event, "items" for each item of a list, else the member's name, as written.
 * Anything but 0 ends it.
 */
typedef int (*kube_piece)(void *arg, struct view key, struct view json, struct err *e);

struct kube_split {
        bool list; /* else events */
        kube_piece take;
        void *arg;
        /* the rest is kube_split's own */
        struct buf piece;
        struct buf key;
        unsigned depth;
        bool quoted;
        bool escaped;
        bool in_items;
        bool value; /* of a member: its value has begun */
        bool done; /* a list's object has ended */
};

void kube_split_init(struct kube_split *s, bool list, kube_piece take, void *arg);
/* ERR_PARSE: no JSON of that shape; ERR_LIMIT: a piece over the bound; ERR_NOMEM; what take said.
 */
int kube_split_feed(struct kube_split *s, struct view bytes, struct err *e);
/* Is the answer whole? Of events: is none begun? */
bool kube_split_complete(const struct kube_split *s);
void kube_split_release(struct kube_split *s);

#endif
