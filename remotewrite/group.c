#include "remotewrite/group.h"

#include "base/err.h"
#include "base/memory.h"
#include "remotewrite/block_cache.h"
#include "remotewrite/window.h"
#include "wal/column.h"
#include "wal/layout.h"
#include "wal/record.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PAD = 8 /* values between rows, so that they do not fall into one cache set */ };

/* The values of one scrape, or of the parts of it that were split off into records. */
struct row {
        int64_t time_ms;
        uint64_t *column; /* in g->values */
        unsigned from; /* slots that its records cover */
        unsigned to;
};

struct extra {
        int64_t time_ms;
        uint64_t bits;
        uint32_t order; /* of arrival: the first of equal ones is kept */
        uint16_t slot;
};

struct group {
        struct wal *wal; /* borrowed */
        struct block_cache *cache; /* borrowed */

        uint64_t chunk;
        struct group_limits limits;
        unsigned width; /* slots */
        struct row *rows; /* owned; in the log's order, which is that of time but for clock steps */
        size_t n_rows;
        size_t cap_rows;
        uint64_t *values; /* owned */
        size_t cap_values;
        struct extra *extras; /* owned; sorted by slot and time once loaded */
        size_t n_extras;
        size_t cap_extras;
        struct layout_part **parts; /* owned, as what they point to; in slot order */
        size_t parts_bytes;
        size_t n_parts;
        size_t cap_parts;
        struct label *labels; /* owned */
        size_t cap_labels;
        struct encode_sample *samples; /* owned */
        size_t cap_samples;

        uint64_t keyframe[CHUNK_SLOTS];
        uint64_t keyframe_id; /* what is in keyframe; 0: nothing */
        uint64_t keyframe_missing; /* one that could not be read; 0: none */
        unsigned keyframe_slots;

        unsigned slot; /* the next one to give out */
        size_t part;
        uint32_t shapes; /* of the parts before */
        size_t extra;
        int64_t newest_ms;
        bool plain; /* rows ascend in time, none is too old, there are no extras */
        struct wal_ledger left_out;
        struct err damage;
        int64_t accounted;
};

static void
account(struct group *g)
{
        int64_t now = (int64_t)(sizeof(*g) + g->cap_rows * sizeof(*g->rows) +
            g->cap_values * sizeof(*g->values) + g->cap_extras * sizeof(*g->extras) +
            g->cap_labels * sizeof(*g->labels) + g->cap_samples * sizeof(*g->samples) +
            g->cap_parts * sizeof(struct layout_part *) + g->parts_bytes);

        memory_account(MEMORY_SEND, now - g->accounted);
        g->accounted = now;
}

int
group_new(struct wal *wal, struct block_cache *cache, struct group **out, struct err *e)
{
        struct group *g = calloc(1, sizeof(*g));

        if (g == NULL)
                return err_nomem(e, "a group of records");
        g->wal = wal;
        g->cache = cache;
        account(g);
        *out = g;
        return 0;
}

static void
free_parts(struct group *g)
{
        for (size_t i = 0; i < g->n_parts; i++)
                layout_part_free(g->parts[i]);
        g->n_parts = g->parts_bytes = 0;
}

void
group_reset(struct group *g)
{
        free_parts(g);
        free(g->rows);
        free(g->values);
        free(g->extras);
        free(g->parts);
        free(g->labels);
        free(g->samples);
        g->rows = NULL;
        g->values = NULL;
        g->extras = NULL;
        g->parts = NULL;
        g->labels = NULL;
        g->samples = NULL;
        g->n_rows = g->cap_rows = g->cap_values = g->n_extras = g->cap_extras = 0;
        g->cap_parts = g->cap_labels = g->cap_samples = 0;
        g->width = g->slot = 0;
        account(g);
}

void
group_free(struct group *g)
{
        if (g == NULL)
                return;
        group_reset(g);
        memory_account(MEMORY_SEND, -g->accounted);
        free(g);
}

/* Makes room for n elements in an array that may hold fewer. */
static int
make_room(void *pp, size_t *cap, size_t n, size_t size, struct err *e)
{
        size_t more = *cap > 0 ? *cap : 16;
        void *p;

        if (n <= *cap)
                return 0;
        while (more < n)
                more *= 2;
        memcpy(&p, pp, sizeof(p));
        p = realloc(p, more * size);
        if (p == NULL)
                return err_nomem(e, "a group of records");
        memcpy(pp, &p, sizeof(p));
        *cap = more;
        return 0;
}

/* ---- loading ---- */

static void
note_damage(struct group *g, const struct err *why, uint64_t samples)
{
        g->left_out.lost[LOST_DAMAGED] += samples;
        if (g->damage.code == ERR_NONE)
                g->damage = *why;
}

/* Makes g->keyframe the one with this id. */
static int
read_keyframe(struct group *g, uint64_t id, struct err *e)
{
        int rc;

        if (id == g->keyframe_id)
                return 0;
        if (id == g->keyframe_missing)
                return err_set(
                    e, ERR_CORRUPT, "keyframe %llu is not there", (unsigned long long)id);
        rc = wal_read_keyframe(g->wal, id, g->keyframe, &g->keyframe_slots, e);
        g->keyframe_id = rc < 0 ? 0 : id;
        if (rc < 0)
                g->keyframe_missing = id;
        return rc;
}

static void
clear(uint64_t *column, unsigned from, unsigned to)
{
        for (unsigned i = from; i < to; i++)
                column[i] = COLUMN_ABSENT;
}

/* The row for a record: a new one, or the one before when the record is a further part of it. */
static struct row *
row_for(struct group *g, int64_t time_ms, unsigned first, unsigned slots)
{
        struct row *r = g->n_rows > 0 ? &g->rows[g->n_rows - 1] : NULL;

        if (r != NULL && r->time_ms == time_ms && first >= r->to) {
                r->to = first + slots;
                return r;
        }
        assert(g->rows != NULL);
        r = &g->rows[g->n_rows];
        *r = (struct row){.time_ms = time_ms,
            .column = g->values + g->n_rows * (g->width + PAD),
            .from = first,
            .to = first + slots};
        clear(r->column, 0, g->width);
        g->n_rows++;
        return r;
}

static int
take_extra(void *arg, const struct record_extra *x, struct err *e)
{
        struct group *g = arg;
        int rc;

        if (x->slot >= g->width)
                return err_set(
                    e, ERR_CORRUPT, "a sample of slot %u in a record of others", x->slot);
        rc = make_room(&g->extras, &g->cap_extras, g->n_extras + 1, sizeof(*g->extras), e);

        if (rc < 0)
                return rc;
        g->extras[g->n_extras] = (struct extra){.time_ms = x->time_ms,
            .bits = x->bits,
            .order = (uint32_t)g->n_extras,
            .slot = x->slot};
        g->n_extras++;
        return 0;
}

static unsigned
count_values(const uint64_t *column, unsigned slots)
{
        unsigned n = 0;

        for (unsigned i = 0; i < slots; i++)
                n += column[i] != COLUMN_ABSENT;
        return n;
}

/* Decodes a record into its row. Whatever goes wrong, the row has none of its values then. */
static int
decode_record(struct group *g, const struct window_record *r, struct view bytes, struct err *e)
{
        size_t extras = g->n_extras;
        struct row *row = row_for(g, r->time_ms, r->first, r->slots);
        const struct record_decode_input in = {
            .bytes = bytes,
            .keyframe = r->keyframe != 0 ? g->keyframe : NULL,
            .keyframe_slots = r->keyframe != 0 ? g->keyframe_slots : 0,
            .first = r->first,
            .slots = r->slots,
            .time_ms = r->time_ms,
            .extra = take_extra,
            .arg = g,
        };
        int rc = record_decode(&in, row->column, e);

        if (rc == 0 &&
            count_values(row->column + r->first, r->slots) + (g->n_extras - extras) != r->samples)
                rc = err_set(e, ERR_CORRUPT, "a record has other samples than its directory says");
        if (rc < 0) {
                clear(row->column, r->first, r->first + r->slots);
                g->n_extras = extras;
        }
        return rc;
}

/* One record: decoded, given up, or counted as damaged. Fails only when out of memory. */
static int
load_record(struct group *g, const struct window *w, const struct window_record *r, struct err *e)
{
        struct block_record entry;
        struct view bytes;
        int rc;

        if (r->time_ms > g->limits.give_up_after_ms) {
                g->left_out.lost[LOST_CLOCK] += r->samples;
                return 0;
        }
        rc = block_cache_record(
            g->cache, window_info(w)->first + r->block, r->index, &entry, &bytes, e);
        if (rc == ERR_NOTFOUND)
                return 0; /* trimmed */
        if (rc == 0 &&
            (entry.chunk != g->chunk || entry.time_ms != r->time_ms ||
                (unsigned)r->first + r->slots > g->width))
                rc = err_set(e, ERR_CORRUPT, "a record is not what its block's directory says");
        if (rc == 0 && r->keyframe != 0)
                rc = read_keyframe(g, r->keyframe, e);
        if (rc == 0)
                rc = decode_record(g, r, bytes, e);
        if (rc == ERR_NOMEM)
                return rc;
        if (rc < 0)
                note_damage(g, e, r->samples);
        return 0;
}

static int
take_part(void *arg, struct layout_part *part, struct err *e)
{
        struct group *g = arg;
        size_t max = layout_part_max_labels(part);
        int rc =
            make_room(&g->parts, &g->cap_parts, g->n_parts + 1, sizeof(struct layout_part *), e);

        if (rc == 0)
                rc = make_room(&g->labels, &g->cap_labels, max, sizeof(*g->labels), e);
        if (rc < 0) {
                layout_part_free(part);
                return rc;
        }
        g->parts[g->n_parts++] = part;
        g->parts_bytes += layout_part_bytes(part);
        return 0;
}

static int
compare_extras(const void *a, const void *b)
{
        const struct extra *x = a;
        const struct extra *y = b;

        if (x->slot != y->slot)
                return x->slot < y->slot ? -1 : 1;
        if (x->time_ms != y->time_ms)
                return x->time_ms < y->time_ms ? -1 : 1;
        return x->order < y->order ? -1 : 1;
}

static void
look_at_times(struct group *g)
{
        g->newest_ms = INT64_MIN;
        g->plain = g->n_extras == 0;
        for (size_t i = 0; i < g->n_rows; i++) {
                g->plain &= g->rows[i].time_ms >= g->limits.oldest_ms &&
                    (i == 0 || g->rows[i].time_ms > g->rows[i - 1].time_ms);
                if (g->rows[i].time_ms > g->newest_ms)
                        g->newest_ms = g->rows[i].time_ms;
        }
        for (size_t i = 0; i < g->n_extras; i++) {
                if (g->extras[i].time_ms > g->newest_ms)
                        g->newest_ms = g->extras[i].time_ms;
        }
}

static int
reserve(struct group *g, const struct window *w, const struct window_group *wg, struct err *e)
{
        int rc;

        g->width = 0;
        for (uint32_t i = wg->head; i != UINT32_MAX; i = window_record(w, i)->next) {
                const struct window_record *r = window_record(w, i);
                /* a record of extras alone has no slots but the first */
                unsigned to = (unsigned)r->first + (r->slots > 0 ? r->slots : 1U);

                g->width = to > g->width ? to : g->width;
        }
        g->width = g->width < CHUNK_SLOTS ? g->width : CHUNK_SLOTS;
        rc = make_room(&g->rows, &g->cap_rows, wg->records, sizeof(*g->rows), e);
        if (rc == 0)
                rc = make_room(&g->values, &g->cap_values, wg->records * (size_t)(g->width + PAD),
                    sizeof(*g->values), e);
        return rc;
}

int
group_load(struct group *g, const struct window *w, uint32_t number, const struct group_limits *l,
    struct err *e)
{
        const struct window_group *wg = window_group(w, number);
        struct err why = ERR_INIT;
        int rc;

        free_parts(g);
        g->chunk = wg->chunk;
        g->limits = *l;
        g->n_rows = g->n_extras = 0;
        g->slot = 0;
        g->shapes = 0;
        g->part = g->extra = 0;
        g->keyframe_id = g->keyframe_missing = 0;
        g->left_out = (struct wal_ledger){0};
        g->damage = (struct err)ERR_INIT;
        rc = reserve(g, w, wg, e);
        for (uint32_t i = wg->head; rc == 0 && i != UINT32_MAX; i = window_record(w, i)->next)
                rc = load_record(g, w, window_record(w, i), e);
        if (rc == 0)
                rc = make_room(
                    &g->samples, &g->cap_samples, g->n_rows + g->n_extras, sizeof(*g->samples), e);
        if (rc == 0 && wal_read_layout(g->wal, g->chunk, take_part, g, &why) < 0) {
                if (why.code == ERR_NOMEM)
                        rc = err_nomem(e, "a chunk's labels");
                else
                        note_damage(g, &why, 0); /* the samples are counted slot by slot */
        }
        account(g);
        if (rc < 0)
                return rc;
        if (g->n_extras > 1)
                qsort(g->extras, g->n_extras, sizeof(*g->extras), compare_extras);
        look_at_times(g);
        wal_give_back(g->wal);
        return 0;
}

int64_t
group_newest_ms(const struct group *g)
{
        return g->newest_ms;
}

/* ---- reading out ---- */

/* Adds a sample in time order, unless one with its timestamp is there or it is too old. */
static size_t
put_sample(struct group *g, size_t n, int64_t time_ms, uint64_t bits)
{
        size_t i = n;

        if (time_ms < g->limits.oldest_ms) {
                g->left_out.lost[LOST_AGE]++;
                return n;
        }
        while (i > 0 && g->samples[i - 1].time_ms > time_ms)
                i--;
        if (i > 0 && g->samples[i - 1].time_ms == time_ms) {
                g->left_out.lost[LOST_CONFLICT]++;
                return n;
        }
        if (i < n)
                memmove(g->samples + i + 1, g->samples + i, (n - i) * sizeof(*g->samples));
        g->samples[i] = (struct encode_sample){time_ms, bits};
        return n + 1;
}

static size_t
collect_plain(struct group *g, unsigned slot)
{
        struct encode_sample *to = g->samples;

        for (size_t i = 0; i < g->n_rows; i++) {
                uint64_t bits = g->rows[i].column[slot];

                if (bits != COLUMN_ABSENT)
                        *to++ = (struct encode_sample){g->rows[i].time_ms, bits};
        }
        return (size_t)(to - g->samples);
}

static size_t
collect(struct group *g, unsigned slot)
{
        size_t n = 0;

        if (g->plain)
                return collect_plain(g, slot);
        for (size_t i = 0; i < g->n_rows; i++) {
                uint64_t bits = g->rows[i].column[slot];

                if (bits != COLUMN_ABSENT)
                        n = put_sample(g, n, g->rows[i].time_ms, bits);
        }
        for (; g->extra < g->n_extras && g->extras[g->extra].slot <= slot; g->extra++) {
                const struct extra *x = &g->extras[g->extra];

                assert(x->slot == slot);
                n = put_sample(g, n, x->time_ms, x->bits);
        }
        return n;
}

/* The labels of a slot, 0 when no part of the layout has it. */
static size_t
labels_of(struct group *g, unsigned slot, uint32_t *out_shape)
{
        while (g->part < g->n_parts) {
                const struct layout_part *p = g->parts[g->part];
                const struct layout_head *h = layout_part_head(p);

                if (slot < h->first)
                        return 0;
                if (slot < h->first + h->slots) {
                        *out_shape = g->shapes + layout_part_shape(p, slot - h->first) + 1;
                        return layout_part_labels(p, slot - h->first, g->labels, g->cap_labels);
                }
                g->shapes += layout_part_shapes(p);
                g->part++;
        }
        return 0;
}

bool
group_next(struct group *g, struct group_series *out)
{
        for (; g->slot < g->width; g->slot++) {
                size_t n = collect(g, g->slot);
                uint32_t shape = 0;
                size_t n_labels = n > 0 ? labels_of(g, g->slot, &shape) : 0;

                if (n > 0 && n_labels == 0) {
                        struct err why = ERR_INIT;

                        (void)err_set(&why, ERR_CORRUPT, "chunk %llu has no labels for slot %u",
                            (unsigned long long)g->chunk, g->slot);
                        note_damage(g, &why, n);
                        continue;
                }
                if (n == 0)
                        continue;
                *out = (struct group_series){.chunk = g->chunk,
                    .slot = g->slot,
                    .shape = shape,
                    .labels = g->labels,
                    .n_labels = n_labels,
                    .samples = g->samples,
                    .n_samples = n};
                g->slot++;
                return true;
        }
        return false;
}

const struct wal_ledger *
group_left_out(const struct group *g)
{
        return &g->left_out;
}

const char *
group_damage(const struct group *g)
{
        return g->damage.msg;
}
