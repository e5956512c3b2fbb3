#include "scrape/mailbox.h"

#include "base/err.h"
#include "base/log.h"
#include "scrape/scrape.h"

#include <pthread.h>
#include <stdlib.h>

struct answers {
        struct mailbox_answer *v; /* owned */
        size_t n;
        size_t cap;
};

struct scraper_mailbox {
        struct answers taken; /* scrape thread only */

        /* under mtx */
        pthread_mutex_t mtx;
        struct answers in;
        void (*wake)(void *arg);
        void *arg;
};

int
scraper_mailbox_new(struct scraper_mailbox **out, struct err *e)
{
        struct scraper_mailbox *m = calloc(1, sizeof(*m));

        if (m == NULL)
                return err_nomem(e, "the scraper's mailbox");
        (void)pthread_mutex_init(&m->mtx, NULL);
        *out = m;
        return 0;
}

void
scraper_mailbox_free(struct scraper_mailbox *m)
{
        if (m == NULL)
                return;
        free(m->in.v);
        free(m->taken.v);
        (void)pthread_mutex_destroy(&m->mtx);
        free(m);
}

static bool
put(struct answers *a, struct mailbox_answer x)
{
        if (a->n == a->cap) {
                size_t cap = a->cap > 0 ? a->cap * 2 : 64;
                struct mailbox_answer *v = realloc(a->v, cap * sizeof(*v));

                if (v == NULL)
                        return false;
                a->v = v;
                a->cap = cap;
        }
        a->v[a->n++] = x;
        return true;
}

void
scraper_answer(void *mailbox, uint64_t target, uint64_t serial, bool stored)
{
        struct scraper_mailbox *m = mailbox;

        (void)pthread_mutex_lock(&m->mtx);
        if (m->wake != NULL) {
                if (!put(&m->in, (struct mailbox_answer){target, serial, stored}))
                        log_error("out of memory for an answer of the log, a target may lack "
                                  "staleness markers",
                            LOG_UINT("target_number", target));
                /* one wake-up for all that wait */
                if (m->in.n == 1)
                        m->wake(m->arg);
        }
        (void)pthread_mutex_unlock(&m->mtx);
}

void
mailbox_attach(struct scraper_mailbox *m, void (*wake)(void *arg), void *arg)
{
        (void)pthread_mutex_lock(&m->mtx);
        m->wake = wake;
        m->arg = arg;
        m->in.n = 0;
        (void)pthread_mutex_unlock(&m->mtx);
}

size_t
mailbox_take(struct scraper_mailbox *m, const struct mailbox_answer **out)
{
        struct answers empty = m->taken;

        empty.n = 0;
        (void)pthread_mutex_lock(&m->mtx);
        m->taken = m->in;
        m->in = empty;
        (void)pthread_mutex_unlock(&m->mtx);
        *out = m->taken.v;
        return m->taken.n;
}
