/*
 * Targets that the log remembers and nobody scrapes any more: those that went while the agent was
 * down, and those whose series another target has taken over. What is alive of the former gets
 * staleness markers; then the log forgets them.
 *
 * Works from the log's state alone, since no struct series is left. Nothing here is final until
 * the log has answered that it stored it: else it is tried again. Scrape thread only.
 */
#ifndef SCRAPE_ORPHANS_H
#define SCRAPE_ORPHANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct orphans;
struct wal;

/* Who is running now: is there a target of this number; one with the labels of this identity? */
struct orphans_owner {
        bool (*has_number)(void *arg, uint64_t number);
        bool (*has_labels)(void *arg, const char *identity);
        void *arg;
};

int orphans_new(
    struct wal *w, const struct orphans_owner *owner, struct orphans **out, struct err *e);
void orphans_free(struct orphans *o);

/*
 * After the first sync: every target of the log without an owner is due two of its intervals from
 * now on.
 */
int orphans_collect(struct orphans *o, int64_t mono_ms, struct err *e);
/* One target, due then; quiet: without markers. */
int orphans_add(struct orphans *o, uint64_t number, bool quiet, int64_t due_mono_ms, struct err *e);
/*
 * A target's last batch, with its markers, is on its way to the log: if the answer is that it was
 * not stored, it becomes an orphan.
 */
int orphans_watch(struct orphans *o, uint64_t number, struct err *e);
/* The log's answer to a batch of a target that does not run; others are passed over. */
void orphans_answered(struct orphans *o, uint64_t number, bool stored, int64_t mono_ms);

/* When the next one is due (monotonic), INT64_MAX: none. */
int64_t orphans_due(const struct orphans *o);
/* Deals with one that is due. An error is a full queue or a lack of memory; it stays then. */
int orphans_step(struct orphans *o, int64_t mono_ms, int64_t wall_ms, struct err *e);
size_t orphans_count(const struct orphans *o);

#endif
