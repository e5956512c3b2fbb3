/*
 * A Remote Write request body of either message → checked content: for `gleaner receive` and the
 * tests.
 */
#ifndef REMOTEWRITE_DECODE_H
#define REMOTEWRITE_DECODE_H

#include "base/labels.h"
#include "base/view.h"
#include "remotewrite/encode.h"
#include "remotewrite/message.h"

#include <stddef.h>
#include <stdint.h>

struct err;

enum { DECODE_MAX_BYTES = 64 << 20 };

struct decode_series {
        const struct label *labels; /* as sent; valid during the call, as everything */
        size_t n_labels;
        const struct encode_sample *samples;
        size_t n_samples;
        const char *fault; /* NULL, or what is wrong with it: order of labels or samples, empty
                              or double names, no name, text that is not UTF-8; of 2.0 also a
                              reference to no symbol, histograms, a first symbol that is not
                              empty. Labels may be fewer then. */
};

typedef int (*decode_sink)(void *arg, const struct decode_series *s, struct err *e);

/*
 * Decompresses and walks a body. ERR_PARSE: not snappy or not that message; ERR_LIMIT: too big.
 * Metadata and exemplars are skipped.
 */
int decode_request(
    struct view body, enum write_message message, decode_sink sink, void *arg, struct err *e);

#endif
