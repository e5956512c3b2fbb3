#include "scrape/label_model.h"

#include "base/hash.h"
#include "base/labels.h"
#include "base/memory.h"
#include "base/varint.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* One block: the struct, its labels, their text. */
struct label_model {
        _Atomic unsigned refs;
        uint64_t hash; /* of the names */
        size_t size;
        size_t n;
        struct label v[];
};

/* ---- life ---- */

static uint64_t
hash_names(const struct labels *set)
{
        uint64_t h = set->n;

        for (size_t i = 0; i < set->n; i++)
                h = hash_stable(set->v[i].name.p, set->v[i].name.n, h);
        return h;
}

static struct view
copy_view(char **at, struct view v)
{
        struct view copy = {*at, v.n};

        if (v.n > 0)
                memcpy(*at, v.p, v.n);
        *at += v.n;
        return copy;
}

static struct label_model *
make(const struct labels *set, uint64_t hash)
{
        size_t size = sizeof(struct label_model) + set->n * sizeof(struct label);
        struct label_model *m;
        char *at;

        for (size_t i = 0; i < set->n; i++)
                size += set->v[i].name.n + set->v[i].value.n;
        m = malloc(size);
        if (m == NULL)
                return NULL;
        atomic_init(&m->refs, 1);
        m->hash = hash;
        m->size = size;
        m->n = set->n;
        at = (char *)(m->v + set->n);
        for (size_t i = 0; i < set->n; i++) {
                m->v[i].name = copy_view(&at, set->v[i].name);
                m->v[i].value = copy_view(&at, set->v[i].value);
        }
        memory_account(MEMORY_TARGETS, (int64_t)size);
        return m;
}

static struct label_model *
ref(struct label_model *m)
{
        atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
        return m;
}

void
label_model_unref(struct label_model *m)
{
        if (m == NULL || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
                return;
        memory_account(MEMORY_TARGETS, -(int64_t)m->size);
        free(m);
}

/* ---- looking up ---- */

static bool
has_names(const struct label_model *m, const struct labels *set, uint64_t hash)
{
        if (m->hash != hash || m->n != set->n)
                return false;
        for (size_t i = 0; i < set->n; i++) {
                if (!view_eq(m->v[i].name, set->v[i].name))
                        return false;
        }
        return true;
}

struct label_model *
label_models_take(struct label_models *models, const struct labels *set)
{
        uint64_t hash = hash_names(set);
        struct label_model **at = models != NULL ? &models->v[hash % LABEL_MODELS] : NULL;
        struct label_model *m;

        if (at != NULL && *at != NULL && has_names(*at, set, hash))
                return ref(*at);
        m = make(set, hash);
        if (m != NULL && at != NULL) {
                label_model_unref(*at);
                *at = ref(m);
        }
        return m;
}

void
label_models_release(struct label_models *models)
{
        for (size_t i = 0; i < LABEL_MODELS; i++)
                label_model_unref(models->v[i]);
        *models = (struct label_models){{NULL}};
}

/* ---- sets ---- */

size_t
label_model_size(const struct label_model *m, const struct labels *set)
{
        uint8_t length[VARINT_MAX];
        size_t n = 0;

        for (size_t i = 0; i < m->n; i++) {
                struct view value = set->v[i].value;

                if (view_eq(m->v[i].value, value))
                        n++;
                else
                        n += varint_put(length, value.n + 1) + value.n;
        }
        return n;
}

void
label_model_write(const struct label_model *m, const struct labels *set, uint8_t *to)
{
        for (size_t i = 0; i < m->n; i++) {
                struct view value = set->v[i].value;

                if (view_eq(m->v[i].value, value)) {
                        *to++ = 0;
                        continue;
                }
                to += varint_put(to, value.n + 1);
                if (value.n > 0)
                        memcpy(to, value.p, value.n);
                to += value.n;
        }
}

int
label_model_read(
    const struct label_model *m, const uint8_t *from, struct labels *out, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; m != NULL && i < m->n && rc == 0; i++) {
                struct view value = m->v[i].value;
                uint64_t n = 0;

                from += varint_get(from, from + VARINT_MAX, &n);
                if (n > 0) {
                        value = (struct view){(const char *)from, (size_t)n - 1};
                        from += n - 1;
                }
                rc = labels_add(out, m->v[i].name, value, e);
        }
        return rc;
}
