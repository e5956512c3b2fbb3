/*
 * One group of a window, decoded: all records of a chunk side by side, read out series by series,
 * each with all its samples in time order.
 *
 * What cannot be decoded (a damaged record, keyframe or layout) is counted and left out; the rest
 * goes on. One thread. Memory is accounted under MEMORY_SEND.
 */
#ifndef REMOTEWRITE_GROUP_H
#define REMOTEWRITE_GROUP_H

#include "base/labels.h"
#include "remotewrite/encode.h"
#include "wal/wal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block_cache;
struct err;
struct group;
struct window;

struct group_limits {
        int64_t give_up_after_ms; /* later scrapes are lost: receiver_clock.h */
        int64_t oldest_ms; /* earlier samples are lost by age (sample_age_limit); INT64_MIN: none */
};

struct group_series { /* valid until the next call */
        uint64_t chunk;
        unsigned slot;
        uint32_t shape; /* not 0; those of this group that have the same one have the same names */
        const struct label *labels; /* sorted by name */
        size_t n_labels;
        const struct encode_sample *samples;
        size_t n_samples; /* at least 1 */
};

int group_new(struct wal *wal, struct block_cache *cache, struct group **out, struct err *e);
void group_free(struct group *g);
/* Gives the memory back. */
void group_reset(struct group *g);

/* Decodes the group with this number. Only ERR_NOMEM fails it. */
int group_load(struct group *g, const struct window *w, uint32_t number,
    const struct group_limits *l, struct err *e);
/* The newest timestamp in the group; INT64_MIN when it has no samples. */
int64_t group_newest_ms(const struct group *g);
/* The next series; false when there are no more. */
bool group_next(struct group *g, struct group_series *out);
/*
 * After the last series: the samples that were not given out: lost or filtered. Those of blocks
 * that were trimmed meanwhile are not among them: wal_window_end counts them by their reason.
 */
const struct wal_ledger *group_left_out(const struct group *g);
/* Why the first of the damaged ones is damaged; "" when none is. */
const char *group_damage(const struct group *g);

#endif
