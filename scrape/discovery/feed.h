/*
 * A source (source.h) and what it found in the last run: the groups that are in use now are the
 * source's own where it knows them, else those of a file (saved.h), so that a restart while the
 * source is away loses no target.
 *
 * The file is written when groups have changed, the rarer the larger it is, and confirmed from time
 * to time. Discover thread only.
 */
#ifndef SCRAPE_DISCOVERY_FEED_H
#define SCRAPE_DISCOVERY_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct feed;
struct group_sink;
struct source;

/* What /metrics shows of a feed. */
struct feed_view {
        const char *job; /* valid as long as the feed */
        const char *mechanism;
        uint64_t refreshes;
        uint64_t failures;
        bool kept_in_use; /* some groups are those of the last run */
        bool known; /* there are groups, or it is known that there are none */
        int64_t confirmed_ms; /* monotonic, may be below 0: when they were last known to be right */
};

/* Takes *source over in any case. folder: where files are kept, NULL: nowhere. */
int feed_new(struct source **source, const char *folder, struct feed **out, struct err *e);
/* Writes what is not written yet. NULL-safe. */
void feed_free(struct feed *f);
/* Reads the groups of the last run; what is wrong with them is logged. */
void feed_read_kept(struct feed *f, int64_t now_ms);
/* Takes the groups of another one, which asked for the same in another way. */
void feed_inherit(struct feed *f, struct feed *other);

/* The job and what is asked of whom are the same; exact: by the same settings too. */
bool feed_matches(const struct feed *f, const struct source *s, bool exact);
/* Lets the source go on. True: the groups in use have changed. */
bool feed_turn(struct feed *f, int64_t now_ms);
int64_t feed_due(const struct feed *f);
struct source *feed_source(const struct feed *f);
/* Every slot is known, from the source or from the last run. */
bool feed_known(const struct feed *f);
/* Hands over the groups in use. */
int feed_visit(const struct feed *f, const struct group_sink *sink, struct err *e);
void feed_show(const struct feed *f, struct feed_view *out);
/* Name of its file in the folder, "" when nothing is kept. */
const char *feed_file_name(const struct feed *f);

#endif
