/*
 * A column: the values of one chunk at one instant, one 64-bit pattern per slot.
 *
 * Every NaN that is scraped is normalised before it gets here (specs: scrape.md section 6), so two
 * NaN patterns are free to mean something else.
 */
#ifndef WAL_COLUMN_H
#define WAL_COLUMN_H

#include <stdint.h>

enum { CHUNK_SLOTS = 1024 }; /* slots in a chunk, at most */

#define COLUMN_STALE UINT64_C(0x7ff0000000000002) /* the staleness marker, a sample */
#define COLUMN_NAN UINT64_C(0x7ff8000000000001) /* any other NaN */
#define COLUMN_ABSENT UINT64_C(0xfff8676c6e616273) /* no sample; never on a page or on the wire */

#endif
