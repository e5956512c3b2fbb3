#include "scrape/discovery/providers.h"

#include "base/err.h"
#include "scrape/discovery/assembly.h"
#include "scrape/discovery/file.h"
#include "scrape/discovery/groups.h"
#include "scrape/job.h"
#include "scrape/target.h"

#include <stdlib.h>

enum { MIN_INTERVAL_MS = 1000 }; /* whatever refresh_interval says */

/* One file_sd section. */
struct provider {
        const struct file_sd *sd; /* in the configuration */
        const struct scrape_job *job; /* in the configuration */
        struct file_source *source; /* owned */
        int64_t due_ms; /* monotonic */
};

void
providers_release(struct providers *p)
{
        for (size_t i = 0; i < p->n; i++)
                file_source_free(p->v[i].source);
        free(p->v);
        scrape_config_unref(p->config);
        *p = (struct providers){0};
}

/* A source of the configuration before with the same patterns goes on with what it knows. */
static struct file_source *
take_source(struct providers *old, const struct file_sd *sd)
{
        for (size_t i = 0; i < old->n; i++) {
                struct file_source *f = old->v[i].source;

                if (f != NULL && file_source_matches(f, sd)) {
                        old->v[i].source = NULL;
                        file_source_rebind(f, sd);
                        return f;
                }
        }
        return NULL;
}

static int
make(struct providers *p, struct scrape_config *config, struct err *e)
{
        size_t n = 0;
        int rc = 0;

        for (size_t j = 0; j < config->n_jobs; j++)
                n += config->jobs[j].n_file_sds;
        p->v = calloc(n + 1, sizeof(*p->v));
        if (p->v == NULL)
                return err_nomem(e, "the discovery");
        p->config = scrape_config_ref(config);
        for (size_t j = 0; j < config->n_jobs; j++) {
                for (size_t k = 0; k < config->jobs[j].n_file_sds && rc == 0; k++) {
                        struct provider *x = &p->v[p->n];

                        x->job = &config->jobs[j];
                        x->sd = &config->jobs[j].file_sds[k];
                        rc = file_source_new(x->sd, &x->source, e);
                        p->n += rc == 0;
                }
        }
        return rc;
}

int
providers_set(struct providers *p, struct scrape_config *config, struct err *e)
{
        struct providers fresh = {0};
        int rc = make(&fresh, config, e);

        if (rc < 0) {
                providers_release(&fresh);
                return rc;
        }
        for (size_t i = 0; i < fresh.n; i++) {
                struct file_source *known = take_source(p, fresh.v[i].sd);

                if (known != NULL) {
                        file_source_free(fresh.v[i].source);
                        fresh.v[i].source = known;
                }
        }
        providers_release(p);
        *p = fresh;
        return 0;
}

int
providers_read(
    struct providers *p, bool all, int64_t now_ms, struct providers_read *out, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; i < p->n && rc == 0; i++) {
                struct provider *x = &p->v[i];
                struct file_refresh r = {0};

                if (!all && x->due_ms > now_ms)
                        continue;
                rc = file_source_refresh(x->source, &r, e);
                x->due_ms = now_ms +
                    (x->sd->refresh_interval_ms > MIN_INTERVAL_MS ? x->sd->refresh_interval_ms
                                                                  : MIN_INTERVAL_MS);
                out->refreshes++;
                out->failures += r.failures;
                out->changed = out->changed || r.changed;
        }
        return rc;
}

int
providers_assemble(const struct providers *p, const char *host_name, struct target_set **out,
    struct assembly_report *report, struct err *e)
{
        struct assembly *a = NULL;
        int rc = assembly_new(p->config, host_name, &a, e);

        for (size_t j = 0; j < p->config->n_jobs && rc == 0; j++) {
                const struct scrape_job *job = &p->config->jobs[j];

                assembly_job(a, job);
                rc = assembly_groups(a, job->static_groups, job->n_static_groups, e);
                for (size_t i = 0; i < p->n && rc == 0; i++) {
                        const struct file_source *f = p->v[i].source;

                        for (size_t k = 0; p->v[i].job == job && k < file_source_count(f); k++) {
                                const struct group_list *g = file_source_groups(f, k);

                                if (g != NULL && rc == 0)
                                        rc = assembly_groups(a, g->v, g->n, e);
                        }
                }
        }
        if (rc == 0)
                rc = assembly_finish(&a, out, report, e);
        assembly_free(a);
        if (rc == 0)
                (*out)->first_sync_done = true; /* files have been read by now */
        return rc;
}

void
providers_watch(const struct providers *p, int inotify_fd)
{
        for (size_t i = 0; i < p->n; i++)
                file_source_watch(p->v[i].source, inotify_fd);
}

int64_t
providers_due(const struct providers *p)
{
        int64_t t = INT64_MAX;

        for (size_t i = 0; i < p->n; i++) {
                if (p->v[i].due_ms < t)
                        t = p->v[i].due_ms;
        }
        return t;
}
