/*
 * Walking the bytes of a WriteRequest that we encoded: its series, their samples. Pure. For what is
 * done to a request after it was built: cutting it in two, leaving out what became too old.
 */
#ifndef REMOTEWRITE_WIRE_H
#define REMOTEWRITE_WIRE_H

#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

struct wire_series {
        struct view field; /* the whole `timeseries` field, tag and length included */
        struct view labels; /* its label fields */
        struct view samples; /* its sample fields */
        uint64_t n_samples;
        int64_t oldest_ms;
        int64_t newest_ms;
};

/*
 * Takes the first field off *rest: its whole bytes, and what is inside. False: it has another tag
 * (of one byte, with a length), or is cut off.
 */
bool wire_field(struct view *rest, uint8_t tag, struct view *field, struct view *inside);
/* Takes the next series off *rest; ERR_PARSE when the bytes are not what encode.h writes. */
int wire_next(struct view *rest, struct wire_series *out, struct err *e);

/*
 * Appends the series without its samples before oldest_ms; nothing at all when none is left.
 * *out_samples: how many are left.
 */
int wire_filter(const struct wire_series *s, int64_t oldest_ms, struct buf *out,
    uint64_t *out_samples, struct err *e);

#endif
