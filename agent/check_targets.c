#include "agent/check_targets.h"

#include "agent/config.h"
#include "agent/config_report.h"
#include "base/err.h"
#include "scrape/job.h"
#include "scrape/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 2048 };

static int
warn(struct config_report *report, const struct config *c, const char *text, struct err *e)
{
        const struct config_place place = {config_report_file(report, c->path), 0, 0};

        if (place.file == NULL ||
            config_report_add(report, CONFIG_WARNING, CONFIG_STAGE_VALUE, place, text) < 0)
                return err_nomem(e, "a report");
        return 0;
}

/* Takes the reference over. */
static int
keep(struct check_targets *t, struct target *target, struct err *e)
{
        if (t->n_active == t->cap) {
                size_t cap = t->cap == 0 ? 64 : t->cap * 2;
                struct target **v = realloc(t->active, cap * sizeof(struct target *));

                if (v == NULL) {
                        target_unref(target);
                        return err_nomem(e, "the targets");
                }
                t->active = v;
                t->cap = cap;
        }
        t->active[t->n_active++] = target;
        return 0;
}

static int
build_one(struct check_targets *t, const struct config *c, const struct target_input *in,
    struct config_report *report, struct err *e)
{
        struct target *target = NULL;
        enum target_verdict verdict = TARGET_DROPPED;
        char text[TEXT_MAX];
        struct err why = ERR_INIT;
        int rc = target_build(in, &target, &verdict, &why);

        if (rc == ERR_CONFIG) {
                (void)snprintf(text, sizeof(text), "target %s of job %s cannot be scraped: %s",
                    in->address, in->job->name, why.msg);
                t->n_refused++;
                return warn(report, c, text, e);
        }
        if (rc < 0)
                return err_set(e, (enum err_code)rc, "%s", why.msg);
        if (verdict == TARGET_ACTIVE)
                return keep(t, target, e);
        t->n_dropped++;
        target_unref(target);
        return 0;
}

static int
build_job(struct check_targets *t, const struct config *c, const struct scrape_job *job,
    struct config_report *report, struct err *e)
{
        struct target_input in = {.config = c->scrape, .job = job};
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < job->n_static_groups; i++) {
                const struct target_group *group = &job->static_groups[i];

                in.group_labels = group->labels;
                in.n_group_labels = group->n_labels;
                for (size_t k = 0; rc == 0 && k < group->n_targets; k++) {
                        in.address = group->targets[k];
                        rc = build_one(t, c, &in, report, e);
                }
        }
        return rc;
}

static int
compare_labels(const void *x, const void *y)
{
        uint64_t a = (*(struct target *const *)x)->labels_hash;
        uint64_t b = (*(struct target *const *)y)->labels_hash;

        return (a > b) - (a < b);
}

/* Those that are not relabeled were compared at load. */
static int
warn_equal_labels(
    struct check_targets *t, const struct config *c, struct config_report *report, struct err *e)
{
        struct target **sorted = malloc((t->n_active + 1) * sizeof(struct target *));
        char text[TEXT_MAX];
        int rc = 0;

        if (sorted == NULL)
                return err_nomem(e, "the targets");
        if (t->n_active > 0)
                memcpy(sorted, t->active, t->n_active * sizeof(struct target *));
        qsort(sorted, t->n_active, sizeof(struct target *), compare_labels);
        for (size_t i = 1; rc == 0 && i < t->n_active; i++) {
                const struct target *a = sorted[i - 1];
                const struct target *b = sorted[i];

                if (a->labels_hash != b->labels_hash ||
                    (a->job->relabel.n == 0 && b->job->relabel.n == 0))
                        continue;
                if (strcmp(a->identity, b->identity) == 0)
                        (void)snprintf(text, sizeof(text),
                            "target %s of job %s is there twice: it is scraped once", b->url,
                            b->job->name);
                else
                        (void)snprintf(text, sizeof(text),
                            "target %s of job %s has the same labels as target %s of job %s: their "
                            "samples cannot be told apart",
                            b->url, b->job->name, a->url, a->job->name);
                rc = warn(report, c, text, e);
        }
        free(sorted);
        return rc;
}

int
check_targets_build(
    const struct config *c, struct config_report *report, struct check_targets **out, struct err *e)
{
        struct check_targets *t = calloc(1, sizeof(*t));
        int rc = 0;

        if (t == NULL)
                return err_nomem(e, "the targets");
        for (size_t i = 0; rc == 0 && i < c->scrape->n_jobs; i++)
                rc = build_job(t, c, &c->scrape->jobs[i], report, e);
        if (rc == 0)
                rc = warn_equal_labels(t, c, report, e);
        if (rc == 0)
                *out = t;
        else
                check_targets_free(t);
        return rc;
}

void
check_targets_free(struct check_targets *t)
{
        if (t == NULL)
                return;
        for (size_t i = 0; i < t->n_active; i++)
                target_unref(t->active[i]);
        free(t->active);
        free(t);
}
