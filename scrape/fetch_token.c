/*
 * Fetches of a job with oauth2: one of them asks for the token on its own handle, before its page;
 * the others of the job wait for it without one. Nobody else is held up.
 */
#include "base/err.h"
#include "base/http.h"
#include "scrape/fetch_state.h"

static void
wait_for_token(struct fetcher *f, struct fetch *x)
{
        x->waiting = true;
        f->n_waiting++;
}

static void
stop_waiting(struct fetcher *f, struct fetch *x)
{
        f->n_waiting -= x->waiting;
        x->waiting = false;
}

int
fetch_token_start(struct fetcher *f, struct fetch *x, bool *out_ready, struct err *e)
{
        const struct http_request r = {x->easy, x->request.url, &x->headers};
        enum http_token token = HTTP_TOKEN_READY;
        int rc = http_client_token(x->request.client, &token, e);

        *out_ready = rc == 0 && token == HTTP_TOKEN_READY;
        if (rc < 0 || *out_ready)
                return rc;
        if (token == HTTP_TOKEN_ASKED) {
                wait_for_token(f, x);
                return 0;
        }
        rc = http_client_ask_token(x->request.client, &r, e);
        if (rc == 0)
                x->asking = true;
        return rc;
}

void
fetch_token_remove(struct fetcher *f, struct fetch *x)
{
        stop_waiting(f, x);
        if (!x->asking)
                return;
        /* one of those that wait for it has to ask now */
        http_client_cancel_token(x->request.client, x->easy);
        x->asking = false;
        f->waiters_due = true;
}

/* All that wait for this token fail as the one that has asked for it. */
static void
fail_waiters(struct fetcher *f, const struct http_client *client, int rc, const struct err *why)
{
        struct fetch *next;

        for (struct fetch *x = f->active; x != NULL && f->n_waiting > 0; x = next) {
                next = x->next;
                if (!x->waiting || x->request.client != client)
                        continue;
                x->result.rc = rc;
                x->result.err = *why;
                fetch_finish(f, x);
        }
}

void
fetch_token_end(struct fetcher *f, struct fetch *x, CURLcode code)
{
        const struct http_client *client = x->request.client;
        struct err why = ERR_INIT;
        int rc = http_client_take_token(x->request.client, x->easy, code, &why);

        x->asking = false;
        fetch_curl_remove(f, x);
        fetch_curl_reset(x);
        if (rc < 0) {
                x->result.rc = rc;
                x->result.err = why;
                fail_waiters(f, client, rc, &why);
                fetch_finish(f, x);
                return;
        }
        f->waiters_due = true;
        x->result.rc = fetch_curl_start(f, x, &x->result.err);
        if (x->result.rc < 0)
                fetch_finish(f, x);
}

void
fetch_token_turn(struct fetcher *f)
{
        struct fetch *next;

        if (!f->waiters_due)
                return;
        f->waiters_due = false;
        for (struct fetch *x = f->active; x != NULL && f->n_waiting > 0; x = next) {
                next = x->next;
                if (!x->waiting)
                        continue;
                stop_waiting(f, x);
                x->result.rc = fetch_curl_start(f, x, &x->result.err);
                if (x->result.rc < 0)
                        fetch_finish(f, x);
        }
}
