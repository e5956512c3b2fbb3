/*
 * A target's series: which slots it has, what this scrape saw, what vanished; and how a scrape
 * becomes a batch for the log. One struct series per target, scrape thread only.
 *
 * In memory per series: the hash of its raw text and a byte of flags. No label text and no values
 * stay between scrapes (DESIGN section 4).
 *
 * The life of a scrape:
 *      series_begin → series_sample for each line → series_end(ok or failed)
 *      → series_encode until it says done → a batch goes to the log → series_answered
 */
#ifndef SCRAPE_SERIES_H
#define SCRAPE_SERIES_H

#include "scrape/textparse.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct series;
struct series_pool;
struct target;
struct wal;

/* A sample whose own timestamp is further ahead of its tick is not taken. */
enum { SERIES_AHEAD_MS = 10 * 60 * 1000 };

/* Buffers that scrapes in flight borrow: staging columns, packers, a keyframe, an arena. */
int series_pool_new(struct wal *w, struct series_pool **out, struct err *e);
void series_pool_free(struct series_pool *p);

/* t is borrowed until series_set_target or series_free. Reads the target's state from the log. */
int series_new(struct series_pool *p, struct target *t, struct series **out, struct err *e);
void series_free(struct series *s);
/* The target was rebuilt with the same identity and the same series_hash. */
void series_set_target(struct series *s, struct target *t);

/* What a finished scrape has to say; counted by series_*, completed by the caller. */
struct series_report {
        bool up;
        double duration_seconds; /* set by the caller before series_end */
        uint64_t scraped;
        uint64_t post_relabel;
        uint64_t added;
        uint64_t duplicates; /* the same series twice on the page */
        uint64_t out_of_order; /* explicit timestamps that do not go forward */
        uint64_t out_of_bounds; /* explicit timestamps too far ahead, or no room to hold them */
        uint64_t refused_memory; /* new series not taken: agent.memory_limit */
        uint64_t over_limit; /* samples over sample_limit */
        uint64_t relabel_gave_up; /* a rule of metric_relabel_configs hit its match limit */
};

/* The scrape of the tick begins. */
int series_begin(struct series *s, int64_t tick_ms, struct err *e);
/*
 * One sample line. An error fails the scrape as a whole (limits, label checks: ERR_LIMIT or
 * ERR_REFUSED with the culprit named); ERR_PARSE when the text in the braces is wrong.
 */
int series_sample(struct series *s, const struct text_sample *x, struct err *e);
/* For text_guess: is this the raw text that should come next, by its hash? */
bool series_guess(const struct series *s, struct view text);
/* Before series_end: what scrape_body_size_bytes says, where the job has extra_scrape_metrics. */
void series_set_body(struct series *s, double bytes);
/*
 * Before series_end(not ok): the page did not come in whole, so none of its lines counts
 * (Prometheus parses a page when it has all of it).
 */
void series_unread(struct series *s);
/*
 * The page is over. ok: series not seen get markers. Not ok: all that was staged is dropped, every
 * series alive gets a marker (except those seen before the failure, as Prometheus does), up is 0.
 * A limit that is only known at the end (sample_limit) turns ok into a failure: ERR_LIMIT, e says
 * why, *report.up is false; series_encode follows as always. Any other error: the scrape is lost
 * (counted) and the series are idle again: series_busy tells.
 */
int series_end(struct series *s, bool ok, double duration_seconds, struct series_report *report,
    struct err *e);
/*
 * Encodes up to `chunks` chunks of the ended scrape; *done when the batch has been handed to the
 * log (or could not be: then its samples are counted as not stored, and so handled).
 */
int series_encode(struct series *s, unsigned chunks, bool *done, struct err *e);
/* Between series_begin and the done of series_encode. */
bool series_busy(const struct series *s);

/* The log's answer to the batch with this serial. */
void series_answered(struct series *s, uint64_t serial, bool stored);
uint64_t series_target_number(const struct series *s);

/* The target is gone (discovery, reload): markers at time_ms for all that is alive; then free it.
 */
int series_vanish(struct series *s, int64_t time_ms, struct err *e);
/* Another label set for the same target (reload with another series_hash): forgets its series
 * behind a barrier; those alive that do not come back get markers with the next scrape. */
int series_reset(struct series *s, struct err *e);

/* Chunks more than half dead since ten minutes? The caller collects, writes one barrier
 * (series_pool_barrier) and then compacts them all. */
bool series_wants_compaction(const struct series *s, int64_t now_ms);
int series_compact(struct series *s, int64_t now_ms, struct err *e);
int series_pool_barrier(struct series_pool *p, struct err *e);
/* New keyframes for every chunk at its next scrape (after a step of the clock). */
void series_renew(struct series *s);

struct series_counts {
        uint64_t slots; /* given out */
        uint64_t alive; /* at the last good scrape */
        uint64_t dropped; /* raw series remembered as dropped by relabeling */
        uint64_t chunks;
        uint64_t held; /* samples that are too far ahead of their scrape to be stored yet */
};
void series_count(const struct series *s, struct series_counts *out);

#endif
