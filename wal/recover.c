#include "wal/recover.h"

#include "base/err.h"
#include "wal/block.h"
#include "wal/cursor.h"
#include "wal/meta.h"
#include "wal/store.h"

enum { IDS_SKIPPED = 1 << 20 }; /* above the largest key: ids that have no value of their own */

static void
raise_to(uint64_t *n, uint64_t at_least)
{
        if (*n < at_least)
                *n = at_least;
}

static int
note_block(void *arg, struct view key, struct view value, struct err *e)
{
        struct meta_book *b = arg;
        struct block_head head;

        (void)e;
        raise_to(&b->next_block, key_number(key) + 1);
        if (block_read_head(value, true, &head, NULL) == 0)
                raise_to(&b->samples, head.samples_before + head.samples);
        return 0;
}

static int
note_cursor(void *arg, struct view key, struct view value, struct err *e)
{
        struct meta_book *b = arg;
        char name[CURSOR_NAME_MAX + 1];
        struct cursor c;

        (void)key;
        (void)e;
        if (cursor_decode(value, &c, name, NULL) == 0) {
                raise_to(&b->next_block, c.next.block);
                raise_to(&b->samples, c.next.samples);
                raise_to(&b->age_ms, c.age_ms);
                b->had_endpoint = true;
        }
        return 0;
}

static int
last_number(struct store_txn *t, enum key_kind kind, uint64_t *out, struct err *e)
{
        struct key k;
        int rc = store_last(t, kind, &k, e);

        if (rc == 0)
                raise_to(out, be64_get(k.bytes + 1));
        return rc == ERR_NOTFOUND ? 0 : rc;
}

int
recover_book(struct store_txn *t, struct meta_book *out, struct err *e)
{
        static const enum key_kind id_kinds[] = {KEY_KEYFRAME, KEY_LAYOUT, KEY_TARGET};
        struct meta_book b = {.next_block = 1, .keyframe_low = 1};
        struct key blocks = key_of(KEY_BLOCK, 0);
        struct key cursors = key_of(KEY_CURSOR, 0);
        uint64_t last_id = 0;
        int rc = store_walk(t, &blocks, note_block, &b, e);

        if (rc == 0)
                rc = store_walk(t, &cursors, note_cursor, &b, e);
        for (int i = 0; i < 3 && rc == 0; i++)
                rc = last_number(t, id_kinds[i], &last_id, e);
        if (rc == 0)
                rc = last_number(t, KEY_AGE, &b.age_ms, e);
        if (rc < 0)
                return rc;
        b.next_id = last_id + IDS_SKIPPED;
        b.offered = b.samples;
        *out = b;
        return 0;
}
