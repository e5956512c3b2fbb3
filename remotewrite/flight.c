#include "remotewrite/flight.h"

#include "base/err.h"
#include "remotewrite/settle.h"

#include <assert.h>

void
flight_init(struct flight *f, struct wal *wal, struct wal_endpoint *endpoint, struct packer *packer)
{
        *f = (struct flight){.wal = wal, .endpoint = endpoint, .packer = packer};
        f->tail = &f->head;
}

void
flight_release(struct flight *f)
{
        while (f->head != NULL) {
                struct request *next = f->head->next;

                request_free(f->head);
                f->head = next;
        }
        f->tail = &f->head;
        f->carry = (struct wal_ledger){0};
}

void
flight_begin(struct flight *f)
{
        assert(f->head == NULL);
        f->carry = (struct wal_ledger){0};
        f->searches = FLIGHT_SEARCHES;
        f->searched = 0;
}

bool
flight_empty(const struct flight *f)
{
        return f->head == NULL;
}

/* Settles the requests at the head that are done, and tells the log of the groups that ended. */
static void
settle_done(struct flight *f)
{
        while (f->head != NULL && f->head->parts == NULL) {
                struct request *r = f->head;
                struct wal_ledger counts;

                settle_add(&f->carry, &r->counts);
                if (r->groups > 0) {
                        settle_take(&f->carry, r->tail, &counts);
                        wal_window_settle(f->wal, f->endpoint, r->groups, &counts);
                }
                f->head = r->next;
                if (f->head == NULL)
                        f->tail = &f->head;
                request_free(r);
        }
}

void
flight_take(struct flight *f, struct request **r, bool ambiguous)
{
        for (struct part *p = (*r)->parts; p != NULL; p = p->next)
                p->ambiguous = ambiguous;
        (*r)->searches = FLIGHT_SEARCHES_REPEAT;
        *f->tail = *r;
        f->tail = &(*r)->next;
        *r = NULL;
        settle_done(f);
}

static bool
must_wait(const struct flight *f, const struct request *r)
{
        return r->continues && r != f->head;
}

bool
flight_blocked(const struct flight *f)
{
        for (const struct request *r = f->head; r != NULL; r = r->next) {
                if (must_wait(f, r))
                        return true;
        }
        return false;
}

struct part *
flight_next(struct flight *f)
{
        for (struct request *r = f->head; r != NULL; r = r->next) {
                if (must_wait(f, r))
                        return NULL;
                for (struct part *p = r->parts; p != NULL; p = p->next) {
                        if (!p->flying)
                                return p;
                }
        }
        return NULL;
}

/* Puts a list (it may be empty) in the place of p, which is freed. */
static void
replace(struct part *p, struct part *list)
{
        struct part **place = &p->request->parts;
        struct part *next = p->next;

        while (*place != p)
                place = &(*place)->next;
        *place = list;
        while (*place != NULL)
                place = &(*place)->next;
        *place = next;
        part_free(p);
}

static void
append(struct request *r, struct part *list)
{
        struct part **place = &r->parts;

        while (*place != NULL)
                place = &(*place)->next;
        *place = list;
}

int
flight_halve(struct flight *f, struct part *p, struct err *e)
{
        struct part *halves = NULL;
        int rc = packer_halve(f->packer, p, &halves, e);

        if (rc < 0)
                return rc;
        f->split++;
        replace(p, halves);
        return 0;
}

static void
lose(struct flight *f, struct part *p, enum wal_lost reason, uint64_t samples)
{
        p->request->counts.lost[reason] += samples;
        f->dropped += samples;
}

static bool
may_search(const struct flight *f, const struct part *p)
{
        return p->series > 1 && f->searches >= 2 && f->searched < FLIGHT_SEARCHES_MAX &&
            (!p->ambiguous || p->request->searches >= 2);
}

/*
 * Refused as a whole: look for the series that are the reason, as long as the budget lasts. The
 * halves go behind the request's other parts: when it ends, it was spent on the large ones.
 */
static int
refuse(struct flight *f, struct part *p, const struct judgement *j, struct err *e)
{
        struct part *halves = NULL;
        int rc = 0;

        if (may_search(f, p)) {
                rc = packer_halve(f->packer, p, &halves, e);
                if (rc < 0)
                        return rc;
                f->searches -= 2;
                f->searched += 2;
                p->request->searches -= p->ambiguous ? 2 : 0;
                f->split++;
        } else if (p->ambiguous) {
                p->request->counts.unconfirmed += p->samples;
        } else {
                lose(f, p, j->reason, p->samples);
                f->unsearched += p->series > 1 ? p->samples : 0;
        }
        append(p->request, halves);
        replace(p, NULL);
        return 0;
}

static void
acknowledge(struct flight *f, struct part *p, uint64_t samples)
{
        p->request->counts.acknowledged += samples;
        f->acknowledged += samples;
        f->acknowledged_bytes += p->body.n;
}

static int
answer(struct flight *f, struct part *p, const struct judgement *j, struct err *e)
{
        switch (j->verdict) {
        case VERDICT_SETTLED:
                acknowledge(f, p, p->samples);
                f->searches += f->searches < FLIGHT_SEARCHES_MAX ? FLIGHT_EARNS : 0;
                p->request->searches += FLIGHT_EARNS;
                replace(p, NULL);
                return 0;
        case VERDICT_UNCONFIRMED:
                p->request->counts.unconfirmed += p->samples;
                replace(p, NULL);
                return 0;
        case VERDICT_COUNTED:
                lose(f, p, j->reason, j->lost);
                p->request->counts.unconfirmed += j->unconfirmed;
                acknowledge(f, p, p->samples - j->lost - j->unconfirmed);
                replace(p, NULL);
                return 0;
        case VERDICT_PARTLY:
                lose(f, p, j->reason, j->lost);
                p->request->counts.unconfirmed += p->samples - j->lost;
                replace(p, NULL);
                return 0;
        case VERDICT_DROPPED:
                lose(f, p, j->reason, p->samples);
                replace(p, NULL);
                return 0;
        case VERDICT_REFUSED:
                return refuse(f, p, j, e);
        case VERDICT_SPLIT:
                if (p->series > 1)
                        return flight_halve(f, p, e);
                lose(f, p, j->reason, p->samples);
                replace(p, NULL);
                return 0;
        case VERDICT_OTHER_MESSAGE:
        case VERDICT_RETRY:
        case VERDICT_RETRY_AT_ONCE:
        case VERDICT_HOLD:
                break;
        }
        p->again_at_once = j->verdict == VERDICT_RETRY_AT_ONCE;
        return j->shrink && p->series > 1 ? flight_halve(f, p, e) : 0;
}

static bool
is_refusal(const struct part *p, enum verdict v)
{
        return v == VERDICT_UNCONFIRMED || v == VERDICT_COUNTED || v == VERDICT_PARTLY ||
            v == VERDICT_REFUSED || v == VERDICT_DROPPED || (v == VERDICT_SPLIT && p->series == 1);
}

int
flight_answer(struct flight *f, struct part *p, const struct judgement *j, struct err *e)
{
        int rc;

        p->flying = false;
        p->attempts++;
        p->ambiguous = j->ambiguous;
        f->refused += is_refusal(p, j->verdict) ? 1 : 0;
        rc = answer(f, p, j, e);
        settle_done(f);
        return rc;
}

int
flight_change(struct flight *f, struct part *p, const struct packer_bounds *bounds, struct err *e)
{
        struct part *list = NULL;
        unsigned attempts = p->attempts;
        int rc = packer_change(f->packer, p, bounds, &list, e);

        if (rc < 0)
                return rc;
        for (struct part *x = list; x != NULL; x = x->next)
                x->attempts = attempts;
        replace(p, list);
        return 0;
}

int
flight_age(struct flight *f, struct part *p, int64_t oldest_ms, struct err *e)
{
        struct request *r = p->request;
        struct part *list = NULL;
        uint64_t left = 0;
        uint64_t samples = p->samples;
        unsigned attempts = p->attempts;
        int rc = packer_age(f->packer, p, oldest_ms, &list, e);

        if (rc < 0)
                return rc;
        for (struct part *x = list; x != NULL; x = x->next) {
                left += x->samples;
                x->attempts = attempts;
        }
        r->counts.lost[LOST_AGE] += samples - left;
        replace(p, list);
        settle_done(f);
        return 0;
}
