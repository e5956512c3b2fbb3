#include "bench/micro/micro.h"

#include "base/clock.h"
#include "base/compress.h"
#include "base/err.h"
#include "base/hash.h"
#include "scrape/job.h"
#include "scrape/series.h"
#include "scrape/target.h"
#include "scrape/textfloat.h"
#include "wal/wal.h"

#include <pthread.h>

enum { TICK_MS = 15000, ANSWERS_MAX = 1024 };

static const int64_t BEGIN_MS = 1700000000000;

/* ---- inflating, cutting into lines ---- */

static int
count_bytes(void *arg, const char *p, size_t n, struct err *e)
{
        size_t *sum = arg;

        (void)p;
        (void)e;
        *sum += n;
        return 0;
}

__attribute__((noinline)) static int
measured_inflate(struct gunzip *g, struct view packed, size_t *sum, struct err *e)
{
        gunzip_reset(g);
        return gunzip_feed(g, packed.p, packed.n, count_bytes, sum, e);
}

int
micro_inflate(struct micro_input *in, uint64_t *out_samples, struct err *e)
{
        struct gunzip *g = NULL;
        size_t sum = 0;
        int rc = gunzip_new(&g, e);

        for (size_t i = 0; i < in->n_pages && rc == 0; i++) {
                rc = measured_inflate(g, in->pages[i].gzip, &sum, e);
                *out_samples += in->pages[i].n;
        }
        gunzip_free(g);
        return rc;
}

__attribute__((noinline)) static int
measured_lines(struct textparse *t, struct view page, struct err *e)
{
        int rc;

        textparse_reset(t);
        rc = textparse_feed(t, page.p, page.n, e);
        return rc < 0 ? rc : textparse_finish(t, e);
}

static int
count_sample(void *arg, const struct text_sample *x, struct err *e)
{
        uint64_t *n = arg;

        (void)x;
        (void)e;
        (*n)++;
        return 0;
}

int
micro_lines(struct micro_input *in, uint64_t *out_samples, struct err *e)
{
        const struct textparse_options o = {.sink = count_sample, .arg = out_samples};
        struct textparse *t = NULL;
        int rc = textparse_new(&o, &t, e);

        for (size_t i = 0; i < in->n_pages && rc == 0; i++)
                rc = measured_lines(t, in->pages[i].text, e);
        textparse_free(t);
        return rc;
}

/* The page as OpenMetrics has it: another word for untyped, and "# EOF" at its end. */
static int
make_openmetrics(struct view page, struct arena *a, struct view *out, struct err *e)
{
        static const char untyped[] = " untyped\n";
        static const char end[] = "# EOF\n";
        char *text = arena_alloc(a, page.n + sizeof(end) - 1);

        if (text == NULL)
                return err_nomem(e, "a page");
        memcpy(text, page.p, page.n);
        for (char *p = text; (p = memmem(p, page.n - (size_t)(p - text), untyped, 9)) != NULL;)
                memcpy(p, " unknown\n", 9);
        memcpy(text + page.n, end, sizeof(end) - 1);
        *out = (struct view){text, page.n + sizeof(end) - 1};
        return 0;
}

__attribute__((noinline)) static int
measured_openmetrics(struct textparse *t, struct view page, struct err *e)
{
        int rc;

        textparse_reset(t);
        textparse_set_format(
            t, TEXT_OPENMETRICS); /* here, or this is measured_lines to the compiler */
        rc = textparse_feed(t, page.p, page.n, e);
        return rc < 0 ? rc : textparse_finish(t, e);
}

int
micro_openmetrics(struct micro_input *in, uint64_t *out_samples, struct err *e)
{
        const struct textparse_options o = {.sink = count_sample, .arg = out_samples};
        struct arena a = ARENA_INIT(MICRO_ARENA_BYTES);
        struct textparse *t = NULL;
        int rc = textparse_new(&o, &t, e);

        for (size_t i = 0; i < in->n_pages && rc == 0; i++) {
                struct view page = {NULL, 0};

                arena_reset(&a);
                rc = make_openmetrics(in->pages[i].text, &a, &page, e);
                if (rc == 0)
                        rc = measured_openmetrics(t, page, e);
        }
        textparse_free(t);
        arena_release(&a);
        return rc;
}

/* ---- numbers, hashes, labels ---- */

__attribute__((noinline)) static int
measured_number(const struct micro_page *page, double *sum)
{
        for (size_t i = 0; i < page->n; i++) {
                double d = 0;

                if (textfloat_short(page->series[i].value.p, &d) == NULL &&
                    !textfloat_parse(page->series[i].value, TEXTFLOAT_PAGE, &d))
                        return ERR_PARSE;
                *sum += d;
        }
        return 0;
}

int
micro_number(struct micro_input *in, uint64_t *out_samples, struct err *e)
{
        double sum = 0;

        for (size_t i = 0; i < in->n_pages; i++) {
                if (measured_number(&in->pages[i], &sum) < 0)
                        return err_set(e, ERR_PARSE, "page %zu has a value that is none", i);
                *out_samples += in->pages[i].n;
        }
        return 0;
}

__attribute__((noinline)) static uint64_t
measured_hash(const struct micro_page *page)
{
        uint64_t sum = 0;

        for (size_t i = 0; i < page->n; i++)
                sum += hash_seeded(page->series[i].raw.p, page->series[i].raw.n);
        return sum;
}

int
micro_hash(struct micro_input *in, uint64_t *out_samples, struct err *e)
{
        uint64_t sum = 0; /* is looked at, or the compiler leaves it all out */

        for (size_t i = 0; i < in->n_pages; i++) {
                sum += measured_hash(&in->pages[i]);
                *out_samples += in->pages[i].n;
        }
        return sum != 0 ? 0 : err_set(e, ERR_PARSE, "no series has a hash");
}

__attribute__((noinline)) static int
measured_labels(const struct micro_page *page, struct arena *a, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; i < page->n && rc == 0; i++) {
                const struct text_sample text = {
                    .series = page->series[i].raw, .type = page->series[i].type};
                struct labels l;

                arena_reset(a);
                labels_init(&l, a);
                rc = textparse_labels(&text, &l, NULL, e);
        }
        return rc;
}

int
micro_labels(struct micro_input *in, uint64_t *out_samples, struct err *e)
{
        struct arena a = ARENA_INIT(1 << 20);
        int rc = measured_labels(&in->pages[0], &a, e);

        *out_samples += in->pages[0].n;
        arena_release(&a);
        return rc;
}

/* ---- a known target's scrape: page → slots → batch ---- */

/* A target on a log of its own. */
struct world {
        struct wal *wal;
        struct series_pool *pool;
        struct series *series;
        struct scrape_job job;
        struct scrape_config config;
        struct target target;
        struct label labels[2];
        struct clock_manual clock;
        pthread_mutex_t mtx;
        uint64_t answered[ANSWERS_MAX]; /* under mtx: serials */
        size_t n_answered;
};

static void
on_answer(void *arg, uint64_t target, uint64_t serial, bool stored)
{
        struct world *w = arg;

        (void)target;
        (void)pthread_mutex_lock(&w->mtx);
        if (stored && w->n_answered < ANSWERS_MAX)
                w->answered[w->n_answered++] = serial;
        (void)pthread_mutex_unlock(&w->mtx);
}

static int
open_world(struct world *w, const char *folder, struct err *e)
{
        const struct wal_options o = {.dir = folder,
            .tenant = MICRO_TENANT,
            .max_size = MICRO_LOG_BYTES,
            .max_age_ms = INT64_MAX / 2,
            .sync_interval_ms = INT64_C(3600) * 1000,
            .clock = &w->clock.clock,
            .answer = on_answer,
            .answer_arg = w};
        int rc;

        (void)pthread_mutex_init(&w->mtx, NULL);
        clock_manual_init(&w->clock, BEGIN_MS);
        w->job.name = "micro";
        w->job.honor_timestamps = true;
        w->labels[0] = (struct label){VIEW_LIT("instance"), VIEW_LIT("127.0.0.1:9100")};
        w->labels[1] = (struct label){VIEW_LIT("job"), VIEW_LIT("micro")};
        w->target.job = &w->job;
        w->target.config = &w->config;
        w->target.url = (char *)(uintptr_t) "http://127.0.0.1:9100/metrics";
        w->target.identity = (char *)(uintptr_t) "micro 127.0.0.1:9100";
        w->target.labels = w->labels;
        w->target.n_labels = 2;
        w->target.interval_ms = TICK_MS;
        rc = wal_open(&o, &w->wal, e);
        if (rc == 0)
                rc = series_pool_new(w->wal, &w->pool, e);
        if (rc == 0)
                rc = series_new(w->pool, &w->target, &w->series, e);
        return rc;
}

static void
close_world(struct world *w)
{
        series_free(w->series);
        series_pool_free(w->pool);
        wal_close(w->wal);
        (void)pthread_mutex_destroy(&w->mtx);
}

/* Commits, and tells the series so; returns where the log ends. */
static uint64_t
settle(struct world *w)
{
        struct wal_stats stats;

        wal_flush(w->wal);
        wal_stats(w->wal, &stats);
        (void)pthread_mutex_lock(&w->mtx);
        for (size_t i = 0; i < w->n_answered; i++)
                series_answered(w->series, w->answered[i], true);
        w->n_answered = 0;
        (void)pthread_mutex_unlock(&w->mtx);
        return stats.next_block;
}

static int
take_sample(void *arg, const struct text_sample *x, struct err *e)
{
        return series_sample(arg, x, e);
}

static bool
guess_series(void *arg, struct view text)
{
        return series_guess(arg, text);
}

static int
page_to_slots(struct world *w, struct textparse *t, struct view page, struct err *e)
{
        struct series_report report = {.up = true};
        int rc = series_begin(w->series, clock_wall(&w->clock.clock), e);

        textparse_reset(t);
        if (rc == 0)
                rc = textparse_feed(t, page.p, page.n, e);
        if (rc == 0)
                rc = textparse_finish(t, e);
        return rc < 0 ? rc : series_end(w->series, true, 0.25, &report, e);
}

static int
slots_to_batch(struct world *w, struct err *e)
{
        bool done = false;
        int rc = 0;

        while (rc == 0 && !done)
                rc = series_encode(w->series, 1, &done, e);
        return rc;
}

__attribute__((noinline)) static int
measured_slots(struct world *w, struct textparse *t, struct view page, struct err *e)
{
        return page_to_slots(w, t, page, e);
}

__attribute__((noinline)) static int
measured_encode(struct world *w, struct err *e)
{
        return slots_to_batch(w, e);
}

int
micro_scrape(struct micro_input *in, uint64_t *out_samples, struct err *e)
{
        struct world w = {.wal = NULL};
        struct textparse_options o = {.sink = take_sample, .guess = guess_series};
        struct textparse *t = NULL;
        int rc = open_world(&w, in->folder, e);

        o.arg = w.series;
        in->n_marks = 0;
        in->marks[in->n_marks++] = 1;
        if (rc == 0)
                rc = textparse_new(&o, &t, e);
        /* The first scrape makes the series and is not counted. */
        for (size_t i = 0; i <= in->n_pages && rc == 0; i++) {
                const struct micro_page *page = &in->pages[i > 0 ? i - 1 : 0];

                rc = i > 0 ? measured_slots(&w, t, page->text, e)
                           : page_to_slots(&w, t, page->text, e);
                if (rc == 0)
                        rc = i > 0 ? measured_encode(&w, e) : slots_to_batch(&w, e);
                if (rc == 0)
                        in->marks[in->n_marks++] = settle(&w);
                *out_samples += i > 0 ? page->n : 0;
                clock_manual_advance(&w.clock, TICK_MS);
        }
        textparse_free(t);
        close_world(&w);
        return rc;
}
