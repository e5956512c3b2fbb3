/*
 * The answers of /api/v1/targets/metadata and /api/v1/metadata, as Prometheus gives them
 * (web/api/v1/api.go, targetMetadata and metricMetadata). Called on the http thread.
 */
#ifndef AGENT_API_METADATA_H
#define AGENT_API_METADATA_H

struct buf;
struct err;
struct scraper;

/* As the query has them; NULL or "": not given. */
struct api_metadata_query {
        const char *match_target; /* selector of targets */
        const char *metric;
        const char *limit;
        const char *limit_per_metric; /* api_metadata alone */
};

/* ERR_CONFIG: the query is wrong. */
int api_target_metadata(
    struct scraper *s, const struct api_metadata_query *q, struct buf *out, struct err *e);
/* ERR_CONFIG: the query is wrong. Metrics are sorted. */
int api_metadata(
    struct scraper *s, const struct api_metadata_query *q, struct buf *out, struct err *e);

#endif
