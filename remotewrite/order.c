/*
 * Two levels of chains, found by hash: series of one kin (equal but for the instance) in order of
 * arrival, kins of one object in order of arrival. Only the objects are sorted. Two that collide in
 * 64 bits would merely stand together.
 */
#include "remotewrite/order.h"

#include "base/err.h"
#include "base/memory.h"
#include "base/view.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t none = UINT32_MAX;

enum {
        FIRST_ROOM = 256, /* a power of two, as all sizes */
        PIECES = 3, /* of labels, around two that are left out */
};

struct kin {
        uint64_t hash;
        uint32_t first; /* series */
        uint32_t last;
        uint32_t next; /* kin of the same object */
};

struct object {
        uint64_t hash;
        uint32_t first; /* kin */
        uint32_t last;
        uint32_t at[PIECES];
        uint32_t bytes[PIECES];
};

struct order {
        /* by series */
        uint32_t *next; /* owned, as all arrays; the next one of its kin */
        uint32_t *sorted; /* the result */
        size_t n;
        size_t room; /* a power of two, as all of them */
        struct kin *kins;
        uint32_t *kin_table; /* hash → kin; twice the room */
        size_t n_kins;
        size_t kin_room;
        struct object *objects;
        uint32_t *object_table;
        uint32_t *object_order;
        size_t n_objects;
        size_t object_room;
        const char *base; /* during order_sort */
        int64_t accounted;
};

static void
account(struct order *o)
{
        int64_t now = (int64_t)(sizeof(*o) + o->room * 2 * sizeof(uint32_t) +
            o->kin_room * (sizeof(struct kin) + 2 * sizeof(uint32_t)) +
            o->object_room * (sizeof(struct object) + 3 * sizeof(uint32_t)));

        memory_account(MEMORY_SEND, now - o->accounted);
        o->accounted = now;
}

int
order_new(struct order **out, struct err *e)
{
        struct order *o = calloc(1, sizeof(*o));

        if (o == NULL)
                return err_nomem(e, "the order of a request");
        account(o);
        *out = o;
        return 0;
}

void
order_reset(struct order *o)
{
        free(o->next);
        free(o->sorted);
        free(o->kins);
        free(o->kin_table);
        free(o->objects);
        free(o->object_table);
        free(o->object_order);
        *o = (struct order){.accounted = o->accounted};
        account(o);
}

void
order_free(struct order *o)
{
        if (o == NULL)
                return;
        order_reset(o);
        memory_account(MEMORY_SEND, -o->accounted);
        free(o);
}

static void
clear_table(uint32_t *table, size_t room)
{
        if (room > 0)
                memset(table, 0xff, 2 * room * sizeof(*table));
}

void
order_clear(struct order *o)
{
        o->n = o->n_kins = o->n_objects = 0;
        clear_table(o->kin_table, o->kin_room);
        clear_table(o->object_table, o->object_room);
}

/* The place of the kin with this hash, or the empty one for it. */
static uint32_t *
kin_place(struct order *o, uint64_t hash)
{
        size_t mask = 2 * o->kin_room - 1;
        size_t i = (size_t)hash & mask;

        while (o->kin_table[i] != none && o->kins[o->kin_table[i]].hash != hash)
                i = (i + 1) & mask;
        return &o->kin_table[i];
}

static uint32_t *
object_place(struct order *o, uint64_t hash)
{
        size_t mask = 2 * o->object_room - 1;
        size_t i = (size_t)hash & mask;

        while (o->object_table[i] != none && o->objects[o->object_table[i]].hash != hash)
                i = (i + 1) & mask;
        return &o->object_table[i];
}

static size_t
more_room(size_t room)
{
        return room > 0 ? room * 2 : FIRST_ROOM;
}

/* Where one array of several cannot be made larger, those before it merely have more room. */
static bool
grow_series(struct order *o)
{
        size_t room = more_room(o->room);
        uint32_t *p = realloc(o->next, room * sizeof(*p));

        if (p == NULL)
                return false;
        o->next = p;
        p = realloc(o->sorted, room * sizeof(*p));
        if (p == NULL)
                return false;
        o->sorted = p;
        o->room = room;
        return true;
}

static bool
grow_kins(struct order *o)
{
        size_t room = more_room(o->kin_room);
        struct kin *kins = realloc(o->kins, room * sizeof(*kins));
        uint32_t *table;

        if (kins == NULL)
                return false;
        o->kins = kins;
        table = malloc(2 * room * sizeof(*table));
        if (table == NULL)
                return false;
        free(o->kin_table);
        o->kin_table = table;
        o->kin_room = room;
        clear_table(o->kin_table, room);
        for (size_t i = 0; i < o->n_kins; i++)
                *kin_place(o, o->kins[i].hash) = (uint32_t)i;
        return true;
}

static bool
grow_objects(struct order *o)
{
        size_t room = more_room(o->object_room);
        struct object *objects = realloc(o->objects, room * sizeof(*objects));
        uint32_t *p;

        if (objects == NULL)
                return false;
        o->objects = objects;
        p = realloc(o->object_order, room * sizeof(*p));
        if (p == NULL)
                return false;
        o->object_order = p;
        p = malloc(2 * room * sizeof(*p));
        if (p == NULL)
                return false;
        free(o->object_table);
        o->object_table = p;
        o->object_room = room;
        clear_table(o->object_table, room);
        for (size_t i = 0; i < o->n_objects; i++)
                *object_place(o, o->objects[i].hash) = (uint32_t)i;
        return true;
}

/* Room for one more of each. */
static int
grow(struct order *o, struct err *e)
{
        bool ok = (o->n < o->room || grow_series(o)) && (o->n_kins < o->kin_room || grow_kins(o)) &&
            (o->n_objects < o->object_room || grow_objects(o));

        account(o);
        return ok ? 0 : err_nomem(e, "the order of a request");
}

/* The labels without name and instance, as up to three pieces. */
static void
cut_pieces(const struct order_series *s, struct object *x)
{
        bool name_first = s->name_at <= s->instance_at;
        uint32_t a = name_first ? s->name_at : s->instance_at;
        uint32_t a_end = a + (name_first ? s->name_bytes : s->instance_bytes);
        uint32_t b = name_first ? s->instance_at : s->name_at;
        uint32_t b_end = b + (name_first ? s->instance_bytes : s->name_bytes);

        /* one that is not there stands at 0 with no bytes: the pieces around it still fit */
        x->at[0] = s->at;
        x->bytes[0] = a;
        x->at[1] = s->at + a_end;
        x->bytes[1] = b > a_end ? b - a_end : 0;
        x->at[2] = s->at + (b_end > a_end ? b_end : a_end);
        x->bytes[2] = s->at + s->bytes - x->at[2];
}

/* Appends a kin to those of its object. */
static void
add_to_object(struct order *o, uint32_t kin, const struct order_series *s)
{
        uint32_t *place = object_place(o, s->object);
        struct object *object;

        if (*place == none) {
                *place = (uint32_t)o->n_objects;
                object = &o->objects[o->n_objects++];
                *object = (struct object){.hash = s->object, .first = kin, .last = kin};
                cut_pieces(s, object);
                return;
        }
        object = &o->objects[*place];
        o->kins[object->last].next = kin;
        object->last = kin;
}

int
order_add(struct order *o, const struct order_series *s, struct err *e)
{
        uint32_t series = (uint32_t)o->n;
        uint32_t *place;
        bool room = o->n < o->room && o->n_kins < o->kin_room && o->n_objects < o->object_room;

        if (!room && grow(o, e) < 0)
                return ERR_NOMEM;
        o->n++;
        o->next[series] = none;
        place = kin_place(o, s->kin);
        if (*place != none) {
                struct kin *kin = &o->kins[*place];

                o->next[kin->last] = series;
                kin->last = series;
                return 0;
        }
        *place = (uint32_t)o->n_kins;
        o->kins[o->n_kins++] = (struct kin){s->kin, series, series, none};
        add_to_object(o, *place, s);
        return 0;
}

static int
compare_objects(const void *a, const void *b, void *arg)
{
        const struct order *o = arg;
        uint32_t i = *(const uint32_t *)a;
        uint32_t j = *(const uint32_t *)b;
        const struct object *x = &o->objects[i];
        const struct object *y = &o->objects[j];

        for (int n = 0; n < PIECES; n++) {
                int c = view_cmp((struct view){o->base + x->at[n], x->bytes[n]},
                    (struct view){o->base + y->at[n], y->bytes[n]});

                if (c != 0)
                        return c;
        }
        return i < j ? -1 : i > j;
}

const uint32_t *
order_sort(struct order *o, const char *base)
{
        size_t n = 0;

        for (size_t i = 0; i < o->n_objects; i++)
                o->object_order[i] = (uint32_t)i;
        o->base = base;
        if (o->n_objects > 1)
                qsort_r(o->object_order, o->n_objects, sizeof(uint32_t), compare_objects, o);
        o->base = NULL;
        for (size_t i = 0; i < o->n_objects; i++) {
                uint32_t kin = o->objects[o->object_order[i]].first;

                for (; kin != none; kin = o->kins[kin].next) {
                        for (uint32_t s = o->kins[kin].first; s != none; s = o->next[s])
                                o->sorted[n++] = s;
                }
        }
        assert(n == o->n);
        return o->sorted;
}
