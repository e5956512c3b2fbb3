#include "agent/check_targets.h"

#include "agent/config.h"
#include "agent/config_report.h"
#include "base/clock.h"
#include "base/err.h"
#include "scrape/discovery/ask.h"
#include "scrape/discovery/feed.h"
#include "scrape/discovery/file.h"
#include "scrape/discovery/groups.h"
#include "scrape/discovery/providers.h"
#include "scrape/discovery/source.h"
#include "scrape/job.h"
#include "scrape/target.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 2048, WHERE_MAX = 512 };

/* What is at hand while the targets are built. */
struct build {
        struct check_targets *t;
        const struct config *config;
        struct config_report *report;
        size_t next; /* static target of the file */
};

static int
warn(struct config_report *report, struct config_place place, const char *text, struct err *e)
{
        if (place.file == NULL ||
            config_report_add(report, CONFIG_WARNING, CONFIG_STAGE_VALUE, place, text) < 0)
                return err_nomem(e, "a report");
        return 0;
}

/* Takes the reference over. */
static int
keep(struct check_targets *t, struct target *target, struct config_place place, struct err *e)
{
        if (t->n_active == t->cap) {
                size_t cap = t->cap == 0 ? 64 : t->cap * 2;
                struct target **v = realloc(t->active, cap * sizeof(struct target *));
                struct config_place *places = realloc(t->places, cap * sizeof(*places));

                if (v != NULL)
                        t->active = v;
                if (places != NULL)
                        t->places = places;
                if (v == NULL || places == NULL) {
                        target_unref(target);
                        return err_nomem(e, "the targets");
                }
                t->cap = cap;
        }
        t->places[t->n_active] = place;
        t->active[t->n_active++] = target;
        return 0;
}

/* Takes the reference over. */
static int
keep_dropped(struct check_targets *t, struct target *target, struct err *e)
{
        if (t->n_dropped == t->cap_dropped) {
                size_t cap = t->cap_dropped == 0 ? 64 : t->cap_dropped * 2;
                struct target **v = realloc(t->dropped, cap * sizeof(struct target *));

                if (v == NULL) {
                        target_unref(target);
                        return err_nomem(e, "the targets");
                }
                t->dropped = v;
                t->cap_dropped = cap;
        }
        t->dropped[t->n_dropped++] = target;
        return 0;
}

static int
build_one(struct build *b, const struct target_input *in, struct config_place place, struct err *e)
{
        struct target *target = NULL;
        enum target_verdict verdict = TARGET_DROPPED;
        char text[TEXT_MAX];
        struct err why = ERR_INIT;
        int rc = target_build(in, &target, &verdict, &why);

        if (rc == ERR_CONFIG) {
                (void)snprintf(text, sizeof(text), "target \"%s\" of job %s cannot be scraped: %s",
                    in->address, in->job->name, why.msg);
                b->t->n_refused++;
                return warn(b->report, place, text, e);
        }
        if (rc < 0)
                return err_set(e, (enum err_code)rc, "%s", why.msg);
        if (verdict == TARGET_ACTIVE)
                return keep(b->t, target, place, e);
        return keep_dropped(b->t, target, e);
}

/* The targets of a group, each at its own place (static ones, file NULL) or of a file. */
static int
build_group(struct build *b, const struct scrape_job *job, const struct target_group *group,
    const char *file, struct err *e)
{
        struct target_input in = {.config = b->config->scrape,
            .job = job,
            .group_labels = group->labels,
            .n_group_labels = group->n_labels};
        int rc = 0;

        for (size_t k = 0; rc == 0 && k < group->n_targets; k++) {
                struct config_place place = {file, 0, 0};

                if (file == NULL)
                        place = config_report_target(b->report, b->next++, b->config->path);
                in.address = group->targets[k];
                rc = build_one(b, &in, place, e);
        }
        return rc;
}

static const char *
file_of(const struct target_group *group, struct config_report *report)
{
        for (size_t i = 0; i < group->n_labels; i++) {
                if (view_is(group->labels[i].name, "__meta_filepath"))
                        return config_report_file(report, group->labels[i].value.p);
        }
        return report->files[0];
}

static int
build_files(struct build *b, const struct scrape_job *job, struct file_source *f, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; i < file_source_count(f); i++) {
                const struct group_list *list = file_source_groups(f, i);

                for (size_t k = 0; list != NULL && rc == 0 && k < list->n; k++)
                        rc = build_group(b, job, &list->v[k], file_of(&list->v[k], b->report), e);
        }
        return rc;
}

/* The files as they are now; what is wrong with one has been logged by the reading. */
static int
build_file_sd(
    struct build *b, const struct scrape_job *job, const struct file_sd *sd, struct err *e)
{
        const struct config_place place = {b->report->files[0], 0, 0};
        struct file_source *f = NULL;
        struct file_refresh refresh = {0};
        char text[TEXT_MAX];
        int rc = file_source_new(sd, &f, e);

        if (rc == 0)
                rc = file_source_refresh(f, &refresh, e);
        if (rc == 0)
                rc = build_files(b, job, f, e);
        if (rc == 0 && file_source_count(f) == 0) {
                (void)snprintf(text, sizeof(text),
                    "no file matches %s of job %s: it has no targets from there yet", sd->files[0],
                    job->name);
                rc = warn(b->report, place, text, e);
        }
        if (rc == 0 && refresh.failures > 0) {
                (void)snprintf(text, sizeof(text),
                    "%" PRIu64 " of the files of job %s cannot be used: its targets are missing",
                    refresh.failures, job->name);
                rc = warn(b->report, place, text, e);
        }
        file_source_free(f);
        return rc;
}

/* ---- what has to be asked over the network ---- */

static int
note_not_asked(struct build *b, const struct scrape_job *job, const char *section, struct err *e)
{
        const struct config_place place = {b->report->files[0], 0, 0};
        char text[TEXT_MAX];

        (void)snprintf(text, sizeof(text),
            "%s of job %s are not asked without --ask: its targets from there are not shown",
            section, job->name);
        if (config_report_add(b->report, CONFIG_NOTE, CONFIG_STAGE_VALUE, place, text) < 0)
                return err_nomem(e, "a report");
        return 0;
}

static int
note_network(struct build *b, const struct scrape_job *job, struct err *e)
{
        int rc = 0;

        if (job->n_http_sds > 0)
                rc = note_not_asked(b, job, "http_sd_configs", e);
        if (rc == 0 && job->n_dns_sds > 0)
                rc = note_not_asked(b, job, "dns_sd_configs", e);
        if (rc == 0 && job->n_kubernetes_sds > 0)
                rc = note_not_asked(b, job, "kubernetes_sd_configs", e);
        return rc;
}

/* Where a feed's groups go. */
struct found {
        struct build *b;
        const struct scrape_job *job;
};

static int
take_groups(void *arg, const struct target_group *groups, size_t n, struct err *e)
{
        const struct found *f = arg;
        int rc = 0;

        for (size_t i = 0; i < n && rc == 0; i++)
                rc = build_group(f->b, f->job, &groups[i], f->b->report->files[0], e);
        return rc;
}

static int
build_feed(struct build *b, const struct feed *f, struct err *e)
{
        const struct config_place place = {b->report->files[0], 0, 0};
        struct found found = {b, feed_source(f)->job};
        const struct group_sink sink = {take_groups, &found};
        struct feed_view view;
        char text[TEXT_MAX];
        int rc = feed_visit(f, &sink, e);

        feed_show(f, &view);
        if (rc < 0 || view.known)
                return rc;
        b->t->n_silent++;
        (void)snprintf(text, sizeof(text),
            "%s_sd_configs of job %s: no good answer, its targets from there are missing",
            view.mechanism, found.job->name);
        return warn(b->report, place, text, e);
}

/* All at once, so that the time is that of the slowest. */
static int
build_network(struct build *b, int64_t ask_ms, struct err *e)
{
        struct providers p = {0};
        int rc = providers_set(&p, b->config->scrape, clock_mono(clock_system()), e);

        if (rc == 0)
                discovery_ask(&p, ask_ms);
        for (size_t i = 0; rc == 0 && i < p.n_feeds; i++)
                rc = build_feed(b, p.feeds[i], e);
        providers_release(&p);
        return rc;
}

static int
build_job(struct build *b, const struct scrape_job *job, bool ask, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < job->n_static_groups; i++)
                rc = build_group(b, job, &job->static_groups[i], NULL, e);
        for (size_t i = 0; rc == 0 && i < job->n_file_sds; i++)
                rc = build_file_sd(b, job, &job->file_sds[i], e);
        return rc == 0 && !ask ? note_network(b, job, e) : rc;
}

/* A target by its labels, those with equal ones in the order of the file. */
struct labeled {
        uint64_t hash;
        size_t index;
};

static int
compare_labels(const void *x, const void *y)
{
        const struct labeled *a = x;
        const struct labeled *b = y;

        if (a->hash != b->hash)
                return a->hash < b->hash ? -1 : 1;
        return (a->index > b->index) - (a->index < b->index);
}

/* " (line 7)", with the file when that is another one. */
static void
say_where(const struct config_place *place, const struct config_place *from, char *out, size_t size)
{
        out[0] = '\0';
        if (place->line == 0 && place->file != from->file)
                (void)snprintf(out, size, " (%s)", place->file);
        else if (place->line > 0 && place->file == from->file)
                (void)snprintf(out, size, " (line %u)", place->line);
        else if (place->line > 0)
                (void)snprintf(out, size, " (%s:%u)", place->file, place->line);
}

/* Two targets with the same labels. */
static int
warn_pair(struct build *build, size_t first, size_t second, struct err *e)
{
        const struct check_targets *t = build->t;
        const struct target *a = t->active[first];
        const struct target *b = t->active[second];
        char where[WHERE_MAX];
        char text[TEXT_MAX];

        say_where(&t->places[first], &t->places[second], where, sizeof(where));
        if (strcmp(a->identity, b->identity) == 0)
                (void)snprintf(text, sizeof(text),
                    "target %s of job %s is there twice%s: it is scraped once", b->url,
                    b->job->name, where);
        else
                (void)snprintf(text, sizeof(text),
                    "target %s of job %s has the same labels as target %s of job %s%s: their "
                    "samples cannot be told apart",
                    b->url, b->job->name, a->url, a->job->name, where);
        return warn(build->report, t->places[second], text, e);
}

/* At load: static ones that are not relabeled. */
static bool
was_compared(const struct check_targets *t, size_t i)
{
        return t->places[i].line > 0 && t->active[i]->job->relabel.n == 0;
}

static int
warn_equal_labels(struct build *b, struct err *e)
{
        const struct check_targets *t = b->t;
        struct labeled *sorted = malloc((t->n_active + 1) * sizeof(*sorted));
        int rc = 0;

        if (sorted == NULL)
                return err_nomem(e, "the targets");
        for (size_t i = 0; i < t->n_active; i++)
                sorted[i] = (struct labeled){t->active[i]->labels_hash, i};
        qsort(sorted, t->n_active, sizeof(*sorted), compare_labels);
        for (size_t i = 1; rc == 0 && i < t->n_active; i++) {
                const struct labeled *x = &sorted[i - 1];
                const struct labeled *y = &sorted[i];

                if (x->hash == y->hash && !(was_compared(t, x->index) && was_compared(t, y->index)))
                        rc = warn_pair(b, x->index, y->index, e);
        }
        free(sorted);
        return rc;
}

int
check_targets_build(const struct check_input *in, struct check_targets **out, struct err *e)
{
        const struct config *c = in->config;
        struct check_targets *t = calloc(1, sizeof(*t));
        struct build b = {.t = t, .config = c, .report = in->report};
        int rc = 0;

        if (t == NULL)
                return err_nomem(e, "the targets");
        for (size_t i = 0; rc == 0 && i < c->scrape->n_jobs; i++)
                rc = build_job(&b, &c->scrape->jobs[i], in->ask_ms > 0, e);
        if (rc == 0 && in->ask_ms > 0)
                rc = build_network(&b, in->ask_ms, e);
        if (rc == 0)
                rc = warn_equal_labels(&b, e);
        config_report_sort(in->report);
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
        for (size_t i = 0; i < t->n_dropped; i++)
                target_unref(t->dropped[i]);
        free(t->dropped);
        free(t->active);
        free(t->places);
        free(t);
}
