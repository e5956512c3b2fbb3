#include "wal/trim.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "wal/book.h"
#include "wal/commit.h"
#include "wal/pack.h"
#include "wal/parts.h"
#include "wal/store.h"

#include <stdbool.h>

enum {
        MARKS_PER_MAX_AGE = 256, /* how finely age is kept */
        MARK_MIN_MS = 1000,
        EPISODE_QUIET_MS = 600000, /* without trimming: the episode is over */
        ROOM_PAGES = 32, /* that a commit needs besides its values */
        DISK_SLACK_BYTES = 256 << 10, /* kept free inside the file while it cannot grow */
};

static const char *const reasons[] = {"age", "size"};

static uint64_t
least(uint64_t a, uint64_t b)
{
        return a < b ? a : b;
}

/* ---- one step ---- */

static void
note_episode(struct wal *w, enum wal_lost why, uint64_t samples)
{
        struct trim_episode *x = &w->episodes[why == LOST_AGE ? 0 : 1];
        const char *reason = reasons[why == LOST_AGE ? 0 : 1];

        if (samples == 0)
                return;
        if (!x->open && why != LOST_AGE && store_room(w->store) != UINT64_MAX)
                log_warn("the disk is full: dropping the oldest samples, which not every endpoint "
                         "has; make room on it",
                    LOG_STR("dir", w->o.dir), LOG_UINT("room", store_room(w->store)));
        else if (!x->open)
                log_warn("dropping the oldest samples, which not every endpoint has",
                    LOG_STR("reason", reason), LOG_UINT("max_size", atomic_load(&w->max_size)),
                    LOG_INT("max_age_ms", atomic_load(&w->max_age_ms)));
        x->open = true;
        x->samples += samples;
        x->last_ms = clock_mono(w->o.clock);
}

static void
end_episodes(struct wal *w)
{
        for (int i = 0; i < 2; i++) {
                struct trim_episode *x = &w->episodes[i];

                if (!x->open || clock_mono(w->o.clock) - x->last_ms < EPISODE_QUIET_MS)
                        continue;
                log_info("no samples dropped any more", LOG_STR("reason", reasons[i]),
                    LOG_UINT("samples_dropped", x->samples));
                *x = (struct trim_episode){false, 0, 0};
        }
}

/* Deletes at most max of the oldest blocks below `below`, in a transaction of its own. */
static int
step(struct wal *w, uint64_t below, uint64_t max, enum wal_lost why, uint64_t *out_deleted,
    struct err *e)
{
        struct change c = {.trim.why = why};
        struct store_txn t = STORE_TXN_INIT;
        struct position first;
        uint64_t samples;
        int rc;

        book_positions(w->book, &first, &c.next);
        *out_deleted = 0;
        below = least(below, c.next.block);
        if (first.block >= below)
                return 0;
        rc = store_begin(w->store, true, &t, e);
        if (rc == 0)
                rc = commit_delete_blocks(w, &t, below, max, &c, out_deleted, e);
        if (rc < 0) {
                store_abort(&t);
                return rc;
        }
        samples = book_unsettled(w->book, c.trim.first);
        c.trimmed_samples[why == LOST_AGE ? 0 : 1] = samples;
        rc = commit_finish(w, &t, &c, NULL, e);
        if (rc == 0)
                note_episode(w, why, samples);
        return rc;
}

/* The next step is twice as large after one that went well. */
static void
grow(struct wal *w)
{
        w->trim_step = least(w->trim_step * 2, COMMIT_DELETES);
}

/* ---- by size ---- */

/* What the log may use, and how far below that a trim goes, or every commit would trim. */
struct size_limit {
        uint64_t bytes;
        uint64_t slack;
        bool disk_full;
};

static struct size_limit
size_limit(const struct wal *w)
{
        /* a limit raised at a reload waits for the next start: the map is as large as it is */
        uint64_t bytes = least(atomic_load(&w->max_size), store_map_bytes(w->store) / 7 * 6);
        uint64_t room = store_room(w->store);

        if (room < bytes + DISK_SLACK_BYTES) {
                bytes = room > DISK_SLACK_BYTES ? room - DISK_SLACK_BYTES : 0;
                return (struct size_limit){bytes, DISK_SLACK_BYTES, true};
        }
        return (struct size_limit){bytes, bytes / 64, false};
}

int
trim_to_size(struct wal *w, uint64_t need, struct err *e)
{
        struct size_limit limit = size_limit(w);
        uint64_t target = limit.bytes > limit.slack + need ? limit.bytes - limit.slack - need : 0;
        uint64_t page = store_page_size(w->store);
        uint64_t used = atomic_load(&w->used_bytes);
        uint64_t deleted = 1;
        int rc = 0;

        if (used + need <= limit.bytes)
                return 0;
        while (rc == 0 && deleted > 0 && used > target) {
                uint64_t max = least(w->trim_step, (used - target) / page + 1);

                rc = step(w, UINT64_MAX, max, LOST_SIZE, &deleted, e);
                if (rc < 0) {
                        w->trim_step = 1;
                } else {
                        grow(w);
                }
                used = atomic_load(&w->used_bytes);
        }
        if (rc == 0 && limit.disk_full) /* freed pages are usable two transactions later */
                rc = step(w, UINT64_MAX, 1, LOST_SIZE, &deleted, e);
        return rc;
}

/* A transaction that changes nothing but the book: what was freed two of them ago is usable. */
static int
turn(struct wal *w, struct err *e)
{
        struct change c = {.trimmed = false};
        struct store_txn t = STORE_TXN_INIT;
        struct position first;
        int rc = store_begin(w->store, true, &t, e);

        book_positions(w->book, &first, &c.next);
        return rc == 0 ? commit_finish(w, &t, &c, NULL, e) : rc;
}

/* Deletes blocks, one at first, until `pages` are free or none is left. */
static int
delete_pages(struct wal *w, uint64_t pages, uint64_t *out_freed, struct err *e)
{
        uint64_t deleted = 1;
        int failures = 0;

        *out_freed = 0;
        w->trim_step = 1;
        while (*out_freed < pages && deleted > 0) {
                int rc = step(w, UINT64_MAX, w->trim_step, LOST_SIZE, &deleted, e);

                if (rc == 0) {
                        *out_freed += deleted;
                        grow(w);
                        continue;
                }
                /* perhaps a reader that died keeps pages from being free */
                store_check_readers(w->store);
                w->trim_step = 1;
                deleted = 1;
                if (++failures > 1)
                        return rc;
        }
        return 0;
}

int
trim_for_room(struct wal *w, uint64_t need, struct err *e)
{
        uint64_t pages = need / store_page_size(w->store) + ROOM_PAGES;
        uint64_t freed;
        int rc = delete_pages(w, pages, &freed, e);

        for (int i = 0; i < 2 && rc == 0; i++)
                rc = turn(w, e);
        if (rc < 0)
                return rc;
        return freed > 0 ? 1 : 0;
}

/* ---- by age ---- */

static uint64_t
mark_interval(const struct wal *w)
{
        int64_t ms = atomic_load(&w->max_age_ms) / MARKS_PER_MAX_AGE;

        return ms > MARK_MIN_MS ? (uint64_t)ms : MARK_MIN_MS;
}

struct search {
        uint64_t age; /* in: the newest mark up to this age is looked for */
        uint64_t mark; /* its own age */
        uint64_t block;
        bool found;
};

static int
note_mark(void *arg, struct view key, struct view value, struct err *e)
{
        struct search *s = arg;

        (void)e;
        if (key_number(key) > s->age)
                return 1;
        if (value.n == 8) {
                s->block = be64_get((const uint8_t *)value.p);
                s->mark = key_number(key);
                s->found = true;
        }
        return 0;
}

static int
find_mark(struct wal *w, struct store_txn *t, struct search *s, struct err *e)
{
        struct key from = key_of(KEY_AGE, 0);
        uint64_t age = wal_age(w);
        uint64_t max_age = (uint64_t)atomic_load(&w->max_age_ms);
        int rc;

        *s = (struct search){.age = age > max_age ? age - max_age : 0};
        if (age <= max_age)
                return 0;
        rc = store_walk(t, &from, note_mark, s, e);
        return rc < 0 ? rc : 0;
}

int
trim_mark(struct wal *w, struct store_txn *t, const struct plan *p, struct err *e)
{
        struct store_range old = {key_of(KEY_AGE, 0), key_of(KEY_AGE, 0), UINT64_MAX, 0, 0};
        uint64_t age = wal_age(w);
        struct key k = key_of(KEY_AGE, age);
        uint8_t block[8];
        struct search s;
        int rc;

        if (w->last_mark_ms != 0 && age < w->last_mark_ms + mark_interval(w))
                return 0;
        rc = find_mark(w, t, &s, e);
        if (rc == 0 && s.found) { /* it is still the one to trim by, those before it are not */
                old.to = key_of(KEY_AGE, s.mark);
                rc = store_delete_range(t, &old, e);
        }
        if (rc < 0)
                return rc;
        w->new_mark_ms = age;
        be64_put(block, p->start.block);
        return store_put(t, &k, (struct view){(const char *)block, sizeof(block)}, false, e);
}

void
trim_marked(struct wal *w)
{
        if (w->new_mark_ms != 0)
                w->last_mark_ms = w->new_mark_ms;
        w->new_mark_ms = 0;
}

int
trim_by_age(struct wal *w, struct err *e)
{
        struct store_txn t = STORE_TXN_INIT;
        struct search s = {.found = false};
        uint64_t deleted = 1;
        int rc = store_begin(w->store, false, &t, e);

        end_episodes(w);
        if (rc == 0)
                rc = find_mark(w, &t, &s, e);
        store_abort(&t);
        while (rc == 0 && s.found && deleted > 0) {
                rc = step(w, s.block, w->trim_step, LOST_AGE, &deleted, e);
                if (rc < 0) {
                        w->trim_step = 1;
                } else {
                        grow(w);
                }
        }
        return rc;
}
