/*
 * The answers of /api/v1/…, as Prometheus gives them (web/api/v1/api.go): JSON appended to a
 * buffer. Called on the http thread.
 */
#ifndef AGENT_API_H
#define AGENT_API_H

#include "base/view.h"

struct buf;
struct err;
struct scraper;

struct api_targets_query {
        const char *state; /* "active", "dropped" or "any"; NULL or "": any; otherwise none */
        const char *scrape_pool; /* only this job; NULL or "": all */
};

int api_targets(
    struct scraper *s, const struct api_targets_query *q, struct buf *out, struct err *e);
/* The names of the jobs that have targets, sorted. */
int api_scrape_pools(struct scraper *s, struct buf *out, struct err *e);
/* The text of the configuration, secrets masked by the caller. */
int api_config(struct view yaml, struct buf *out, struct err *e);
int api_build_info(struct buf *out, struct err *e);
/* {"status":"error",…}; kind is one of Prometheus's: "bad_data", "internal", "not_found", … */
int api_error(const char *kind, const char *message, struct buf *out, struct err *e);

#endif
