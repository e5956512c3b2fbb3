/*
 * Static targets that would end up with the same labels: their samples would overwrite each other.
 * Only what is not relabeled can be told at load; `gleaner check` looks at all of them.
 */
#include "agent/config_parts.h"
#include "agent/config_report.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/yaml.h"

#include <stdlib.h>
#include <string.h>

enum { SEEN_MAX = 100000, SEEN_ARENA = 1 << 20 };

struct seen_target {
        uint64_t hash; /* of the labels that its samples get */
        struct config_place place;
        const char *address; /* borrowed: in the scrape configuration */
        const char *job;
};

struct config_seen {
        struct seen_target *v;
        size_t n;
        size_t cap;
};

static struct seen_target *
add_slot(struct config_reader *r)
{
        struct config_seen *s = r->seen;

        if (s == NULL)
                s = r->seen = calloc(1, sizeof(*s));
        if (s != NULL && s->n == s->cap) {
                size_t cap = s->cap == 0 ? 64 : s->cap * 2;
                struct seen_target *v = realloc(s->v, cap * sizeof(*v));

                if (v == NULL)
                        return NULL;
                s->v = v;
                s->cap = cap;
        }
        return s != NULL ? &s->v[s->n++] : NULL;
}

/* What every sample of the target will carry. */
static int
final_hash(const char *address, const struct config_seen_group *group, uint64_t *out)
{
        struct arena arena = ARENA_INIT(SEEN_ARENA);
        struct labels l;
        int rc;

        labels_init(&l, &arena);
        rc = labels_set(&l, VIEW_LIT("job"), view_of(group->job), NULL);
        if (rc == 0)
                rc = labels_set(&l, VIEW_LIT("instance"), view_of(address), NULL);
        for (size_t i = 0; rc == 0 && i < group->n_labels; i++) {
                const struct label *x = &group->labels[i];

                if (x->value.n > 0 && (x->name.n < 2 || memcmp(x->name.p, "__", 2) != 0))
                        rc = labels_set(&l, x->name, x->value, NULL);
        }
        labels_sort(&l);
        *out = labels_hash(&l);
        arena_release(&arena);
        return rc;
}

void
config_seen_add(struct config_reader *r, const struct yaml_node *at, const char *address,
    const struct config_seen_group *group)
{
        struct seen_target *slot;
        uint64_t hash = 0;

        if ((r->seen != NULL && r->seen->n == SEEN_MAX) || final_hash(address, group, &hash) < 0)
                return; /* a warning less */
        slot = add_slot(r);
        if (slot == NULL) {
                r->rc = ERR_NOMEM;
                return;
        }
        *slot = (struct seen_target){hash, {r->file, at->line, at->column}, address, group->job};
}

static int
compare_seen(const void *x, const void *y)
{
        const struct seen_target *a = x;
        const struct seen_target *b = y;

        if (a->hash != b->hash)
                return a->hash < b->hash ? -1 : 1;
        if (a->place.line != b->place.line)
                return a->place.line < b->place.line ? -1 : 1;
        return (a->place.column > b->place.column) - (a->place.column < b->place.column);
}

void
config_seen_finish(struct config_reader *r)
{
        struct config_seen *s = r->seen;

        if (s == NULL)
                return;
        qsort(s->v, s->n, sizeof(*s->v), compare_seen);
        for (size_t i = 1; i < s->n; i++) {
                const struct seen_target *a = &s->v[i - 1];
                const struct seen_target *b = &s->v[i];
                struct config_reader at = *r;

                if (a->hash != b->hash)
                        continue;
                at.file = b->place.file;
                config_say(&at, CONFIG_WARNING,
                    &(struct yaml_node){.line = b->place.line, .column = b->place.column},
                    "target %s of job %s has the same labels as target %s of job %s (line %u): "
                    "their samples cannot be told apart",
                    b->address, b->job, a->address, a->job, a->place.line);
                r->rc = at.rc != 0 ? at.rc : r->rc;
        }
        free(s->v);
        free(s);
        r->seen = NULL;
}
