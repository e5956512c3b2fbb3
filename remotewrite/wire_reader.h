/*
 * The series of a request that we made, one after the other, as 1.0 has them whichever message it
 * is (recode.h): for what is done to a request after it was made.
 *
 * The struct is the caller's. One thread.
 */
#ifndef REMOTEWRITE_WIRE_READER_H
#define REMOTEWRITE_WIRE_READER_H

#include "base/buf.h"
#include "base/view.h"
#include "remotewrite/message.h"
#include "remotewrite/wire.h"

#include <stddef.h>

struct err;
struct label;

struct wire_reader {
        enum write_message message;
        struct view rest; /* series that were not read yet */
        /* of a 2.0 request */
        struct view *symbols; /* owned; views into the request */
        size_t n_symbols;
        struct label *labels; /* owned; of the series under way */
        size_t cap_labels;
        struct buf series; /* it, as 1.0 has it */
};

/* raw: decompressed, must stay. ERR_PARSE, ERR_NOMEM; wire_reader_close also then. */
int wire_reader_open(
    struct wire_reader *r, struct view raw, enum write_message message, struct err *e);
/* Nothing is left. */
bool wire_reader_end(const struct wire_reader *r);
/* The next series, valid until the next call. ERR_PARSE: it is not what we write. */
int wire_reader_next(struct wire_reader *r, struct wire_series *out, struct err *e);
void wire_reader_close(struct wire_reader *r);

#endif
