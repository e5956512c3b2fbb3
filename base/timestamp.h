/*
 * Times as servers write them: RFC 3339, "2026-11-23T21:00:00.5Z", "2026-11-23T22:00:00+01:00".
 * Pure.
 */
#ifndef BASE_TIMESTAMP_H
#define BASE_TIMESTAMP_H

#include "base/view.h"

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds since 1970; false: it is no such time, or before 1970, or after 9999. */
bool timestamp_parse(struct view text, int64_t *out_ms);

#endif
