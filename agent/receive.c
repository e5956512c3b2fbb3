/*
 * gleaner receive: a small Remote Write receiver that checks what arrives and shows it. The
 * HTTP thread checks and prints samples, the main thread waits for signals and shows the counts.
 */
#include "agent/command.h"
#include "agent/httpd.h"
#include "agent/options.h"
#include "agent/receive_check.h"
#include "agent/receive_show.h"
#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
        SHOW_TERMINAL_MS = 1000,
        SHOW_PLAIN_MS = 10000,
        RATES_SECONDS = 30, /* that rates are taken over: a batch comes every so often */
        REPLY_MAX = 64 << 10,
        TEXT_MAX = 4 << 20, /* of one series' samples */
};

/* What counts were some seconds ago, for rates. */
struct snapshot {
        int64_t mono_ms;
        uint64_t requests;
        uint64_t samples;
};

struct receiver {
        /* set before start */
        const struct clock *clock;
        bool print;
        unsigned status; /* --status; 0: what the request deserves */
        uint64_t once; /* --once; 0: for ever */
        int done_fd; /* eventfd: enough requests came */
        /* HTTP thread only */
        struct buf text;
        char written[32]; /* a header's value */
        /* under mtx */
        pthread_mutex_t mtx;
        struct receive_book *book; /* owned */
        uint64_t counted; /* requests, for --once */
        /* main thread only */
        struct snapshot snapshots[RATES_SECONDS + 1];
        size_t n_snapshots; /* taken so far; the first one at the start */
        int64_t start_ms; /* monotonic */
        const char *address; /* borrowed; listened on */
};

/* ---- HTTP thread ---- */

static int
print_series(void *arg, const struct decode_series *s, struct err *e)
{
        struct receiver *r = arg;
        int rc;

        buf_reset(&r->text);
        rc = receive_show_samples(s, &r->text, e);
        if (rc == 0 && fwrite(r->text.ptr, 1, r->text.len, stdout) != r->text.len)
                return err_sys(e, errno, "cannot write to standard output");
        return rc;
}

static const char *
tenant_of(const struct httpd_request *request)
{
        const char *tenant = httpd_header(request, "THANOS-TENANT");

        return tenant != NULL ? tenant : httpd_header(request, "X-Scope-OrgID");
}

/* Changes by every request that has a series, a fault, or was turned away: not by one that only
 * asks for our Date. */
static uint64_t
content(const struct receive_book *b)
{
        const struct receive_totals *t = receive_totals(b);

        return t->time_series + t->refused + t->turned_away;
}

/* Of a 2.0 request; the answer is made when this thread's handler returns. */
static void
tell_written(struct receiver *r, const struct receive_result *result, struct httpd_reply *reply)
{
        if (!result->says_written)
                return;
        (void)snprintf(r->written, sizeof(r->written), "%" PRIu64, result->written);
        httpd_reply_header(reply, "X-Prometheus-Remote-Write-Samples-Written", r->written);
}

static void
take_write(struct receiver *r, const struct httpd_request *request, struct httpd_reply *reply)
{
        struct receive_request x = {
            .content_encoding = httpd_header(request, "Content-Encoding"),
            .content_type = httpd_header(request, "Content-Type"),
            .version = httpd_header(request, "X-Prometheus-Remote-Write-Version"),
            .user_agent = httpd_header(request, "User-Agent"),
            .tenant = tenant_of(request),
            .body = request->body,
            .now_ms = clock_wall(r->clock),
            .each = r->print ? print_series : NULL,
            .arg = r,
        };
        struct receive_result result;
        struct err e = ERR_INIT;
        const uint64_t one = 1;
        uint64_t before;
        bool enough;

        (void)pthread_mutex_lock(&r->mtx);
        before = content(r->book);
        if (r->status != 0 && r->status / 100 != 2) {
                receive_turn_away(r->book, &x);
                reply->status = r->status;
                (void)buf_puts(&reply->body, "turned away, as asked by --status\n", NULL);
        } else {
                reply->status = receive_check(r->book, &x, &result, &e);
                tell_written(r, &result, reply);
                if (reply->status / 100 != 2)
                        (void)buf_printf(&reply->body, NULL, "%s\n", e.msg);
                else if (r->status != 0)
                        reply->status = r->status;
        }
        r->counted += content(r->book) != before;
        enough = r->once > 0 && r->counted >= r->once;
        (void)pthread_mutex_unlock(&r->mtx);
        if (r->print)
                (void)fflush(stdout);
        if (enough)
                (void)!write(r->done_fd, &one, sizeof(one)); /* an eventfd takes it */
}

/* The counts as the main thread has them, without rates. */
static void
answer_counts(struct receiver *r, struct httpd_reply *reply)
{
        struct receive_view v = {.wall_ms = clock_wall(r->clock)};

        (void)pthread_mutex_lock(&r->mtx);
        v.now = receive_totals(r->book);
        (void)receive_show_table(&v, &reply->body, NULL);
        (void)pthread_mutex_unlock(&r->mtx);
}

static void
on_request(void *arg, const struct httpd_request *request, struct httpd_reply *reply)
{
        struct receiver *r = arg;

        if (strcmp(request->method, "POST") == 0) {
                take_write(r, request, reply);
        } else if (strcmp(request->method, "GET") == 0) {
                answer_counts(r, reply);
        } else {
                reply->status = 405;
                httpd_reply_header(reply, "Allow", "GET, POST");
        }
}

/* ---- main thread ---- */

enum { SNAPSHOTS = sizeof(((struct receiver *)NULL)->snapshots) / sizeof(struct snapshot) };

/* Rates are against the oldest of the snapshots, which are a second apart. */
static void
take_view(struct receiver *r, struct receive_totals *totals, struct receive_view *v)
{
        size_t oldest = r->n_snapshots < SNAPSHOTS ? 0 : r->n_snapshots % SNAPSHOTS;
        const struct snapshot *before = &r->snapshots[oldest];

        (void)pthread_mutex_lock(&r->mtx);
        *totals = *receive_totals(r->book);
        (void)pthread_mutex_unlock(&r->mtx);
        *v = (struct receive_view){.now = totals,
            .requests_before = before->requests,
            .samples_before = before->samples,
            .since_ms = clock_mono(r->clock) - before->mono_ms,
            .wall_ms = clock_wall(r->clock)};
}

static void
take_snapshot(struct receiver *r)
{
        struct snapshot *s = &r->snapshots[r->n_snapshots++ % SNAPSHOTS];

        (void)pthread_mutex_lock(&r->mtx);
        s->requests = receive_totals(r->book)->requests;
        s->samples = receive_totals(r->book)->samples;
        (void)pthread_mutex_unlock(&r->mtx);
        s->mono_ms = clock_mono(r->clock);
}

enum show {
        SHOW_SCREEN, /* the table over the whole screen */
        SHOW_LINE,
        SHOW_END, /* the table, rates since the start */
};

static void
show(struct receiver *r, enum show how, FILE *to)
{
        struct receive_totals totals;
        struct receive_view v;
        struct buf text = BUF_INIT(REPLY_MAX);
        int rc;

        take_view(r, &totals, &v);
        if (how == SHOW_END) {
                v.requests_before = 0;
                v.samples_before = 0;
                v.since_ms = clock_mono(r->clock) - r->start_ms;
        }
        rc = how == SHOW_LINE ? receive_show_line(&v, &text, NULL)
                              : receive_show_table(&v, &text, NULL);
        if (how == SHOW_SCREEN)
                (void)fprintf(to, "\033[H\033[Jgleaner receive on http://%s/\n\n", r->address);
        if (rc == 0)
                (void)fprintf(to, "%.*s", (int)text.len, text.ptr);
        (void)fflush(to);
        buf_release(&text);
}

/* Until a signal comes or there were enough requests. */
static void
wait_for_end(struct receiver *r, int signal_fd)
{
        struct pollfd fds[] = {
            {.fd = signal_fd, .events = POLLIN}, {.fd = r->done_fd, .events = POLLIN}};
        bool terminal = isatty(STDOUT_FILENO) == 1;
        int64_t shown = clock_mono(r->clock);
        uint64_t requests = 0;

        for (;;) {
                int64_t now = clock_mono(r->clock);
                int n = poll(fds, 2, SHOW_TERMINAL_MS);

                if (n > 0 || (n < 0 && errno != EINTR))
                        return;
                take_snapshot(r);
                if (r->print)
                        continue;
                if (terminal) {
                        show(r, SHOW_SCREEN, stdout);
                } else if (now - shown >= SHOW_PLAIN_MS) {
                        uint64_t before = requests;

                        shown = now;
                        (void)pthread_mutex_lock(&r->mtx);
                        requests = receive_totals(r->book)->requests;
                        (void)pthread_mutex_unlock(&r->mtx);
                        if (requests != before)
                                show(r, SHOW_LINE, stdout);
                }
        }
}

/* Blocks the signals that end the program, for this and all later threads; returns a signalfd. */
static int
catch_signals(struct err *e)
{
        sigset_t set;
        int fd;

        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGINT);
        (void)sigaddset(&set, SIGTERM);
        (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
        fd = signalfd(-1, &set, SFD_CLOEXEC);
        if (fd < 0)
                return err_sys(e, errno, "cannot wait for signals");
        return fd;
}

/* A second signal ends the program at once. */
static void
release_signals(int fd)
{
        struct signalfd_siginfo info;
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        sigset_t set;

        if (poll(&poll_fd, 1, 0) == 1)
                (void)!read(fd, &info, sizeof(info)); /* the one that was waited for */
        (void)close(fd);
        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGINT);
        (void)sigaddset(&set, SIGTERM);
        (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static int
run(struct receiver *r, const char *address)
{
        struct httpd_options o = {.listen_address = address,
            .handler = on_request,
            .arg = r,
            .max_body = RECEIVE_MAX_BODY,
            .max_reply = REPLY_MAX};
        FILE *to = r->print ? stderr : stdout;
        struct httpd *h = NULL;
        struct err e = ERR_INIT;
        int signal_fd = catch_signals(&e);
        int rc = signal_fd;

        if (rc >= 0)
                rc = httpd_start(&o, &h, &e);
        if (rc < 0) {
                (void)fprintf(stderr, "gleaner receive: %s\n", e.msg);
                if (signal_fd >= 0)
                        (void)close(signal_fd);
                return rc == ERR_CONFIG ? EXIT_USAGE : EXIT_FAILED;
        }
        (void)fprintf(
            to, "taking Remote Write 1.0 and 2.0 on http://%s/ (any path)\n", httpd_address(h));
        (void)fflush(to);
        r->address = httpd_address(h);
        r->start_ms = clock_mono(r->clock);
        take_snapshot(r);
        wait_for_end(r, signal_fd);
        release_signals(signal_fd);
        httpd_stop(h);
        show(r, SHOW_END, to);
        return r->once > 0 && receive_totals(r->book)->faults > 0 ? EXIT_FAILED : EXIT_FINE;
}

/* A whole number from min to max; ERR_CONFIG. */
static int
parse_number(const char *option, const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
        char *end;
        unsigned long long v;

        errno = 0;
        v = strtoull(text, &end, 10);
        if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || v < min || v > max) {
                (void)fprintf(stderr, "gleaner receive: --%s %s: want a number from %llu to %llu\n",
                    option, text, (unsigned long long)min, (unsigned long long)max);
                return ERR_CONFIG;
        }
        *out = v;
        return 0;
}

static void
print_help(const struct option_row *rows, size_t n)
{
        (void)printf("usage: gleaner receive [options]\n\n"
                     "A small Remote Write receiver: checks what arrives and shows it. It\n"
                     "answers 204, or 400 with the reason when something is wrong. Nothing is\n"
                     "kept. A GET shows the counts. Ends at SIGINT or SIGTERM.\n\n");
        options_print(rows, n);
}

int
command_receive(int argc, char **argv)
{
        struct receiver r = {.clock = clock_system(), .text = BUF_INIT(TEXT_MAX)};
        const char *address = "127.0.0.1:9201";
        const char *status = "0";
        const char *once = "0";
        bool help = false;
        const struct option_row rows[] = {
            {"listen", &address, NULL, "HOST:PORT", "where to listen (default 127.0.0.1:9201)"},
            {"web.listen-address", &address, NULL, "HOST:PORT", "the same"},
            {"print", NULL, &r.print, NULL, "one line per sample instead of the summary"},
            {"status", &status, NULL, "CODE", "answer this always; not 2xx: take nothing"},
            {"once", &once, NULL, "N",
                "end after N requests with samples; exit code 1 when one had a fault"},
            {"help", NULL, &help, NULL, "show this"},
        };
        const size_t n_rows = sizeof(rows) / sizeof(rows[0]);
        struct err e = ERR_INIT;
        uint64_t code = 0;
        int rc = options_parse(argc, argv, rows, n_rows, &e);

        if (rc < 0 || rc > 0) {
                (void)fprintf(stderr, "gleaner receive: %s\n",
                    rc < 0 ? e.msg : "it takes no arguments, see --help");
                return EXIT_USAGE;
        }
        if (help) {
                print_help(rows, n_rows);
                return EXIT_FINE;
        }
        if ((strcmp(status, "0") != 0 && parse_number("status", status, 200, 599, &code) < 0) ||
            parse_number("once", once, 0, UINT64_MAX, &r.once) < 0)
                return EXIT_USAGE;
        r.status = (unsigned)code;
        r.done_fd = eventfd(0, EFD_CLOEXEC);
        if (r.done_fd < 0 || receive_book_new(&r.book, &e) < 0) {
                (void)fprintf(stderr, "gleaner receive: cannot start: out of memory or files\n");
                return EXIT_FAILED;
        }
        (void)pthread_mutex_init(&r.mtx, NULL);
        rc = run(&r, address);
        (void)pthread_mutex_destroy(&r.mtx);
        receive_book_free(r.book);
        buf_release(&r.text);
        (void)close(r.done_fd);
        return rc;
}
