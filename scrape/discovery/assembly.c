#include "scrape/discovery/assembly.h"

#include "base/err.h"
#include "base/hash.h"
#include "scrape/job.h"
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
        struct scrape_config *config; /* borrowed */
        uint64_t seed;
        const struct scrape_job *job; /* the current one */
        size_t job_first; /* of active: where the current job's targets begin */
        uint64_t job_dropped; /* of the current job, kept */
        struct target_list active;
        struct target_list dropped;
        size_t dropped_bytes;
        struct assembly_report report;
};

int
assembly_new(
    struct scrape_config *config, const char *host_name, struct assembly **out, struct err *e)
{
        struct assembly *a = calloc(1, sizeof(*a));

        if (a == NULL)
                return err_nomem(e, "a target set");
        a->config = config;
        a->seed = target_seed(host_name, config);
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
        free(a);
}

/* Takes over *t; on failure the caller keeps it. */
static int
take(struct target_list *l, struct target **t, struct err *e)
{
        if (l->n == l->cap) {
                size_t cap = l->cap > 0 ? l->cap * 2 : 16;
                struct target **v = realloc(l->v, cap * sizeof(struct target *));

                if (v == NULL)
                        return err_nomem(e, "a target set");
                l->v = v;
                l->cap = cap;
        }
        l->v[l->n++] = *t;
        *t = NULL;
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

/* Equal targets become one; the job's targets end up sorted by identity. */
static void
remove_duplicates(struct assembly *a)
{
        struct target **v = a->active.v + a->job_first;
        size_t n = a->active.n - a->job_first;
        size_t kept = 0;

        if (n == 0)
                return;
        qsort(v, n, sizeof(struct target *), compare_identity);
        for (size_t i = 0; i < n; i++) {
                if (kept > 0 && strcmp(v[kept - 1]->identity, v[i]->identity) == 0) {
                        target_unref(v[i]);
                        a->report.duplicates++;
                } else {
                        v[kept++] = v[i];
                }
        }
        a->active.n = a->job_first + kept;
}

static void
end_job(struct assembly *a)
{
        if (a->job == NULL)
                return;
        remove_duplicates(a);
        if (a->job->target_limit > 0 && a->active.n - a->job_first > a->job->target_limit) {
                for (size_t i = a->job_first; i < a->active.n; i++)
                        a->active.v[i]->over_limit = true;
        }
        a->job_first = a->active.n;
        a->job_dropped = 0;
        a->job = NULL;
}

void
assembly_job(struct assembly *a, const struct scrape_job *job)
{
        end_job(a);
        a->job = job;
}

/* ---- targets ---- */

static int
keep_dropped(struct assembly *a, struct target **t, struct err *e)
{
        uint64_t keep = a->job->keep_dropped_targets;

        a->report.dropped++;
        if (a->dropped.n >= ASSEMBLY_MAX_DROPPED || (keep > 0 && a->job_dropped >= keep) ||
            a->dropped_bytes + (*t)->size > ASSEMBLY_MAX_DROPPED_BYTES)
                return 0;
        a->dropped_bytes += (*t)->size;
        a->job_dropped++;
        return take(&a->dropped, t, e);
}

static int
add_target(struct assembly *a, const struct target_input *in, struct err *e)
{
        enum target_verdict verdict = TARGET_DROPPED;
        struct target *t = NULL;
        struct err why = ERR_INIT;
        int rc;

        if (a->active.n >= ASSEMBLY_MAX_TARGETS) {
                refuse(a, in->address, "there are too many targets");
                return 0;
        }
        rc = target_build(in, &t, &verdict, &why);
        if (rc == ERR_NOMEM) {
                if (e != NULL)
                        *e = why;
                return rc;
        }
        if (rc < 0) {
                refuse(a, in->address, why.msg);
                return 0;
        }
        rc = verdict == TARGET_ACTIVE ? take(&a->active, &t, e) : keep_dropped(a, &t, e);
        target_unref(t);
        return rc;
}

int
assembly_groups(struct assembly *a, const struct target_group *groups, size_t n, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; i < n && rc == 0; i++) {
                struct target_input in = {.config = a->config,
                    .job = a->job,
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

int
assembly_finish(
    struct assembly **a, struct target_set **out, struct assembly_report *report, struct err *e)
{
        struct target_set *s = calloc(1, sizeof(*s));

        if (s == NULL)
                return err_nomem(e, "a target set");
        end_job(*a);
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
