#include "wal/book.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct wal_endpoint {
        char name[CURSOR_NAME_MAX + 1];
        uint64_t key;
        struct cursor cursor;
        bool unclaimed; /* from disk, not opened yet, and still holding blocks back */
        bool forgotten; /* its cursor was deleted; the struct stays until wal_close */
        uint64_t version; /* changes so far */
        uint64_t collected; /* version that the commit under way has */
        uint64_t saved; /* version on disk */
};

struct book {
        pthread_mutex_t mtx;
        pthread_cond_t saved; /* a commit is done */
        /* under mtx */
        struct position first;
        struct position next;
        struct tally tally;
        bool had_endpoint;
        bool cursor_lost; /* a stored one could not be read: an unknown endpoint may be its owner */
        struct wal_endpoint *endpoints[BOOK_ENDPOINTS_MAX]; /* owned */
        size_t n;
};

static uint64_t
name_key(const char *name)
{
        return hash_stable(name, strlen(name), 0);
}

int
book_new(const struct book_options *o, struct book **out, struct err *e)
{
        struct book *b = calloc(1, sizeof(*b));
        pthread_condattr_t attr;

        if (b == NULL)
                return err_nomem(e, "the log's cursors");
        b->first = o->first;
        b->next = o->next;
        b->tally = o->tally;
        b->had_endpoint = o->had_endpoint;
        (void)pthread_mutex_init(&b->mtx, NULL);
        (void)pthread_condattr_init(&attr);
        (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        (void)pthread_cond_init(&b->saved, &attr);
        (void)pthread_condattr_destroy(&attr);
        *out = b;
        return 0;
}

void
book_free(struct book *b)
{
        if (b == NULL)
                return;
        for (size_t i = 0; i < b->n; i++)
                free(b->endpoints[i]);
        (void)pthread_cond_destroy(&b->saved);
        (void)pthread_mutex_destroy(&b->mtx);
        free(b);
}

static struct wal_endpoint *
find(const struct book *b, const char *name)
{
        for (size_t i = 0; i < b->n; i++) {
                if (strcmp(b->endpoints[i]->name, name) == 0)
                        return b->endpoints[i];
        }
        return NULL;
}

static int
add(struct book *b, const char *name, struct wal_endpoint **out, struct err *e)
{
        uint64_t key = name_key(name);
        struct wal_endpoint *ep;

        if (b->n == BOOK_ENDPOINTS_MAX)
                return err_set(
                    e, ERR_LIMIT, "the log keeps at most %d cursors", BOOK_ENDPOINTS_MAX);
        for (size_t i = 0; i < b->n; i++) {
                if (b->endpoints[i]->key == key)
                        return err_set(e, ERR_CONFIG,
                            "endpoint names \"%s\" and \"%s\" have the same hash; rename one", name,
                            b->endpoints[i]->name);
        }
        ep = calloc(1, sizeof(*ep));
        if (ep == NULL)
                return err_nomem(e, "an endpoint's cursor");
        memcpy(ep->name, name, strlen(name) + 1);
        ep->key = key;
        b->endpoints[b->n++] = ep;
        *out = ep;
        return 0;
}

int
book_load(struct book *b, struct view value, struct err *e)
{
        char name[CURSOR_NAME_MAX + 1];
        struct wal_endpoint *ep = NULL;
        struct cursor c;
        int rc = cursor_decode(value, &c, name, e);

        if (rc == 0 && (c.next.block > b->next.block || c.next.samples > b->next.samples))
                rc = err_set(
                    e, ERR_CORRUPT, "the cursor of \"%s\" is past the end of the log", name);
        if (rc == 0)
                rc = add(b, name, &ep, e);
        if (rc != 0 || ep == NULL) {
                b->cursor_lost = true;
                return rc;
        }
        ep->cursor = c;
        ep->unclaimed = c.configured;
        ep->cursor.configured = false;
        b->had_endpoint = true;
        /* cursors ride in the trims' transactions: blocks missing here are missing by damage */
        if (ep->unclaimed && cursor_trim(&ep->cursor, b->first, LOST_DAMAGED) > 0)
                ep->version++;
        return 0;
}

void
book_positions(struct book *b, struct position *first, struct position *next)
{
        (void)pthread_mutex_lock(&b->mtx);
        *first = b->first;
        *next = b->next;
        (void)pthread_mutex_unlock(&b->mtx);
}

/* ---- what scrapes offered ---- */

void
book_tally(struct book *b, struct tally *out)
{
        (void)pthread_mutex_lock(&b->mtx);
        *out = b->tally;
        out->appended = b->next.samples;
        (void)pthread_mutex_unlock(&b->mtx);
}

void
book_offered(struct book *b, uint64_t offered, uint64_t queued)
{
        (void)pthread_mutex_lock(&b->mtx);
        b->tally.offered += offered;
        b->tally.queued += queued;
        (void)pthread_mutex_unlock(&b->mtx);
}

void
book_refused(struct book *b, enum wal_not_stored why, uint64_t queued)
{
        (void)pthread_mutex_lock(&b->mtx);
        b->tally.queued -= queued;
        b->tally.not_stored[why] += queued;
        (void)pthread_mutex_unlock(&b->mtx);
}

void
book_not_stored(struct book *b, enum wal_not_stored why, uint64_t samples)
{
        (void)pthread_mutex_lock(&b->mtx);
        b->tally.offered += samples;
        b->tally.not_stored[why] += samples;
        (void)pthread_mutex_unlock(&b->mtx);
}

/* ---- endpoints ---- */

static void
start_endpoint(struct book *b, struct wal_endpoint *ep, enum wal_start start)
{
        bool oldest = start == WAL_START_OLDEST || !b->had_endpoint || b->cursor_lost;

        cursor_init(&ep->cursor, oldest ? b->first : b->next);
        b->had_endpoint = true;
        ep->forgotten = false;
}

/*
 * Taken out of the file: its cursor stays where it is, and the blocks behind it go when the others
 * have them or when they are old. What that made of its samples shows when it comes back.
 */
static bool
is_away(const struct wal_endpoint *ep)
{
        return !ep->cursor.configured && !ep->unclaimed && !ep->forgotten;
}

int
book_endpoint_open(struct book *b, const char *name, enum wal_start start,
    struct wal_endpoint **out, struct err *e)
{
        struct wal_endpoint *ep;
        uint64_t gone = 0;
        int rc = 0;

        if (strlen(name) > CURSOR_NAME_MAX)
                return err_set(
                    e, ERR_CONFIG, "the endpoint's name has more than %d bytes", CURSOR_NAME_MAX);
        (void)pthread_mutex_lock(&b->mtx);
        ep = find(b, name);
        if (ep != NULL && ep->cursor.configured) {
                rc = err_set(e, ERR_CONFIG, "endpoint \"%s\" is there twice", name);
        } else if (ep == NULL) {
                rc = add(b, name, &ep, e);
                if (ep != NULL)
                        start_endpoint(b, ep, start);
        } else if (ep->forgotten) {
                start_endpoint(b, ep, start);
        } else if (is_away(ep)) {
                gone = cursor_trim(&ep->cursor, b->first, LOST_AGE);
        }
        if (rc == 0 && ep != NULL) {
                ep->cursor.configured = true;
                ep->unclaimed = false;
                ep->version++;
                *out = ep;
        }
        (void)pthread_mutex_unlock(&b->mtx);
        if (gone > 0)
                log_warn("an endpoint is back after it was taken out, what the log dropped "
                         "meanwhile is lost to it",
                    LOG_STR("endpoint", name), LOG_UINT("lost_samples", gone));
        return rc;
}

void
book_endpoint_close(struct book *b, struct wal_endpoint *ep)
{
        (void)pthread_mutex_lock(&b->mtx);
        ep->cursor.configured = false;
        ep->version++;
        (void)pthread_mutex_unlock(&b->mtx);
}

static void
describe(const struct book *b, const struct wal_endpoint *ep, struct wal_cursor *out)
{
        struct cursor now = ep->cursor;
        const struct cursor *c = &now;

        if (is_away(ep)) /* as it would come back */
                (void)cursor_trim(&now, b->first, LOST_AGE);
        *out = (struct wal_cursor){
            .settled = c->settled.block,
            .window_end = c->window ? c->end.block : 0,
            .groups_settled = c->groups,
            .appended = b->next.samples - c->start,
            .pending = cursor_pending(c, b->next.samples),
            .ledger = c->ledger,
            .resumed = c->resumed,
        };
}

void
book_endpoint_get(struct book *b, const struct wal_endpoint *ep, struct wal_cursor *out)
{
        (void)pthread_mutex_lock(&b->mtx);
        describe(b, ep, out);
        (void)pthread_mutex_unlock(&b->mtx);
}

size_t
book_endpoints(struct book *b, struct wal_endpoint_info *out, size_t cap)
{
        size_t n = 0;

        (void)pthread_mutex_lock(&b->mtx);
        for (size_t i = 0; i < b->n; i++) {
                const struct wal_endpoint *ep = b->endpoints[i];

                if (ep->forgotten)
                        continue;
                if (n < cap) {
                        memcpy(out[n].name, ep->name, sizeof(ep->name));
                        out[n].configured = ep->cursor.configured;
                        describe(b, ep, &out[n].cursor);
                }
                n++;
        }
        (void)pthread_mutex_unlock(&b->mtx);
        return n;
}

uint64_t
book_window_begin(struct book *b, struct wal_endpoint *ep, struct position end)
{
        uint64_t version;

        (void)pthread_mutex_lock(&b->mtx);
        cursor_window_begin(&ep->cursor, end);
        version = ++ep->version;
        (void)pthread_mutex_unlock(&b->mtx);
        return version;
}

void
book_window_settle(
    struct book *b, struct wal_endpoint *ep, uint64_t groups, const struct wal_ledger *counts)
{
        uint64_t cut;

        (void)pthread_mutex_lock(&b->mtx);
        cut = cursor_window_settle(&ep->cursor, groups, counts);
        ep->version++;
        (void)pthread_mutex_unlock(&b->mtx);
        if (cut > 0)
                log_warn("more samples settled than the window has, not counted",
                    LOG_STR("endpoint", ep->name), LOG_UINT("samples", cut));
}

void
book_window_end(struct book *b, struct wal_endpoint *ep)
{
        (void)pthread_mutex_lock(&b->mtx);
        cursor_window_end(&ep->cursor);
        ep->version++;
        (void)pthread_mutex_unlock(&b->mtx);
}

bool
book_wait(struct book *b, const struct wal_endpoint *ep, uint64_t version, int64_t timeout_ms)
{
        struct timespec until;
        bool saved;
        int rc = 0;

        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += timeout_ms / 1000;
        until.tv_nsec += timeout_ms % 1000 * 1000000;
        if (until.tv_nsec >= 1000000000) {
                until.tv_sec++;
                until.tv_nsec -= 1000000000;
        }
        (void)pthread_mutex_lock(&b->mtx);
        while (ep->saved < version && rc == 0)
                rc = pthread_cond_timedwait(&b->saved, &b->mtx, &until);
        saved = ep->saved >= version;
        (void)pthread_mutex_unlock(&b->mtx);
        return saved;
}

/* ---- the log's thread ---- */

bool
book_dirty(struct book *b)
{
        bool dirty = false;

        (void)pthread_mutex_lock(&b->mtx);
        for (size_t i = 0; i < b->n; i++)
                dirty |= b->endpoints[i]->saved < b->endpoints[i]->version;
        (void)pthread_mutex_unlock(&b->mtx);
        return dirty;
}

bool
book_had_endpoint(struct book *b)
{
        bool had;

        (void)pthread_mutex_lock(&b->mtx);
        had = b->had_endpoint;
        (void)pthread_mutex_unlock(&b->mtx);
        return had;
}

/* The least position that an endpoint still needs. Called with mtx. */
static bool
floor_position(const struct book *b, struct position *out)
{
        bool any = false;

        for (size_t i = 0; i < b->n; i++) {
                const struct wal_endpoint *ep = b->endpoints[i];

                if (!ep->cursor.configured && !ep->unclaimed)
                        continue;
                if (!any || ep->cursor.settled.block < out->block)
                        *out = ep->cursor.settled;
                any = true;
        }
        return any;
}

bool
book_floor(struct book *b, uint64_t *out_block)
{
        struct position p = {0, 0};
        bool any;

        (void)pthread_mutex_lock(&b->mtx);
        any = floor_position(b, &p);
        (void)pthread_mutex_unlock(&b->mtx);
        if (any)
                *out_block = p.block;
        return any;
}

void
book_release_unclaimed(struct book *b)
{
        (void)pthread_mutex_lock(&b->mtx);
        for (size_t i = 0; i < b->n; i++) {
                b->endpoints[i]->version += b->endpoints[i]->unclaimed;
                b->endpoints[i]->unclaimed = false;
        }
        (void)pthread_mutex_unlock(&b->mtx);
}

static bool
is_trimmed_by(const struct wal_endpoint *ep, const struct book_trim *trim)
{
        return !is_away(ep) && ep->cursor.settled.block < trim->first.block;
}

int
book_collect(struct book *b, const struct book_trim *trim, uint64_t age_ms, book_sink sink,
    void *arg, struct err *e)
{
        uint8_t bytes[CURSOR_BYTES_MAX] = {0};
        int rc = 0;

        (void)pthread_mutex_lock(&b->mtx);
        for (size_t i = 0; i < b->n && rc == 0; i++) {
                struct wal_endpoint *ep = b->endpoints[i];
                struct cursor c = ep->cursor;
                bool trimmed = trim != NULL && is_trimmed_by(ep, trim);

                ep->collected = ep->saved;
                if (ep->forgotten || (!trimmed && ep->saved == ep->version))
                        continue;
                if (trimmed)
                        (void)cursor_trim(&c, trim->first, trim->why);
                if (c.configured)
                        c.age_ms = ep->cursor.age_ms = age_ms;
                ep->collected = ep->version;
                rc = sink(arg, ep->key,
                    (struct view){(const char *)bytes, cursor_encode(&c, ep->name, bytes)}, e);
        }
        (void)pthread_mutex_unlock(&b->mtx);
        return rc;
}

void
book_saved(struct book *b)
{
        (void)pthread_mutex_lock(&b->mtx);
        for (size_t i = 0; i < b->n; i++)
                b->endpoints[i]->saved = b->endpoints[i]->collected;
        (void)pthread_cond_broadcast(&b->saved);
        (void)pthread_mutex_unlock(&b->mtx);
}

uint64_t
book_unsettled(struct book *b, struct position first)
{
        struct position had;
        uint64_t gone;

        (void)pthread_mutex_lock(&b->mtx);
        had = b->first;
        if (floor_position(b, &had) && had.samples < b->first.samples)
                had = b->first;
        gone = first.samples > had.samples ? first.samples - had.samples : 0;
        (void)pthread_mutex_unlock(&b->mtx);
        return gone;
}

void
book_trimmed(struct book *b, const struct book_trim *trim)
{
        (void)pthread_mutex_lock(&b->mtx);
        for (size_t i = 0; i < b->n; i++) {
                struct wal_endpoint *ep = b->endpoints[i];

                if (is_trimmed_by(ep, trim)) {
                        (void)cursor_trim(&ep->cursor, trim->first, trim->why);
                        ep->version++;
                }
        }
        b->first = trim->first;
        (void)pthread_mutex_unlock(&b->mtx);
}

void
book_appended(struct book *b, struct position next, uint64_t queued)
{
        (void)pthread_mutex_lock(&b->mtx);
        b->next = next;
        b->tally.queued -= queued;
        (void)pthread_mutex_unlock(&b->mtx);
}

void
book_found_end(struct book *b, struct position next)
{
        (void)pthread_mutex_lock(&b->mtx);
        b->tally.offered += next.samples - b->next.samples;
        b->next = next;
        (void)pthread_mutex_unlock(&b->mtx);
}

int
book_expire(
    struct book *b, uint64_t age_ms, uint64_t max_age_ms, book_sink sink, void *arg, struct err *e)
{
        int rc = 0;

        (void)pthread_mutex_lock(&b->mtx);
        for (size_t i = 0; i < b->n && rc == 0; i++) {
                struct wal_endpoint *ep = b->endpoints[i];

                if (ep->cursor.configured || ep->forgotten ||
                    age_ms < ep->cursor.age_ms + max_age_ms)
                        continue;
                rc = sink(arg, ep->key, (struct view){NULL, 0}, e);
                if (rc == 0)
                        ep->forgotten = true;
        }
        (void)pthread_mutex_unlock(&b->mtx);
        return rc;
}
