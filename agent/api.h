/*
 * What the answers of /api/v1/… have in common, and /api/v1/scrape_pools, as Prometheus gives them
 * (web/api/v1/api.go): JSON appended to a buffer. Called on the http thread.
 */
#ifndef AGENT_API_H
#define AGENT_API_H

#include "base/labels.h"

#include <stddef.h>

struct buf;
struct err;
struct scraper;

typedef int (*api_job_visitor)(void *arg, const char *name, struct err *e);

/* The jobs of the configuration, also those without targets. */
struct api_jobs {
        int (*visit)(void *arg, api_job_visitor each, void *each_arg, struct err *e);
        void *arg;
};

/* The names of the jobs, sorted. */
int api_scrape_pools(
    struct scraper *s, const struct api_jobs *jobs, struct buf *out, struct err *e);

/* Appends how many targets of each job were dropped, kept for display or not, as a JSON object. */
int api_put_dropped_counts(
    struct scraper *s, const struct api_jobs *jobs, struct buf *out, struct err *e);
/* Appends labels as a JSON object. */
int api_put_labels(struct buf *out, const struct label *l, size_t n, struct err *e);

#endif
