/*
 * Time series → Remote Write 1.0 WriteRequest, in protobuf's wire format, straight into a buffer.
 *
 * This is the product's own path, so it writes the few fields itself: label sets are encoded once
 * per layout and copied from then on. Tests hold every byte against protobuf-c (decode.h).
 */
#ifndef REMOTEWRITE_ENCODE_H
#define REMOTEWRITE_ENCODE_H

#include "base/labels.h"
#include "base/view.h"

#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

struct encode_sample {
        int64_t time_ms;
        uint64_t bits;
};

/* Appends the labels as `repeated Label labels = 1` fields of a TimeSeries. Sorted by the caller.
 */
int encode_labels(const struct label *labels, size_t n, struct buf *out, struct err *e);
/* Appends one `TimeSeries timeseries = 1` field of a WriteRequest with labels encoded before. */
int encode_series(struct view labels, const struct encode_sample *samples, size_t n,
    struct buf *out, struct err *e);
/* The size that encode_series would append. */
size_t encode_series_size(size_t labels_bytes, const struct encode_sample *samples, size_t n);

#endif
