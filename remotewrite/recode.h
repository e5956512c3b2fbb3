/*
 * A series as encode.h writes it → the same series of a 2.0 request, its texts put into the
 * request's table. Requests are filled, sorted and cut as 1.0 whatever is sent (request.h): this is
 * the last step before they are compressed. wire_reader.h is the way back.
 *
 *      Request       4: symbols        22 length text    5: TimeSeries 2a length …
 *      TimeSeries    1: labels_refs    0a length varints 2: Sample     12 length … (as in 1.0)
 *
 * What a TimeSeries has no field for here: exemplars and histograms, which are not scraped;
 * metadata, which the log does not hold (nor does that of Prometheus's agent, which sends a type of
 * 0); start_timestamp of a sample, which is not known.
 *
 * One thread. The owner accounts for recoder_bytes.
 */
#ifndef REMOTEWRITE_RECODE_H
#define REMOTEWRITE_RECODE_H

#include "base/view.h"

#include <stddef.h>

struct buf;
struct err;
struct recoder;

int recoder_new(struct recoder **out, struct err *e);
void recoder_free(struct recoder *r);
/* Gives the memory back; recoder_begin comes before the next series. */
void recoder_reset(struct recoder *r);
/* What it holds, in bytes. */
size_t recoder_bytes(const struct recoder *r);
/* A request begins: its table is empty. */
int recoder_begin(struct recoder *r, struct err *e);
/*
 * Appends the series, a whole field of encode_series, as a field of a 2.0 request. ERR_PARSE: it is
 * none; ERR_LIMIT, ERR_NOMEM.
 */
int recoder_add(struct recoder *r, struct view series, struct buf *out, struct err *e);
/* The table's fields; valid until the next call. */
struct view recoder_symbols(const struct recoder *r);

#endif
