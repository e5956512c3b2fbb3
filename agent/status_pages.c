#include "agent/status_pages.h"

#include "agent/api.h"
#include "agent/api_metadata.h"
#include "agent/api_status.h"
#include "agent/api_targets.h"
#include "agent/httpd.h"
#include "agent/metrics.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/escape.h"
#include "remotewrite/sender.h"
#include "scrape/scrape.h"
#include "wal/wal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ENDPOINTS_MAX = 64, CONFIG_MAX_BYTES = 16 << 20 };

static const char text_metrics[] = "text/plain; version=0.0.4; charset=utf-8";
static const char text_html[] = "text/html; charset=utf-8";
static const char json[] = "application/json";

/* Text that is nothing but text in a page. */
static int
put_html(struct buf *out, struct view text, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < text.n; i++) {
                const char *as = text.p[i] == '<' ? "&lt;" : text.p[i] == '&' ? "&amp;" : NULL;

                rc = as != NULL ? buf_puts(out, as, e) : buf_putc(out, text.p[i], e);
        }
        return rc;
}

/* Its links are relative, so that they hold behind any prefix. */
static int
answer_home(const struct status_context *c, const struct status_query *q, struct httpd_reply *r,
    struct err *e)
{
        const char *given = c->options->page_title;
        struct view title = view_of(given != NULL ? given : "gleaner");
        int rc;

        (void)q;
        r->content_type = text_html;
        rc = buf_puts(&r->body,
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>", e);
        if (rc == 0)
                rc = put_html(&r->body, title, e);
        if (rc == 0)
                rc = buf_puts(&r->body,
                    "</title></head><body>\n<h1>gleaner " GLEANER_VERSION "</h1>\n<ul>\n"
                    "<li><a href=\"metrics\">metrics</a></li>\n"
                    "<li><a href=\"api/v1/targets\">targets</a></li>\n"
                    "<li><a href=\"api/v1/scrape_pools\">scrape pools</a></li>\n"
                    "<li><a href=\"api/v1/status/config\">configuration</a></li>\n"
                    "<li><a href=\"api/v1/status/buildinfo\">build</a></li>\n"
                    "<li><a href=\"-/ready\">ready</a></li>\n"
                    "<li><a href=\"-/healthy\">healthy</a></li>\n"
                    "</ul>\n</body></html>\n",
                    e);
        return rc;
}

static int
answer_metrics(const struct status_context *c, const struct status_query *q, struct httpd_reply *r,
    struct err *e)
{
        const struct status_options *o = c->options;
        struct status_agent agent = {0};
        struct metrics_input in = {
            .parts = c->parts, .clock = o->clock, .start_ms = o->start_ms, .web = o->web};

        (void)q;
        if (o->agent != NULL) {
                o->agent(o->arg, &agent);
                in.agent = &agent;
        }
        r->content_type = text_metrics;
        return metrics_write(&in, &r->body, e);
}

static int
answer_version(const struct status_context *c, const struct status_query *q, struct httpd_reply *r,
    struct err *e)
{
        (void)c;
        (void)q;
        return api_put_build(&r->body, e);
}

static int
answer_healthy(const struct status_context *c, const struct status_query *q, struct httpd_reply *r,
    struct err *e)
{
        (void)c;
        (void)q;
        return buf_puts(&r->body, "gleaner is healthy.\n", e);
}

/* ---- ready ---- */

/* The reason why samples cannot be taken now; 0 when there is none. */
static int
check_ready(const struct status_context *c, struct err *e)
{
        struct scraper_stats scraping = {0};
        int rc = c->options->ready(c->options->arg, e);

        if (rc < 0)
                return rc;
        if (c->parts.scraper != NULL)
                scraper_stats(c->parts.scraper, &scraping);
        if (scraping.clock_held)
                return err_set(e, ERR_AGAIN, "the clock is implausible, scrapes are held");
        if (c->parts.wal != NULL && !wal_usable(c->parts.wal, e))
                return ERR_AGAIN;
        return 0;
}

/* A line for an endpoint that is held or failing. */
static int
put_endpoint(const struct sender_stats *s, struct buf *out, struct err *e)
{
        time_t seconds = (time_t)(s->failing_since_ms / 1000);
        char since[32] = "";
        struct tm tm;
        int rc;

        if (s->state != SENDER_HELD && s->failing_since_ms == 0)
                return 0;
        if (s->failing_since_ms > 0 && gmtime_r(&seconds, &tm) != NULL)
                (void)strftime(since, sizeof(since), " since %Y-%m-%dT%H:%M:%SZ", &tm);
        rc = buf_puts(out, "endpoint ", e);
        if (rc == 0)
                rc = escape_put(out, view_of(s->name), e);
        if (rc == 0)
                rc = buf_printf(
                    out, e, " is %s%s: ", s->state == SENDER_HELD ? "held" : "failing", since);
        if (rc == 0)
                rc = escape_put(out, view_of(s->last_error), e); /* it may quote the receiver */
        return rc == 0 ? buf_putc(out, '\n', e) : rc;
}

static int
put_endpoints(struct senders *senders, struct buf *out, struct err *e)
{
        struct sender_stats *v = calloc(ENDPOINTS_MAX, sizeof(*v));
        size_t n;
        int rc = 0;

        if (v == NULL)
                return err_nomem(e, "the states of the endpoints");
        n = senders_stats(senders, v, ENDPOINTS_MAX);
        for (size_t i = 0; rc == 0 && i < n && i < ENDPOINTS_MAX; i++)
                rc = put_endpoint(&v[i], out, e);
        free(v);
        return rc;
}

/* A receiver that is away is no reason to be taken out of service: it is a line in a 200. */
static int
answer_ready(const struct status_context *c, const struct status_query *q, struct httpd_reply *r,
    struct err *e)
{
        struct err why = ERR_INIT;
        int rc;

        (void)q;
        if (check_ready(c, &why) < 0) {
                r->status = 503;
                return buf_printf(&r->body, e, "gleaner is not ready: %s\n", why.msg);
        }
        rc = buf_puts(&r->body, "gleaner is ready.\n", e);
        if (rc == 0 && c->parts.senders != NULL)
                rc = put_endpoints(c->parts.senders, &r->body, e);
        return rc;
}

/* ---- lifecycle ---- */

static int
answer_reload(const struct status_context *c, const struct status_query *q, struct httpd_reply *r,
    struct err *e)
{
        struct err why = ERR_INIT;

        (void)q;
        if (c->options->reload == NULL) {
                r->status = 404;
                return buf_puts(&r->body, "404 page not found\n", e);
        }
        if (c->options->reload(c->options->arg, &why) == 0)
                return 0;
        r->status = 500;
        return buf_printf(&r->body, e, "failed to reload config: %s\n", why.msg);
}

static int
answer_quit(const struct status_context *c, const struct status_query *q, struct httpd_reply *r,
    struct err *e)
{
        (void)q;
        if (c->options->quit == NULL) {
                r->status = 404;
                return buf_puts(&r->body, "404 page not found\n", e);
        }
        c->options->quit(c->options->arg);
        return buf_puts(&r->body, "Requesting termination... Goodbye!\n", e);
}

/* ---- the API ---- */

static int
unavailable(const char *what, struct httpd_reply *r, struct err *e)
{
        r->status = 503;
        return api_error("unavailable", what, &r->body, e);
}

/* The first piece; the stream is ended here unless there are more. */
static int
begin_stream(const struct status_context *c, const struct status_stream *stream,
    struct httpd_reply *r, struct err *e)
{
        int rc = stream->more(stream->arg, c, &r->body, e);

        if (rc == 1)
                *c->stream = *stream;
        else
                stream->end(stream->arg);
        return rc == 1 ? 0 : rc;
}

static int
more_targets(void *arg, const struct status_context *c, struct buf *out, struct err *e)
{
        if (c->parts.scraper == NULL)
                return err_set(e, ERR_AGAIN, "the scraper was stopped");
        return api_targets_more(arg, c->parts.scraper, out, e);
}

static void
end_targets(void *arg)
{
        api_targets_end(arg);
}

static int
answer_targets(const struct status_context *c, const struct status_query *q, struct httpd_reply *r,
    struct err *e)
{
        const struct api_jobs jobs = {c->options->jobs, c->options->arg};
        const struct api_targets_query query = {.state = q->state,
            .scrape_pool = q->scrape_pool,
            .jobs = jobs.visit != NULL ? &jobs : NULL,
            .self = c->self};
        struct status_stream stream = {more_targets, end_targets, NULL};
        struct api_targets *targets;
        int rc;

        r->content_type = json;
        if (c->parts.scraper == NULL)
                return unavailable("the scraper is not running", r, e);
        rc = api_targets_begin(&query, &targets, e);
        if (rc < 0)
                return rc;
        stream.arg = targets;
        return begin_stream(c, &stream, r, e);
}

static int
answer_pools(const struct status_context *c, const struct status_query *q, struct httpd_reply *r,
    struct err *e)
{
        const struct api_jobs jobs = {c->options->jobs, c->options->arg};

        (void)q;
        r->content_type = json;
        if (c->parts.scraper == NULL)
                return unavailable("the scraper is not running", r, e);
        return api_scrape_pools(c->parts.scraper, jobs.visit != NULL ? &jobs : NULL, &r->body, e);
}

static int
answer_config(const struct status_context *c, const struct status_query *q, struct httpd_reply *r,
    struct err *e)
{
        struct buf yaml = BUF_INIT(CONFIG_MAX_BYTES);
        int rc;

        (void)q;
        r->content_type = json;
        if (c->options->config == NULL)
                return unavailable("there is no configuration", r, e);
        rc = c->options->config(c->options->arg, &yaml, e);
        if (rc == 0)
                rc = api_config(buf_view(&yaml), &r->body, e);
        buf_release(&yaml);
        return rc;
}

static int
answer_build(const struct status_context *c, const struct status_query *q, struct httpd_reply *r,
    struct err *e)
{
        (void)c;
        (void)q;
        r->content_type = json;
        return api_build_info(&r->body, e);
}

static int
answer_flags(const struct status_context *c, const struct status_query *q, struct httpd_reply *r,
    struct err *e)
{
        (void)q;
        r->content_type = json;
        if (c->options->flags_json == NULL)
                return unavailable("the command line is not known", r, e);
        return api_flags(c->options->flags_json, &r->body, e);
}

static int
answer_runtime(const struct status_context *c, const struct status_query *q, struct httpd_reply *r,
    struct err *e)
{
        const struct status_options *o = c->options;
        struct status_agent agent = {0};
        struct api_runtime runtime = {.start_ms = o->start_ms, .now_ms = clock_wall(o->clock)};

        (void)q;
        if (o->agent != NULL)
                o->agent(o->arg, &agent);
        runtime.config_ms = agent.reload_success_ms;
        runtime.config_ok = agent.reload_ok;
        r->content_type = json;
        return api_runtime_info(&runtime, &r->body, e);
}

static int
refuse_query(const char *why, struct httpd_reply *r, struct err *e)
{
        r->status = 400;
        buf_reset(&r->body);
        return api_error("bad_data", why, &r->body, e);
}

static struct api_metadata_query
metadata_query(const struct status_query *q)
{
        return (struct api_metadata_query){.match_target = q->match_target,
            .metric = q->metric,
            .limit = q->limit,
            .limit_per_metric = q->limit_per_metric};
}

static int
more_target_metadata(void *arg, const struct status_context *c, struct buf *out, struct err *e)
{
        (void)c; /* all of it is there already */
        return api_target_metadata_more(arg, out, e);
}

static void
end_target_metadata(void *arg)
{
        api_target_metadata_end(arg);
}

static int
answer_target_metadata(const struct status_context *c, const struct status_query *q,
    struct httpd_reply *r, struct err *e)
{
        const struct api_metadata_query query = metadata_query(q);
        struct status_stream stream = {more_target_metadata, end_target_metadata, NULL};
        struct api_target_metadata *metadata;
        int rc;

        r->content_type = json;
        if (c->parts.scraper == NULL)
                return unavailable("the scraper is not running", r, e);
        rc = api_target_metadata_begin(c->parts.scraper, &query, &metadata, e);
        if (rc < 0)
                return rc == ERR_CONFIG ? refuse_query(e->msg, r, e) : rc;
        stream.arg = metadata;
        return begin_stream(c, &stream, r, e);
}

static int
answer_metadata(const struct status_context *c, const struct status_query *q, struct httpd_reply *r,
    struct err *e)
{
        const struct api_metadata_query query = metadata_query(q);
        int rc;

        r->content_type = json;
        if (c->parts.scraper == NULL)
                return unavailable("the scraper is not running", r, e);
        rc = api_metadata(c->parts.scraper, &query, &r->body, e);
        return rc == ERR_CONFIG ? refuse_query(e->msg, r, e) : rc;
}

static int
answer_steps(const struct status_context *c, const struct status_query *q, struct httpd_reply *r,
    struct err *e)
{
        struct err why = ERR_INIT;
        int rc;

        r->content_type = json;
        if (c->options->explain == NULL)
                return unavailable("there is no configuration", r, e);
        if (q->scrape_pool == NULL || q->scrape_pool[0] == '\0')
                return refuse_query("no scrapePool parameter provided", r, e);
        if (q->labels == NULL || q->labels[0] == '\0')
                return refuse_query("no labels parameter provided", r, e);
        rc = buf_puts(&r->body, "{\"status\":\"success\",\"data\":", e);
        if (rc < 0)
                return rc;
        rc = c->options->explain(c->options->arg, q->scrape_pool, q->labels, &r->body, &why);
        if (rc < 0)
                return refuse_query(why.msg, r, e);
        return buf_putc(&r->body, '}', e);
}

/* There is nobody to be notified: no rules, no blocks. */
static int
answer_notifications(const struct status_context *c, const struct status_query *q,
    struct httpd_reply *r, struct err *e)
{
        (void)c;
        (void)q;
        r->content_type = json;
        return buf_puts(&r->body, "{\"status\":\"success\",\"data\":[]}", e);
}

/* Nothing is replayed, ever. */
static int
answer_replay(const struct status_context *c, const struct status_query *q, struct httpd_reply *r,
    struct err *e)
{
        (void)c;
        (void)q;
        r->content_type = json;
        return buf_puts(
            &r->body, "{\"status\":\"success\",\"data\":{\"min\":0,\"max\":0,\"current\":0}}", e);
}

static int
answer_unavailable(const struct status_context *c, const struct status_query *q,
    struct httpd_reply *r, struct err *e)
{
        (void)c;
        (void)q;
        r->content_type = json;
        r->status = 422;
        return api_error("execution", "unavailable with Prometheus Agent", &r->body, e);
}

static const struct status_page pages[] = {
    {"/", false, false, false, answer_home},
    {"/metrics", false, false, true, answer_metrics},
    {"/version", false, false, false, answer_version},
    {"/-/healthy", false, false, false, answer_healthy},
    {"/-/ready", false, false, false, answer_ready},
    {"/-/reload", false, true, false, answer_reload},
    {"/-/quit", false, true, false, answer_quit},
    {"/api/v1/targets", false, false, true, answer_targets},
    {"/api/v1/targets/metadata", false, false, true, answer_target_metadata},
    {"/api/v1/targets/relabel_steps", false, false, true, answer_steps},
    {"/api/v1/metadata", false, false, true, answer_metadata},
    {"/api/v1/scrape_pools", false, false, true, answer_pools},
    {"/api/v1/status/config", false, false, true, answer_config},
    {"/api/v1/status/flags", false, false, true, answer_flags},
    {"/api/v1/status/runtimeinfo", false, false, true, answer_runtime},
    {"/api/v1/status/buildinfo", false, false, true, answer_build},
    {"/api/v1/status/walreplay", false, false, true, answer_replay},
    {"/api/v1/notifications", false, false, true, answer_notifications},
};

static const struct status_page unavailable_page = {
    "what needs a storage", true, false, true, answer_unavailable};

const struct status_page *
status_page_find(const char *path)
{
        for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
                if (strcmp(pages[i].path, path) == 0)
                        return &pages[i];
        }
        return api_is_unavailable(path) ? &unavailable_page : NULL;
}

const struct status_page *
status_page_near(const char *path)
{
        size_t n = strlen(path);

        n -= n > 0 && path[n - 1] == '/';
        for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
                if (n > 1 && strlen(pages[i].path) == n && strncasecmp(pages[i].path, path, n) == 0)
                        return &pages[i];
        }
        return NULL;
}
