#include "scrape/discovery/assembly.h"

#include "base/err.h"
#include "base/hash.h"
#include "scrape/discovery/memo.h"
#include "scrape/job.h"
#include "scrape/slotmap.h"
#include "scrape/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct target_list {
        struct target **v; /* owned references */
        size_t n;
        size_t cap;
};

struct assembly {
        struct assembly_input in; /* borrowed */
        uint64_t seed;
        struct memo memo; /* what the next one is to know */
        const struct scrape_job *job; /* the current one */
        size_t job_first; /* of active: where the current job's targets begin */
        uint64_t job_dropped; /* of the current job, kept */
        const struct target *job_known; /* one of the current job's that was not built now */
        struct slotmap identities; /* of the current job's active targets: their hashes */
        struct target_list active;
        struct target_list dropped;
        size_t dropped_bytes;
        bool dropped_full; /* by bytes */
        struct assembly_report report;
};

int
assembly_new(const struct assembly_input *in, struct assembly **out, struct err *e)
{
        struct assembly *a = calloc(1, sizeof(*a));

        if (a == NULL)
                return err_nomem(e, "a target set");
        a->in = *in;
        a->seed = target_seed(in->host_name, in->config);
        *out = a;
        return 0;
}

static void
release_list(struct target_list *l)
{
        for (size_t i = 0; i < l->n; i++)
                target_unref(l->v[i]);
        free(l->v);
}

void
assembly_free(struct assembly *a)
{
        if (a == NULL)
                return;
        release_list(&a->active);
        release_list(&a->dropped);
        memo_release(&a->memo);
        slotmap_release(&a->identities);
        free(a);
}

/* Takes a reference. */
static int
take(struct target_list *l, struct target *t, struct err *e)
{
        if (l->n == l->cap) {
                size_t cap = l->cap > 0 ? l->cap * 2 : 16;
                struct target **v = realloc(l->v, cap * sizeof(struct target *));

                if (v == NULL)
                        return err_nomem(e, "a target set");
                l->v = v;
                l->cap = cap;
        }
        l->v[l->n++] = target_ref(t);
        return 0;
}

static void
refuse(struct assembly *a, const char *address, const char *why)
{
        struct assembly_report *r = &a->report;

        if (r->refused == 0)
                (void)snprintf(r->first_refusal, sizeof(r->first_refusal),
                    "job \"%s\", target \"%s\": %s", a->job->name, address, why);
        r->refused++;
        r->refusals_hash = hash_stable(a->job->name, strlen(a->job->name), r->refusals_hash);
        r->refusals_hash = hash_stable(address, strlen(address), r->refusals_hash);
        r->refusals_hash = hash_stable(why, strlen(why), r->refusals_hash);
}

/* ---- the end of a job ---- */

static int
compare_identity(const void *x, const void *y)
{
        return strcmp(
            (*(struct target *const *)x)->identity, (*(struct target *const *)y)->identity);
}

/* A target that was known has the flag as it was the last time, and others look at it already. */
static void
apply_limit(struct assembly *a)
{
        size_t n = a->active.n - a->job_first;
        bool over = a->job->target_limit > 0 && n > a->job->target_limit;

        if (a->job_known != NULL && a->job_known->over_limit != over) {
                a->report.again = true;
                return;
        }
        for (size_t i = a->job_first; i < a->active.n; i++) {
                if (a->active.v[i]->over_limit != over)
                        a->active.v[i]->over_limit = over;
        }
}

/* The job's targets end up sorted by identity. */
static void
end_job(struct assembly *a)
{
        size_t n = a->active.n - a->job_first;

        if (a->job == NULL)
                return;
        if (n > 0)
                qsort(a->active.v + a->job_first, n, sizeof(struct target *), compare_identity);
        apply_limit(a);
        slotmap_release(&a->identities);
        a->job_first = a->active.n;
        a->job_dropped = 0;
        a->job_known = NULL;
        a->job = NULL;
}

void
assembly_job(struct assembly *a, const struct scrape_job *job)
{
        end_job(a);
        a->job = job;
}

/* ---- targets ---- */

static bool
may_keep(const struct assembly *a)
{
        uint64_t keep = a->job->keep_dropped_targets;

        return !a->dropped_full && a->dropped.n < ASSEMBLY_MAX_DROPPED &&
            (keep == 0 || a->job_dropped < keep);
}

/* For display; x->target is NULL afterwards when there is no room for it. */
static int
keep_dropped(struct assembly *a, struct memo_entry *x, struct err *e)
{
        int rc = 0;

        a->report.dropped++;
        if (a->in.counts != NULL)
                a->in.counts[a->job - a->in.config->jobs].dropped++;
        if (x->target != NULL && may_keep(a)) {
                a->dropped_full = a->dropped_bytes + x->target->size > ASSEMBLY_MAX_DROPPED_BYTES;
                if (!a->dropped_full) {
                        a->dropped_bytes += x->target->size;
                        a->job_dropped++;
                        rc = take(&a->dropped, x->target, e);
                        return rc;
                }
        }
        x->target = NULL;
        return rc;
}

static bool
is_there(const struct assembly *a, uint64_t identity)
{
        return slotmap_find(&a->identities, identity) != NULL;
}

/* x->verdict is MEMO_DUPLICATE afterwards when the job has an equal one already. */
static int
keep_active(struct assembly *a, struct memo_entry *x, struct err *e)
{
        int rc;

        if (is_there(a, x->identity)) {
                a->report.duplicates++;
                x->verdict = MEMO_DUPLICATE;
                x->target = NULL;
                return 0;
        }
        rc = slotmap_put(&a->identities, x->identity, 0, e);
        return rc == 0 ? take(&a->active, x->target, e) : rc;
}

/* What became of it the last time, or earlier in this one, holds: no need to build it. */
static bool
holds(const struct assembly *a, const struct memo_entry *x)
{
        if (x == NULL)
                return false;
        if (x->verdict == MEMO_DUPLICATE)
                return is_there(a, x->identity);
        return x->target != NULL || !may_keep(a);
}

static int
use(struct assembly *a, uint64_t key, struct memo_entry x, struct err *e)
{
        int rc = x.verdict == MEMO_DROPPED ? keep_dropped(a, &x, e) : keep_active(a, &x, e);

        if (rc == 0 && memo_find(&a->memo, key) == NULL)
                rc = memo_add(&a->memo, key, &x, e);
        return rc;
}

static int
build(struct assembly *a, uint64_t key, const struct target_input *in, struct err *e)
{
        enum target_verdict verdict = TARGET_DROPPED;
        struct memo_entry x = {.verdict = MEMO_DROPPED};
        struct err why = ERR_INIT;
        int rc = target_build(in, &x.target, &verdict, &why);
        struct target *t = x.target;

        a->report.built++;
        if (rc == ERR_NOMEM) {
                if (e != NULL)
                        *e = why;
                return rc;
        }
        if (rc < 0) {
                refuse(a, in->address, why.msg);
                return 0;
        }
        if (verdict == TARGET_ACTIVE) {
                x.verdict = MEMO_ACTIVE;
                x.identity = hash_seeded(t->identity, strlen(t->identity));
        }
        rc = use(a, key, x, e);
        target_unref(t);
        return rc;
}

static int
add_target(struct assembly *a, const struct target_input *in, struct err *e)
{
        uint64_t key = memo_key(in);
        const struct memo_entry *x = memo_find(&a->memo, key);

        if (a->in.counts != NULL)
                a->in.counts[in->job - in->config->jobs].discovered++;
        if (a->active.n >= ASSEMBLY_MAX_TARGETS) {
                refuse(a, in->address, "there are too many targets");
                return 0;
        }
        if (x == NULL && a->in.memo != NULL) {
                x = memo_find(a->in.memo, key);
                if (x != NULL && x->verdict == MEMO_ACTIVE)
                        a->job_known = x->target;
        }
        if (!holds(a, x))
                return build(a, key, in, e);
        if (x->verdict == MEMO_DUPLICATE) {
                a->report.duplicates++;
                return memo_find(&a->memo, key) == NULL ? memo_add(&a->memo, key, x, e) : 0;
        }
        return use(a, key, *x, e);
}

int
assembly_groups(struct assembly *a, const struct target_group *groups, size_t n, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; i < n && rc == 0; i++) {
                struct target_input in = {.config = a->in.config,
                    .job = a->job,
                    .models = a->in.models,
                    .group_labels = groups[i].labels,
                    .n_group_labels = groups[i].n_labels,
                    .seed = a->seed};

                for (size_t k = 0; k < groups[i].n_targets && rc == 0; k++) {
                        in.address = groups[i].targets[k];
                        rc = add_target(a, &in, e);
                }
        }
        return rc;
}

/* The set is that of the last time when all its targets are; those of then live until now. */
static void
renew_memo(struct assembly *a)
{
        uint64_t h = a->report.dropped;

        h = hash_stable(a->active.v, a->active.n * sizeof(struct target *), h);
        h = hash_stable(a->dropped.v, a->dropped.n * sizeof(struct target *), h);
        a->memo.set_hash = h;
        a->report.changed = a->in.memo == NULL || a->in.memo->set_hash != h;
        if (a->in.memo == NULL)
                return;
        memo_release(a->in.memo);
        if (a->report.again)
                return;
        *a->in.memo = a->memo;
        a->memo = (struct memo){.index = SLOTMAP_INIT};
}

int
assembly_finish(
    struct assembly **a, struct target_set **out, struct assembly_report *report, struct err *e)
{
        struct target_set *s = calloc(1, sizeof(*s));

        if (s == NULL)
                return err_nomem(e, "a target set");
        end_job(*a);
        renew_memo(*a);
        s->active = (*a)->active.v;
        s->n_active = (*a)->active.n;
        s->dropped = (*a)->dropped.v;
        s->n_dropped = (*a)->dropped.n;
        s->n_dropped_total = (*a)->report.dropped;
        *report = (*a)->report;
        (*a)->active = (struct target_list){0};
        (*a)->dropped = (struct target_list){0};
        assembly_free(*a);
        *a = NULL;
        *out = s;
        return 0;
}
