/*
 * The books of the receiver: which samples came, and which of them late, twice or not at all.
 *
 * Per series: hash, newest time and a bit for each of the 64 intervals before it. A step of k
 * intervals leaves k - 1 holes; a late sample fills its hole (and is counted out of order), or is a
 * duplicate. A staleness marker ends a run: what follows it leaves no hole. One entry is 32 bytes;
 * the table grows up to a bound, series beyond it are only counted.
 */
#ifndef BENCH_TALLY_H
#define BENCH_TALLY_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct tally;

struct tally_counts {
        uint64_t samples; /* all, staleness markers included */
        uint64_t stale_markers;
        uint64_t series;
        uint64_t series_beyond; /* samples of series that the table had no room for */
        uint64_t out_of_order;
        uint64_t duplicates;
        uint64_t too_late; /* out of order by over 64 intervals: not known what they are */
        uint64_t missing; /* holes that are open now */
        int64_t oldest_ms; /* sample times; 0: none */
        int64_t newest_ms;
        uint64_t held; /* samples older than the mark, that came after it */
};

int tally_new(int64_t interval_ms, size_t max_series, struct tally **out, struct err *e);
void tally_free(struct tally *t);

void tally_sample(struct tally *t, uint64_t series, int64_t time_ms, uint64_t bits);
/* From now on `held` counts samples of before time_ms. */
void tally_mark(struct tally *t, int64_t time_ms);
const struct tally_counts *tally_read(const struct tally *t);

#endif
