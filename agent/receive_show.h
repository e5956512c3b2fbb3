/*
 * How `gleaner receive` shows things: series and samples as text, the counts as a table or a line.
 * Text from outside is escaped: nothing in a label reaches the terminal as a control character.
 * Pure.
 */
#ifndef AGENT_RECEIVE_SHOW_H
#define AGENT_RECEIVE_SHOW_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct decode_series;
struct err;
struct label;
struct receive_totals;

/* name{a="b",…}; names that are not of the old kind in quotes, as Prometheus writes them. */
int receive_show_series(const struct label *labels, size_t n, struct buf *out, struct err *e);
/* "name{labels} value timestamp_ms" and a line feed for each sample; markers as StaleNaN. */
int receive_show_samples(const struct decode_series *s, struct buf *out, struct err *e);

/* The counts now and some time before: rates are between them. */
struct receive_view {
        const struct receive_totals *now;
        uint64_t requests_before;
        uint64_t samples_before;
        int64_t since_ms; /* how long ago "before" was */
        int64_t wall_ms;
};

/* Several lines. */
int receive_show_table(const struct receive_view *v, struct buf *out, struct err *e);
/* One. */
int receive_show_line(const struct receive_view *v, struct buf *out, struct err *e);

#endif
