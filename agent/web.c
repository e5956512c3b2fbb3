#include "agent/web.h"

#include "agent/config_report.h"
#include "agent/web_tls.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_MS = 1000 }; /* bad files are read again this often at most */

struct web {
        char *path; /* owned */
        const struct clock *clock; /* borrowed */
        bool tls_at_start;
        struct web_config *config; /* owned; the last good one */
        struct web_tls *tls; /* a reference; NULL: none */
        struct web_auth *auth; /* owned; between web_start and web_stop */
        bool bad;
        char why[256]; /* that it is bad, as logged */
        int64_t tried_ms; /* monotonic: when a bad file was last read */
        int64_t interval_ns; /* of the rate, as it was at the start */
        int64_t burst;
        double tokens;
        int64_t tokens_ms; /* monotonic: when they were counted */
        atomic_bool reload_ok;
        atomic_int_fast64_t reload_success_ms;
        atomic_uint_fast64_t reload_failures;
        atomic_uint_fast64_t refused;
        atomic_uint_fast64_t limited;
};

int
web_load(const char *path, struct web_config **out, struct web_tls **out_tls,
    struct config_report *report, struct err *e)
{
        const struct web_pem *what = NULL;
        struct web_config *c = NULL;
        struct web_tls *tls = NULL;
        struct err why = ERR_INIT;
        int rc = web_config_load(path, &c, report, e);

        assert(rc < 0 || c != NULL);
        if (rc == 0 && c->tls)
                rc = web_tls_new(c, &tls, &what, &why);
        if (rc < 0 && c != NULL) {
                assert(what != NULL);
                if (rc == ERR_CONFIG &&
                    config_report_add(
                        report, CONFIG_ERROR, CONFIG_STAGE_VALUE, what->place, why.msg) == 0)
                        rc = config_report_summary(report, path, e);
                else
                        rc = err_set(e, rc, "%s", why.msg);
                web_config_free(c);
                return rc;
        }
        if (rc == 0) {
                *out = c;
                *out_tls = tls;
        }
        return rc;
}

/* ---- the files as they are now ---- */

static void
take(struct web *w, struct web_config *c, struct web_tls *tls)
{
        web_config_free(w->config);
        web_tls_unref(w->tls);
        w->config = c;
        w->tls = tls;
        atomic_store(&w->reload_ok, true);
        atomic_store(&w->reload_success_ms, clock_wall(w->clock));
}

/* Logged once for each thing that is wrong. */
static void
keep_old(struct web *w, const struct config_report *report, const char *why)
{
        bool known = w->bad && strncmp(w->why, why, sizeof(w->why) - 1) == 0;

        if (!w->bad)
                (void)atomic_fetch_add(&w->reload_failures, 1);
        w->bad = true;
        atomic_store(&w->reload_ok, false);
        if (known)
                return;
        (void)strncpy(w->why, why, sizeof(w->why) - 1);
        config_report_log(report);
        log_error("cannot take the web configuration anew, the old one stays",
            LOG_STR("file", w->path), LOG_STR("err", why));
}

static void
reload(struct web *w)
{
        struct config_report report = {0};
        struct web_config *c = NULL;
        struct web_tls *tls = NULL;
        struct err e = ERR_INIT;
        int rc = web_load(w->path, &c, &tls, &report, &e);

        assert(rc < 0 || c != NULL);
        if (rc == 0 && c->tls != w->tls_at_start) {
                rc = err_set(&e, ERR_CONFIG, "TLS cannot be switched %s without a restart",
                    c->tls ? "on" : "off");
                web_config_free(c);
                web_tls_unref(tls);
        }
        w->tried_ms = clock_mono(w->clock);
        if (rc < 0) {
                keep_old(w, &report, e.msg);
        } else {
                config_report_log(&report);
                take(w, c, tls);
                w->bad = false;
                log_info("web configuration read anew", LOG_STR("file", w->path));
        }
        config_report_release(&report);
}

static void
refresh(struct web *w)
{
        if (w->bad && clock_mono(w->clock) < w->tried_ms + RETRY_MS)
                return;
        if (web_config_is_current(w->config, w->path)) {
                if (w->bad)
                        log_info(
                            "the web configuration is what it was again", LOG_STR("file", w->path));
                w->bad = false;
                atomic_store(&w->reload_ok, true);
                return;
        }
        reload(w);
}

/* ---- life ---- */

int
web_open(const char *path, const struct clock *clock, struct web **out, struct err *e)
{
        struct web *w = calloc(1, sizeof(*w));
        struct config_report report = {0};
        struct web_config *c = NULL;
        struct web_tls *tls = NULL;
        int rc = w != NULL && (w->path = strdup(path)) != NULL
            ? web_load(path, &c, &tls, &report, e)
            : err_nomem(e, "the web configuration");

        config_report_log(&report);
        config_report_release(&report);
        if (rc < 0) {
                web_close(w);
                return rc;
        }
        assert(w != NULL && c != NULL);
        w->clock = clock;
        w->tls_at_start = c->tls;
        w->interval_ns = c->rate_interval_ns;
        w->burst = c->rate_burst;
        w->tokens = (double)w->burst;
        w->tokens_ms = clock_mono(clock);
        take(w, c, tls);
        *out = w;
        return 0;
}

void
web_close(struct web *w)
{
        if (w == NULL)
                return;
        web_stop(w);
        web_config_free(w->config);
        web_tls_unref(w->tls);
        free(w->path);
        free(w);
}

int
web_start(struct web *w, void (*done)(struct web_question *q), struct err *e)
{
        return web_auth_new(done, &w->auth, e);
}

void
web_stop(struct web *w)
{
        if (w == NULL)
                return;
        web_auth_free(w->auth);
        w->auth = NULL;
}

bool
web_has_tls(const struct web *w)
{
        return w->tls_at_start;
}

struct web_tls *
web_connect(struct web *w)
{
        refresh(w);
        return web_tls_ref(w->tls);
}

/* ---- requests ---- */

/* A bucket of `burst` tokens, one more every interval; a request takes one. */
static bool
has_token(struct web *w)
{
        int64_t now_ms = clock_mono(w->clock);

        if (w->interval_ns == 0)
                return true;
        w->tokens += (double)(now_ms - w->tokens_ms) * 1e6 / (double)w->interval_ns;
        if (w->tokens > (double)w->burst)
                w->tokens = (double)w->burst;
        w->tokens_ms = now_ms;
        if (w->tokens < 1)
                return false;
        w->tokens -= 1;
        return true;
}

static enum web_answer
answer_of(struct web *w, enum web_verdict verdict)
{
        if (verdict == WEB_LATER)
                return WEB_WAIT;
        if (verdict == WEB_YES)
                return WEB_PASS;
        (void)atomic_fetch_add(&w->refused, 1);
        return WEB_UNAUTHORIZED;
}

enum web_answer
web_ask(struct web *w, const char *authorization, struct web_question *q)
{
        refresh(w);
        if (!has_token(w)) {
                (void)atomic_fetch_add(&w->limited, 1);
                return WEB_LIMITED;
        }
        if (w->config->n_users == 0)
                return WEB_PASS;
        return answer_of(
            w, web_auth_ask(w->auth, w->config->users, w->config->n_users, authorization, q));
}

void
web_wait(struct web *w, struct web_question *q)
{
        web_auth_send(w->auth, q);
}

enum web_answer
web_settle(struct web *w, struct web_question *q)
{
        return answer_of(w, web_auth_settle(w->auth, q));
}

const struct web_header *
web_header_at(const struct web *w, size_t i)
{
        return i < w->config->n_headers ? &w->config->headers[i] : NULL;
}

void
web_stats(const struct web *w, struct web_stats *out)
{
        *out = (struct web_stats){.reload_ok = atomic_load(&w->reload_ok),
            .reload_success_ms = atomic_load(&w->reload_success_ms),
            .reload_failures = atomic_load(&w->reload_failures),
            .refused = atomic_load(&w->refused),
            .limited = atomic_load(&w->limited)};
}
