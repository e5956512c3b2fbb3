/*
 * The pure parts of the pipe, one at a time over recorded pages, to be counted in instructions by
 * bench/micro.py: all that is counted lies in functions named measured_…, what prepares and
 * collects does not. Deterministic: hashes have no secret, no time is looked at.
 */
#ifndef BENCH_MICRO_MICRO_H
#define BENCH_MICRO_MICRO_H

#include "base/arena.h"
#include "base/labels.h"
#include "base/view.h"
#include "scrape/textparse.h"

#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

enum { MICRO_PAGES_MAX = 64, MICRO_ARENA_BYTES = 512 << 20, MICRO_LOG_BYTES = 1 << 30 };

#define MICRO_TENANT "micro"

struct micro_series {
        struct view raw; /* in the page's text, as everything here */
        struct view value;
        uint64_t bits;
        enum metric_type type;
};

struct micro_page {
        struct view gzip;
        struct view text;
        struct micro_series *series;
        size_t n;
};

/* All of it lives in the arena. */
struct micro_input {
        struct arena arena;
        struct micro_page pages[MICRO_PAGES_MAX];
        size_t n_pages;
        const char *folder; /* for a log; empty when it is given */
        uint64_t marks[MICRO_PAGES_MAX + 2]; /* where the log ended after each scrape */
        size_t n_marks;
};

/* Adds one (gzip) to the pages. */
int micro_read_page(struct micro_input *in, const char *path, struct err *e);
/* The labels of a series as the log has them: job and instance added, sorted. In the arena. */
int micro_label_set(
    struct micro_input *in, const struct micro_series *s, struct labels *out, struct err *e);
/* Appends the first page as a request of two samples a series, not compressed, in page order. */
int micro_request(struct micro_input *in, struct buf *out, struct err *e);

/* Runs one part; *out_samples is what its instructions are divided by. */
typedef int (*micro_run)(struct micro_input *in, uint64_t *out_samples, struct err *e);

/* ---- scrape/ ---- */
int micro_inflate(struct micro_input *in, uint64_t *out_samples, struct err *e);
int micro_lines(struct micro_input *in, uint64_t *out_samples, struct err *e);
int micro_openmetrics(struct micro_input *in, uint64_t *out_samples, struct err *e);
int micro_number(struct micro_input *in, uint64_t *out_samples, struct err *e);
int micro_hash(struct micro_input *in, uint64_t *out_samples, struct err *e);
int micro_labels(struct micro_input *in, uint64_t *out_samples, struct err *e);
int micro_scrape(struct micro_input *in, uint64_t *out_samples, struct err *e);

/* ---- wal/ ---- */
int micro_record(struct micro_input *in, uint64_t *out_samples, struct err *e);
int micro_keyframe(struct micro_input *in, uint64_t *out_samples, struct err *e);
int micro_layout(struct micro_input *in, uint64_t *out_samples, struct err *e);

/* ---- remotewrite/ ---- */
/* Of the log that micro_scrape has written. */
int micro_send(struct micro_input *in, uint64_t *out_samples, struct err *e);
int micro_snappy(struct micro_input *in, uint64_t *out_samples, struct err *e);

#endif
