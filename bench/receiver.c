/*
 * bench_receiver: takes Remote Write 1.0 and 2.0 with snappy, counts, keeps nothing.
 *
 *   POST (any path)         a write request, 2.0 by its content type: 204 (with what was written,
 * for 2.0), or 503 while an outage is played GET  /stats             the books, as JSON GET
 * /outage?seconds=N  from now on 503 for N seconds (0 ends it)
 */
#include "base/buf.h"
#include "base/compress.h"
#include "base/err.h"
#include "bench/options.h"
#include "bench/serve.h"
#include "bench/tally.h"
#include "bench/walk.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { RAW_MAX = 64 << 20, WRITTEN_MAX = 256 };

static const uint32_t LOOPBACK = 0x7f000001;

struct receiver {
        struct tally *tally; /* owned */
        struct buf raw; /* of the request under way */
        char written[WRITTEN_MAX]; /* headers of the answer under way */
        uint64_t requests; /* that were taken */
        uint64_t requests_v2; /* of them, 2.0 */
        uint64_t refused; /* answered 503 in an outage */
        uint64_t faulty; /* not understood */
        uint64_t wire_bytes; /* heads and bodies of those taken */
        uint64_t body_bytes; /* as sent */
        uint64_t raw_bytes; /* uncompressed */
        uint64_t refused_bytes;
        uint64_t metadata;
        int64_t outage_end_ms; /* 0: there was none */
        int64_t first_after_ms; /* the outage: when a request was taken, 0: not yet */
        int64_t last_held_ms; /* when a sample of before its end was last taken */
};

static int64_t
now_ms(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_REALTIME, &t);
        return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
on_sample(void *arg, uint64_t series, int64_t time_ms, uint64_t bits)
{
        struct receiver *r = arg;

        tally_sample(r->tally, series, time_ms, bits);
}

static void
on_metadata(void *arg)
{
        struct receiver *r = arg;

        r->metadata++;
}

static enum walk_message
message_of(const struct serve_request *q)
{
        struct view type = serve_header(q, "Content-Type");

        return memmem(type.p, type.n, "write.v2", 8) != NULL ? WALK_REQUEST_V2 : WALK_WRITE_REQUEST;
}

/* A 2.0 sender wants to hear what was written, or it takes the receiver for one of 1.0. */
static void
tell_written(struct receiver *r, uint64_t samples, struct serve_answer *a)
{
        (void)snprintf(r->written, sizeof(r->written),
            "X-Prometheus-Remote-Write-Samples-Written: %" PRIu64 "\r\n"
            "X-Prometheus-Remote-Write-Histograms-Written: 0\r\n"
            "X-Prometheus-Remote-Write-Exemplars-Written: 0\r\n",
            samples);
        a->headers = r->written;
}

static void
take(struct receiver *r, const struct serve_request *q, struct serve_answer *a, int64_t now)
{
        const struct walk_sink sink = {on_sample, on_metadata, r};
        enum walk_message message = message_of(q);
        const struct tally_counts before = *tally_read(r->tally);
        struct err e = ERR_INIT;

        buf_reset(&r->raw);
        a->status = 204;
        if (snappy_unpack(q->body, &r->raw, &e) < 0 ||
            walk_request(buf_view(&r->raw), message, &sink, &e) < 0) {
                r->faulty++;
                a->status = 400;
                (void)buf_puts(&a->body, e.msg, NULL); /* the status says it too */
                return;
        }
        r->requests++;
        if (message == WALK_REQUEST_V2) {
                r->requests_v2++;
                tell_written(r, tally_read(r->tally)->samples - before.samples, a);
        }
        r->wire_bytes += q->head.n + q->body.n;
        r->body_bytes += q->body.n;
        r->raw_bytes += r->raw.len;
        if (r->outage_end_ms != 0 && r->first_after_ms == 0)
                r->first_after_ms = now;
        if (tally_read(r->tally)->held > before.held)
                r->last_held_ms = now;
}

static void
handle_post(struct receiver *r, const struct serve_request *q, struct serve_answer *a)
{
        struct view encoding = serve_header(q, "Content-Encoding");
        int64_t now = now_ms();

        if (now < r->outage_end_ms) {
                r->refused++;
                r->refused_bytes += q->head.n + q->body.n;
                a->status = 503;
        } else if (encoding.n != 6 || strncasecmp(encoding.p, "snappy", 6) != 0) {
                r->faulty++;
                a->status = 415;
        } else {
                take(r, q, a, now);
        }
}

static void
print_stats(const struct receiver *r, struct buf *out)
{
        const struct tally_counts *c = tally_read(r->tally);

        (void)buf_printf(out, NULL,
            "{\"now_ms\": %" PRId64 ", \"samples\": %" PRIu64 ", \"stale_markers\": %" PRIu64
            ", \"series\": %" PRIu64 ", \"series_beyond\": %" PRIu64
            ",\n \"out_of_order\": %" PRIu64 ", \"duplicates\": %" PRIu64 ", \"too_late\": %" PRIu64
            ", \"missing\": %" PRIu64 ", \"oldest_ms\": %" PRId64 ", \"newest_ms\": %" PRId64,
            now_ms(), c->samples, c->stale_markers, c->series, c->series_beyond, c->out_of_order,
            c->duplicates, c->too_late, c->missing, c->oldest_ms, c->newest_ms);
        (void)buf_printf(out, NULL,
            ",\n \"requests\": %" PRIu64 ", \"requests_v2\": %" PRIu64 ", \"refused\": %" PRIu64
            ", \"faulty\": %" PRIu64 ", \"metadata\": %" PRIu64 ", \"wire_bytes\": %" PRIu64
            ", \"body_bytes\": %" PRIu64 ", \"raw_bytes\": %" PRIu64
            ", \"refused_bytes\": %" PRIu64,
            r->requests, r->requests_v2, r->refused, r->faulty, r->metadata, r->wire_bytes,
            r->body_bytes, r->raw_bytes, r->refused_bytes);
        (void)buf_printf(out, NULL,
            ",\n \"outage_end_ms\": %" PRId64 ", \"first_after_ms\": %" PRId64
            ", \"last_held_ms\": %" PRId64 ", \"held\": %" PRIu64 "}\n",
            r->outage_end_ms, r->first_after_ms, r->last_held_ms, c->held);
}

static void
play_outage(struct receiver *r, const struct serve_request *q)
{
        const char *seconds = memmem(q->path.p, q->path.n, "seconds=", 8);

        r->outage_end_ms = now_ms();
        if (seconds != NULL)
                r->outage_end_ms += strtol(seconds + 8, NULL, 10) * 1000;
        r->first_after_ms = 0;
        r->last_held_ms = 0;
        tally_mark(r->tally, r->outage_end_ms);
}

static void
handle(void *arg, const struct serve_request *q, struct serve_answer *a)
{
        struct receiver *r = arg;

        if (view_is(q->method, "POST")) {
                handle_post(r, q, a);
        } else if (view_is(q->path, "/stats")) {
                print_stats(r, &a->body);
        } else if (q->path.n >= 7 && memcmp(q->path.p, "/outage", 7) == 0) {
                play_outage(r, q);
                print_stats(r, &a->body);
        } else {
                a->status = 404;
        }
}

int
main(int argc, char **argv)
{
        double port = 9200;
        double interval = 15000;
        double series = 8e6;
        const struct option_row rows[] = {
            {"port", &port, NULL, "TCP port on 127.0.0.1 (9200)"},
            {"interval-ms", &interval, NULL, "between two samples of a series (15000)"},
            {"max-series", &series, NULL, "that are followed, 64 bytes each (8000000)"},
        };
        const size_t n_rows = sizeof(rows) / sizeof(rows[0]);
        struct receiver r = {.raw = BUF_INIT(RAW_MAX)};
        struct serve *s = NULL;
        struct err e = ERR_INIT;
        int rest = 0;
        int rc = options_read(argc, argv, rows, n_rows, &rest, &e);

        if (rc == 0 && (rest != argc || port > UINT16_MAX))
                rc = err_set(&e, ERR_CONFIG, "want options only, and a port");
        if (rc < 0)
                options_help("bench_receiver [--option=value…]", rows, n_rows);
        if (rc == 0)
                rc = tally_new((int64_t)interval, (size_t)series, &r.tally, &e);
        if (rc == 0)
                rc = serve_new(handle, &r, &s, &e);
        if (rc == 0)
                rc = serve_listen(s, LOOPBACK, (uint16_t)port, 0, &e);
        if (rc == 0)
                rc = serve_run(s, &e);
        serve_free(s);
        tally_free(r.tally);
        buf_release(&r.raw);
        if (rc < 0)
                (void)fprintf(stderr, "error: %s\n", e.msg);
        return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
