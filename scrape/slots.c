#include "scrape/slots.h"

#include "base/err.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
        FIRST_CAP = 64,
        LOOK_AHEAD = 8, /* living slots looked at before the index is asked */
        INDEX_IDLE = 20, /* scrapes after which an unused index goes */
        MAX_CHUNKS = 1 << 20,
};

void
slots_init(struct slots *s)
{
        memset(s, 0, sizeof(*s));
}

static void
drop_index(struct slots *s)
{
        slotmap_release(&s->index);
        s->has_index = false;
        s->index_idle = 0;
}

void
slots_release(struct slots *s)
{
        for (size_t i = 0; i < s->n_chunks; i++) {
                free(s->chunks[i].hash);
                free(s->chunks[i].flags);
        }
        free(s->chunks);
        drop_index(s);
        slots_init(s);
}

int
slots_add_chunk(struct slots *s, uint64_t id, struct err *e)
{
        if (s->n_chunks == MAX_CHUNKS)
                return err_set(
                    e, ERR_LIMIT, "a target has more than %d chunks of series", MAX_CHUNKS);
        if (s->n_chunks == s->cap_chunks) {
                size_t cap = s->cap_chunks > 0 ? s->cap_chunks * 2 : 1;
                struct slot_chunk *v = realloc(s->chunks, cap * sizeof(*v));

                if (v == NULL)
                        return err_nomem(e, "a chunk of series");
                s->chunks = v;
                s->cap_chunks = cap;
        }
        memset(&s->chunks[s->n_chunks], 0, sizeof(s->chunks[0]));
        s->chunks[s->n_chunks].id = id;
        s->n_chunks++;
        return 0;
}

static int
reserve(struct slot_chunk *c, unsigned want, struct err *e)
{
        unsigned cap = c->cap > 0 ? c->cap : FIRST_CAP;
        uint64_t *hash;
        uint8_t *flags;

        if (want <= c->cap)
                return 0;
        while (cap < want)
                cap *= 2;
        hash = realloc(c->hash, cap * sizeof(*hash));
        if (hash == NULL)
                return err_nomem(e, "series");
        c->hash = hash;
        flags = realloc(c->flags, cap);
        if (flags == NULL)
                return err_nomem(e, "series");
        c->flags = flags;
        c->cap = cap;
        return 0;
}

int
slots_grow(struct slots *s, size_t chunk, unsigned more, uint8_t flags, struct err *e)
{
        struct slot_chunk *c = &s->chunks[chunk];
        int rc;

        assert(c->slots + more <= CHUNK_SLOTS);
        rc = reserve(c, c->slots + more, e);
        if (rc < 0)
                return rc;
        memset(c->hash + c->slots, 0, more * sizeof(*c->hash));
        memset(c->flags + c->slots, flags, more);
        c->slots += more;
        return 0;
}

void
slots_remove_chunk(struct slots *s, size_t chunk)
{
        free(s->chunks[chunk].hash);
        free(s->chunks[chunk].flags);
        s->n_chunks--;
        memmove(
            &s->chunks[chunk], &s->chunks[chunk + 1], (s->n_chunks - chunk) * sizeof(s->chunks[0]));
        drop_index(s);
        slots_rewind(s, 0, false);
}

void
slots_rewind(struct slots *s, uint32_t first, bool no_index)
{
        s->next = first;
        s->resume = SLOT_NONE;
        s->no_index = no_index;
        s->index_used = false;
}

/* The slot after this one in page order, SLOT_NONE at the end. */
static uint32_t
after(const struct slots *s, uint32_t slot)
{
        size_t chunk = slot / CHUNK_SLOTS;

        if (slot % CHUNK_SLOTS + 1 < s->chunks[chunk].slots)
                return slot + 1;
        while (++chunk < s->n_chunks) {
                if (s->chunks[chunk].slots > 0)
                        return (uint32_t)(chunk * CHUNK_SLOTS);
        }
        return SLOT_NONE;
}

static bool
is_slot(const struct slots *s, uint32_t slot)
{
        return slot != SLOT_NONE && slot / CHUNK_SLOTS < s->n_chunks &&
            slot % CHUNK_SLOTS < s->chunks[slot / CHUNK_SLOTS].slots;
}

static bool
matches(const struct slots *s, uint32_t slot, uint64_t hash)
{
        return s->chunks[slot / CHUNK_SLOTS].hash[slot % CHUNK_SLOTS] == hash;
}

/* A few living slots on: what vanished from the page leaves holes. */
static uint32_t
look_ahead(const struct slots *s, uint64_t hash)
{
        uint32_t slot = s->next;
        unsigned living = 0;

        for (unsigned seen = 0; seen < CHUNK_SLOTS && living < LOOK_AHEAD; seen++) {
                slot = after(s, slot);
                if (slot == SLOT_NONE)
                        return SLOT_NONE;
                if (matches(s, slot, hash))
                        return slot;
                living += (*slots_flags(s, slot) & SLOT_ALIVE) != 0;
        }
        return SLOT_NONE;
}

static int
build_index(struct slots *s, struct err *e)
{
        int rc = slotmap_reserve(&s->index, (size_t)slots_count(s), e);

        for (size_t i = 0; rc == 0 && i < s->n_chunks; i++) {
                const struct slot_chunk *c = &s->chunks[i];

                for (unsigned k = 0; rc == 0 && k < c->slots; k++) {
                        if (c->hash[k] != 0)
                                rc = slotmap_put(
                                    &s->index, c->hash[k], (uint32_t)(i * CHUNK_SLOTS + k), e);
                }
        }
        if (rc < 0) {
                drop_index(s);
                return rc;
        }
        s->has_index = true;
        return 0;
}

/* By the index; the page's order is broken, so the place where it went on is kept. */
static int
find_indexed(struct slots *s, uint64_t hash, uint32_t *out, struct err *e)
{
        const uint32_t *found;

        if (!s->has_index && !s->no_index) {
                int rc = build_index(s, e);

                if (rc < 0)
                        return rc;
        }
        s->index_used = true;
        found = slotmap_find(&s->index, hash);
        if (found != NULL && is_slot(s, *found) && matches(s, *found, hash))
                *out = *found;
        return 0;
}

/* The line that was met stands at this slot; out of place when the order did not say so. */
static void
step(struct slots *s, uint32_t slot, bool in_place)
{
        if (!in_place && s->next != SLOT_NONE)
                s->resume = s->next;
        s->next = after(s, slot);
}

bool
slots_is_next(const struct slots *s, uint64_t hash)
{
        return is_slot(s, s->next) && matches(s, s->next, hash);
}

uint32_t
slots_take_next(struct slots *s)
{
        uint32_t slot = s->next;

        s->next = after(s, slot);
        return slot;
}

int
slots_find(struct slots *s, uint64_t hash, uint32_t *out, struct err *e)
{
        uint32_t slot = SLOT_NONE;

        if (is_slot(s, s->next) && matches(s, s->next, hash)) {
                slot = s->next;
        } else if (is_slot(s, s->resume) && matches(s, s->resume, hash)) {
                slot = s->resume;
        } else if (is_slot(s, s->next)) {
                slot = look_ahead(s, hash);
        }
        if (slot != SLOT_NONE) {
                step(s, slot, true);
        } else {
                int rc = find_indexed(s, hash, &slot, e);

                if (rc < 0)
                        return rc;
                if (slot != SLOT_NONE)
                        step(s, slot, false);
        }
        *out = slot;
        return 0;
}

int
slots_set_hash(struct slots *s, uint32_t slot, uint64_t hash, struct err *e)
{
        struct slot_chunk *c = slots_chunk(s, slot);

        if (s->has_index) {
                int rc = slotmap_put(&s->index, hash, slot, e);

                if (rc < 0)
                        return rc;
        }
        c->hash[slot % CHUNK_SLOTS] = hash;
        step(s, slot, false);
        return 0;
}

void
slots_page_done(struct slots *s)
{
        if (!s->has_index)
                return;
        s->index_idle = s->index_used ? 0 : s->index_idle + 1;
        if (s->index_idle >= INDEX_IDLE)
                drop_index(s);
}

void
slots_forget_hashes(struct slots *s)
{
        for (size_t i = 0; i < s->n_chunks; i++)
                memset(s->chunks[i].hash, 0, s->chunks[i].slots * sizeof(uint64_t));
        drop_index(s);
}

uint64_t
slots_count(const struct slots *s)
{
        uint64_t n = 0;

        for (size_t i = 0; i < s->n_chunks; i++)
                n += s->chunks[i].slots;
        return n;
}

uint64_t
slots_count_flag(const struct slots *s, uint8_t flag)
{
        uint64_t n = 0;

        for (size_t i = 0; i < s->n_chunks; i++) {
                for (unsigned k = 0; k < s->chunks[i].slots; k++)
                        n += (s->chunks[i].flags[k] & flag) != 0;
        }
        return n;
}

size_t
slots_memory(const struct slots *s)
{
        size_t n = s->cap_chunks * sizeof(*s->chunks) + slotmap_memory(&s->index);

        for (size_t i = 0; i < s->n_chunks; i++)
                n += s->chunks[i].cap * (sizeof(uint64_t) + 1);
        return n;
}
