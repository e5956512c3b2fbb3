#include "scrape/slotmap.h"

#include "base/err.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
        PARTS_BITS = 6,
        PARTS = 1 << PARTS_BITS,
        PARTS_SHIFT = 64 - PARTS_BITS, /* a key's part is its spread's upper bits, */
        PLACE_SHIFT = PARTS_SHIFT - 32, /* its place comes from the 32 bits below */
        ONE_PART_MAX = 8192, /* entries; more are spread over PARTS */
        MIN_PLACES = 16,
        MAX_PLACES = 1 << 24, /* of a part */
};

struct slotmap_part {
        uint64_t *keys; /* owned; the values lie behind them */
        uint32_t *values; /* UINT32_MAX: an empty place */
        size_t places;
        size_t used;
};

static const uint32_t empty = UINT32_MAX;

/* Keys may be small numbers: the product's upper bits depend on all of theirs. */
static uint64_t
spread(uint64_t key)
{
        return key * 0x9e3779b97f4a7c15;
}

static struct slotmap_part *
part_of(const struct slotmap *m, uint64_t at)
{
        return m->n_parts > 1 ? &m->parts[at >> PARTS_SHIFT] : m->parts;
}

/* The place where key, spread to `at`, is or would be. */
static size_t
place_of(const struct slotmap_part *p, uint64_t key, uint64_t at)
{
        size_t i;

        assert(p->keys != NULL && p->values != NULL);
        i = (size_t)(((at >> PLACE_SHIFT & UINT32_MAX) * p->places) >> 32);

        while (p->keys[i] != key && p->values[i] != empty) {
                if (++i == p->places)
                        i = 0;
        }
        return i;
}

static void
put_new(struct slotmap_part *p, uint64_t key, uint64_t at, uint32_t value)
{
        size_t i = place_of(p, key, at);

        assert(p->keys != NULL && p->values != NULL);
        p->used += p->values[i] == empty;
        p->keys[i] = key;
        p->values[i] = value;
}

static int
part_allocate(struct slotmap_part *p, size_t places, struct err *e)
{
        if (places > MAX_PLACES)
                return err_set(e, ERR_LIMIT, "a target has more series than an index can hold");
        p->keys = calloc(places, sizeof(*p->keys) + sizeof(*p->values));
        if (p->keys == NULL)
                return err_nomem(e, "an index of series");
        p->values = (uint32_t *)(p->keys + places);
        memset(p->values, 0xff, places * sizeof(*p->values));
        p->places = places;
        p->used = 0;
        return 0;
}

/* Moves the part to `places` places; entries that keep() does not want go (NULL: none). */
static int
part_resize(struct slotmap_part *p, size_t places, bool (*keep)(const void *arg, uint32_t value),
    const void *arg, struct err *e)
{
        struct slotmap_part moved = {NULL, NULL, 0, 0};
        int rc = part_allocate(&moved, places, e);

        if (rc < 0)
                return rc;
        for (size_t i = 0; i < p->places; i++) {
                if (p->values[i] != empty && (keep == NULL || keep(arg, p->values[i])))
                        put_new(&moved, p->keys[i], spread(p->keys[i]), p->values[i]);
        }
        free(p->keys);
        *p = moved;
        return 0;
}

static size_t
places_for(size_t count)
{
        size_t places = count / 4 * 5 + 5;

        return places > MIN_PLACES ? places : MIN_PLACES;
}

/* Small parts double: what they take is little, and they would move often else. */
static size_t
next_places(size_t places)
{
        if (places < MIN_PLACES)
                return MIN_PLACES;
        return places < (size_t)ONE_PART_MAX / PARTS * 8 ? places * 2 : places + places / 8;
}

static int
make_parts(struct slotmap *m, size_t n, struct err *e)
{
        m->parts = calloc(n, sizeof(*m->parts));
        if (m->parts == NULL)
                return err_nomem(e, "an index of series");
        m->n_parts = n;
        return 0;
}

/* Of one part, or none, it makes PARTS with room for `count` entries. */
static int
spread_out(struct slotmap *m, size_t count, struct err *e)
{
        struct slotmap wide = SLOTMAP_INIT;
        size_t each = count / PARTS + count / PARTS / 16 + 32; /* no part has just the mean */
        int rc = make_parts(&wide, PARTS, e);

        for (size_t i = 0; rc == 0 && i < PARTS; i++) {
                rc = part_allocate(&wide.parts[i], places_for(each), e);
                wide.places += wide.parts[i].places;
        }
        for (size_t i = 0; rc == 0 && m->n_parts > 0 && i < m->parts->places; i++) {
                if (m->parts->values[i] != empty)
                        rc = slotmap_put(&wide, m->parts->keys[i], m->parts->values[i], e);
        }
        if (rc == 0) {
                slotmap_release(m);
                *m = wide;
        } else {
                slotmap_release(&wide);
        }
        return rc;
}

static int
resize(struct slotmap *m, struct slotmap_part *p, size_t places, struct err *e)
{
        size_t before = p->places;
        int rc = part_resize(p, places, NULL, NULL, e);

        if (rc == 0)
                m->places += places - before;
        return rc;
}

int
slotmap_reserve(struct slotmap *m, size_t count, struct err *e)
{
        int rc = 0;

        if (m->n_parts <= 1 && count > ONE_PART_MAX)
                return spread_out(m, count, e);
        if (m->n_parts == 0)
                rc = make_parts(m, 1, e);
        if (rc == 0 && m->n_parts == 1 && places_for(count) > m->parts->places)
                rc = resize(m, m->parts, places_for(count), e);
        return rc;
}

int
slotmap_put(struct slotmap *m, uint64_t key, uint32_t value, struct err *e)
{
        const uint64_t at = spread(key);
        struct slotmap_part *p;
        size_t before;
        int rc = 0;

        if (m->n_parts == 0)
                rc = make_parts(m, 1, e);
        else if (m->n_parts == 1 && m->used == ONE_PART_MAX)
                rc = spread_out(m, 2 * (size_t)ONE_PART_MAX, e);
        if (rc < 0)
                return rc;
        p = part_of(m, at);
        if (p->used + 1 > p->places / 5 * 4)
                rc = resize(m, p, next_places(p->places), e);
        if (rc < 0)
                return rc;
        before = p->used;
        put_new(p, key, at, value);
        m->used += p->used - before;
        return 0;
}

uint32_t *
slotmap_find(const struct slotmap *m, uint64_t key)
{
        const uint64_t at = spread(key);
        const struct slotmap_part *p;
        size_t i;

        if (m->used == 0)
                return NULL;
        p = part_of(m, at);
        if (p->places == 0)
                return NULL;
        i = place_of(p, key, at);
        return p->values[i] != empty ? &p->values[i] : NULL;
}

int
slotmap_filter(struct slotmap *m, bool (*keep)(const void *arg, uint32_t value), const void *arg,
    struct err *e)
{
        for (size_t k = 0; k < m->n_parts; k++) {
                struct slotmap_part *p = &m->parts[k];
                size_t places = p->places;
                size_t used = p->used;
                size_t count = 0;
                int rc;

                for (size_t i = 0; i < places; i++)
                        count += p->values[i] != empty && keep(arg, p->values[i]);
                if (count == used)
                        continue;
                rc = part_resize(p, places_for(count), keep, arg, e);
                if (rc < 0)
                        return rc;
                m->places -= places - p->places;
                m->used -= used - p->used;
        }
        return 0;
}

size_t
slotmap_memory(const struct slotmap *m)
{
        return m->places * (sizeof(uint64_t) + sizeof(uint32_t)) + m->n_parts * sizeof(*m->parts);
}

void
slotmap_release(struct slotmap *m)
{
        for (size_t i = 0; i < m->n_parts; i++)
                free(m->parts[i].keys);
        free(m->parts);
        *m = (struct slotmap)SLOTMAP_INIT;
}
