#include "scrape/discovery/kubernetes/store.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/memory.h"

#include <stdlib.h>

struct kube_entry {
        uint64_t hash; /* of namespace and name */
        uint32_t round;
        uint32_t size;
        uint8_t record[];
};

static uint64_t
hash_of(struct view namespace, struct view name)
{
        return hash_stable(name.p, name.n, hash_stable(namespace.p, namespace.n, 0));
}

static struct kube_value
meta_of(struct kube_value object)
{
        return kube_get(object, "metadata");
}

static bool
is_entry(const struct kube_entry *x, uint64_t hash, struct view namespace, struct view name)
{
        struct kube_value meta;

        if (x->hash != hash)
                return false;
        meta = meta_of((struct kube_value){x->record});
        return view_eq(kube_get_text(meta, "name"), name) &&
            view_eq(kube_get_text(meta, "namespace"), namespace);
}

/* The slot of the object, or the free one where it belongs. */
static size_t
find(const struct kube_store *s, uint64_t hash, struct view namespace, struct view name)
{
        size_t i = (size_t)hash & (s->n_slots - 1);

        while (s->slots[i] != NULL && !is_entry(s->slots[i], hash, namespace, name))
                i = (i + 1) & (s->n_slots - 1);
        return i;
}

static int
grow(struct kube_store *s, struct err *e)
{
        size_t n = s->n_slots > 0 ? s->n_slots * 2 : 16;
        struct kube_entry **slots;

        if (s->n + s->n / 4 < s->n_slots)
                return 0;
        slots = calloc(n, sizeof(struct kube_entry *));
        if (slots == NULL)
                return err_nomem(e, "Kubernetes objects");
        for (size_t k = 0; k < s->n_slots; k++) {
                size_t i;

                if (s->slots[k] == NULL)
                        continue;
                i = (size_t)s->slots[k]->hash & (n - 1);
                while (slots[i] != NULL)
                        i = (i + 1) & (n - 1);
                slots[i] = s->slots[k];
        }
        memory_account(MEMORY_TARGETS, (int64_t)((n - s->n_slots) * sizeof(struct kube_entry *)));
        free(s->slots);
        s->slots = slots;
        s->n_slots = n;
        return 0;
}

static void
account(struct kube_store *s, const struct kube_entry *x, bool more)
{
        size_t n = sizeof(*x) + x->size;

        s->bytes = more ? s->bytes + n : s->bytes - n;
        memory_account(MEMORY_TARGETS, more ? (int64_t)n : -(int64_t)n);
}

void
kube_store_begin(struct kube_store *s)
{
        s->round++;
}

/* A new entry at a slot; what stood there is freed. */
static int
set(struct kube_store *s, size_t i, uint64_t hash, struct view record, struct err *e)
{
        struct kube_entry *old = s->slots[i];
        size_t freed = old != NULL ? old->size : 0;
        struct kube_entry *x;

        if ((old == NULL && s->n >= KUBE_STORE_MAX_OBJECTS) ||
            s->bytes - freed + record.n > KUBE_STORE_MAX_BYTES)
                return err_set(
                    e, ERR_LIMIT, "there are too many objects (%zu, %zu bytes)", s->n, s->bytes);
        x = malloc(sizeof(*x) + record.n);
        if (x == NULL)
                return err_nomem(e, "a Kubernetes object");
        x->hash = hash;
        x->round = s->round;
        x->size = (uint32_t)record.n;
        memcpy(x->record, record.p, record.n);
        if (old != NULL)
                account(s, old, false);
        free(old);
        s->n += old == NULL;
        s->slots[i] = x;
        account(s, x, true);
        return 0;
}

int
kube_store_put(struct kube_store *s, struct view record, enum kube_change *out, struct err *e)
{
        struct kube_value meta = meta_of((struct kube_value){(const uint8_t *)record.p});
        struct view namespace = kube_get_text(meta, "namespace");
        struct view name = kube_get_text(meta, "name");
        uint64_t hash = hash_of(namespace, name);
        int rc = grow(s, e);
        struct kube_entry *x;
        size_t i;

        if (rc < 0)
                return rc;
        i = find(s, hash, namespace, name);
        x = s->slots[i];
        if (x != NULL && x->size == record.n && memcmp(x->record, record.p, record.n) == 0) {
                x->round = s->round;
                *out = KUBE_SAME;
                return 0;
        }
        rc = set(s, i, hash, record, e);
        if (rc < 0 && x != NULL)
                x->round = s->round; /* it is there, only its news does not fit */
        if (rc == 0)
                *out = x != NULL ? KUBE_UPDATED : KUBE_ADDED;
        return rc;
}

/* Those behind it move up, so that looking never passes over a hole. */
static void
remove_at(struct kube_store *s, size_t i)
{
        size_t mask = s->n_slots - 1;
        size_t hole = i;

        account(s, s->slots[i], false);
        free(s->slots[i]);
        s->n--;
        for (size_t k = (i + 1) & mask; s->slots[k] != NULL; k = (k + 1) & mask) {
                size_t home = (size_t)s->slots[k]->hash & mask;

                if (((k - home) & mask) >= ((k - hole) & mask)) {
                        s->slots[hole] = s->slots[k];
                        hole = k;
                }
        }
        s->slots[hole] = NULL;
}

bool
kube_store_remove(struct kube_store *s, struct view namespace, struct view name)
{
        size_t i;

        if (s->n == 0)
                return false;
        i = find(s, hash_of(namespace, name), namespace, name);
        if (s->slots[i] == NULL)
                return false;
        remove_at(s, i);
        return true;
}

size_t
kube_store_sweep(struct kube_store *s)
{
        size_t before = s->n;

        for (size_t i = 0; i < s->n_slots;) {
                if (s->slots[i] != NULL && s->slots[i]->round != s->round)
                        remove_at(s, i); /* another may have moved here */
                else
                        i++;
        }
        return before - s->n;
}

struct kube_value
kube_store_get(const struct kube_store *s, struct view namespace, struct view name)
{
        size_t i;

        if (s->n == 0)
                return (struct kube_value){NULL};
        i = find(s, hash_of(namespace, name), namespace, name);
        return (struct kube_value){s->slots[i] != NULL ? s->slots[i]->record : NULL};
}

bool
kube_store_each(const struct kube_store *s, size_t *at, struct kube_value *out)
{
        while (*at < s->n_slots && s->slots[*at] == NULL)
                (*at)++;
        if (*at >= s->n_slots)
                return false;
        out->p = s->slots[(*at)++]->record;
        return true;
}

void
kube_store_release(struct kube_store *s)
{
        for (size_t i = 0; i < s->n_slots; i++) {
                if (s->slots[i] == NULL)
                        continue;
                account(s, s->slots[i], false);
                free(s->slots[i]);
        }
        memory_account(MEMORY_TARGETS, -(int64_t)(s->n_slots * sizeof(struct kube_entry *)));
        free(s->slots);
        *s = (struct kube_store){0};
}
