#include "scrape/orphans.h"

#include "base/err.h"
#include "base/log.h"
#include "wal/batch.h"
#include "wal/column.h"
#include "wal/record.h"
#include "wal/target_state.h"
#include "wal/wal.h"

#include <stdlib.h>

enum { RETRY_MS = 5000 };

enum orphan_phase {
        ORPHAN_WAITING, /* for its time */
        ORPHAN_SENT, /* for the log's answer */
};

struct orphan {
        uint64_t number;
        enum orphan_phase phase;
        bool quiet;
        int64_t due_ms; /* monotonic */
        uint64_t generation; /* of its batches: newer than all that the target lost (wal/batch.h) */
};

struct orphans {
        struct wal *wal; /* borrowed */
        struct orphans_owner owner;
        struct orphan *v; /* owned */
        size_t n;
        size_t cap;
        uint64_t next_serial;
};

int
orphans_new(struct wal *w, const struct orphans_owner *owner, struct orphans **out, struct err *e)
{
        struct orphans *o = calloc(1, sizeof(*o));

        if (o == NULL)
                return err_nomem(e, "the list of forgotten targets");
        o->wal = w;
        o->owner = *owner;
        *out = o;
        return 0;
}

void
orphans_free(struct orphans *o)
{
        if (o == NULL)
                return;
        free(o->v);
        free(o);
}

size_t
orphans_count(const struct orphans *o)
{
        return o->n;
}

static struct orphan *
find(struct orphans *o, uint64_t number)
{
        for (size_t i = 0; i < o->n; i++) {
                if (o->v[i].number == number)
                        return &o->v[i];
        }
        return NULL;
}

static int
put(struct orphans *o, struct orphan x, struct err *e)
{
        struct orphan *known = find(o, x.number);

        x.generation = wal_new_id(o->wal);
        if (known != NULL) {
                *known = x;
                return 0;
        }
        if (o->n == o->cap) {
                size_t cap = o->cap > 0 ? o->cap * 2 : 16;
                struct orphan *v = realloc(o->v, cap * sizeof(*v));

                if (v == NULL)
                        return err_nomem(e, "the list of forgotten targets");
                o->v = v;
                o->cap = cap;
        }
        o->v[o->n++] = x;
        return 0;
}

static void
drop(struct orphans *o, struct orphan *x)
{
        *x = o->v[--o->n];
}

struct collection {
        struct orphans *o;
        int64_t mono_ms;
};

static int
collect_one(void *arg, const struct target_state *s, struct err *e)
{
        struct collection *c = arg;
        struct orphan x = {.number = s->target,
            .phase = ORPHAN_WAITING,
            .due_ms = c->mono_ms + 2 * s->interval_ms};

        if (c->o->owner.has_number(c->o->owner.arg, s->target))
                return 0;
        return put(c->o, x, e);
}

int
orphans_collect(struct orphans *o, int64_t mono_ms, struct err *e)
{
        struct collection c = {o, mono_ms};

        return wal_read_targets(o->wal, collect_one, &c, e);
}

int
orphans_add(struct orphans *o, uint64_t number, bool quiet, int64_t due_mono_ms, struct err *e)
{
        struct orphan x = {
            .number = number, .phase = ORPHAN_WAITING, .quiet = quiet, .due_ms = due_mono_ms};

        return put(o, x, e);
}

int
orphans_watch(struct orphans *o, uint64_t number, struct err *e)
{
        struct orphan x = {.number = number, .phase = ORPHAN_SENT};

        return put(o, x, e);
}

void
orphans_answered(struct orphans *o, uint64_t number, bool stored, int64_t mono_ms)
{
        struct orphan *x = find(o, number);

        if (x == NULL || x->phase != ORPHAN_SENT)
                return;
        if (stored) {
                drop(o, x);
                return;
        }
        x->phase = ORPHAN_WAITING;
        x->generation = wal_new_id(o->wal);
        x->due_ms = mono_ms + RETRY_MS;
}

int64_t
orphans_due(const struct orphans *o)
{
        int64_t t = INT64_MAX;

        for (size_t i = 0; i < o->n; i++) {
                if (o->v[i].phase == ORPHAN_WAITING && o->v[i].due_ms < t)
                        t = o->v[i].due_ms;
        }
        return t;
}

/* ---- the last batch of a target ---- */

static int
put_plain(struct wal_batch *b, enum batch_put_kind kind, uint64_t id, struct err *e)
{
        const struct batch_put put = {.kind = kind, .id = id};

        return wal_batch_put(b, &put, b->bytes.len, e);
}

/* Records of staleness markers for what is alive in a chunk; they need no keyframe. */
static int
put_markers(struct wal_batch *b, const struct target_state *s, const struct target_chunk *c,
    int64_t time_ms, struct err *e)
{
        uint64_t column[CHUNK_SLOTS];
        struct record_input in = {.column = column, .slots = c->slots, .time_ms = time_ms};
        unsigned alive = 0;
        int rc = 0;

        for (unsigned i = 0; i < c->slots; i++) {
                bool is = (c->alive[i / 8] >> (i % 8) & 1) != 0;

                column[i] = is ? COLUMN_STALE : COLUMN_ABSENT;
                alive += is;
        }
        b->offered += alive;
        while (rc == 0 && alive > 0 && in.slots > 0) {
                struct block_record r = {.target = s->target,
                    .chunk = c->chunk,
                    .time_ms = time_ms,
                    .first = (uint16_t)in.first};
                size_t from = b->bytes.len;
                unsigned used = 0;
                unsigned samples = 0;
                size_t extras = 0;

                rc = record_encode(&in, &b->bytes, &used, &samples, &extras, e);
                r.slots = (uint16_t)used;
                r.samples = (uint16_t)samples;
                if (rc == 0 && samples > 0)
                        rc = wal_batch_record(b, &r, from, e);
                else
                        b->bytes.len = from;
                in.first += used;
                in.slots -= used;
        }
        return rc;
}

static int
fill(struct wal_batch *b, const struct target_state *s, bool quiet, int64_t time_ms, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < s->n_chunks; i++) {
                if (!quiet)
                        rc = put_markers(b, s, &s->chunks[i], time_ms, e);
                if (rc == 0)
                        rc = put_plain(b, BATCH_RETIRE_CHUNK, s->chunks[i].chunk, e);
        }
        if (rc == 0)
                rc = put_plain(b, BATCH_FORGET_TARGET, s->target, e);
        return rc;
}

static int
send_last_batch(struct orphans *o, struct orphan *x, const struct target_state *s, int64_t wall_ms,
    struct err *e)
{
        /* its series go on under another target (the URL changed): markers would be lies */
        bool quiet =
            x->quiet || (s->identity != NULL && o->owner.has_labels(o->owner.arg, s->identity));
        int64_t time_ms = wall_ms > s->time_ms ? wall_ms : s->time_ms + 1;
        struct wal_batch *b = NULL;
        uint64_t samples;
        int rc = wal_batch_new(x->number, o->next_serial++, &b, e);

        if (rc < 0)
                return rc;
        b->generation = x->generation;
        rc = fill(b, s, quiet, time_ms, e);
        samples = b->samples;
        if (rc == 0)
                rc = wal_submit(o->wal, &b, e);
        wal_batch_free(b);
        if (rc < 0)
                return rc;
        x->phase = ORPHAN_SENT;
        if (!quiet)
                log_info("a target of the log is gone, its series end",
                    LOG_STR("target", s->identity != NULL ? s->identity : ""),
                    LOG_UINT("markers", samples));
        return 0;
}

int
orphans_step(struct orphans *o, int64_t mono_ms, int64_t wall_ms, struct err *e)
{
        struct target_state state = {0};
        struct orphan *x = NULL;
        int rc;

        for (size_t i = 0; i < o->n && x == NULL; i++) {
                if (o->v[i].phase == ORPHAN_WAITING && o->v[i].due_ms <= mono_ms)
                        x = &o->v[i];
        }
        if (x == NULL)
                return 0;
        if (o->owner.has_number(o->owner.arg, x->number)) {
                drop(o, x); /* it came back */
                return 0;
        }
        rc = wal_read_target(o->wal, x->number, &state, e);
        if (rc == ERR_NOTFOUND) {
                drop(o, x);
                return 0;
        }
        /* a damaged state has lost its chunks: all that can be done is to forget it */
        if (rc == ERR_CORRUPT) {
                state = (struct target_state){.target = x->number};
                rc = 0;
        }
        if (rc == 0)
                rc = send_last_batch(o, x, &state, wall_ms, e);
        if (rc < 0)
                x->due_ms = mono_ms + RETRY_MS;
        target_state_release(&state);
        return rc;
}
