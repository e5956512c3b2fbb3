/*
 * The objects of one watch, packed (record.h), by namespace and name. A list marks what it saw, so
 * that what it did not see can be taken out. Bounded in objects and bytes. Discover thread only.
 */
#ifndef SCRAPE_DISCOVERY_KUBERNETES_STORE_H
#define SCRAPE_DISCOVERY_KUBERNETES_STORE_H

#include "scrape/discovery/kubernetes/record.h"

#include <stddef.h>
#include <stdint.h>

struct err;

enum {
        KUBE_STORE_MAX_OBJECTS = 200000,
        KUBE_STORE_MAX_BYTES = 128 << 20,
        KUBE_MAX_RECORD = 512 << 10, /* of one object, packed */
};

struct kube_entry;

/* All zero: empty. */
struct kube_store {
        struct kube_entry **slots; /* owned */
        size_t n_slots; /* a power of two */
        size_t n;
        size_t bytes;
        uint32_t round; /* of the list under way, or the last one */
};

enum kube_change { KUBE_SAME, KUBE_ADDED, KUBE_UPDATED };

/* What is put from now on is seen by a new list. */
void kube_store_begin(struct kube_store *s);
/* Takes a copy of the record. ERR_LIMIT: the store is full; ERR_NOMEM; what was there stays. */
int kube_store_put(struct kube_store *s, struct view record, enum kube_change *out, struct err *e);
/* Takes an object out; false: it was not there. */
bool kube_store_remove(struct kube_store *s, struct view namespace, struct view name);
/* Takes out what was not put since kube_store_begin; returns their number. */
size_t kube_store_sweep(struct kube_store *s);
/* namespace "" for objects that have none. */
struct kube_value kube_store_get(
    const struct kube_store *s, struct view namespace, struct view name);
/* The next object from *at on, which begins at 0; false: no more. */
bool kube_store_each(const struct kube_store *s, size_t *at, struct kube_value *out);
void kube_store_release(struct kube_store *s);

#endif
