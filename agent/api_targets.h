/*
 * The answer of /api/v1/targets, as Prometheus gives it (web/api/v1/api.go), in pieces: with
 * thousands of targets it is never in memory as a whole. Called on the http thread.
 */
#ifndef AGENT_API_TARGETS_H
#define AGENT_API_TARGETS_H

#include "agent/api.h"

struct api_targets; /* an answer under way */

struct api_targets_query {
        const char *state; /* "active", "dropped" or "any"; NULL or "": any; otherwise none */
        const char *scrape_pool; /* only this job; NULL or "": all */
        const struct api_jobs *jobs; /* NULL: only those that have targets are known */
        const struct global_url_self *self; /* NULL: URLs are shown as they are; borrowed */
};

int api_targets_begin(const struct api_targets_query *q, struct api_targets **out, struct err *e);
/*
 * Appends the next piece, some 32 KiB and a target. 1: there are more; 0: that was the last. No
 * target is there twice; one that comes or goes meanwhile may be there or not. The scraper may be
 * reloaded between two calls.
 */
int api_targets_more(struct api_targets *a, struct scraper *s, struct buf *out, struct err *e);
void api_targets_end(struct api_targets *a);

#endif
