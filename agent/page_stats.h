/*
 * What a page consists of, for `gleaner scrape --stats`: the metrics with the most series, the
 * labels with the most values, and what each rule of metric_relabel_configs dropped. Memory: an
 * entry per name, 12 bytes per value of a label; both are bounded, and passing the bound is said.
 * One thread.
 */
#ifndef AGENT_PAGE_STATS_H
#define AGENT_PAGE_STATS_H

#include <stddef.h>

struct buf;
struct err;
struct labels;
struct page_stats;
struct scrape_job;

int page_stats_new(struct page_stats **out, struct err *e);
/* NULL-safe. */
void page_stats_free(struct page_stats *s);
/* A series that is kept, told once. */
int page_stats_keep(struct page_stats *s, const struct labels *l, struct err *e);
/* A sample that was dropped, and by which rule (from 0; -1: it was left without labels). */
int page_stats_drop(struct page_stats *s, int rule, struct err *e);
/* Appends the tables, the first `top` rows of each. */
int page_stats_print(
    struct page_stats *s, const struct scrape_job *job, size_t top, struct buf *out, struct err *e);

#endif
