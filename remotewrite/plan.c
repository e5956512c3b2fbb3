#include "remotewrite/plan.h"

#include "base/buf.h"
#include "base/err.h"
#include "remotewrite/encode.h"
#include "remotewrite/encode_bytes.h"
#include "remotewrite/identity.h"
#include "remotewrite/kin.h"

#include <stdlib.h>

enum {
        SHAPES_MAX = 1024, /* a chunk of one part has no more */
        STEPS_MAX = 64 << 10,
        TEXT_MAX = 256 << 10,
        LABEL_MAX = 2 * (1 + VARINT_MAX), /* of a label but for its name's field and its value */
};

static const uint32_t whole = UINT32_MAX; /* a step that has no value to be put in */

/* A label: its name's field, then the value of the scraped label `from`; or all of an external. */
struct step {
        uint32_t at; /* in the text */
        uint32_t bytes;
        uint32_t from;
        uint64_t name_hash; /* kin.h */
        struct view value; /* of the last series, as most of the next one's */
        uint64_t hash; /* of the label with it */
};

struct plan {
        uint32_t first; /* step */
        uint32_t steps; /* 0: not made */
        uint32_t name; /* the steps that are __name__ and instance; `whole`: none is */
        uint32_t instance;
        size_t bytes; /* the most that a set takes, but for its values */
        uint64_t object; /* kin.h, of the external labels */
        uint64_t kin;
};

struct plans {
        struct plan *plans; /* owned; by shape - 1 */
        size_t n_plans;
        size_t cap_plans;
        struct step *steps; /* owned */
        size_t n_steps;
        size_t cap_steps;
        struct buf text;
};

int
plans_new(struct plans **out, struct err *e)
{
        struct plans *p = calloc(1, sizeof(*p));

        if (p == NULL)
                return err_nomem(e, "plans of label sets");
        p->text = (struct buf)BUF_INIT(TEXT_MAX);
        *out = p;
        return 0;
}

void
plans_free(struct plans *p)
{
        if (p == NULL)
                return;
        free(p->plans);
        free(p->steps);
        buf_release(&p->text);
        free(p);
}

size_t
plans_bytes(const struct plans *p)
{
        return sizeof(*p) + p->cap_plans * sizeof(*p->plans) + p->cap_steps * sizeof(*p->steps) +
            p->text.cap;
}

void
plans_clear(struct plans *p)
{
        p->n_plans = p->n_steps = 0;
        buf_reset(&p->text);
}

const struct plan *
plans_find(const struct plans *p, uint32_t shape)
{
        if (shape == 0 || shape > p->n_plans || p->plans[shape - 1].steps == 0)
                return NULL;
        return &p->plans[shape - 1];
}

/* ---- learning ---- */

static int
make_room(struct plans *p, size_t shapes, size_t steps, struct err *e)
{
        if (shapes > p->cap_plans) {
                size_t cap = shapes * 2;
                struct plan *plans = realloc(p->plans, cap * sizeof(*plans));

                if (plans == NULL)
                        return err_nomem(e, "plans of label sets");
                p->plans = plans;
                p->cap_plans = cap;
        }
        if (p->n_steps + steps > p->cap_steps) {
                size_t cap = (p->n_steps + steps) * 2;
                struct step *more = realloc(p->steps, cap * sizeof(*more));

                if (more == NULL)
                        return err_nomem(e, "plans of label sets");
                p->steps = more;
                p->cap_steps = cap;
        }
        for (; p->n_plans < shapes; p->n_plans++)
                p->plans[p->n_plans] = (struct plan){0};
        return 0;
}

/* An external label is encoded as a whole, of a scraped one only the name. */
static int
add_step(struct plans *p, const struct label *l, uint32_t from, struct err *e)
{
        const struct label name = {l->name, {NULL, 0}};
        size_t at = p->text.len;
        size_t head = 0;
        int rc = encode_labels(from == whole ? l : &name, 1, &p->text, e);

        if (rc < 0)
                return rc;
        if (from != whole) /* without the label's own tag and length */
                head = 1 + varint_size(1 + varint_size(l->name.n) + l->name.n);
        p->steps[p->n_steps++] = (struct step){
            .at = (uint32_t)(at + head),
            .bytes = (uint32_t)(p->text.len - at - head),
            .from = from,
            .name_hash = kin_text(l->name, 0),
            .hash = kin_label(kin_text(l->name, 0), (struct view){NULL, 0}),
        };
        return 0;
}

/* An external label's part of the hashes is always the same. */
static void
add_hashes(struct plan *x, uint32_t i, const struct step *step, struct view value)
{
        uint64_t hash = kin_label(step->name_hash, value);

        if (step->from != whole)
                return;
        x->kin += i != x->instance ? hash : 0;
        x->object += i != x->instance && i != x->name ? hash : 0;
}

static int
learn(struct plans *p, const struct plan_source *s, struct err *e)
{
        struct plan x = {
            .first = (uint32_t)p->n_steps,
            .steps = (uint32_t)s->n_merged,
            .name = whole,
            .instance = whole,
        };
        uint32_t next = 0;
        int rc = make_room(p, s->shape, s->n_merged, e);

        for (uint32_t i = 0; rc == 0 && i < s->n_merged; i++) {
                const struct label *l = &s->merged[i];
                bool scraped = next < s->n_labels && l->name.p == s->labels[next].name.p;

                if (view_eq(l->name, VIEW_LIT("__name__")))
                        x.name = i;
                else if (view_eq(l->name, VIEW_LIT("instance")))
                        x.instance = i;
                rc = add_step(p, l, scraped ? next++ : whole, e);
                if (rc < 0)
                        break;
                x.bytes += LABEL_MAX + p->steps[p->n_steps - 1].bytes;
                add_hashes(&x, i, &p->steps[p->n_steps - 1], l->value);
        }
        if (rc == 0)
                p->plans[s->shape - 1] = x;
        return rc;
}

int
plans_learn(struct plans *p, const struct plan_source *s, struct err *e)
{
        struct err why = ERR_INIT;
        int rc;

        if (s->shape > SHAPES_MAX || s->n_merged > STEPS_MAX)
                return 0; /* it has none */
        if (p->n_steps + s->n_merged > STEPS_MAX)
                plans_clear(p);
        rc = learn(p, s, &why);
        if (rc == ERR_LIMIT) { /* too much text: the next shape begins anew */
                plans_clear(p);
                return 0;
        }
        return rc < 0 ? err_set(e, (enum err_code)rc, "%s", why.msg) : 0;
}

/* ---- encoding ---- */

/* A value is one view wherever it occurs in the chunk: what was hashed last need not be read. */
static inline uint64_t
hash_value(struct step *step, struct view value)
{
        if (value.p != step->value.p || value.n != step->value.n) {
                step->value = value;
                step->hash = kin_label(step->name_hash, value);
        }
        return step->hash;
}

static inline uint8_t *
put_step(uint8_t *to, const char *name, size_t name_bytes, struct view value)
{
        size_t bytes = name_bytes + 2 + value.n;

        if (value.n > 0 && bytes < 0x80) { /* as good as always: lengths of one byte */
                *to++ = TAG_FIRST_BYTES;
                *to++ = (uint8_t)bytes;
                to = put_text(to, name, name_bytes);
                *to++ = TAG_SECOND_BYTES;
                *to++ = (uint8_t)value.n;
                return put_text(to, value.p, value.n);
        }
        bytes = name_bytes + (value.n > 0 ? 1 + varint_size(value.n) + value.n : 0);
        to = put_length(to, TAG_FIRST_BYTES, bytes);
        to = put_text(to, name, name_bytes);
        if (value.n == 0)
                return to;
        to = put_length(to, TAG_SECOND_BYTES, value.n);
        return put_text(to, value.p, value.n);
}

int
plans_encode(struct plans *p, const struct plan *x, const struct label *labels, struct buf *out,
    struct identity_result *result, struct err *e)
{
        struct step *steps = p->steps + x->first;
        size_t room = x->bytes;
        uint8_t *start;
        uint8_t *to;
        int rc;

        for (uint32_t i = 0; i < x->steps; i++)
                room += steps[i].from != whole ? labels[steps[i].from].value.n : 0;
        buf_reset(out);
        rc = buf_reserve(out, room, e);
        if (rc < 0)
                return rc;
        start = to = (uint8_t *)out->ptr;
        *result = (struct identity_result){.kept = true, .object = x->object, .kin = x->kin};
        for (uint32_t i = 0; i < x->steps; i++) {
                struct step *step = &steps[i];
                uint8_t *from = to;
                uint64_t hash = 0;

                if (step->from == whole) {
                        to = put_text(to, p->text.ptr + step->at, step->bytes);
                } else {
                        to = put_step(
                            to, p->text.ptr + step->at, step->bytes, labels[step->from].value);
                        hash = i != x->instance ? hash_value(step, labels[step->from].value) : 0;
                }
                if (i == x->instance) {
                        result->instance_at = (size_t)(from - start);
                        result->instance_bytes = (size_t)(to - from);
                        continue;
                }
                result->kin += hash;
                if (i == x->name) {
                        result->name_at = (size_t)(from - start);
                        result->name_bytes = (size_t)(to - from);
                } else {
                        result->object += hash;
                }
        }
        out->len = (size_t)(to - start);
        result->labels = buf_view(out);
        return 0;
}
