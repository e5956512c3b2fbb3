#include "wal/pending.h"

#include "base/buf.h"
#include "base/err.h"
#include "wal/batch.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

enum { BUCKETS = 1024 };

struct entry {
        const struct wal_batch *batch;
        size_t put; /* index into batch->puts */
        struct entry *next; /* of the same bucket, newer first */
};

struct pending {
        pthread_mutex_t mtx;
        struct entry *buckets[BUCKETS]; /* under mtx; owned lists */
};

static const struct batch_put *
put_of(const struct entry *x)
{
        return &x->batch->puts[x->put];
}

/* Ids are counted up, so their low bits spread by themselves. */
static struct entry **
bucket_of(struct pending *p, uint64_t id)
{
        return &p->buckets[id % BUCKETS];
}

int
pending_new(struct pending **out, struct err *e)
{
        struct pending *p = calloc(1, sizeof(*p));

        if (p == NULL)
                return err_nomem(e, "the table of queued keyframes");
        (void)pthread_mutex_init(&p->mtx, NULL);
        *out = p;
        return 0;
}

void
pending_free(struct pending *p)
{
        if (p == NULL)
                return;
        for (size_t i = 0; i < BUCKETS; i++)
                assert(p->buckets[i] == NULL);
        (void)pthread_mutex_destroy(&p->mtx);
        free(p);
}

static void
drop_entries(struct entry *x)
{
        while (x != NULL) {
                struct entry *next = x->next;

                free(x);
                x = next;
        }
}

static int
make_entries(const struct wal_batch *b, struct entry **out, struct err *e)
{
        struct entry *list = NULL;

        for (size_t i = 0; i < b->n_puts; i++) {
                struct entry *x;

                if (b->puts[i].kind != BATCH_LAYOUT && b->puts[i].kind != BATCH_KEYFRAME)
                        continue;
                x = malloc(sizeof(*x));
                if (x == NULL) {
                        drop_entries(list);
                        return err_nomem(e, "the table of queued keyframes");
                }
                *x = (struct entry){b, i, list};
                list = x;
        }
        *out = list;
        return 0;
}

int
pending_add(struct pending *p, const struct wal_batch *b, struct err *e)
{
        struct entry *list = NULL;
        int rc = make_entries(b, &list, e);

        if (rc < 0 || list == NULL)
                return rc;
        (void)pthread_mutex_lock(&p->mtx);
        while (list != NULL) {
                struct entry *x = list;
                struct entry **bucket = bucket_of(p, put_of(x)->id);

                list = x->next;
                x->next = *bucket;
                *bucket = x;
        }
        (void)pthread_mutex_unlock(&p->mtx);
        return 0;
}

void
pending_remove(struct pending *p, const struct wal_batch *b)
{
        (void)pthread_mutex_lock(&p->mtx);
        for (size_t i = 0; i < b->n_puts; i++) {
                struct entry **at = bucket_of(p, b->puts[i].id);

                while (*at != NULL) {
                        struct entry *x = *at;

                        if (x->batch == b) {
                                *at = x->next;
                                free(x);
                        } else {
                                at = &x->next;
                        }
                }
        }
        (void)pthread_mutex_unlock(&p->mtx);
}

int
pending_keyframe(struct pending *p, uint64_t id, struct buf *out, struct err *e)
{
        int rc = ERR_NOTFOUND;

        (void)pthread_mutex_lock(&p->mtx);
        for (const struct entry *x = *bucket_of(p, id); x != NULL; x = x->next) {
                const struct batch_put *put = put_of(x);

                if (put->kind != BATCH_KEYFRAME || put->id != id)
                        continue;
                buf_reset(out);
                rc = buf_append(out, x->batch->bytes.ptr + put->offset, put->length, e);
                break;
        }
        (void)pthread_mutex_unlock(&p->mtx);
        return rc == ERR_NOTFOUND ? err_set(e, ERR_NOTFOUND, "the keyframe is not queued") : rc;
}

int
pending_layout(struct pending *p, uint64_t chunk, pending_sink sink, void *arg, struct err *e)
{
        int rc = 0;

        (void)pthread_mutex_lock(&p->mtx);
        for (const struct entry *x = *bucket_of(p, chunk); x != NULL && rc == 0; x = x->next) {
                const struct batch_put *put = put_of(x);

                if (put->kind == BATCH_LAYOUT && put->id == chunk)
                        rc = sink(
                            arg, put->first, x->batch->bytes.ptr + put->offset, put->length, e);
        }
        (void)pthread_mutex_unlock(&p->mtx);
        return rc;
}
