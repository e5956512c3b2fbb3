#include "wal/lost.h"

#include <stdlib.h>

static struct lost_target *
find(const struct lost *l, uint64_t target)
{
        for (size_t i = 0; i < l->n; i++) {
                if (l->v[i].target == target)
                        return &l->v[i];
        }
        return NULL;
}

void
lost_add(struct lost *l, uint64_t target, uint64_t generation)
{
        struct lost_target *old = find(l, target);

        if (target == 0)
                return;
        if (old != NULL) {
                if (generation > old->generation)
                        old->generation = generation;
                return;
        }
        if (l->n == l->cap) {
                size_t cap = l->cap > 0 ? l->cap * 2 : 16;
                struct lost_target *v = realloc(l->v, cap * sizeof(*v));

                if (v == NULL) {
                        l->all = true;
                        if (generation > l->all_generation)
                                l->all_generation = generation;
                        return;
                }
                l->v = v;
                l->cap = cap;
        }
        l->v[l->n++] = (struct lost_target){target, generation};
}

bool
lost_refuses(struct lost *l, uint64_t target, uint64_t generation)
{
        struct lost_target *x;

        if (target == 0)
                return false;
        if (l->all && generation <= l->all_generation)
                return true;
        x = find(l, target);
        if (x == NULL)
                return false;
        if (generation <= x->generation)
                return true;
        *x = l->v[--l->n];
        return false;
}

void
lost_release(struct lost *l)
{
        free(l->v);
        *l = (struct lost){0};
}
