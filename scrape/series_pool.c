#include "scrape/series_state.h"

#include "base/compress.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/memory.h"
#include "wal/layout.h"
#include "wal/wal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMN_BYTES = CHUNK_SLOTS * sizeof(uint64_t), PACK_LEVEL = 3, SPARE_COLUMNS = 4 };

struct pool_target {
        uint64_t hash; /* of the identity */
        uint64_t number;
};

static int
remember_state(void *arg, const struct target_state *state, struct err *e)
{
        return pool_remember_target(arg, state->identity, state->target, e);
}

int
series_pool_new(struct wal *w, struct series_pool **out, struct err *e)
{
        struct series_pool *p = calloc(1, sizeof(*p));
        int rc;

        if (p == NULL)
                return err_nomem(e, "the pool of scrape buffers");
        p->wal = w;
        p->next_serial = 1;
        p->arena = (struct arena)ARENA_INIT(SERIES_ARENA_BYTES);
        rc = zstd_packer_new(PACK_LEVEL, &p->packer, e);
        if (rc == 0)
                rc = wal_read_targets(w, remember_state, p, e);
        if (rc < 0) {
                series_pool_free(p);
                return rc;
        }
        *out = p;
        return 0;
}

void
series_pool_free(struct series_pool *p)
{
        if (p == NULL)
                return;
        for (size_t i = 0; i < p->n_columns; i++)
                free(p->columns[i]);
        memory_account(MEMORY_STAGING, -(int64_t)(p->n_columns * COLUMN_BYTES));
        free(p->columns);
        layout_builder_free(p->builder);
        zstd_packer_free(p->packer);
        arena_release(&p->arena);
        free(p->known);
        free(p);
}

uint64_t *
pool_borrow_column(struct series_pool *p)
{
        uint64_t *column;

        if (p->n_columns > 0) {
                column = p->columns[--p->n_columns];
        } else {
                column = malloc(COLUMN_BYTES);
                if (column == NULL)
                        return NULL;
                memory_account(MEMORY_STAGING, COLUMN_BYTES);
                for (size_t i = 0; i < CHUNK_SLOTS; i++)
                        column[i] = COLUMN_ABSENT;
        }
        p->columns_out++;
        if (p->columns_out > p->columns_peak)
                p->columns_peak = p->columns_out;
        return column;
}

static void
free_column(uint64_t *column)
{
        free(column);
        memory_account(MEMORY_STAGING, -(int64_t)COLUMN_BYTES);
}

void
pool_return_column(struct series_pool *p, uint64_t *column, unsigned slots)
{
        p->columns_out--;
        if (p->n_columns == p->cap_columns) {
                size_t cap = p->cap_columns > 0 ? p->cap_columns * 2 : 16;
                uint64_t **v = realloc(p->columns, cap * sizeof(*v));

                if (v == NULL) {
                        free_column(column);
                        return;
                }
                p->columns = v;
                p->cap_columns = cap;
        }
        for (unsigned i = 0; i < slots; i++)
                column[i] = COLUMN_ABSENT;
        p->columns[p->n_columns++] = column;
}

void
pool_trim(struct series_pool *p)
{
        /* the peak fades, so that one huge page does not hold memory for ever */
        size_t need = p->columns_peak > p->columns_out ? p->columns_peak - p->columns_out : 0;

        while (p->n_columns > need + SPARE_COLUMNS)
                free_column(p->columns[--p->n_columns]);
        p->columns_peak = p->columns_out + need - need / 16;
}

struct layout_builder *
pool_borrow_builder(struct series_pool *p, struct err *e)
{
        struct layout_builder *b = p->builder;

        p->builder = NULL;
        if (b == NULL && layout_builder_new(&b, e) < 0)
                return NULL;
        return b;
}

void
pool_return_builder(struct series_pool *p, struct layout_builder *b)
{
        if (b == NULL)
                return;
        layout_builder_reset(b);
        if (p->builder == NULL) {
                p->builder = b;
        } else {
                layout_builder_free(b);
        }
}

uint64_t
pool_known_target(const struct series_pool *p, const char *identity)
{
        uint64_t hash = hash_stable(identity, strlen(identity), 0);

        for (size_t i = 0; i < p->n_known; i++) {
                if (p->known[i].hash == hash)
                        return p->known[i].number;
        }
        return 0;
}

int
pool_remember_target(struct series_pool *p, const char *identity, uint64_t number, struct err *e)
{
        if (p->n_known == p->cap_known) {
                size_t cap = p->cap_known > 0 ? p->cap_known * 2 : 16;
                struct pool_target *v = realloc(p->known, cap * sizeof(*v));

                if (v == NULL)
                        return err_nomem(e, "the list of known targets");
                p->known = v;
                p->cap_known = cap;
        }
        p->known[p->n_known++] =
            (struct pool_target){hash_stable(identity, strlen(identity), 0), number};
        return 0;
}

void
pool_forget_target(struct series_pool *p, uint64_t number)
{
        for (size_t i = 0; i < p->n_known; i++) {
                if (p->known[i].number == number) {
                        p->known[i] = p->known[--p->n_known];
                        return;
                }
        }
}

int
series_pool_barrier(struct series_pool *p, struct err *e)
{
        struct wal_batch *b = NULL;
        int rc = wal_batch_new(0, p->next_serial++, &b, e);

        if (rc < 0)
                return rc;
        b->barrier = true;
        rc = wal_submit(p->wal, &b, e);
        wal_batch_free(b);
        return rc;
}
