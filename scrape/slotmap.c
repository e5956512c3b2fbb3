#include "scrape/slotmap.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

static const uint32_t empty = UINT32_MAX;
static const size_t min_places = 16;
static const size_t max_places = (size_t)1 << 28;

static int
allocate(struct slotmap *m, size_t places, struct err *e)
{
        m->keys = malloc(places * sizeof(*m->keys));
        m->values = malloc(places * sizeof(*m->values));
        if (m->keys == NULL || m->values == NULL) {
                slotmap_release(m);
                (void)err_nomem(e, "an index of series");
                return ERR_NOMEM;
        }
        memset(m->values, 0xff, places * sizeof(*m->values));
        m->places = places;
        m->used = 0;
        return 0;
}

/* The place where key is or would be. */
static size_t
place_of(const struct slotmap *m, uint64_t key)
{
        size_t i = (size_t)key & (m->places - 1);

        while (m->values[i] != empty && m->keys[i] != key)
                i = (i + 1) & (m->places - 1);
        return i;
}

static void
put_new(struct slotmap *m, uint64_t key, uint32_t value)
{
        size_t i = place_of(m, key);

        m->used += m->values[i] == empty;
        m->keys[i] = key;
        m->values[i] = value;
}

static int
resize(struct slotmap *m, size_t places, struct err *e)
{
        struct slotmap bigger = SLOTMAP_INIT;
        int rc;

        if (places > max_places) {
                (void)err_set(e, ERR_LIMIT, "a target has more series than an index can hold");
                return ERR_LIMIT;
        }
        rc = allocate(&bigger, places, e);
        if (rc < 0)
                return rc;
        for (size_t i = 0; i < m->places; i++) {
                if (m->values[i] != empty)
                        put_new(&bigger, m->keys[i], m->values[i]);
        }
        slotmap_release(m);
        m->keys = bigger.keys;
        m->values = bigger.values;
        m->places = bigger.places;
        m->used = bigger.used;
        return 0;
}

static size_t
places_for(size_t count)
{
        size_t places = min_places;

        while (places / 5 * 4 < count + 1 && places < max_places * 2)
                places *= 2;
        return places;
}

int
slotmap_reserve(struct slotmap *m, size_t count, struct err *e)
{
        size_t places = places_for(count);

        return places > m->places ? resize(m, places, e) : 0;
}

int
slotmap_put(struct slotmap *m, uint64_t key, uint32_t value, struct err *e)
{
        if (m->used + 1 > m->places / 5 * 4) {
                int rc = resize(m, m->places > 0 ? m->places * 2 : min_places, e);

                if (rc < 0)
                        return rc;
        }
        put_new(m, key, value);
        return 0;
}

uint32_t *
slotmap_find(const struct slotmap *m, uint64_t key)
{
        size_t i;

        if (m->places == 0)
                return NULL;
        i = place_of(m, key);
        return m->values[i] != empty ? &m->values[i] : NULL;
}

int
slotmap_filter(struct slotmap *m, bool (*keep)(const void *arg, uint32_t value), const void *arg,
    struct err *e)
{
        struct slotmap kept = SLOTMAP_INIT;
        size_t count = 0;
        int rc;

        for (size_t i = 0; i < m->places; i++)
                count += m->values[i] != empty && keep(arg, m->values[i]);
        if (count == m->used)
                return 0;
        rc = allocate(&kept, places_for(count), e);
        if (rc < 0)
                return rc;
        for (size_t i = 0; i < m->places; i++) {
                if (m->values[i] != empty && keep(arg, m->values[i]))
                        put_new(&kept, m->keys[i], m->values[i]);
        }
        slotmap_release(m);
        *m = kept;
        return 0;
}

size_t
slotmap_memory(const struct slotmap *m)
{
        return m->places * (sizeof(*m->keys) + sizeof(*m->values));
}

void
slotmap_release(struct slotmap *m)
{
        free(m->keys);
        free(m->values);
        m->keys = NULL;
        m->values = NULL;
        m->places = 0;
        m->used = 0;
}
