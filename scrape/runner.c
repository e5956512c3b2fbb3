#include "scrape/runner.h"

#include "base/log.h"
#include "base/memory.h"
#include "scrape/failure_log.h"
#include "scrape/job.h"
#include "scrape/metadata.h"
#include "scrape/target.h"
#include "scrape/textparse.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
        LATE_MAX_MS = 2000,
        LATE_MIN_MS =
            100, /* of intervals under a second a tenth is less than a busy machine needs */
        METADATA_MIN_MS = 60 * 1000, /* metadata is looked at after new series, not more often */
        METADATA_MAX_MS = 10 * 60 * 1000, /* and so often without any */
};

int64_t
runner_allowed_late_ms(int64_t interval_ms)
{
        int64_t tenth = interval_ms / 10;

        if (tenth < LATE_MIN_MS)
                return LATE_MIN_MS;
        return tenth < LATE_MAX_MS ? tenth : LATE_MAX_MS;
}

/* ---- birth and death ---- */

static void
set_entry(struct runner *r, const struct target *t)
{
        r->entry.interval_ms = t->interval_ms;
        r->entry.offset_ms = t->offset_ms;
}

int
runner_new(struct runner_env *env, struct target *t, struct runner **out, struct err *e)
{
        struct runner *r = calloc(1, sizeof(*r));
        int rc;

        if (r == NULL)
                return err_nomem(e, "a target");
        r->env = env;
        r->entry.position = SIZE_MAX;
        r->last_tick_ms = INT64_MIN;
        r->waiting_tick_ms = INT64_MIN;
        r->metadata_ms = INT64_MIN;
        r->target = target_ref(t);
        set_entry(r, t);
        r->client = clients_take(&env->clients, t->config, t->job);
        rc = r->client != NULL ? series_new(env->pool, t, &r->series, e) : err_nomem(e, "a target");
        if (rc < 0) {
                runner_free(r);
                return rc;
        }
        series_count(r->series, &r->counts);
        *out = r;
        return 0;
}

static void
leave_line(struct runner *r)
{
        struct runner_env *env = r->env;
        struct runner *before = NULL;

        for (struct runner *x = env->encoding; x != NULL && x != r; x = x->next_encoding)
                before = x;
        if (before != NULL)
                before->next_encoding = r->next_encoding;
        else
                env->encoding = r->next_encoding;
        if (env->encoding_last == r)
                env->encoding_last = before;
        r->next_encoding = NULL;
}

static void
join_line(struct runner *r)
{
        struct runner_env *env = r->env;

        r->next_encoding = NULL;
        if (env->encoding_last != NULL)
                env->encoding_last->next_encoding = r;
        else
                env->encoding = r;
        env->encoding_last = r;
}

static void
account_parse(struct runner *r, size_t now)
{
        memory_account(MEMORY_STAGING, (int64_t)now - (int64_t)r->parse_memory);
        r->parse_memory = now;
}

static void
free_parse(struct runner *r)
{
        account_parse(r, 0);
        textparse_free(r->parse);
        r->parse = NULL;
        metadata_draft_free(r->draft);
        r->draft = NULL;
}

void
runner_wait_tick(struct runner *r, int64_t tick_ms)
{
        r->env->n_waiting += r->waiting_tick_ms == INT64_MIN;
        r->waiting_tick_ms = tick_ms;
}

void
runner_forget_tick(struct runner *r)
{
        r->env->n_waiting -= r->waiting_tick_ms != INT64_MIN;
        r->waiting_tick_ms = INT64_MIN;
}

/* Samples whose time has not come are not waited for. */
static void
count_left(struct runner *r)
{
        struct series_counts c = {0};

        if (r->series == NULL)
                return;
        series_count(r->series, &c);
        (void)pthread_mutex_lock(&r->env->mtx);
        r->env->stats.samples_out_of_bounds += c.held;
        (void)pthread_mutex_unlock(&r->env->mtx);
}

void
runner_free(struct runner *r)
{
        if (r == NULL)
                return;
        assert(r->entry.position == SIZE_MAX);
        if (r->fetch != NULL)
                fetch_cancel(r->env->fetcher, r->fetch);
        fetch_route_release(&r->route);
        if (r->phase == RUNNER_ENCODING)
                leave_line(r);
        r->env->n_next -= r->next_target != NULL;
        r->env->n_barriers -= r->barrier_wanted;
        runner_forget_tick(r);
        free_parse(r);
        count_left(r);
        series_free(r->series);
        clients_return(&r->env->clients, r->client);
        target_unref(r->next_target);
        target_unref(r->target);
        metadata_return(r->metadata);
        free(r->last_error);
        free(r);
}

/* ---- a new description of the same target ---- */

/* Would a request to both be the same? Then the connection stays. */
static bool
same_request(const struct target *a, const struct target *b)
{
        return strcmp(a->url, b->url) == 0 && b->unix_socket == NULL &&
            a->timeout_ms == b->timeout_ms && a->job->request_hash == b->job->request_hash;
}

static void
take_over(struct runner *r)
{
        struct runner_env *env = r->env;
        struct target *old = r->target;
        struct target *t = r->next_target;
        struct job_client *client = clients_take(&env->clients, t->config, t->job);

        if (client == NULL)
                return; /* out of memory: the next time that it is idle */
        clients_return(&env->clients, r->client);
        r->client = client;
        if (!same_request(old, t))
                fetch_route_release(&r->route);
        r->next_target = NULL;
        env->n_next--;
        if (old->job->series_hash != t->job->series_hash) {
                r->reset_wanted = true;
                runner_want_barrier(r);
        }
        (void)pthread_mutex_lock(&env->mtx);
        r->target = t;
        (void)pthread_mutex_unlock(&env->mtx);
        series_set_target(r->series, t);
        target_unref(old);
}

void
runner_set_target(struct runner *r, struct target *t)
{
        if (t == r->target && r->next_target == NULL)
                return; /* nothing has changed */
        r->env->n_next += r->next_target == NULL;
        target_unref(r->next_target);
        r->next_target = target_ref(t);
        set_entry(r, t);
        if (r->phase == RUNNER_IDLE)
                take_over(r);
}

void
runner_want_barrier(struct runner *r)
{
        r->env->n_barriers += !r->barrier_wanted;
        r->barrier_wanted = true;
}

void
runner_pass_barrier(struct runner *r)
{
        struct err e = ERR_INIT;

        assert(r->barrier_wanted && r->phase == RUNNER_IDLE);
        r->barrier_wanted = false;
        r->env->n_barriers--;
        if (r->reset_wanted && series_reset(r->series, &e) < 0)
                log_error("cannot begin a target's series anew", LOG_STR("target", r->target->url),
                    LOG_STR("err", e.msg));
        r->reset_wanted = false;
}

static void
become_idle(struct runner *r)
{
        r->phase = RUNNER_IDLE;
        free_parse(r);
        if (r->next_target != NULL)
                take_over(r);
}

/* ---- what the API and the log say ---- */

static void
log_health(const struct runner *r, enum target_health before, const struct err *why)
{
        if (r->health == HEALTH_DOWN && before != HEALTH_DOWN)
                log_warn("cannot scrape target, its series get staleness markers",
                    LOG_STR("job", r->target->job->name), LOG_STR("target", r->target->url),
                    LOG_STR("err", why->msg));
        else if (r->health == HEALTH_UP && before == HEALTH_DOWN)
                log_info("target is up again", LOG_STR("job", r->target->job->name),
                    LOG_STR("target", r->target->url));
}

/* A page that came and was refused has no line, as in Prometheus. */
static void
log_failure(struct runner *r, const struct fetch_result *f, const struct err *why)
{
        const char *path = r->target->job->failure_log_file;
        const struct failed_scrape line = {
            r->tick_ms, r->target->job->name, r->target->url, why->msg};
        struct err e = ERR_INIT;
        bool first;

        if (f->rc == 0 || f->whole || path == NULL || path[0] == '\0' ||
            failure_log_append(path, &line, &e) == 0)
                return;
        (void)pthread_mutex_lock(&r->env->mtx);
        first = r->env->stats.failure_lines_lost++ == 0;
        (void)pthread_mutex_unlock(&r->env->mtx);
        if (first)
                log_warn("a failed scrape is not in its scrape_failure_log_file, this is said once",
                    LOG_STR("job", r->target->job->name), LOG_STR("err", e.msg));
}

static void
count_report(
    struct scraper_stats *s, const struct series_report *report, const struct fetch_result *f)
{
        s->scrapes++;
        s->scrapes_failed += !report->up;
        s->samples_scraped += report->scraped;
        s->samples_duplicate += report->duplicates;
        s->samples_out_of_order += report->out_of_order;
        s->samples_out_of_bounds += report->out_of_bounds;
        s->series_refused_memory += report->refused_memory;
        s->pages_over_sample_limit += report->over_limit > 0;
        s->pages_over_body_limit += f->over_body_limit;
        s->relabel_limit_errors += report->relabel_gave_up;
        s->bytes_received += f->wire_bytes;
        s->bytes_page += f->page_bytes;
        s->connections_opened += f->connections_opened;
}

static void
log_held(const struct runner *r, uint64_t before)
{
        if (before == 0 && r->counts.held > 0)
                log_warn("the target's timestamps are ahead of our time, holding its samples until "
                         "that has come",
                    LOG_STR("job", r->target->job->name), LOG_STR("target", r->target->url),
                    LOG_UINT("samples", r->counts.held));
        else if (before > 0 && r->counts.held == 0)
                log_info("no sample of the target is ahead of our time any more",
                    LOG_STR("job", r->target->job->name), LOG_STR("target", r->target->url));
}

/* The scrape is over: what it was is shown, counted and, if it is another thing than before, told.
 */
static void
publish(struct runner *r, const struct series_report *report, const struct fetch_result *f,
    const struct err *why)
{
        enum target_health before;
        char *error = report->up ? NULL : strdup(why->msg);
        uint64_t held;

        (void)pthread_mutex_lock(&r->env->mtx);
        before = r->health;
        r->health = report->up ? HEALTH_UP : HEALTH_DOWN;
        free(r->last_error);
        r->last_error = error;
        r->last_scrape_ms = r->tick_ms;
        r->last_duration_seconds = report->duration_seconds;
        r->last_samples = report->scraped;
        r->last_size_bytes = f->page_bytes;
        r->refused_memory = report->refused_memory;
        held = r->counts.held;
        series_count(r->series, &r->counts);
        count_report(&r->env->stats, report, f);
        r->env->stats.exemplars_dropped += r->parse != NULL ? textparse_exemplars(r->parse) : 0;
        (void)pthread_mutex_unlock(&r->env->mtx);
        log_health(r, before, why);
        log_held(r, held);
}

/* ---- a scrape ---- */

/* For durations: finer than the milliseconds of struct clock, and nothing is decided by it. */
static double
now_seconds(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* As Prometheus has it in scrape_body_size_bytes: -1 over body_size_limit, else 0 of a failure. */
static double
body_bytes(const struct fetch_result *f)
{
        if (f->over_body_limit)
                return -1;
        return f->whole ? (double)f->page_bytes : 0;
}

/* ---- metadata ---- */

static bool
metadata_due(const struct runner *r)
{
        int64_t age;

        if (r->metadata_ms == INT64_MIN)
                return true;
        age = r->tick_ms - r->metadata_ms;
        return age < 0 || age >= (r->metadata_old ? METADATA_MIN_MS : METADATA_MAX_MS);
}

/* A page without metadata is still a good one: what fails here is tried again with a later page. */
static void
keep_metadata(struct runner *r)
{
        struct metadata *fresh = NULL;
        struct metadata *before;
        struct err e = ERR_INIT;

        if (metadata_take(r->env->metadata, r->draft, &fresh, &e) < 0)
                log_debug("no metadata of a target", LOG_STR("job", r->target->job->name),
                    LOG_STR("target", r->target->url), LOG_STR("err", e.msg));
        (void)pthread_mutex_lock(&r->env->mtx);
        before = r->metadata;
        r->metadata = fresh;
        r->env->stats.metadata_refused += fresh == NULL;
        (void)pthread_mutex_unlock(&r->env->mtx);
        metadata_return(before);
        r->metadata_ms = r->tick_ms;
        r->metadata_old = false;
}

/* The page is over, one way or the other: why is NULL, or says what went wrong. */
static void
end_page(struct runner *r, const struct fetch_result *f, const struct err *why)
{
        double seconds = now_seconds() - r->started_seconds;
        struct series_report report = {0};
        struct err e = ERR_INIT;

        series_set_body(r->series, body_bytes(f));
        if (series_end(r->series, why == NULL, seconds, &report, &e) < 0 && why == NULL)
                why = &e;
        /* lost for want of memory: counted by the series as not stored */
        if (!series_busy(r->series))
                report.up = false;
        report.duration_seconds = seconds;
        r->metadata_old |= report.added > 0;
        if (r->draft != NULL && report.up)
                keep_metadata(r);
        publish(r, &report, f, why != NULL ? why : &e);
        log_failure(r, f, why != NULL ? why : &e);
        if (series_busy(r->series)) {
                r->phase = RUNNER_ENCODING;
                join_line(r);
        } else {
                become_idle(r);
        }
}

static int
take_sample(void *arg, const struct text_sample *s, struct err *e)
{
        struct runner *r = arg;

        return series_sample(r->series, s, e);
}

static bool
guess_series(void *arg, struct view text)
{
        const struct runner *r = arg;

        return series_guess(r->series, text);
}

static void
take_format(void *arg, enum text_format format)
{
        struct runner *r = arg;

        textparse_set_format(r->parse, format);
}

static int
take_piece(void *arg, const char *p, size_t n, struct err *e)
{
        struct runner *r = arg;
        int rc = textparse_feed(r->parse, p, n, e);

        account_parse(r, textparse_memory(r->parse));
        return rc;
}

static void
take_result(void *arg, const struct fetch_result *f)
{
        struct runner *r = arg;
        struct err e = f->err;
        int rc = f->rc;

        r->fetch = NULL;
        if (!f->whole)
                series_unread(r->series);
        if (rc == 0)
                rc = textparse_finish(r->parse, &e);
        rc = fetch_explain(f, rc, &e);
        end_page(r, f, rc < 0 ? &e : NULL);
}

static int
start_fetch(struct runner *r, struct err *e)
{
        struct textparse_options parse = {.sink = take_sample, .arg = r, .guess = guess_series};
        const struct fetch_request request = {.client = r->client->http,
            .job = r->target->job,
            .url = r->target->url,
            .unix_socket = r->target->unix_socket,
            .route = &r->route,
            .timeout_ms = r->target->timeout_ms,
            .format = take_format,
            .piece = take_piece,
            .done = take_result,
            .arg = r};
        int rc;

        if (r->target->over_limit)
                return err_set(e, ERR_LIMIT,
                    "the job has more targets than its target_limit of %" PRIu64,
                    r->target->job->target_limit);
        if (r->client->http == NULL) {
                if (e != NULL)
                        *e = r->client->err;
                return r->client->err.code;
        }
        if (metadata_due(r) && metadata_draft_new(&r->draft, e) == 0) {
                parse.meta = metadata_draft_add;
                parse.meta_arg = r->draft;
        }
        rc = textparse_new(&parse, &r->parse, e);
        if (rc == 0)
                rc = fetch_start(r->env->fetcher, &request, &r->fetch, e);
        return rc;
}

void
runner_begin(struct runner *r, int64_t tick_ms)
{
        static const struct fetch_result nothing;
        struct err e = ERR_INIT;

        assert(r->phase == RUNNER_IDLE);
        r->tick_ms = tick_ms;
        r->started_seconds = now_seconds();
        if (series_begin(r->series, tick_ms, &e) < 0) {
                const struct series_report lost = {0};

                publish(r, &lost, &nothing, &e);
                return;
        }
        r->phase = RUNNER_FETCHING;
        if (start_fetch(r, &e) < 0)
                end_page(r, &nothing, &e);
}

/* ---- encoding ---- */

/* Whether batches reach the log is told when it changes, not per scrape. */
static void
log_handing_over(struct runner_env *env, int rc, const struct err *why)
{
        if (rc < 0 && env->n_not_stored == 0)
                log_error("cannot hand scrapes to the log, their samples are lost",
                    LOG_STR("err", why->msg));
        else if (rc == 0 && env->n_not_stored > 0)
                log_info(
                    "scrapes reach the log again", LOG_UINT("lost_scrapes", env->n_not_stored));
        env->n_not_stored = rc < 0 ? env->n_not_stored + 1 : 0;
}

/* True when the runner is done; it has left the line then. */
static bool
encode(struct runner *r, unsigned chunks)
{
        struct err e = ERR_INIT;
        bool done = false;
        int rc = series_encode(r->series, chunks, &done, &e);

        if (!done)
                return false;
        log_handing_over(r->env, rc, &e);
        leave_line(r);
        become_idle(r);
        return true;
}

bool
runner_encode_some(struct runner_env *env, unsigned chunks)
{
        struct runner *r = env->encoding;

        if (r == NULL)
                return false;
        if (!encode(r, chunks)) {
                leave_line(r);
                join_line(r);
        }
        return true;
}

void
runner_encode_all(struct runner *r)
{
        while (r->phase == RUNNER_ENCODING)
                (void)encode(r, UINT32_MAX);
}
