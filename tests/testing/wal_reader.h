/*
 * Reads a log back the way a sender would: blocks, keyframes, layouts → samples. For tests.
 */
#ifndef TESTING_WAL_READER_H
#define TESTING_WAL_READER_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct wal;

/*
 * Appends one line per stored sample in stored order: `name{a="b",…} <value> <time_ms>`, the value
 * as %.17g, "STALE" for the marker. Asserts that everything decodes. Returns the samples.
 */
size_t testing_wal_dump(struct wal *w, struct buf *out);

/* How often the text occurs in the dump. */
size_t testing_count_lines(const struct buf *dump, const char *text);

#endif
