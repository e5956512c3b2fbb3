#include "scrape/stamps.h"

#include "base/err.h"
#include "wal/column.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 16 };

const int64_t *
stamps_find(const struct stamps *st, uint32_t slot)
{
        const uint32_t *at = slotmap_find(&st->index, slot);

        return at != NULL ? &st->times[*at] : NULL;
}

static int
grow(struct stamps *st, struct err *e)
{
        size_t cap = st->cap > 0 ? st->cap * 2 : FIRST_CAP;
        uint32_t *slots = realloc(st->slots, cap * sizeof(*slots));
        int64_t *times;

        if (slots == NULL)
                return err_nomem(e, "timestamps of series");
        st->slots = slots;
        times = realloc(st->times, cap * sizeof(*times));
        if (times == NULL)
                return err_nomem(e, "timestamps of series");
        st->times = times;
        st->cap = cap;
        return 0;
}

int
stamps_set(struct stamps *st, uint32_t slot, int64_t time_ms, struct err *e)
{
        const uint32_t *at = slotmap_find(&st->index, slot);
        int rc = 0;

        if (at != NULL) {
                st->times[*at] = time_ms;
                return 0;
        }
        if (st->n == st->cap)
                rc = grow(st, e);
        if (rc == 0)
                rc = slotmap_put(&st->index, slot, (uint32_t)st->n, e);
        if (rc < 0)
                return rc;
        st->slots[st->n] = slot;
        st->times[st->n++] = time_ms;
        return 0;
}

int
stamps_remove_chunk(struct stamps *st, size_t chunk, struct err *e)
{
        size_t n = st->n;
        int rc = 0;

        slotmap_release(&st->index);
        st->n = 0;
        for (size_t i = 0; rc == 0 && i < n; i++) {
                uint32_t slot = st->slots[i];

                if (slot / CHUNK_SLOTS == chunk)
                        continue;
                /* never written past what was read: the columns only get shorter */
                rc = stamps_set(
                    st, slot / CHUNK_SLOTS > chunk ? slot - CHUNK_SLOTS : slot, st->times[i], e);
        }
        if (rc < 0)
                stamps_release(st);
        return rc;
}

size_t
stamps_memory(const struct stamps *st)
{
        return slotmap_memory(&st->index) + st->cap * (sizeof(*st->slots) + sizeof(*st->times));
}

void
stamps_release(struct stamps *st)
{
        slotmap_release(&st->index);
        free(st->slots);
        free(st->times);
        memset(st, 0, sizeof(*st));
}
