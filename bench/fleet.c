/*
 * bench_fleet: any number of scrape targets on 127.x.y.z, one port, made of recorded pages.
 *
 * Target i listens on 127.(1 + i / 62500).(i / 250 % 250).(1 + i % 250). GET /metrics there is a
 * page; GET /stats on 127.0.0.1 says what was served, as JSON.
 */
#include "base/arena.h"
#include "base/err.h"
#include "bench/corpus.h"
#include "bench/options.h"
#include "bench/page.h"
#include "bench/serve.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <zlib.h>

enum {
        TARGETS_MAX = 100000,
        PER_NETWORK = 250,
        CONTROL = TARGETS_MAX, /* number of the control listener */
        CORPUS_MAX = 512 << 20,
        GZIP_LEVEL = 1,
        GZIP_WINDOW = 15 + 16, /* with gzip's header */
};

static const uint32_t LOOPBACK = 0x7f000001;

struct fleet {
        struct page_plan plan;
        int64_t *ticks; /* owned; page number of each target */
        size_t targets;
        bool gzip;
        struct timespec started;
        unsigned long pages; /* that went out whole */
        unsigned long series; /* on those */
        unsigned long bytes; /* of text */
};

/* A page on its way. */
struct download {
        struct fleet *fleet;
        struct page page;
        size_t bytes;
        z_stream deflate;
        bool gzip;
        bool ended; /* no more text */
        bool flushed; /* nor compressed bytes */
        char text[SERVE_PIECE]; /* with gzip: what goes into it */
};

static double
minutes_since(const struct timespec *t)
{
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return ((double)(now.tv_sec - t->tv_sec) + (double)(now.tv_nsec - t->tv_nsec) / 1e9) / 60;
}

static size_t
fill_text(struct download *d, char *p, size_t cap)
{
        size_t n = page_fill(&d->page, p, cap);

        d->bytes += n;
        if (n == 0 && !d->ended) {
                d->ended = true;
                d->fleet->pages++;
                d->fleet->series += d->page.emitted;
                d->fleet->bytes += d->bytes;
        }
        return n;
}

static size_t
produce_gzip(struct download *d, char *p, size_t cap)
{
        z_stream *z = &d->deflate;

        z->next_out = (Bytef *)p;
        z->avail_out = (uInt)cap;
        while (z->avail_out > 0 && !d->flushed) {
                if (z->avail_in == 0 && !d->ended) {
                        z->next_in = (Bytef *)d->text;
                        z->avail_in = (uInt)fill_text(d, d->text, sizeof(d->text));
                }
                d->flushed = deflate(z, d->ended ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_END;
        }
        return cap - z->avail_out;
}

static size_t
produce(void *arg, char *p, size_t cap)
{
        struct download *d = arg;

        return d->gzip ? produce_gzip(d, p, cap) : fill_text(d, p, cap);
}

static void
release(void *arg)
{
        struct download *d = arg;

        if (d->gzip)
                (void)deflateEnd(&d->deflate);
        free(d);
}

static void
answer_page(struct fleet *f, const struct serve_request *r, struct serve_answer *a)
{
        struct download *d = calloc(1, sizeof(*d));
        struct view encoding = serve_header(r, "Accept-Encoding");

        if (d == NULL) {
                a->status = 503;
                return;
        }
        d->fleet = f;
        page_begin(&d->page, &f->plan, r->listener, f->ticks[r->listener]++);
        d->page.minutes = minutes_since(&f->started);
        a->headers = "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n";
        if (f->gzip && memmem(encoding.p, encoding.n, "gzip", 4) != NULL &&
            deflateInit2(&d->deflate, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) ==
                Z_OK) {
                d->gzip = true;
                a->headers = "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
                             "Content-Encoding: gzip\r\n";
        }
        a->arg = d;
        a->produce = produce;
        a->release = release;
}

static void
handle(void *arg, const struct serve_request *r, struct serve_answer *a)
{
        struct fleet *f = arg;
        struct err ignored = ERR_INIT; /* the answer is then short, which its reader sees */

        if (r->listener < f->targets && view_is(r->path, "/metrics")) {
                answer_page(f, r, a);
        } else if (r->listener == CONTROL && view_is(r->path, "/stats")) {
                (void)buf_printf(&a->body, &ignored,
                    "{\"pages\": %lu, \"series\": %lu, \"bytes\": %lu}\n", f->pages, f->series,
                    f->bytes);
        } else {
                a->status = 404;
        }
}

static int
listen_all(struct fleet *f, struct serve *s, uint16_t port, struct err *e)
{
        struct rlimit limit = {0, 0};
        int rc;

        if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
                limit.rlim_cur = limit.rlim_max;
                (void)setrlimit(RLIMIT_NOFILE, &limit);
        }
        f->ticks = calloc(f->targets + 1, sizeof(*f->ticks));
        if (f->ticks == NULL)
                return err_nomem(e, "the targets");
        rc = serve_listen(s, LOOPBACK, port, CONTROL, e);
        for (uint32_t i = 0; i < f->targets && rc == 0; i++) {
                uint32_t network = i / PER_NETWORK;
                uint32_t address = LOOPBACK + ((1 + network / PER_NETWORK) << 16) +
                    ((network % PER_NETWORK) << 8) + i % PER_NETWORK;

                f->ticks[i] = MOTION_TICK_FIRST;
                rc = serve_listen(s, address, port, i, e);
        }
        return rc;
}

static int
run(struct fleet *f, uint16_t port, struct err *e)
{
        struct serve *s = NULL;
        int rc = serve_new(handle, f, &s, e);

        (void)clock_gettime(CLOCK_MONOTONIC, &f->started);
        if (rc == 0)
                rc = listen_all(f, s, port, e);
        if (rc == 0)
                rc = serve_run(s, e);
        serve_free(s);
        free(f->ticks);
        return rc;
}

int
main(int argc, char **argv)
{
        double port = 9100;
        double targets = 1;
        double series = 0;
        double churn = 0;
        double shuffled = 0;
        double gzip = 0;
        const struct option_row rows[] = {
            {"port", &port, NULL, "TCP port of all targets (9100)"},
            {"targets", &targets, NULL, "how many (1)"},
            {"series", &series, NULL, "of each page (as many as the recorded page has)"},
            {"churn", &churn, NULL, "share of the series replaced each minute (0)"},
            {"shuffled", &shuffled, NULL, "1: another order of lines on each page (0)"},
            {"gzip", &gzip, NULL, "1: compress when asked to (0)"},
        };
        const size_t n_rows = sizeof(rows) / sizeof(rows[0]);
        struct arena arena = {NULL, 0, CORPUS_MAX};
        struct corpus corpus;
        struct fleet f = {.pages = 0};
        struct err e = ERR_INIT;
        int rest = 0;
        int rc = options_read(argc, argv, rows, n_rows, &rest, &e);

        if (rc == 0 && (rest == argc || targets > TARGETS_MAX || port > UINT16_MAX))
                rc =
                    err_set(&e, ERR_CONFIG, "want recorded pages, at most %d targets", TARGETS_MAX);
        if (rc < 0)
                options_help("bench_fleet [--option=value…] PAGE.txt.gz…", rows, n_rows);
        f.targets = (size_t)targets;
        f.gzip = gzip != 0;
        f.plan.shuffled = shuffled != 0;
        f.plan.churn_per_minute = churn;
        if (rc == 0)
                rc = corpus_read(
                    (const char *const *)argv + rest, (size_t)(argc - rest), &arena, &corpus, &e);
        if (rc == 0)
                rc = page_plan_init(
                    &f.plan, &corpus, series > 0 ? (size_t)series : corpus.n_series, &e);
        if (rc == 0)
                rc = run(&f, (uint16_t)port, &e);
        arena_release(&arena);
        if (rc < 0)
                (void)fprintf(stderr, "error: %s\n", e.msg);
        return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
