#include "scrape/discovery/memo.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/memory.h"
#include "scrape/job.h"
#include "scrape/target.h"

#include <stdlib.h>
#include <string.h>

/* Begins with the process's secret: what a cluster's users write cannot be made to collide. */
uint64_t
memo_key(const struct target_input *in)
{
        size_t job = (size_t)(in->job - in->config->jobs);
        uint64_t h = hash_seeded(&job, sizeof(job));

        h = hash_stable(in->address, strlen(in->address), h);
        for (size_t i = 0; i < in->n_group_labels; i++) {
                const struct label *x = &in->group_labels[i];

                h = hash_stable(x->name.p, x->name.n, h);
                h = hash_stable(x->value.p, x->value.n, h);
        }
        return h;
}

struct memo_entry *
memo_find(const struct memo *m, uint64_t key)
{
        const uint32_t *at = slotmap_find(&m->index, key);

        return at != NULL ? &m->v[*at] : NULL;
}

int
memo_add(struct memo *m, uint64_t key, const struct memo_entry *x, struct err *e)
{
        int rc;

        if (m->n == m->cap) {
                size_t cap = m->cap > 0 ? m->cap * 2 : 16;
                struct memo_entry *v = realloc(m->v, cap * sizeof(*v));

                if (v == NULL)
                        return err_nomem(e, "a target set");
                memory_account(MEMORY_TARGETS, (int64_t)((cap - m->cap) * sizeof(*v)));
                m->v = v;
                m->cap = cap;
        }
        rc = slotmap_put(&m->index, key, (uint32_t)m->n, e);
        if (rc < 0)
                return rc;
        m->v[m->n] = *x;
        if (x->target != NULL)
                (void)target_ref(x->target);
        m->n++;
        return 0;
}

void
memo_release(struct memo *m)
{
        for (size_t i = 0; i < m->n; i++)
                target_unref(m->v[i].target);
        memory_account(MEMORY_TARGETS, -(int64_t)(m->cap * sizeof(*m->v)));
        free(m->v);
        slotmap_release(&m->index);
        *m = (struct memo){.index = SLOTMAP_INIT};
}
