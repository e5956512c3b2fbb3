/*
 * gleaner scrape: one page, from a URL, a file or standard input; what would be stored is printed.
 */
#include "agent/command.h"
#include "agent/config.h"
#include "agent/options.h"
#include "agent/page.h"
#include "agent/page_stats.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/compress.h"
#include "base/err.h"
#include "base/escape.h"
#include "base/hash.h"
#include "base/http.h"
#include "base/json.h"
#include "scrape/fetch.h"
#include "scrape/job.h"
#include "scrape/mediatype.h"
#include "scrape/series.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
        PIECE_BYTES = 64 << 10,
        TURN_MS = 1000,
        TIMEOUT_MS = 10000,
        REPORT_BYTES = 4 << 20,
        FAILURE_BYTES = 8192,
        SOURCE_BYTES = 4096,
        STATS_BYTES = 256 << 20,
};

struct arguments {
        const char *config;
        const char *job;
        const char *content_type; /* NULL: not given */
        const char *top; /* rows of the figures' tables */
        bool stats;
        bool json;
        bool help;
        const char *source;
};

struct run {
        struct arguments a;
        struct config *config; /* owned; NULL without --config */
        struct scrape_job plain; /* the job without --config */
        const struct scrape_job *job;
        struct page *page; /* owned */
        struct page_stats *stats; /* owned; NULL without --stats */
        bool type_checked;
        bool fetched; /* the URL's answer is in result */
        struct fetch_result result;
};

/* ---- arguments and job ---- */

static void
print_usage(const struct option_row *rows, size_t n)
{
        (void)printf("usage: gleaner scrape [OPTION…] URL|FILE|-\n\n"
                     "Reads one page of metrics and prints what would be stored of it.\n\n");
        options_print(rows, n);
}

/* EXIT_FINE with help set: the usage was asked for and printed. */
static int
read_arguments(int argc, char **argv, struct arguments *a)
{
        const struct option_row rows[] = {
            {"config", &a->config, NULL, "FILE", "take the job's settings from this file"},
            {"job", &a->job, NULL, "NAME", "the job_name (may be left out when there is one job)"},
            {"content-type", &a->content_type, NULL, "TYPE",
                "take the page for this type, whatever the server says"},
            {"json", NULL, &a->json, NULL, "one JSON object per sample"},
            {"stats", NULL, &a->stats, NULL,
                "instead of the samples: the largest metrics and labels, what each rule dropped"},
            {"top", &a->top, NULL, "N", "rows of each table (10)"},
            {"help", NULL, &a->help, NULL, "this text"},
        };
        size_t n_rows = sizeof(rows) / sizeof(rows[0]);
        struct err e = ERR_INIT;
        int n = options_parse(argc, argv, rows, n_rows, &e);

        if (n >= 0 && a->help) {
                print_usage(rows, n_rows);
                return EXIT_FINE;
        }
        if (n >= 0 && n != 1)
                n = err_set(&e, ERR_CONFIG, "one URL, one file or - is wanted, not %d", n);
        else if (n >= 0 && a->stats && a->json)
                n = err_set(&e, ERR_CONFIG, "--stats is text, --json is of samples: give one");
        else if (n >= 0 && a->top != NULL &&
            (strspn(a->top, "0123456789") != strlen(a->top) || strlen(a->top) - 1 > 8))
                n = err_set(&e, ERR_CONFIG, "--top=%.32s: it is a number", a->top);
        else if (n >= 0 && a->job != NULL && a->config == NULL)
                n = err_set(&e, ERR_CONFIG, "--job needs --config");
        if (n < 0) {
                (void)fprintf(stderr, "gleaner scrape: %s; see gleaner scrape --help\n", e.msg);
                return EXIT_USAGE;
        }
        a->source = argv[1];
        return EXIT_FINE;
}

/* What a job has that says nothing but its name. */
static void
set_plain_job(struct scrape_job *job)
{
        *job = (struct scrape_job){.name = "scrape",
            .timeout_ms = TIMEOUT_MS,
            .honor_timestamps = true,
            .enable_compression = true,
            .name_scheme = NAME_UTF8,
            .escaping = "allow-utf-8",
            .protocols = SCRAPE_PROTOCOLS_DEFAULT};
        http_options_init(&job->http);
}

static void
print_report(const struct config_report *report)
{
        struct buf text = BUF_INIT(REPORT_BYTES);

        if (config_report_print(report, &text, NULL) == 0)
                (void)fwrite(text.ptr, 1, text.len, stderr);
        buf_release(&text);
}

static int
load_config(struct run *r, struct err *e)
{
        const struct config_env env = {.tenant = "default"};
        struct config_report report = {0};
        int rc = config_load(r->a.config, &env, &r->config, &report, e);

        if (rc < 0)
                print_report(&report);
        config_report_release(&report);
        return rc;
}

static int
choose_job(struct run *r, struct err *e)
{
        const struct scrape_config *c;
        int rc;

        if (r->a.config == NULL) {
                set_plain_job(&r->plain);
                r->job = &r->plain;
                return 0;
        }
        rc = load_config(r, e);
        if (rc < 0)
                return rc;
        c = r->config->scrape;
        if (r->a.job == NULL && c->n_jobs == 1)
                r->job = &c->jobs[0];
        for (size_t i = 0; r->a.job != NULL && i < c->n_jobs; i++) {
                if (strcmp(c->jobs[i].name, r->a.job) == 0)
                        r->job = &c->jobs[i];
        }
        if (r->job == NULL && c->n_jobs == 0)
                return err_set(e, ERR_CONFIG, "%s has no scrape_configs", r->a.config);
        if (r->job == NULL && r->a.job == NULL)
                return err_set(
                    e, ERR_CONFIG, "%s has %zu jobs: name one by --job", r->a.config, c->n_jobs);
        if (r->job == NULL)
                return err_set(e, ERR_CONFIG, "%s has no job \"%s\"", r->a.config, r->a.job);
        return 0;
}

/* ---- the page ---- */

static void
take_format(void *arg, enum text_format format)
{
        struct run *r = arg;

        page_set_format(r->page, format);
}

/* Pieces of the decompressed page; the first one shows that there is something to have a type. */
static int
take_piece(void *arg, const char *p, size_t n, struct err *e)
{
        struct run *r = arg;
        const char *type = r->a.content_type != NULL ? r->a.content_type : "text/plain";

        if (n > 0 && !r->type_checked) {
                enum text_format format;
                int rc = media_type_accept(view_of(type), r->job->fallback, &format, e);

                if (rc < 0)
                        return rc;
                page_set_format(r->page, format);
                r->type_checked = true;
        }
        return page_feed(r->page, p, n, e);
}

static int
read_gzip(struct run *r, FILE *f, char *piece, size_t n, struct err *e)
{
        struct gunzip *g = NULL;
        int rc = gunzip_new(&g, e);

        while (rc == 0 && n > 0) {
                rc = gunzip_feed(g, piece, n, take_piece, r, e);
                if (rc == 0)
                        n = fread(piece, 1, PIECE_BYTES, f);
        }
        if (rc == 0)
                rc = gunzip_finish(g, e);
        gunzip_free(g);
        return rc;
}

static int
read_stream(struct run *r, FILE *f, struct err *e)
{
        char *piece = malloc(PIECE_BYTES);
        size_t n;
        int rc = 0;

        if (piece == NULL)
                return err_nomem(e, "a piece of a file");
        n = fread(piece, 1, PIECE_BYTES, f);
        if (n >= 2 && memcmp(piece, "\x1f\x8b", 2) == 0) {
                rc = read_gzip(r, f, piece, n, e);
        } else {
                while (rc == 0 && n > 0) {
                        rc = take_piece(r, piece, n, e);
                        if (rc == 0)
                                n = fread(piece, 1, PIECE_BYTES, f);
                }
        }
        if (rc == 0 && ferror(f))
                rc = err_sys(e, errno, "cannot read \"%s\"", r->a.source);
        free(piece);
        return rc;
}

static int
read_file(struct run *r, struct err *e)
{
        bool standard = strcmp(r->a.source, "-") == 0;
        FILE *f = standard ? stdin : fopen(r->a.source, "rbe");
        int rc;

        if (f == NULL && errno == ENOENT && strpbrk(r->a.source, ":/") != NULL)
                return err_set(e, ERR_NOTFOUND,
                    "there is no such file, and a URL begins with http:// or https://");
        if (f == NULL)
                return err_sys(e, errno, "cannot open \"%s\"", r->a.source);
        rc = read_stream(r, f, e);
        if (!standard)
                (void)fclose(f);
        return rc;
}

static void
take_result(void *arg, const struct fetch_result *result)
{
        struct run *r = arg;

        r->result = *result;
        r->fetched = true;
}

static int
read_url(struct run *r, struct err *e)
{
        struct fetcher *fetcher = NULL;
        struct http_client *client = NULL;
        struct fetch *fetch = NULL;
        struct fetch_request request = {.job = r->job,
            .url = r->a.source,
            .timeout_ms = r->job->timeout_ms,
            .any_type = r->a.content_type != NULL,
            .format = take_format,
            .piece = take_piece,
            .done = take_result,
            .arg = r};
        int rc = http_client_new(&r->job->http, TLS_1_2, &client, e);

        /* Without --content-type the fetcher judges the server's. */
        r->type_checked = r->a.content_type == NULL;
        if (rc == 0)
                rc = fetcher_new(&fetcher, e);
        request.client = client;
        if (rc == 0)
                rc = fetch_start(fetcher, &request, &fetch, e);
        while (rc == 0 && !r->fetched)
                rc = fetcher_turn(fetcher, TURN_MS, e);
        if (rc == 0 && r->result.rc < 0)
                rc = err_set(e, r->result.err.code, "%s", r->result.err.msg);
        fetcher_free(fetcher);
        http_client_free(client);
        return rc;
}

static bool
is_url(const char *source)
{
        return strncmp(source, "http://", 7) == 0 || strncmp(source, "https://", 8) == 0;
}

static int
print_stats(struct run *r, struct err *e)
{
        struct buf text = BUF_INIT(STATS_BYTES);
        size_t top = r->a.top != NULL ? strtoul(r->a.top, NULL, 10) : 10;
        int rc = page_stats_print(r->stats, r->job, top, &text, e);

        if (rc == 0 && fwrite(text.ptr, 1, text.len, stdout) != text.len)
                rc = err_sys(e, errno, "cannot write");
        buf_release(&text);
        return rc;
}

static int
take_page(struct run *r, struct err *e)
{
        struct page_options o = {.job = r->job,
            .out = r->a.stats ? NULL : stdout,
            .json = r->a.json,
            .now_ms = clock_wall(clock_system())};
        int rc = r->a.stats ? page_stats_new(&r->stats, e) : 0;

        o.stats = r->stats;
        if (rc == 0)
                rc = page_new(&o, &r->page, e);
        if (rc == 0)
                rc = is_url(r->a.source) ? read_url(r, e) : read_file(r, e);
        if (rc == 0)
                rc = page_finish(r->page, e);
        rc = fetch_explain(&r->result, rc, e);
        if (rc == 0 && r->stats != NULL)
                rc = print_stats(r, e);
        if (rc == 0 && fflush(stdout) != 0)
                rc = err_sys(e, errno, "cannot write");
        return rc;
}

/* ---- what is said at the end ---- */

static void
print_failure(const struct run *r, const struct err *why)
{
        struct buf text = BUF_INIT(FAILURE_BYTES);
        char source[SOURCE_BYTES];
        uint64_t line = 0;
        uint64_t column = 0;

        if (r->page != NULL)
                page_place(r->page, &line, &column);
        if (is_url(r->a.source))
                http_url_masked(r->a.source, source, sizeof(source));
        else
                (void)snprintf(source, sizeof(source), "%s", r->a.source);
        if (r->a.json && json_put_string(&text, view_of(why->msg), NULL) == 0)
                (void)printf("{\"error\":%.*s,\"line\":%" PRIu64 ",\"column\":%" PRIu64 "}\n",
                    (int)text.len, text.ptr, line, column);
        if (fflush(stdout) != 0 || ferror(stdout) != 0 || !r->a.json) {
                buf_reset(&text);
                if (escape_put(&text, view_of(why->msg), NULL) == 0) /* it may quote the page */
                        (void)fprintf(
                            stderr, "gleaner scrape: %s: %.*s\n", source, (int)text.len, text.ptr);
        }
        buf_release(&text);
}

static void
print_summary(const struct run *r, int64_t took_us)
{
        struct page_counts c;

        page_count(r->page, &c);
        (void)fprintf(stderr,
            "%" PRIu64 " samples on the page: %" PRIu64 " kept in %" PRIu64 " series, %" PRIu64
            " dropped, %" PRIu64 " duplicates; %" PRIu64 " bytes in %.1f ms\n",
            c.samples, c.kept, c.series, c.dropped, c.duplicates, c.bytes, (double)took_us / 1000);
        if (c.exemplars > 0)
                (void)fprintf(stderr, "%" PRIu64 " exemplars passed over\n", c.exemplars);
        if (c.ahead > 0)
                (void)fprintf(stderr,
                    "%" PRIu64 " refused: their timestamps are more than %d minutes ahead of this "
                    "machine's clock\n",
                    c.ahead, SERIES_AHEAD_MS / 60000);
}

static int64_t
now_us(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The exit code. */
static int
scrape(struct run *r)
{
        struct err e = ERR_INIT;
        int64_t start = now_us();

        if (choose_job(r, &e) < 0) {
                (void)fprintf(stderr, "gleaner scrape: %s\n", e.msg);
                return EXIT_USAGE;
        }
        if (take_page(r, &e) < 0) {
                print_failure(r, &e);
                return EXIT_FAILED;
        }
        if (!r->a.json)
                print_summary(r, now_us() - start);
        return EXIT_FINE;
}

int
command_scrape(int argc, char **argv)
{
        struct run r = {0};
        struct err e = ERR_INIT;
        int exit_code = read_arguments(argc, argv, &r.a);

        if (exit_code != EXIT_FINE || r.a.help)
                return exit_code;
        if (http_setup(&e) < 0 || hash_setup(&e) < 0) {
                (void)fprintf(stderr, "gleaner scrape: %s\n", e.msg);
                return EXIT_FAILED;
        }
        exit_code = scrape(&r);
        page_free(r.page);
        page_stats_free(r.stats);
        if (r.config != NULL)
                config_free(r.config);
        http_teardown();
        return exit_code;
}
