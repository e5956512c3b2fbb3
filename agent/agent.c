#include "agent/agent.h"

#include "agent/config.h"
#include "agent/config_contents.h"
#include "agent/config_effective.h"
#include "agent/control.h"
#include "agent/explain.h"
#include "agent/status.h"
#include "agent/wal_status.h"
#include "agent/web.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/resident.h"
#include "remotewrite/sender.h"
#include "scrape/job.h"
#include "scrape/scrape.h"
#include "wal/wal.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
        TENANT_MAX = 64,
        BEAT_LIMIT_MS = 60 * 1000, /* a loop that has not come round for so long hangs */
        MAX_ENDPOINTS = 64,
        SETTLED_MS = 40 * 1000, /* every target was scraped and a first window sent, by default */
};

static const char default_listen[] = "127.0.0.1:9095";

struct agent {
        /* set before start */
        struct agent_options options;
        char *wal_dir;
        char *socket_path;
        char *targets_folder; /* discovered targets, for the next run */
        char host_name[HOST_NAME_MAX + 1];
        int64_t start_ms;
        struct scraper_mailbox *mailbox;
        struct wal *wal;
        struct senders *senders;
        struct scraper *scraper;
        struct control *control;
        struct web *web; /* NULL: the HTTP endpoints are open */
        struct status *status;
        atomic_bool started;
        _Atomic int64_t settled_ms; /* monotonic: what a start or reload needed is needed no more */
        /* main thread only */
        bool refused_new;
        int64_t next_look_ms; /* monotonic: at the configuration's files */
        bool look_failed;
        struct sender_stats *senders_seen; /* room for a tick's and the watchdog's look */
        /* under mtx */
        pthread_mutex_t mtx;
        struct config *config;
        struct status_agent reloads;
};

int
agent_tenant_check(const char *tenant, struct err *e)
{
        static const char alphanumeric[] =
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        size_t n = strlen(tenant);

        if (n == 0 || n > TENANT_MAX || strchr(alphanumeric, tenant[0]) == NULL)
                goto bad;
        for (size_t i = 0; i < n; i++) {
                if (strchr(alphanumeric, tenant[i]) == NULL && strchr("_.-", tenant[i]) == NULL)
                        goto bad;
        }
        return 0;
bad:
        return err_set(e, ERR_CONFIG,
            "\"%.80s\" is no tenant name: it takes 1 to %d letters, digits, '_', '.' and '-', "
            "the first one a letter or digit",
            tenant, TENANT_MAX);
}

/* ---- what the HTTP endpoints ask ---- */

static int
on_ready(void *arg, struct err *e)
{
        struct agent *a = arg;

        if (!atomic_load(&a->started))
                return err_set(e, ERR_AGAIN, "starting up");
        return 0;
}

static int
on_config(void *arg, struct buf *out, struct err *e)
{
        struct agent *a = arg;
        int rc;

        (void)pthread_mutex_lock(&a->mtx);
        rc = config_effective_put(a->config, out, e);
        (void)pthread_mutex_unlock(&a->mtx);
        return rc;
}

static int
on_jobs(void *arg, int (*each)(void *each_arg, const char *name, struct err *e), void *each_arg,
    struct err *e)
{
        struct agent *a = arg;
        const struct scrape_config *c;
        int rc = 0;

        (void)pthread_mutex_lock(&a->mtx);
        c = a->config->scrape;
        for (size_t i = 0; rc == 0 && i < c->n_jobs; i++)
                rc = each(each_arg, c->jobs[i].name, e);
        (void)pthread_mutex_unlock(&a->mtx);
        return rc;
}

static int
on_explain(void *arg, const char *job, const char *labels, struct buf *out, struct err *e)
{
        struct agent *a = arg;
        const struct scrape_job *found = NULL;
        int rc;

        (void)pthread_mutex_lock(&a->mtx);
        for (size_t i = 0; i < a->config->scrape->n_jobs; i++) {
                if (strcmp(a->config->scrape->jobs[i].name, job) == 0)
                        found = &a->config->scrape->jobs[i];
        }
        rc = found != NULL ? explain_json(&found->relabel, labels, out, e)
                           : err_set(e, ERR_NOTFOUND, "scrape pool \"%.200s\" not found", job);
        (void)pthread_mutex_unlock(&a->mtx);
        return rc;
}

static int
on_reload(void *arg, struct err *e)
{
        return agent_reload(arg, e);
}

static void
on_quit(void *arg)
{
        const struct agent *a = arg;
        const uint64_t one = 1;
        ssize_t n = write(a->options.quit_fd, &one, sizeof(one));

        (void)n; /* a full eventfd means that it was asked for already */
}

static void
on_agent(void *arg, struct status_agent *out)
{
        struct agent *a = arg;

        (void)pthread_mutex_lock(&a->mtx);
        *out = a->reloads;
        (void)pthread_mutex_unlock(&a->mtx);
}

/* ---- configuration ---- */

static int
load(const struct agent *a, struct config **out, struct err *e)
{
        const struct config_env env = {.tenant = a->options.tenant,
            .send_tenant_header = a->options.send_tenant_header,
            .max_age_ms = a->options.max_age_ms,
            .extra_scrape_metrics = a->options.extra_scrape_metrics};
        struct config_report report = {0};
        int rc = config_load(a->options.config_path, &env, out, &report, e);

        config_report_log(&report);
        config_report_release(&report);
        return rc;
}

static void
apply_limits(const struct config *c)
{
        memory_set_limit(
            c->agent.memory_limit > 0 ? c->agent.memory_limit : memory_default_limit());
}

static void
settle_later(struct agent *a)
{
        atomic_store(&a->settled_ms, clock_mono(clock_system()) + SETTLED_MS);
}

static int
swap(struct agent *a, struct config *next, struct err *e)
{
        int rc = senders_reload(a->senders, next->remote, e);

        if (rc == 0)
                rc = scraper_reload(a->scraper, next->scrape, e);
        if (rc == 0) {
                wal_set_limits(
                    a->wal, next->wal.max_size, next->wal.max_age_ms, next->wal.sync_interval_ms);
                apply_limits(next);
        }
        settle_later(a);
        return rc;
}

int
agent_reload(struct agent *a, struct err *e)
{
        struct config *next = NULL;
        int rc;

        if (!atomic_load(&a->started)) /* the HTTP server runs before the parts do */
                return err_set(e, ERR_AGAIN, "starting up or stopping: try again");
        (void)pthread_mutex_lock(&a->mtx);
        rc = load(a, &next, e);
        if (rc == 0)
                rc = swap(a, next, e);
        if (rc == 0) {
                struct config *old = a->config;

                a->config = next;
                next = old;
                a->reloads.reload_success_ms = clock_wall(clock_system());
        } else {
                a->reloads.reloads_failed++;
        }
        a->reloads.reload_ok = rc == 0;
        (void)pthread_mutex_unlock(&a->mtx);
        config_free(next);
        if (rc == 0) {
                log_info("configuration reloaded", LOG_STR("file", a->options.config_path));
        } else {
                log_error("cannot reload the configuration, the old one stays",
                    LOG_STR("file", a->options.config_path),
                    LOG_STR("err", e != NULL ? e->msg : ""));
        }
        return rc;
}

/* ---- start and stop ---- */

static char *
join(const char *dir, const char *name)
{
        char *path = NULL;

        return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

/* --storage.agent.path without the slashes at its end: a link is followed there, as Prometheus
 * does.
 */
static char *
own_directory(const char *path)
{
        char *resolved = realpath(path, NULL);

        return resolved != NULL ? resolved : strdup(path);
}

/* A Prometheus that ran here before: what it left is not read, and not touched. */
static void
name_foreign_log(const char *dir)
{
        glob_t found = {0};
        char *pattern = join(dir, "wal/[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]");

        if (pattern != NULL && glob(pattern, 0, NULL, &found) == 0)
                log_warn("the write-ahead log of a Prometheus is left alone, delete it when it is "
                         "not needed any more",
                    LOG_STR("first", found.gl_pathv[0]), LOG_UINT("segments", found.gl_pathc));
        globfree(&found);
        free(pattern);
}

static int
make_paths(struct agent *a, struct err *e)
{
        const char *path = a->options.storage_path;

        if (path == NULL && mkdir(a->options.data_dir, 0755) < 0 && errno != EEXIST)
                return err_sys(e, errno, "cannot make the data directory \"%s\" (--data-dir)",
                    a->options.data_dir);
        a->wal_dir =
            path != NULL ? own_directory(path) : join(a->options.data_dir, a->options.tenant);
        if (path != NULL && a->wal_dir != NULL)
                name_foreign_log(a->wal_dir);
        a->socket_path = a->wal_dir != NULL ? join(a->wal_dir, "control.sock") : NULL;
        a->targets_folder = a->wal_dir != NULL ? join(a->wal_dir, "targets") : NULL;
        if (a->socket_path == NULL || a->targets_folder == NULL)
                return err_nomem(e, "paths");
        if (gethostname(a->host_name, sizeof(a->host_name) - 1) < 0)
                return err_sys(e, errno, "cannot read the host name");
        return 0;
}

static int
start_web(struct agent *a, struct err *e)
{
        return a->options.web_config == NULL
            ? 0
            : web_open(a->options.web_config, clock_system(), &a->web, e);
}

static int
start_status(struct agent *a, struct err *e)
{
        const struct status_options o = {
            .listen_address = a->options.listen_address != NULL ? a->options.listen_address
                : a->config->agent.listen_address != NULL       ? a->config->agent.listen_address
                                                                : default_listen,
            .lifecycle = a->options.lifecycle,
            .external_url = a->options.external_url,
            .route_prefix = a->options.route_prefix,
            .page_title = a->options.page_title,
            .cors_origin = a->options.cors_origin,
            .flags_json = a->options.flags_json,
            .read_timeout_ms = a->options.read_timeout_ms,
            .max_connections = a->options.max_connections,
            .web = a->web,
            .clock = clock_system(),
            .start_ms = a->start_ms,
            .arg = a,
            .ready = on_ready,
            .config = on_config,
            .jobs = on_jobs,
            .explain = on_explain,
            .reload = on_reload,
            .quit = on_quit,
            .agent = on_agent,
        };

        return status_start(&o, &a->status, e);
}

static int
start_wal(struct agent *a, struct err *e)
{
        const struct wal_options o = {
            .dir = a->wal_dir,
            .tenant = a->options.tenant,
            .max_size = a->config->wal.max_size,
            .max_age_ms = a->config->wal.max_age_ms,
            .sync_interval_ms = a->config->wal.sync_interval_ms,
            .clock = clock_system(),
            .answer = scraper_answer,
            .answer_arg = a->mailbox,
        };

        return wal_open(&o, &a->wal, e);
}

static int
start_senders(struct agent *a, struct err *e)
{
        const struct senders_options o = {.wal = a->wal, .clock = clock_system()};

        return senders_start(&o, a->config->remote, &a->senders, e);
}

static int
start_scraper(struct agent *a, struct err *e)
{
        const struct scraper_options o = {
            .wal = a->wal,
            .clock = clock_system(),
            .host_name = a->host_name,
            .targets_folder = a->targets_folder,
            .earliest_wall_ms = (int64_t)GLEANER_BUILD_SECONDS * 1000,
        };

        return scraper_start(&o, a->mailbox, a->config->scrape, &a->scraper, e);
}

static int
start_control(struct agent *a, struct err *e)
{
        const struct control_command commands[] = {{"status", wal_status_json, a->wal}};

        return control_start(
            a->socket_path, commands, sizeof(commands) / sizeof(commands[0]), &a->control, e);
}

static void
show_parts(struct agent *a)
{
        const struct status_parts parts = {
            .wal = a->wal, .scraper = a->scraper, .senders = a->senders};

        status_set_parts(a->status, &parts);
}

/* Secrets are in memory: no core file, no ptrace by others. The log has opened /proc/self/io. */
static void
hide_memory(void)
{
#ifndef GLEANER_SANITIZED /* the leak checker attaches to its own process */
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

static int
start_parts(struct agent *a, struct err *e)
{
        int rc = load(a, &a->config, e);

        if (rc < 0)
                return rc;
        apply_limits(a->config);
        a->reloads.reload_ok = true;
        a->reloads.reload_success_ms = a->start_ms;
        rc = make_paths(a, e);
        if (rc == 0)
                rc = start_web(a, e);
        if (rc == 0)
                rc = start_status(a, e);
        if (rc == 0)
                rc = scraper_mailbox_new(&a->mailbox, e);
        if (rc == 0)
                rc = start_wal(a, e);
        if (rc == 0)
                hide_memory();
        if (rc == 0)
                rc = start_senders(a, e);
        if (rc == 0)
                rc = start_scraper(a, e);
        if (rc == 0)
                rc = start_control(a, e);
        if (rc == 0)
                show_parts(a);
        return rc;
}

int
agent_start(const struct agent_options *o, struct agent **out, struct err *e)
{
        struct agent *a = calloc(1, sizeof(*a));
        int rc;

        if (a == NULL)
                return err_nomem(e, "the agent");
        a->options = *o;
        a->start_ms = clock_wall(clock_system());
        (void)pthread_mutex_init(&a->mtx, NULL);
        a->senders_seen = calloc(MAX_ENDPOINTS, sizeof(*a->senders_seen));
        rc = a->senders_seen != NULL ? start_parts(a, e) : err_nomem(e, "the agent");
        if (rc < 0) {
                agent_stop(a, 0);
                return rc;
        }
        resident_give_back(); /* before the first pages are read: the peak is lower by it */
        settle_later(a);
        a->next_look_ms = clock_mono(clock_system()) + a->options.auto_reload_ms;
        atomic_store(&a->started, true);
        *out = a;
        return 0;
}

void
agent_stop(struct agent *a, int64_t timeout_ms)
{
        const struct status_parts none = {0};

        if (a == NULL)
                return;
        atomic_store(&a->started, false);
        if (a->status != NULL)
                status_set_parts(a->status, &none);
        status_stop(a->status);
        web_close(a->web);
        scraper_stop(a->scraper);
        if (a->wal != NULL)
                wal_flush(a->wal);
        senders_stop(a->senders, timeout_ms);
        control_stop(a->control); /* gleaner wal status is answered while the senders drain */
        wal_close(a->wal);
        scraper_mailbox_free(a->mailbox);
        config_free(a->config);
        free(a->senders_seen);
        free(a->wal_dir);
        free(a->socket_path);
        free(a->targets_folder);
        (void)pthread_mutex_destroy(&a->mtx);
        free(a);
}

/* ---- while it runs ---- */

/* A file that cannot be read is being replaced, most likely: it is asked for again. */
static void
look_for_changes(struct agent *a)
{
        int64_t now_ms = clock_mono(clock_system());
        struct err e = ERR_INIT;
        bool changed;
        int rc;

        if (a->options.auto_reload_ms == 0 || now_ms < a->next_look_ms)
                return;
        a->next_look_ms = now_ms + a->options.auto_reload_ms;
        (void)pthread_mutex_lock(&a->mtx);
        rc = config_contents_changed(a->config, &changed, &e);
        (void)pthread_mutex_unlock(&a->mtx);
        if (rc < 0 && !a->look_failed)
                log_warn("cannot see whether the configuration changed, trying again",
                    LOG_STR("err", e.msg));
        a->look_failed = rc < 0;
        if (!changed)
                return;
        log_info("the configuration changed, reloading", LOG_STR("file", a->options.config_path));
        (void)agent_reload(a, &e); /* logs what came of it; a bad file is tried again */
}

void
agent_tick(struct agent *a)
{
        bool refuses;

        look_for_changes(a);
        if (clock_mono(clock_system()) >= atomic_load(&a->settled_ms)) {
                resident_give_back();
                atomic_store(&a->settled_ms, INT64_MAX);
        }
        memory_check();
        refuses = memory_refuses_new();
        if (refuses == a->refused_new)
                return;
        a->refused_new = refuses;
        if (refuses) {
                struct resident r = resident_now();

                log_warn("memory limit reached, new series are refused, known ones go on",
                    LOG_UINT("limit_bytes", memory_limit()),
                    LOG_UINT("resident_anonymous_bytes", r.total - r.file));
        } else {
                log_info("memory is below its limit again, new series are taken",
                    LOG_UINT("limit_bytes", memory_limit()));
        }
}

bool
agent_is_alive(struct agent *a)
{
        int64_t oldest = clock_mono(clock_system()) - BEAT_LIMIT_MS;
        struct scraper_stats scraper;
        size_t n;

        scraper_stats(a->scraper, &scraper);
        if (scraper.loop_beat_ms < oldest)
                return false;
        n = senders_stats(a->senders, a->senders_seen, MAX_ENDPOINTS);
        for (size_t i = 0; i < n && i < MAX_ENDPOINTS; i++) {
                if (a->senders_seen[i].loop_beat_ms < oldest)
                        return false;
        }
        return true;
}
