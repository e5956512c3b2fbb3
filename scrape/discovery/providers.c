#include "scrape/discovery/providers.h"

#include "base/err.h"
#include "scrape/discovery/assembly.h"
#include "scrape/discovery/dns.h"
#include "scrape/discovery/feed.h"
#include "scrape/discovery/file.h"
#include "scrape/discovery/groups.h"
#include "scrape/discovery/http.h"
#include "scrape/discovery/kubernetes/kubernetes.h"
#include "scrape/discovery/net.h"
#include "scrape/discovery/source.h"
#include "scrape/job.h"
#include "scrape/target.h"

#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MIN_INTERVAL_MS = 1000 }; /* whatever refresh_interval says */

/* One file_sd section. */
struct provider {
        const struct file_sd *sd; /* in the configuration */
        const struct scrape_job *job; /* in the configuration */
        struct file_source *source; /* owned */
        int64_t due_ms; /* monotonic */
};

/* Everything but the net, which the next configuration's sources use too. */
static void
release_sections(struct providers *p)
{
        for (size_t i = 0; i < p->n; i++)
                file_source_free(p->v[i].source);
        free(p->v);
        for (size_t i = 0; i < p->n_feeds; i++)
                feed_free(p->feeds[i]);
        free(p->feeds);
        memo_release(&p->memo);
        free(p->counts);
        scrape_config_unref(p->config);
}

void
providers_release(struct providers *p)
{
        release_sections(p);
        label_models_release(&p->models);
        net_free(p->net);
        *p = (struct providers){.folder = p->folder};
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
make_files(struct providers *p, struct err *e)
{
        size_t n = 0;
        int rc = 0;

        for (size_t j = 0; j < p->config->n_jobs; j++)
                n += p->config->jobs[j].n_file_sds;
        p->v = calloc(n + 1, sizeof(*p->v));
        if (p->v == NULL)
                return err_nomem(e, "the discovery");
        for (size_t j = 0; j < p->config->n_jobs; j++) {
                const struct scrape_job *job = &p->config->jobs[j];

                for (size_t k = 0; k < job->n_file_sds && rc == 0; k++) {
                        struct provider *x = &p->v[p->n];

                        x->job = job;
                        x->sd = &job->file_sds[k];
                        rc = file_source_new(x->sd, &x->source, e);
                        p->n += rc == 0;
                }
        }
        return rc;
}

/* ---- sections that talk to the network ---- */

static size_t
count_sources(const struct scrape_job *job)
{
        return job->n_http_sds + job->n_dns_sds + job->n_kubernetes_sds;
}

/* The k-th of a job, whatever its kind. */
static int
make_source(const struct source_input *in, size_t k, struct source **out, struct err *e)
{
        const struct scrape_job *job = in->job;

        if (k < job->n_http_sds)
                return http_source_new(in, &job->http_sds[k], out, e);
        k -= job->n_http_sds;
        if (k < job->n_dns_sds)
                return dns_source_new(in, &job->dns_sds[k], out, e);
        k -= job->n_dns_sds;
        return kubernetes_source_new(in, &job->kubernetes_sds[k], out, e);
}

/* Takes *source over. */
static int
add_feed(struct providers *p, struct source **source, struct err *e)
{
        int rc = feed_new(source, p->folder, &p->feeds[p->n_feeds], e);

        p->n_feeds += rc == 0;
        return rc;
}

static int
make_feeds(struct providers *p, struct err *e)
{
        size_t n = 0;
        int rc = 0;

        for (size_t j = 0; j < p->config->n_jobs; j++)
                n += count_sources(&p->config->jobs[j]);
        p->feeds = calloc(n + 1, sizeof(struct feed *));
        if (p->feeds == NULL)
                return err_nomem(e, "the discovery");
        if (n > 0 && p->net == NULL)
                rc = net_new(&p->net, e);
        for (size_t j = 0; j < p->config->n_jobs; j++) {
                const struct source_input in = {p->config, &p->config->jobs[j], p->net};

                for (size_t k = 0; rc == 0 && k < count_sources(in.job); k++) {
                        struct source *source = NULL;

                        rc = make_source(&in, k, &source, e);
                        if (rc == 0)
                                rc = add_feed(p, &source, e);
                }
        }
        return rc;
}

/* The feed of the configuration before that f goes on with; taken out of there when exact. */
static struct feed **
find_feed(struct providers *old, const struct feed *f, bool exact)
{
        for (size_t i = 0; i < old->n_feeds; i++) {
                if (old->feeds[i] != NULL && feed_matches(old->feeds[i], feed_source(f), exact))
                        return &old->feeds[i];
        }
        return NULL;
}

static void
take_feeds(struct providers *fresh, struct providers *old, int64_t now_ms)
{
        for (size_t i = 0; i < fresh->n_feeds; i++) {
                struct feed **known = find_feed(old, fresh->feeds[i], true);

                if (known != NULL) {
                        feed_free(fresh->feeds[i]);
                        fresh->feeds[i] = *known;
                        *known = NULL;
                        continue;
                }
                known = find_feed(old, fresh->feeds[i], false);
                if (known != NULL)
                        feed_inherit(fresh->feeds[i], *known);
                else
                        feed_read_kept(fresh->feeds[i], now_ms);
        }
}

/* Files of sections that are not configured any more. */
static void
remove_stray_files(const struct providers *p)
{
        DIR *d = p->folder != NULL ? opendir(p->folder) : NULL;
        const struct dirent *x;

        while (d != NULL && (x = readdir(d)) != NULL) {
                bool used = x->d_name[0] == '.';

                for (size_t i = 0; i < p->n_feeds && !used; i++)
                        used = strcmp(feed_file_name(p->feeds[i]), x->d_name) == 0;
                if (!used)
                        (void)unlinkat(dirfd(d), x->d_name, 0);
        }
        if (d != NULL)
                (void)closedir(d);
}

int
providers_set(struct providers *p, struct scrape_config *config, int64_t now_ms, struct err *e)
{
        struct providers fresh = {.net = p->net, .folder = p->folder};
        int rc;

        fresh.config = scrape_config_ref(config);
        fresh.counts = calloc(config->n_jobs + 1, sizeof(*fresh.counts));
        rc = fresh.counts != NULL ? make_files(&fresh, e) : err_nomem(e, "the discovery");
        if (rc == 0)
                rc = make_feeds(&fresh, e);
        if (rc < 0) {
                release_sections(&fresh);
                p->net = fresh.net;
                return rc;
        }
        for (size_t i = 0; i < fresh.n; i++) {
                struct file_source *known = take_source(p, fresh.v[i].sd);

                if (known != NULL) {
                        file_source_free(fresh.v[i].source);
                        fresh.v[i].source = known;
                }
        }
        take_feeds(&fresh, p, now_ms);
        release_sections(p);
        fresh.models = p->models;
        remove_stray_files(&fresh);
        *p = fresh;
        return 0;
}

bool
providers_turn(struct providers *p, int64_t now_ms)
{
        bool changed = false;

        if (p->net != NULL)
                net_turn(p->net);
        for (size_t i = 0; i < p->n_feeds; i++)
                changed = feed_turn(p->feeds[i], now_ms) || changed;
        return changed;
}

int64_t
providers_turn_due(const struct providers *p)
{
        int64_t t = INT64_MAX;

        for (size_t i = 0; i < p->n_feeds; i++) {
                int64_t due = feed_due(p->feeds[i]);

                t = due < t ? due : t;
        }
        return t;
}

size_t
providers_fds(const struct providers *p, struct curl_waitfd *out, size_t cap)
{
        size_t n = 0;

        for (size_t i = 0; i < p->n_feeds && n + SOURCE_MAX_FDS <= cap; i++) {
                const struct source *s = feed_source(p->feeds[i]);

                if (s->class->fds != NULL)
                        n += s->class->fds(s, out + n);
        }
        return n;
}

/* ---- all of them ---- */

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

static int
take_groups(void *arg, const struct target_group *groups, size_t n, struct err *e)
{
        return assembly_groups(arg, groups, n, e);
}

static int
assemble_job(
    const struct providers *p, struct assembly *a, const struct scrape_job *job, struct err *e)
{
        const struct group_sink sink = {take_groups, a};
        int rc;

        assembly_job(a, job);
        rc = assembly_groups(a, job->static_groups, job->n_static_groups, e);
        for (size_t i = 0; i < p->n; i++) {
                const struct file_source *f = p->v[i].source;

                for (size_t k = 0; p->v[i].job == job && k < file_source_count(f); k++) {
                        const struct group_list *g = file_source_groups(f, k);

                        if (g != NULL && rc == 0)
                                rc = assembly_groups(a, g->v, g->n, e);
                }
        }
        /* a feed may be of a configuration before */
        for (size_t i = 0; i < p->n_feeds && rc == 0; i++) {
                if (strcmp(feed_source(p->feeds[i])->job->name, job->name) == 0)
                        rc = feed_visit(p->feeds[i], &sink, e);
        }
        return rc;
}

static bool
all_known(const struct providers *p)
{
        for (size_t i = 0; i < p->n_feeds; i++) {
                if (!feed_known(p->feeds[i]))
                        return false;
        }
        return true;
}

static int
assemble(struct providers *p, const char *host_name, struct target_set **out,
    struct assembly_report *report, struct err *e)
{
        const struct assembly_input in = {p->config, host_name, &p->memo, &p->models, p->counts};
        struct assembly *a = NULL;
        int rc = assembly_new(&in, &a, e);

        memset(p->counts, 0, p->config->n_jobs * sizeof(*p->counts));
        for (size_t j = 0; j < p->config->n_jobs && rc == 0; j++)
                rc = assemble_job(p, a, &p->config->jobs[j], e);
        if (rc == 0)
                rc = assembly_finish(&a, out, report, e);
        assembly_free(a);
        return rc;
}

int
providers_assemble(struct providers *p, const char *host_name, struct target_set **out,
    struct assembly_report *report, struct err *e)
{
        struct target_set *set = NULL;
        int rc = assemble(p, host_name, &set, report, e);

        if (rc == 0 && report->again) {
                target_set_free(set);
                set = NULL;
                rc = assemble(p, host_name, &set, report, e); /* the memo is empty now */
        }
        if (rc < 0)
                return rc;
        assert(set != NULL);
        set->first_sync_done = all_known(p); /* files have been read by now */
        *out = set;
        return 0;
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
