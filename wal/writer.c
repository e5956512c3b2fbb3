#include "wal/writer.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"
#include "wal/batch.h"
#include "wal/book.h"
#include "wal/commit.h"
#include "wal/lost.h"
#include "wal/pack.h"
#include "wal/parts.h"
#include "wal/pending.h"
#include "wal/store.h"
#include "wal/trim.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
        GROUP_BYTES = 256 << 10, /* waiting to be stored: commit now */
        COMMIT_MAX_BYTES = 4 << 20, /* LMDB keeps the dirty pages of the largest commit for ever */
        WAKE_BYTES = 64 << 10, /* queued: pack now, without waiting for the interval */
        LEAD_PARTS = 16, /* a commit begins this part of the interval early, and more when slow */
        CURSOR_IDLE_MS = 15000, /* a cursor that moved waits for other work at most twice this */
        CHORES_MS = 60000,
        AGE_LOOKS = 64, /* how often blocks grow too old is looked at, within wal.max_age */
        AGE_LOOK_MIN_MS = 1000,
        CLAIM_MS = 300000, /* a stored cursor holds blocks back this long for its endpoint */
        MANUAL_CLOCK_WAIT_MS = 5, /* how often a clock that is set by hand is looked at */
};

struct writer {
        struct wal *w;
        pthread_t thread;
        pthread_mutex_t mtx;
        pthread_cond_t work; /* for the thread */
        pthread_cond_t done; /* a flush was served */
        /* under mtx */
        struct wal_batch *head; /* owned list: queued, not packed */
        struct wal_batch *tail;
        uint64_t queued_bytes; /* of that list */
        uint64_t held_bytes; /* of all that is not answered */
        uint64_t held_batches;
        int64_t oldest_ms; /* monotonic: the head was queued */
        bool poked;
        bool stop;
        uint64_t flush_wanted;
        uint64_t flush_done;
        /* the thread only */
        struct plan plan;
        struct lost lost;
        int64_t plan_oldest_ms;
        int64_t last_commit_ms;
        int64_t commit_takes_ms; /* the slowest of late, forgotten little by little */
        int64_t next_chores_ms;
        int64_t next_age_ms; /* when it is looked what has grown too old */
        bool claims_open;
        bool failing;
};

/* ---- the scraper's side ---- */

int
writer_submit(struct writer *wr, struct wal_batch **b, struct err *e)
{
        struct wal_batch *batch = *b;
        uint64_t bytes = wal_batch_memory(batch);
        uint64_t samples = batch->samples;
        bool full;
        int rc;

        book_offered(wr->w->book, batch->offered, samples);
        rc = pending_add(wr->w->pending, batch, e);
        if (rc < 0) {
                book_refused(wr->w->book, NOT_STORED_MEMORY, samples);
                return rc;
        }
        batch->next = NULL;
        (void)pthread_mutex_lock(&wr->mtx);
        full = wr->stop || (wr->held_bytes > 0 && wr->held_bytes + bytes > WRITER_QUEUE_BYTES);
        if (!full) {
                if (wr->head == NULL) {
                        wr->head = batch;
                        wr->oldest_ms = clock_mono(wr->w->o.clock);
                } else {
                        wr->tail->next = batch;
                }
                wr->tail = batch;
                *b = NULL;
                /* wakes for the first (its deadline) and when there is enough to pack */
                if (wr->queued_bytes == 0 ||
                    (wr->queued_bytes < WAKE_BYTES && wr->queued_bytes + bytes >= WAKE_BYTES))
                        (void)pthread_cond_signal(&wr->work);
                wr->queued_bytes += bytes;
                wr->held_bytes += bytes;
                wr->held_batches++;
                memory_account(MEMORY_QUEUE, (int64_t)bytes);
        }
        (void)pthread_mutex_unlock(&wr->mtx);
        if (!full)
                return 0;
        pending_remove(wr->w->pending, batch);
        book_refused(wr->w->book, NOT_STORED_QUEUE, samples);
        return err_set(e, ERR_LIMIT, "the queue to the log is full");
}

void
writer_poke(struct writer *wr)
{
        (void)pthread_mutex_lock(&wr->mtx);
        wr->poked = true;
        (void)pthread_cond_signal(&wr->work);
        (void)pthread_mutex_unlock(&wr->mtx);
}

void
writer_flush(struct writer *wr)
{
        uint64_t ticket;

        if (pthread_equal(pthread_self(), wr->thread) != 0) {
                writer_poke(wr);
                return;
        }
        (void)pthread_mutex_lock(&wr->mtx);
        ticket = ++wr->flush_wanted;
        (void)pthread_cond_signal(&wr->work);
        while (wr->flush_done < ticket)
                (void)pthread_cond_wait(&wr->done, &wr->mtx);
        (void)pthread_mutex_unlock(&wr->mtx);
}

void
writer_queue(struct writer *wr, uint64_t *out_bytes, uint64_t *out_batches)
{
        (void)pthread_mutex_lock(&wr->mtx);
        *out_bytes = wr->held_bytes;
        *out_batches = wr->held_batches;
        (void)pthread_mutex_unlock(&wr->mtx);
}

/* ---- answering ---- */

static void
let_go(struct writer *wr, uint64_t bytes, uint64_t batches)
{
        (void)pthread_mutex_lock(&wr->mtx);
        wr->held_bytes -= bytes;
        wr->held_batches -= batches;
        (void)pthread_mutex_unlock(&wr->mtx);
        memory_account(MEMORY_QUEUE, -(int64_t)bytes);
}

static void
answer(struct writer *wr, struct wal_batch *list, bool stored)
{
        struct wal *w = wr->w;

        while (list != NULL) {
                struct wal_batch *b = list;
                uint64_t target = b->target;
                uint64_t serial = b->serial;

                list = b->next;
                pending_remove(w->pending, b);
                if (!stored) {
                        book_refused(w->book, NOT_STORED_DISK, b->samples);
                        lost_add(&wr->lost, target, b->generation);
                }
                let_go(wr, wal_batch_memory(b), 1);
                wal_batch_free(b);
                if (w->o.answer != NULL)
                        w->o.answer(w->o.answer_arg, target, serial, stored);
        }
}

/* ---- committing ---- */

static void
note_health(struct writer *wr, const struct err *why)
{
        struct health *h = &wr->w->health;

        (void)pthread_mutex_lock(&h->mtx);
        h->usable = why == NULL;
        if (why != NULL) {
                size_t n = strnlen(why->msg, sizeof(h->last_error) - 1);

                memcpy(h->last_error, why->msg, n);
                h->last_error[n] = '\0';
        }
        (void)pthread_mutex_unlock(&h->mtx);
        if (why != NULL && !wr->failing) {
                log_error("cannot store, samples are dropped until it works again",
                    LOG_STR("err", why->msg));
        } else if (why == NULL && wr->failing) {
                struct tally t;

                book_tally(wr->w->book, &t);
                log_info("storing works again",
                    LOG_UINT("not_stored_samples", t.not_stored[NOT_STORED_DISK]));
        }
        wr->failing = why != NULL;
}

static int64_t
first_of(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

/*
 * How long the oldest scrape waits for its commit to begin: so long that the commit is over when
 * wal.sync_interval is, should it take twice what the slowest of late took.
 */
static int64_t
wait_before_commit(const struct writer *wr)
{
        int64_t interval = atomic_load(&wr->w->sync_interval_ms);
        int64_t lead = interval / LEAD_PARTS + 2 * wr->commit_takes_ms;

        return interval - first_of(lead, interval / 2);
}

static void
note_time(struct writer *wr, int64_t begin_ms, int64_t oldest_ms)
{
        int64_t takes = wr->last_commit_ms - begin_ms;

        if (takes < wr->commit_takes_ms)
                takes = wr->commit_takes_ms - (wr->commit_takes_ms - takes + 7) / 8;
        wr->commit_takes_ms = takes;
        if (wr->last_commit_ms - oldest_ms > atomic_load(&wr->w->sync_interval_ms))
                atomic_fetch_add(&wr->w->commits_late, 1);
}

static void
commit(struct writer *wr, bool clean)
{
        int64_t begin_ms = clock_mono(wr->w->o.clock);
        struct plan *p = &wr->plan;
        int64_t oldest_ms = plan_empty(p) ? begin_ms : wr->plan_oldest_ms;
        struct err e = ERR_INIT;
        int rc;

        plan_close(p);
        rc = p->failed;
        if (rc < 0) {
                e = p->why;
        } else {
                rc = commit_plan(wr->w, plan_empty(p) ? NULL : p, clean, &e);
        }
        if (rc < 0)
                atomic_fetch_add(&wr->w->commit_failures, 1);
        note_health(wr, rc < 0 ? &e : NULL);
        wr->last_commit_ms = clock_mono(wr->w->o.clock);
        note_time(wr, begin_ms, oldest_ms);
        answer(wr, plan_done(p, rc == 0), rc == 0);
}

static void
add(struct writer *wr, struct wal_batch *b, int64_t queued_ms)
{
        struct plan *p = &wr->plan;
        uint64_t before = wal_batch_memory(b);

        if (lost_refuses(&wr->lost, b->target, b->generation)) {
                if (!plan_empty(p))
                        commit(wr, false); /* answers go out in order */
                b->next = NULL;
                answer(wr, b, false);
                return;
        }
        if (!plan_empty(p) && plan_bytes(p) + b->bytes.len > COMMIT_MAX_BYTES)
                commit(wr, false);
        if (plan_empty(p)) {
                struct position first;

                book_positions(wr->w->book, &first, &p->start);
                wr->plan_oldest_ms = queued_ms;
        }
        plan_add(p, b);
        let_go(wr, before - wal_batch_memory(b), 0);
        if (plan_bytes(p) >= GROUP_BYTES)
                commit(wr, false);
}

/* ---- the thread ---- */

/* Monotonic time at which something is due, look_ms at the latest. Called with mtx. */
static int64_t
due(struct writer *wr, int64_t look_ms)
{
        int64_t wait = wait_before_commit(wr);
        int64_t t = first_of(first_of(wr->next_chores_ms, wr->next_age_ms), look_ms);

        if (!plan_empty(&wr->plan))
                t = first_of(t, wr->plan_oldest_ms + wait);
        if (wr->head != NULL)
                t = first_of(t, wr->oldest_ms + wait);
        return t;
}

static void
wait_ms(struct writer *wr, int64_t ms)
{
        struct timespec until;

        if (wr->w->o.clock != clock_system() && ms > MANUAL_CLOCK_WAIT_MS)
                ms = MANUAL_CLOCK_WAIT_MS;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += ms / 1000;
        until.tv_nsec += ms % 1000 * 1000000;
        if (until.tv_nsec >= 1000000000) {
                until.tv_sec++;
                until.tv_nsec -= 1000000000;
        }
        (void)pthread_cond_timedwait(&wr->work, &wr->mtx, &until);
}

/* What the thread was woken for. */
struct turn {
        struct wal_batch *list;
        int64_t oldest_ms;
        uint64_t flush;
        bool now; /* commit whatever there is */
        bool stop;
};

static struct turn
next_turn(struct writer *wr)
{
        int64_t look_ms = clock_mono(wr->w->o.clock) + CURSOR_IDLE_MS;
        struct turn x;

        if (book_dirty(wr->w->book))
                look_ms = wr->last_commit_ms + CURSOR_IDLE_MS;
        (void)pthread_mutex_lock(&wr->mtx);
        for (;;) {
                int64_t left = due(wr, look_ms) - clock_mono(wr->w->o.clock);

                if (wr->stop || wr->poked || wr->flush_wanted > wr->flush_done ||
                    wr->queued_bytes >= WAKE_BYTES || left <= 0)
                        break;
                wait_ms(wr, left);
        }
        x = (struct turn){wr->head, wr->oldest_ms, wr->flush_wanted,
            wr->stop || wr->poked || wr->flush_wanted > wr->flush_done, wr->stop};
        wr->head = NULL;
        wr->tail = NULL;
        wr->queued_bytes = 0;
        wr->poked = false;
        (void)pthread_mutex_unlock(&wr->mtx);
        return x;
}

static void
flushed(struct writer *wr, uint64_t ticket)
{
        (void)pthread_mutex_lock(&wr->mtx);
        if (ticket > wr->flush_done) {
                wr->flush_done = ticket;
                (void)pthread_cond_broadcast(&wr->done);
        }
        (void)pthread_mutex_unlock(&wr->mtx);
}

/* A short wal.max_age is looked at more often than the other chores ask for. */
static void
drop_old(struct writer *wr, int64_t now)
{
        int64_t every = atomic_load(&wr->w->max_age_ms) / AGE_LOOKS;
        struct err e = ERR_INIT;

        if (now < wr->next_age_ms)
                return;
        every = every > AGE_LOOK_MIN_MS ? first_of(every, CHORES_MS) : AGE_LOOK_MIN_MS;
        wr->next_age_ms = now + every;
        if (trim_by_age(wr->w, &e) == 0)
                return;
        wr->next_age_ms = now + CHORES_MS;
        log_warn("cannot drop what is too old, trying again in a minute", LOG_STR("err", e.msg));
}

static void
chores(struct writer *wr)
{
        struct wal *w = wr->w;
        int64_t now = clock_mono(w->o.clock);

        drop_old(wr, now);

        if (now < wr->next_chores_ms)
                return;
        wr->next_chores_ms = now + CHORES_MS;
        store_check_readers(w->store);
        if (wr->claims_open && now - w->mono_open_ms >= CLAIM_MS) {
                book_release_unclaimed(w->book);
                wr->claims_open = false;
        }
}

static bool
commit_due(struct writer *wr)
{
        int64_t now = clock_mono(wr->w->o.clock);

        if (!plan_empty(&wr->plan))
                return now >= wr->plan_oldest_ms + wait_before_commit(wr);
        return now >= wr->last_commit_ms + CURSOR_IDLE_MS && book_dirty(wr->w->book);
}

static void *
run(void *arg)
{
        struct writer *wr = arg;
        struct turn x;

        do {
                x = next_turn(wr);
                while (x.list != NULL) {
                        struct wal_batch *b = x.list;

                        x.list = b->next;
                        add(wr, b, x.oldest_ms);
                }
                if (x.stop || (x.now && (!plan_empty(&wr->plan) || book_dirty(wr->w->book))) ||
                    commit_due(wr))
                        commit(wr, x.stop);
                flushed(wr, x.flush);
                chores(wr);
        } while (!x.stop);
        return NULL;
}

static void
release(struct writer *wr)
{
        plan_release(&wr->plan);
        lost_release(&wr->lost);
        (void)pthread_cond_destroy(&wr->work);
        (void)pthread_cond_destroy(&wr->done);
        (void)pthread_mutex_destroy(&wr->mtx);
        free(wr);
}

int
writer_start(struct wal *w, struct writer **out, struct err *e)
{
        struct writer *wr = calloc(1, sizeof(*wr));
        pthread_condattr_t attr;
        int rc;

        if (wr == NULL)
                return err_nomem(e, "the log's thread");
        wr->w = w;
        wr->claims_open = true;
        wr->last_commit_ms = clock_mono(w->o.clock);
        wr->next_chores_ms = wr->last_commit_ms + CHORES_MS;
        wr->next_age_ms = wr->last_commit_ms + AGE_LOOK_MIN_MS;
        (void)pthread_mutex_init(&wr->mtx, NULL);
        (void)pthread_condattr_init(&attr);
        (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        (void)pthread_cond_init(&wr->work, &attr);
        (void)pthread_condattr_destroy(&attr);
        (void)pthread_cond_init(&wr->done, NULL);
        rc = plan_init(&wr->plan, store_block_size(w->store), e);
        if (rc == 0)
                rc = thread_start(&wr->thread, "wal", run, wr, e);
        if (rc < 0) {
                release(wr);
                return rc;
        }
        *out = wr;
        return 0;
}

void
writer_stop(struct writer *wr)
{
        if (wr == NULL)
                return;
        (void)pthread_mutex_lock(&wr->mtx);
        wr->stop = true;
        (void)pthread_cond_signal(&wr->work);
        (void)pthread_mutex_unlock(&wr->mtx);
        (void)pthread_join(wr->thread, NULL);
        release(wr);
}
