/*
 * A series selector of PromQL, as a query parameter has it: {job="node",instance=~"10[.].*"}, a
 * metric's name before or within the braces (upstream: promql/parser, ParseMetricSelector).
 */
#ifndef AGENT_SELECTOR_H
#define AGENT_SELECTOR_H

#include "base/labels.h"

#include <stdbool.h>
#include <stddef.h>

struct err;
struct selector;

enum { SELECTOR_MAX_BYTES = 16 << 10 };

/* ERR_PARSE: "1:COLUMN: parse error: …", columns in bytes from 1; ERR_CONFIG: a regular expression
 * is none; ERR_LIMIT. */
int selector_new(struct view text, struct selector **out, struct err *e);
/* NULL-safe. */
void selector_free(struct selector *s);
/* A label that is not there has the value "". labels are sorted or not. ERR_LIMIT, ERR_REFUSED:
 * regex_match's. */
int selector_matches(const struct selector *s, const struct label *labels, size_t n,
    bool *out_matched, struct err *e);

#endif
