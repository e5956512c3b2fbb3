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

/*
 * /api/v1/targets/metadata in pieces: what the targets have at the beginning is kept (references)
 * and appended by and by. ERR_CONFIG: the query is wrong.
 */
struct api_target_metadata;
int api_target_metadata_begin(struct scraper *s, const struct api_metadata_query *q,
    struct api_target_metadata **out, struct err *e);
/* Appends the next piece, some 32 KiB and a target. 1: there are more; 0: that was the last. */
int api_target_metadata_more(struct api_target_metadata *a, struct buf *out, struct err *e);
void api_target_metadata_end(struct api_target_metadata *a);
/* ERR_CONFIG: the query is wrong. Metrics are sorted. */
int api_metadata(
    struct scraper *s, const struct api_metadata_query *q, struct buf *out, struct err *e);

#endif
