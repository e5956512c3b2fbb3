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
        uint64_t whole; /* of these and those that say how it is scraped (__metrics_path__) */
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

static bool
is_internal(struct view name)
{
        return name.n >= 2 && memcmp(name.p, "__", 2) == 0;
}

/* What every sample of the target will carry; whole: and its internal labels. */
static int
hash_of(const char *address, const struct config_seen_group *group, bool whole, uint64_t *out)
{
        struct arena arena = ARENA_INIT(SEEN_ARENA);
        struct labels l;
        int rc;

        labels_init(&l, &arena);
        rc = labels_set(&l, VIEW_LIT("job"), view_of(group->job), NULL);
        if (rc == 0)
                rc = labels_set(&l, VIEW_LIT("instance"), view_of(address), NULL);
        if (rc == 0 && whole)
                rc = labels_set(&l, VIEW_LIT("__address__"), view_of(address), NULL);
        for (size_t i = 0; rc == 0 && i < group->n_labels; i++) {
                const struct label *x = &group->labels[i];

                if (x->value.n > 0 && (whole || !is_internal(x->name)))
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
        uint64_t whole = 0;

        if ((r->seen != NULL && r->seen->n == SEEN_MAX) || address[0] == '\0' ||
            hash_of(address, group, false, &hash) < 0 || hash_of(address, group, true, &whole) < 0)
                return; /* a warning less */
        slot = add_slot(r);
        if (slot == NULL) {
                r->rc = ERR_NOMEM;
                return;
        }
        *slot =
            (struct seen_target){hash, whole, {r->file, at->line, at->column}, address, group->job};
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

/* Names the line of the other one, with the file when that is another one, too. */
static void
say_pair(struct config_reader *r, const struct seen_target *a, const struct seen_target *b)
{
        const struct yaml_node at = {.line = b->place.line, .column = b->place.column};
        const char *file = a->place.file != b->place.file ? a->place.file : "line ";
        const char *colon = a->place.file != b->place.file ? ":" : "";

        if (a->whole == b->whole && strcmp(a->job, b->job) == 0)
                config_say(r, CONFIG_WARNING, &at,
                    "target %s of job %s is there twice (%s%s%u): it is scraped once", b->address,
                    b->job, file, colon, a->place.line);
        else
                config_say(r, CONFIG_WARNING, &at,
                    "target %s of job %s has the same labels as target %s of job %s (%s%s%u): "
                    "their samples cannot be told apart",
                    b->address, b->job, a->address, a->job, file, colon, a->place.line);
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
                say_pair(&at, a, b);
                r->rc = at.rc != 0 ? at.rc : r->rc;
        }
        free(s->v);
        free(s);
        r->seen = NULL;
}
