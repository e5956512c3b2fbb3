#include "remotewrite/answer.h"

#include "base/http.h"
#include "remotewrite/backoff.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const char *const verdict_names[] = {"settled", "unconfirmed", "counted", "partly", "refused",
    "dropped", "split", "other_message", "retry", "retry_at_once", "hold"};

enum { REPLICAS = 3 /* of a sample, at most, among those that refused it */ };

/* ---- reading the body ---- */

static bool
starts_with(struct view v, const char *word)
{
        size_t n = strlen(word);

        return v.n >= n && strncasecmp(v.p, word, n) == 0;
}

/* A page for a person: from a proxy, an ingress or a captive portal, not from a receiver. */
static bool
is_html(const struct answer *a)
{
        struct view b = a->body;

        while (b.n > 0 && isspace((unsigned char)*b.p)) {
                b.p++;
                b.n--;
        }
        return starts_with(a->content_type, "text/html") || starts_with(b, "<!doctype html") ||
            starts_with(b, "<html");
}

static struct view
first_line(struct view body)
{
        size_t n = 0;

        while (n < body.n && body.p[n] != '\n' && body.p[n] != '\r' && n < 300)
                n++;
        return (struct view){body.p, n};
}

/* The number in "add <number> <what>" at p, 0 when it is not there. */
static uint64_t
read_count(struct view v, const char *what)
{
        uint64_t n = 0;
        size_t i = 0;

        while (i < v.n && i < 12 && isdigit((unsigned char)v.p[i]))
                n = n * 10 + (uint64_t)(v.p[i++] - '0');
        if (i == 0 || i >= v.n || v.p[i] != ' ')
                return 0;
        i++;
        return starts_with((struct view){v.p + i, v.n - i}, what) ? n : 0;
}

static bool
contains(struct view v, const char *text)
{
        return memmem(v.p, v.n, text, strlen(text)) != NULL;
}

/* The name behind "endpoint " at v, up to its colon. */
static struct view
endpoint_name(struct view v)
{
        size_t n = 0;

        while (n + 1 < v.n && !(v.p[n] == ':' && v.p[n + 1] == ' '))
                n++;
        return (struct view){v.p, n};
}

/* What stands at v, if it is a count: of samples, or of series with so many samples each. */
static uint64_t
count_at(struct view v, uint64_t per_series)
{
        if (!starts_with(v, "add "))
                return 0;
        v.p += 4;
        v.n -= 4;
        return read_count(v, "samples") + read_count(v, "histograms") +
            read_count(v, "series") * per_series;
}

/*
 * Thanos tells how many samples it refused and why ("add 5 samples: out of order sample"), and
 * keeps the rest (pkg/receive/writer.go). Each replica of a sample tells it anew: the sums of the
 * endpoints are not added, the largest counts, but never less than if all had as many replicas as
 * there may be. 0: no such text. Never more than the request had.
 */
static uint64_t
thanos_count(struct view body, const struct answer_context *c)
{
        uint64_t per_series = c->series > 0 ? (c->samples + c->series - 1) / c->series : 1;
        struct view name = {NULL, 0};
        uint64_t here = 0; /* of the endpoint under way */
        uint64_t most = 0;
        uint64_t sum = 0;

        for (struct view v = body; v.n > 0; v.p++, v.n--) {
                uint64_t n;

                if (starts_with(v, "endpoint ")) {
                        struct view next = endpoint_name((struct view){v.p + 9, v.n - 9});

                        here = view_eq(name, next) ? here : 0;
                        name = next;
                }
                n = count_at(v, per_series);
                here += n;
                sum += n;
                most = here > most ? here : most;
        }
        if (most < (sum + REPLICAS - 1) / REPLICAS)
                most = (sum + REPLICAS - 1) / REPLICAS;
        return most < c->samples ? most : c->samples;
}

/*
 * A conflict that Thanos does not count: up to 0.30 it told only that there was one, and so does
 * replication over Cap'n Proto ("remote write: data already exists"). The valid samples were kept.
 */
static bool
is_thanos_conflict(const struct answer *a)
{
        return a->status == 409 &&
            (contains(a->body, "store locally for endpoint ") ||
                contains(a->body, "forwarding request to endpoint ") ||
                contains(a->body, "code = AlreadyExists"));
}

/* How many samples the receiver says it wrote; -1: nothing, or what is no number. */
static int64_t
written(const struct answer *a)
{
        int64_t n = 0;

        if (a->written.n == 0 || a->written.n > 18)
                return -1;
        for (size_t i = 0; i < a->written.n; i++) {
                if (!isdigit((unsigned char)a->written.p[i]))
                        return -1;
                n = n * 10 + (a->written.p[i] - '0');
        }
        return n;
}

/* ---- the table ---- */

static void
tell(struct judgement *out, const struct answer *a, const char *advice)
{
        struct view line = first_line(a->body);
        bool html = is_html(a);

        (void)snprintf(out->text, sizeof(out->text), "server returned HTTP status %ld%s%.*s%s%s",
            a->status, !html && line.n > 0 ? ": " : "", html ? 0 : (int)line.n,
            line.p != NULL ? line.p : "", advice[0] != '\0' ? "; " : "", advice);
}

static void
judge_refusal(const struct answer *a, const struct answer_context *c, struct judgement *out)
{
        if (is_html(a)) {
                out->verdict = VERDICT_HOLD;
                tell(out, a,
                    "a proxy answered with a web page, not the receiver: check the URL, the "
                    "client certificate and the proxy's log");
                return;
        }
        tell(out, a, "");
        out->reason = a->status == 409 ? LOST_CONFLICT : LOST_REFUSED;
        out->lost = thanos_count(a->body, c);
        /* Thanos, which alone answers 409, has kept what is valid of it, now or before */
        if (out->ambiguous && (a->status == 409 || out->lost > 0)) {
                out->verdict = VERDICT_UNCONFIRMED;
                out->lost = 0;
                return;
        }
        if (out->lost > 0) {
                out->verdict = VERDICT_COUNTED;
        } else if (is_thanos_conflict(a)) {
                out->verdict = VERDICT_PARTLY;
                out->lost = 1;
                tell(out, a, "it does not say how many samples, the valid ones were kept");
        } else {
                out->verdict = VERDICT_REFUSED;
        }
}

/* It took some of a 2.0 request, and says how many. */
static void
judge_partial(
    const struct answer *a, const struct answer_context *c, uint64_t taken, struct judgement *out)
{
        char advice[96];
        uint64_t rest = c->samples - taken;

        out->verdict = VERDICT_COUNTED;
        out->reason = a->status == 409 ? LOST_CONFLICT : LOST_REFUSED;
        /* of a repeat, it may have what it turns away now */
        out->lost = out->ambiguous ? 0 : rest;
        out->unconfirmed = out->ambiguous ? rest : 0;
        (void)snprintf(advice, sizeof(advice), "it took %" PRIu64 " of %" PRIu64 " samples", taken,
            c->samples);
        tell(out, a, advice);
}

/*
 * What the specification of 2.0 adds: who processed a request says how many samples it wrote,
 * whatever the status. A receiver of 1.0 does not: it answers 415 or 400, or it reads the message
 * as one without series and answers 2xx (Prometheus 2, Thanos up to 0.42). False: as for 1.0.
 */
static bool
judge_message(const struct answer *a, const struct answer_context *c, struct judgement *out)
{
        int64_t n = written(a);
        bool success = a->status >= 200 && a->status < 300;
        bool refusal = a->status == 400 || a->status == 409 || a->status == 422;

        if (c->message != WRITE_2)
                return false;
        out->knows_2 = n >= 0;
        if (a->status == 415 || (a->status == 400 && n < 0 && !c->knows_2 && !is_html(a))) {
                out->verdict = VERDICT_OTHER_MESSAGE;
                tell(out, a, "");
        } else if (success && n <= 0 && c->samples > 0) {
                out->verdict = VERDICT_OTHER_MESSAGE;
                out->ambiguous = true; /* one that stores it and does not say so is thinkable */
                tell(out, a, "it does not say that it has written any sample");
        } else if ((success || refusal) && n > 0 && (uint64_t)n < c->samples) {
                judge_partial(a, c, (uint64_t)n, out);
        } else {
                return false;
        }
        return true;
}

static void
judge_hold(const struct answer *a, struct judgement *out)
{
        char advice[256];

        out->verdict = VERDICT_HOLD;
        switch (a->status) {
        case 401:
        case 403:
                tell(out, a, "check basic_auth, authorization and the client certificate");
                return;
        case 404:
        case 405:
                tell(out, a, "check the URL's path");
                return;
        case 415:
                tell(out, a, "check protobuf_message: the receiver takes another");
                return;
        default:
                break;
        }
        if (a->status >= 300 && a->status < 400) {
                (void)snprintf(advice, sizeof(advice), "it redirects to %.*s: use that URL",
                    a->location.n < 150 ? (int)a->location.n : 150,
                    a->location.p != NULL ? a->location.p : "");
                tell(out, a, a->location.n > 0 ? advice : "a redirect without an address");
                return;
        }
        tell(out, a, "check the URL and what stands before the receiver");
}

static void
judge_success(const struct answer *a, const struct answer_context *c, struct judgement *out)
{
        /* a type without a page is what some servers always send */
        if (a->body.n > 0 && is_html(a)) {
                out->verdict = VERDICT_HOLD;
                tell(out, a, "a web page answered, not a receiver: a captive portal or a proxy?");
        } else if (a->sent_bytes < a->body_bytes) {
                out->verdict = VERDICT_RETRY;
                tell(out, a, "it answered without having the whole request");
        } else {
                out->verdict = VERDICT_SETTLED;
                (void)judge_message(a, c, out);
        }
}

static void
judge_status(const struct answer *a, const struct answer_context *c, struct judgement *out)
{
        long s = a->status;

        if (s >= 200 && s < 300) {
                judge_success(a, c, out);
        } else if (judge_message(a, c, out)) {
                return;
        } else if (s == 400 || s == 409 || s == 422) {
                judge_refusal(a, c, out);
        } else if (s == 413) {
                out->verdict = VERDICT_SPLIT;
                out->reason = LOST_REFUSED;
                tell(out, a, "the request is too large");
        } else if (s == 429 && c->drop_on_429) {
                out->verdict = VERDICT_DROPPED;
                out->reason = LOST_REFUSED;
                tell(out, a, "");
        } else if (s >= 300 && s < 500 && s != 408 && s != 425 && s != 429 && s != 499) {
                judge_hold(a, out);
        } else {
                /* 5xx: the write may have been done; the others say that it was not */
                out->verdict = VERDICT_RETRY;
                out->ambiguous = out->ambiguous || s >= 500;
                tell(out, a, "");
        }
        if (out->verdict == VERDICT_RETRY || out->verdict == VERDICT_HOLD)
                out->retry_after_ms = retry_after_ms(a->retry_after, c->now_wall_ms);
        out->asks_for_less = out->verdict == VERDICT_RETRY && (s == 429 || out->retry_after_ms > 0);
}

/* The connection failed before an answer came. */
static void
judge_failure(const struct answer *a, const struct answer_context *c, struct judgement *out)
{
        bool whole = a->body_bytes > 0 && a->sent_bytes >= a->body_bytes;
        bool cut = a->code == CURLE_SEND_ERROR || a->code == CURLE_RECV_ERROR ||
            a->code == CURLE_GOT_NOTHING;

        http_describe(a->code, a->error, out->text, sizeof(out->text));
        out->ambiguous = out->ambiguous || whole;
        out->verdict = VERDICT_RETRY;
        /* libcurl has the same code for a URL that it cannot use and an answer that is not HTTP */
        if (a->code == CURLE_URL_MALFORMAT ||
            (a->code == CURLE_UNSUPPORTED_PROTOCOL && a->sent_bytes == 0))
                out->verdict = VERDICT_HOLD;
        else if (cut && a->reused && !c->again_at_once)
                out->verdict = VERDICT_RETRY_AT_ONCE;
        out->shrink = a->code == CURLE_OPERATION_TIMEDOUT && a->sent_bytes > 0 && !whole;
}

/* A status is known although the transfer failed: its body was cut, too long, or not followed. */
static bool
status_counts(const struct answer *a)
{
        if (a->status < 200)
                return false;
        switch (a->code) {
        case CURLE_OK:
        case CURLE_WRITE_ERROR: /* we stopped reading */
        case CURLE_PARTIAL_FILE:
        case CURLE_BAD_CONTENT_ENCODING:
        case CURLE_RECV_ERROR:
                return true;
        case CURLE_ABORTED_BY_CALLBACK: /* a redirect that we do not follow */
        case CURLE_TOO_MANY_REDIRECTS:
                return a->status < 400;
        default:
                return false;
        }
}

void
answer_judge(const struct answer *a, const struct answer_context *c, struct judgement *out)
{
        *out = (struct judgement){.ambiguous = c->ambiguous || a->resent, .reason = LOST_REFUSED};
        if (status_counts(a))
                judge_status(a, c, out);
        else
                judge_failure(a, c, out);
}
