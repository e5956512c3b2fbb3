/*
 * The agent's own metrics as a page in the text format. What there is stands in tables
 * (metrics_table.h), from which docs/METRICS.md is made, too.
 *
 * Called on the http thread; the parts are asked for their numbers once per page.
 */
#ifndef AGENT_METRICS_H
#define AGENT_METRICS_H

#include "agent/status.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct clock;
struct err;

struct metrics_input {
        struct status_parts parts; /* a part that is NULL is left out */
        const struct clock *clock;
        int64_t start_ms; /* wall time at which the process started */
        const struct status_agent *agent; /* NULL: left out */
        const struct web *web; /* NULL: left out */
};

/* Appends the page. */
int metrics_write(const struct metrics_input *in, struct buf *out, struct err *e);

#endif
