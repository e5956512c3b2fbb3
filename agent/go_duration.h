/*
 * Durations as Go writes them: "1s", "1m30s", "1.5h", "-250ms", or a number of nanoseconds (Go's
 * time.ParseDuration, as yaml.v2 uses it). Pure.
 */
#ifndef AGENT_GO_DURATION_H
#define AGENT_GO_DURATION_H

#include "base/view.h"

#include <stdint.h>

struct err;

/* ERR_CONFIG: it is none, or none that 64 bits of nanoseconds hold. */
int go_duration_parse(struct view text, int64_t *out_ns, struct err *e);

#endif
