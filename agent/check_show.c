#include "agent/check_show.h"

#include "agent/check_targets.h"
#include "agent/config.h"
#include "agent/config_url.h"
#include "agent/config_values.h"
#include "base/buf.h"
#include "base/duration.h"
#include "base/err.h"
#include "base/escape.h"
#include "base/json.h"
#include "remotewrite/endpoint.h"
#include "scrape/job.h"
#include "scrape/target.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* Output that remembers its first failure. */
struct writer {
        struct buf *out;
        struct err *e;
        int rc;
};

static void
put(struct writer *w, const char *s)
{
        if (w->rc == 0)
                w->rc = buf_puts(w->out, s, w->e);
}

/* What the file says, for a terminal. */
static void
put_said(struct writer *w, const char *s)
{
        if (w->rc == 0)
                w->rc = escape_put(w->out, view_of(s), w->e);
}

static void
put_json(struct writer *w, const char *s)
{
        if (w->rc == 0)
                w->rc = json_put_string(w->out, view_of(s), w->e);
}

static void
put_json_view(struct writer *w, struct view v)
{
        if (w->rc == 0)
                w->rc = json_put_string(w->out, v, w->e);
}

static void
put_number(struct writer *w, const char *before, uint64_t n)
{
        put(w, before);
        if (w->rc == 0)
                w->rc = buf_printf(w->out, w->e, "%" PRIu64, n);
}

static void
put_duration(struct writer *w, int64_t ms)
{
        char text[DURATION_MAX_TEXT];

        (void)duration_format(ms, text, sizeof(text));
        put(w, text);
}

/* A password is never shown. */
static void
redact(struct writer *w, const char *url, struct buf *shown)
{
        struct config_url u;

        if (w->rc == 0)
                w->rc = config_url_parse(view_of(url), &u, w->e);
        if (w->rc == 0)
                w->rc = config_url_put_redacted(&u, shown, w->e);
        if (w->rc == 0)
                w->rc = buf_putc(shown, '\0', w->e);
}

/* ---- text ---- */

/* {a="b", c="d"} */
static void
put_labels(struct writer *w, const struct label *v, size_t n)
{
        put(w, "{");
        for (size_t i = 0; w->rc == 0 && i < n; i++) {
                put(w, i > 0 ? ", " : "");
                if (w->rc == 0)
                        w->rc = escape_put(w->out, v[i].name, w->e);
                put(w, "=");
                if (w->rc == 0)
                        w->rc = config_quote(w->out, v[i].value, w->e);
        }
        put(w, "}\n");
}

static void
text_job(struct writer *w, const struct scrape_job *job, const struct check_targets *t)
{
        put(w, "  job ");
        put_said(w, job->name);
        put(w, ": every ");
        put_duration(w, job->interval_ms);
        put(w, ", timeout ");
        put_duration(w, job->timeout_ms);
        put(w, "\n");
        for (size_t i = 0; i < t->n_active; i++) {
                if (t->active[i]->job != job)
                        continue;
                put(w, "    target ");
                put_said(w, t->active[i]->url);
                put(w, " ");
                put_labels(w, t->active[i]->labels, t->active[i]->n_labels);
        }
        for (size_t i = 0; i < job->n_file_sds; i++) {
                for (size_t k = 0; k < job->file_sds[i].n_files; k++) {
                        put(w, "    targets in ");
                        put_said(w, job->file_sds[i].files[k]);
                        put(w, "\n");
                }
        }
}

static void
text_endpoint(struct writer *w, const struct remote_endpoint *x)
{
        struct buf url = BUF_INIT((size_t)64 << 10);

        redact(w, x->url, &url);
        put(w, "  endpoint ");
        put_said(w, x->name);
        put(w, ": ");
        put_said(w, url.ptr != NULL ? url.ptr : "");
        put(w, ", a batch every ");
        put_duration(w, x->batch_send_deadline_ms);
        if (x->tenant_header != NULL) {
                put(w, ", ");
                put(w, x->tenant_header);
                put(w, ": ");
                put(w, x->tenant);
        }
        put(w, "\n");
        buf_release(&url);
}

int
check_show_text(const struct check_result *x, struct buf *out, struct err *e)
{
        struct writer w = {out, e, 0};
        const struct config *c = x->config;

        put(&w, x->path);
        if (c == NULL) {
                put(&w, ": refused\n");
                return w.rc;
        }
        put_number(&w, ": good: jobs ", c->scrape->n_jobs);
        put_number(&w, ", targets ", x->targets->n_active);
        put_number(&w, " (dropped ", x->targets->n_dropped);
        put_number(&w, ", refused ", x->targets->n_refused);
        put_number(&w, "), endpoints ", c->remote->n_endpoints);
        put(&w, "\n");
        for (size_t i = 0; i < c->scrape->n_jobs; i++)
                text_job(&w, &c->scrape->jobs[i], x->targets);
        for (size_t i = 0; i < c->remote->n_endpoints; i++)
                text_endpoint(&w, &c->remote->endpoints[i]);
        put(&w, "  external labels ");
        put_labels(&w, c->remote->external_labels, c->remote->n_external_labels);
        return w.rc;
}

/* ---- JSON ---- */

static void
json_labels(struct writer *w, const struct label *v, size_t n)
{
        put(w, "{");
        for (size_t i = 0; i < n; i++) {
                put(w, i > 0 ? "," : "");
                put_json_view(w, v[i].name);
                put(w, ":");
                put_json_view(w, v[i].value);
        }
        put(w, "}");
}

static void
json_messages(struct writer *w, const struct config_report *r)
{
        static const char *const severities[] = {"error", "warning", "note"};

        put(w, ",\"messages\":[");
        for (size_t i = 0; i < r->n; i++) {
                put(w, i > 0 ? ",{\"severity\":" : "{\"severity\":");
                put_json(w, severities[r->v[i].severity]);
                put(w, ",\"file\":");
                put_json(w, r->v[i].file);
                put_number(w, ",\"line\":", r->v[i].line);
                put_number(w, ",\"column\":", r->v[i].column);
                put(w, ",\"text\":");
                put_json(w, r->v[i].text);
                put(w, "}");
        }
        put(w, "]");
}

int
check_show_messages(const struct config_report *r, struct buf *out, struct err *e)
{
        struct writer w = {out, e, 0};

        json_messages(&w, r);
        return w.rc;
}

static void
json_targets(struct writer *w, const struct scrape_job *job, const struct check_targets *t)
{
        bool first = true;

        put(w, ",\"targets\":[");
        for (size_t i = 0; i < t->n_active; i++) {
                if (t->active[i]->job != job)
                        continue;
                put(w, first ? "{\"url\":" : ",{\"url\":");
                put_json(w, t->active[i]->url);
                put(w, ",\"labels\":");
                json_labels(w, t->active[i]->labels, t->active[i]->n_labels);
                put(w, "}");
                first = false;
        }
        put(w, "],\"files\":[");
        first = true;
        for (size_t i = 0; i < job->n_file_sds; i++) {
                for (size_t k = 0; k < job->file_sds[i].n_files; k++) {
                        put(w, first ? "" : ",");
                        put_json(w, job->file_sds[i].files[k]);
                        first = false;
                }
        }
        put(w, "]");
}

static void
json_jobs(struct writer *w, const struct scrape_config *c, const struct check_targets *t)
{
        put(w, ",\"jobs\":[");
        for (size_t i = 0; i < c->n_jobs; i++) {
                put(w, i > 0 ? ",{\"name\":" : "{\"name\":");
                put_json(w, c->jobs[i].name);
                put_number(w, ",\"interval_ms\":", (uint64_t)c->jobs[i].interval_ms);
                put_number(w, ",\"timeout_ms\":", (uint64_t)c->jobs[i].timeout_ms);
                json_targets(w, &c->jobs[i], t);
                put(w, "}");
        }
        put(w, "]");
}

static void
json_endpoints(struct writer *w, const struct remote_config *c)
{
        put(w, ",\"endpoints\":[");
        for (size_t i = 0; i < c->n_endpoints; i++) {
                const struct remote_endpoint *x = &c->endpoints[i];
                struct buf url = BUF_INIT((size_t)64 << 10);

                redact(w, x->url, &url);
                put(w, i > 0 ? ",{\"name\":" : "{\"name\":");
                put_json(w, x->name);
                put(w, ",\"url\":");
                put_json(w, url.ptr != NULL ? url.ptr : "");
                put_number(w, ",\"batch_send_deadline_ms\":", (uint64_t)x->batch_send_deadline_ms);
                put(w, ",\"tenant_header\":");
                if (x->tenant_header != NULL)
                        put_json(w, x->tenant_header);
                else
                        put(w, "null");
                put(w, "}");
                buf_release(&url);
        }
        put(w, "],\"external_labels\":");
        json_labels(w, c->external_labels, c->n_external_labels);
}

int
check_show_json(const struct check_result *x, struct buf *out, struct err *e)
{
        struct writer w = {out, e, 0};

        put(&w, "{\"file\":");
        put_json(&w, x->path);
        put(&w, ",\"valid\":");
        put(&w, x->config != NULL ? "true" : "false");
        if (x->config == NULL) {
                put(&w, ",\"error\":");
                put_json(&w, x->error);
        }
        json_messages(&w, x->report);
        if (x->config != NULL) {
                json_jobs(&w, x->config->scrape, x->targets);
                put_number(&w, ",\"dropped_targets\":", x->targets->n_dropped);
                put_number(&w, ",\"refused_targets\":", x->targets->n_refused);
                json_endpoints(&w, x->config->remote);
        }
        put(&w, "}\n");
        return w.rc;
}
