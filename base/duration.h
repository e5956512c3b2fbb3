/*
 * Durations as the configuration writes them (specs: config.md section 2; upstream common
 * model/time.go): "0", or digits with the units y w d h m s ms, each at most once and in this
 * order. A year is 365 days. Pure.
 */
#ifndef BASE_DURATION_H
#define BASE_DURATION_H

#include "base/view.h"

#include <stddef.h>
#include <stdint.h>

struct err;

enum { DURATION_MAX_TEXT = 64 };

/* ERR_CONFIG with the reason. The bound is that of int64 nanoseconds (292 years). */
int duration_parse(struct view text, int64_t *out_ms, struct err *e);
/* "1h30m", "15s", "90d", "0s"; years and weeks only when nothing remains. Not negative. */
size_t duration_format(int64_t ms, char *out, size_t cap);

#endif
