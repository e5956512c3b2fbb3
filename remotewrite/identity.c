#include "remotewrite/identity.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/memory.h"
#include "base/relabel.h"
#include "remotewrite/encode.h"
#include "remotewrite/endpoint.h"
#include "remotewrite/group.h"
#include "remotewrite/kin.h"
#include "remotewrite/plan.h"
#include "wal/column.h"

#include <stdlib.h>

enum {
        ENCODED_MAX = 4 << 20, /* labels of one series */
        ARENA_MAX = 16 << 20, /* what relabeling makes for one series */
        VERDICT_CHUNKS = 1024, /* remembered */
        VERDICT_SHIFT = 54, /* of a 64-bit product: as many bits as that */
        VERDICT_BITS = 2,
        SLOTS_PER_BYTE = 8 / VERDICT_BITS,
};

enum kept_verdict { NOT_KNOWN, AS_IT_IS, CHANGED, DROPPED };

struct verdicts {
        uint64_t chunk; /* 0: empty */
        uint8_t slots[CHUNK_SLOTS / SLOTS_PER_BYTE];
};

struct identity {
        struct remote_config *config; /* a reference */
        const struct relabel_rules *rules; /* in config */
        struct arena arena;
        struct label *merged; /* owned */
        size_t cap_merged;
        struct buf encoded;
        struct plans *plans; /* owned */
        struct verdicts *verdicts; /* owned; VERDICT_CHUNKS; NULL without rules */
        int64_t accounted;
};

static void
account(struct identity *d)
{
        int64_t now = (int64_t)(sizeof(*d) + d->cap_merged * sizeof(*d->merged) + d->encoded.cap);

        if (d->plans != NULL)
                now += (int64_t)plans_bytes(d->plans);
        if (d->verdicts != NULL)
                now += (int64_t)(VERDICT_CHUNKS * sizeof(*d->verdicts));
        memory_account(MEMORY_SEND, now - d->accounted);
        d->accounted = now;
}

int
identity_new(struct remote_config *config, const struct remote_endpoint *endpoint,
    struct identity **out, struct err *e)
{
        struct identity *d = calloc(1, sizeof(*d));
        int rc;

        if (d == NULL)
                return err_nomem(e, "label sets to send");
        d->config = remote_config_ref(config);
        d->rules = &endpoint->write_relabel;
        d->arena = (struct arena)ARENA_INIT(ARENA_MAX);
        d->encoded = (struct buf)BUF_INIT(ENCODED_MAX);
        rc = plans_new(&d->plans, e);
        if (rc == 0 && d->rules->n > 0) {
                d->verdicts = calloc(VERDICT_CHUNKS, sizeof(*d->verdicts));
                if (d->verdicts == NULL)
                        rc = err_nomem(e, "verdicts of write_relabel_configs");
        }
        if (rc < 0) {
                identity_free(d);
                return rc;
        }
        account(d);
        *out = d;
        return 0;
}

void
identity_free(struct identity *d)
{
        if (d == NULL)
                return;
        memory_account(MEMORY_SEND, -d->accounted);
        arena_release(&d->arena);
        buf_release(&d->encoded);
        free(d->merged);
        free(d->verdicts);
        plans_free(d->plans);
        remote_config_unref(d->config);
        free(d);
}

/* ---- verdicts ---- */

/* Chunks that fall into one place replace each other. */
static struct verdicts *
verdicts_of(struct identity *d, uint64_t chunk)
{
        struct verdicts *v = &d->verdicts[chunk * UINT64_C(0x9e3779b97f4a7c15) >> VERDICT_SHIFT];

        if (v->chunk != chunk)
                *v = (struct verdicts){.chunk = chunk};
        return v;
}

static enum kept_verdict
verdict_get(const struct verdicts *v, unsigned slot)
{
        unsigned shift = slot % SLOTS_PER_BYTE * VERDICT_BITS;

        return (enum kept_verdict)(v->slots[slot / SLOTS_PER_BYTE] >> shift & 3);
}

static void
verdict_set(struct verdicts *v, unsigned slot, enum kept_verdict x)
{
        unsigned shift = slot % SLOTS_PER_BYTE * VERDICT_BITS;
        uint8_t *byte = &v->slots[slot / SLOTS_PER_BYTE];

        *byte = (uint8_t)((*byte & ~(3U << shift)) | (unsigned)x << shift);
}

/* ---- label sets ---- */

/* view_cmp, for names that mostly differ in their first byte. No label has an empty name. */
static inline int
compare_names(struct view a, struct view b)
{
        if (a.p[0] != b.p[0])
                return (unsigned char)a.p[0] < (unsigned char)b.p[0] ? -1 : 1;
        return view_cmp(a, b);
}

/* Two sorted lists into one, in d->merged; the number of labels, 0 when out of memory. */
static size_t
merge(struct identity *d, const struct group_series *s)
{
        const struct label *ext = d->config->external_labels;
        size_t n_ext = d->config->n_external_labels;
        size_t a = 0;
        size_t b = 0;
        size_t n = 0;

        if (s->n_labels + n_ext > d->cap_merged) {
                size_t cap = (s->n_labels + n_ext) * 2;
                struct label *more = realloc(d->merged, cap * sizeof(*more));

                if (more == NULL)
                        return 0;
                d->merged = more;
                d->cap_merged = cap;
        }
        while (a < s->n_labels || b < n_ext) {
                int c;

                if (a == s->n_labels)
                        c = 1;
                else if (b == n_ext)
                        c = -1;
                else
                        c = compare_names(s->labels[a].name, ext[b].name);
                d->merged[n++] = c <= 0 ? s->labels[a] : ext[b];
                a += c <= 0;
                b += c >= 0;
        }
        return n;
}

static bool
same_labels(const struct labels *l, const struct label *v, size_t n)
{
        if (l->n != n)
                return false;
        for (size_t i = 0; i < n; i++) {
                if (!view_eq(l->v[i].name, v[i].name) || !view_eq(l->v[i].value, v[i].value))
                        return false;
        }
        return true;
}

/* Runs the rules over d->merged; *l is the sorted result, in the arena. */
static int
relabel(struct identity *d, size_t n, struct labels *l, enum kept_verdict *out, struct err *e)
{
        enum relabel_verdict verdict = RELABEL_KEPT;
        int rc = 0;

        arena_reset(&d->arena);
        labels_init(l, &d->arena);
        for (size_t i = 0; rc == 0 && i < n; i++)
                rc = labels_add(l, d->merged[i].name, d->merged[i].value, e);
        labels_freeze(l);
        if (rc == 0)
                rc = relabel_apply(d->rules, l, &verdict, NULL, e);
        if (rc < 0)
                return rc;
        labels_sort(l);
        if (verdict == RELABEL_DROPPED)
                *out = DROPPED;
        else
                *out = same_labels(l, d->merged, n) ? AS_IT_IS : CHANGED;
        return 0;
}

/* Encodes a sorted set, notes where two of its labels stand and what the others amount to. */
static int
encode(
    struct identity *d, const struct label *v, size_t n, struct identity_result *out, struct err *e)
{
        size_t done = 0;
        int rc = 0;

        buf_reset(&d->encoded);
        for (size_t i = 0; rc == 0 && i < n; i++) {
                bool name = view_eq(v[i].name, VIEW_LIT("__name__"));
                bool instance = !name && view_eq(v[i].name, VIEW_LIT("instance"));
                uint64_t hash = kin_label(kin_text(v[i].name, 0), v[i].value);
                size_t from;

                out->kin += instance ? 0 : hash;
                out->object += name || instance ? 0 : hash;
                if (!name && !instance)
                        continue;
                rc = encode_labels(v + done, i - done, &d->encoded, e);
                from = d->encoded.len;
                if (rc == 0)
                        rc = encode_labels(v + i, 1, &d->encoded, e);
                *(name ? &out->name_at : &out->instance_at) = from;
                *(name ? &out->name_bytes : &out->instance_bytes) = d->encoded.len - from;
                done = i + 1;
        }
        if (rc == 0)
                rc = encode_labels(v + done, n - done, &d->encoded, e);
        out->kept = true;
        out->labels = buf_view(&d->encoded);
        return rc;
}

void
identity_group_begins(struct identity *d)
{
        plans_clear(d->plans);
}

/* A set that leaves as it is, in d->merged: the next one of its shape takes the short way. */
static int
encode_as_it_is(struct identity *d, const struct group_series *s, size_t n,
    struct identity_result *out, struct err *e)
{
        const struct plan_source source = {s->shape, s->labels, s->n_labels, d->merged, n};
        int rc = s->shape != 0 ? plans_learn(d->plans, &source, e) : 0;

        return rc == 0 ? encode(d, d->merged, n, out, e) : rc;
}

/* The long way: merged, relabeled where the verdict is not known or changes it, encoded. */
static int
work_out(struct identity *d, const struct group_series *s, enum kept_verdict verdict,
    struct identity_result *out, struct err *e)
{
        size_t n = merge(d, s);
        struct labels l;
        int rc = 0;

        if (n == 0)
                return err_nomem(e, "a label set");
        if (verdict == NOT_KNOWN || verdict == CHANGED) {
                rc = relabel(d, n, &l, &verdict, e);
                if (rc < 0)
                        return rc;
                verdict_set(verdicts_of(d, s->chunk), s->slot, verdict);
        }
        *out = (struct identity_result){.kept = false};
        if (verdict == AS_IT_IS)
                rc = encode_as_it_is(d, s, n, out, e);
        else if (verdict == CHANGED)
                rc = encode(d, l.v, l.n, out, e);
        return rc;
}

int
identity_of(
    struct identity *d, const struct group_series *s, struct identity_result *out, struct err *e)
{
        size_t room = d->cap_merged + d->encoded.cap;
        enum kept_verdict verdict = AS_IT_IS;
        const struct plan *plan;
        int rc;

        if (d->verdicts != NULL)
                verdict = verdict_get(verdicts_of(d, s->chunk), s->slot);
        if (verdict == DROPPED) {
                *out = (struct identity_result){.kept = false};
                return 0;
        }
        plan = verdict == AS_IT_IS ? plans_find(d->plans, s->shape) : NULL;
        if (plan != NULL)
                rc = plans_encode(d->plans, plan, s->labels, &d->encoded, out, e);
        else
                rc = work_out(d, s, verdict, out, e);
        if (plan == NULL || room != d->cap_merged + d->encoded.cap)
                account(d);
        return rc;
}
