/*
 * One page, taken as a scrape takes it and printed instead of stored: parsed as it streams in,
 * relabeled by the job's metric_relabel_configs, checked against its limits. No target labels.
 *
 * Memory does not grow with the page but for 12 to 30 bytes per series, by which a series that
 * comes twice is known. One thread.
 */
#ifndef AGENT_PAGE_H
#define AGENT_PAGE_H

#include "scrape/textparse.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct err;
struct page;
struct page_stats;
struct scrape_job;

struct page_options {
        const struct scrape_job *job; /* borrowed */
        FILE *out; /* borrowed; NULL: nothing is printed */
        struct page_stats *stats; /* borrowed, filled; NULL: nobody asks */
        bool json; /* one object per sample; else the exposition format */
        int64_t now_ms; /* the scrape's time: timestamps too far ahead of it are not taken */
};

struct page_counts {
        uint64_t bytes;
        uint64_t samples; /* sample lines */
        uint64_t series; /* that were kept, by their final labels */
        uint64_t kept; /* would be stored */
        uint64_t dropped; /* by relabeling */
        uint64_t duplicates; /* the same series again without a timestamp */
        uint64_t exemplars; /* passed over */
        uint64_t ahead; /* with a timestamp of their own too far in the future */
};

int page_new(const struct page_options *o, struct page **out, struct err *e);
void page_free(struct page *p);
/* Before the first byte; else it is the exposition format. */
void page_set_format(struct page *p, enum text_format format);
/* arg is the page; any cut is fine. An error is the page's failure: nothing more is fed. */
int page_feed(void *arg, const char *bytes, size_t n, struct err *e);
int page_finish(struct page *p, struct err *e);
void page_count(const struct page *p, struct page_counts *out);
/* Where the page failed, from 1; both 0 when the failure is not about a place. */
void page_place(const struct page *p, uint64_t *line, uint64_t *column);

#endif
