#include "wal/meta.h"

#include "base/err.h"
#include "wal/bytes.h"
#include "wal/envelope.h"

#include <string.h>

static const char magic[8] = "gleanwal";

enum { BOOK_CLEAN = 1, BOOK_HAD_ENDPOINT = 2 };

/*
 * Format record
 *       0  8  magic "gleanwal"
 *       8  1  format version
 *       9  1  word size: bytes of size_t (LMDB's own file format depends on it)
 *      10  1  byte order: 1 little, 2 big
 *      11  1  0
 *      12  4  page size
 *      16  n  tenant
 */
static uint8_t
byte_order(void)
{
        const uint16_t one = 1;

        return *(const uint8_t *)&one == 1 ? 1 : 2;
}

size_t
meta_format_encode(const char *tenant, size_t page_size, uint8_t *dst)
{
        size_t n = strnlen(tenant, META_TENANT_MAX);

        memcpy(dst, magic, sizeof(magic));
        dst[8] = META_FORMAT_VERSION;
        dst[9] = (uint8_t)sizeof(size_t);
        dst[10] = byte_order();
        dst[11] = 0;
        bytes_put_u32(dst + 12, (uint32_t)page_size);
        memcpy(dst + 16, tenant, n);
        return 16 + n;
}

bool
meta_format_is_ours(struct view bytes)
{
        return bytes.n >= 16 && bytes.n <= META_FORMAT_BYTES &&
            memcmp(bytes.p, magic, sizeof(magic)) == 0;
}

int
meta_format_check(
    struct view bytes, const char *tenant, size_t page_size, const char *dir, struct err *e)
{
        const uint8_t *p = (const uint8_t *)bytes.p;
        struct view owner;
        size_t stored;

        if (!meta_format_is_ours(bytes))
                return err_set(
                    e, ERR_CONFIG, "\"%s\" holds something that is not a gleaner log", dir);
        if (p[8] != META_FORMAT_VERSION)
                return err_set(e, ERR_CONFIG,
                    "the log in \"%s\" has format version %u, this program knows version %d", dir,
                    p[8], META_FORMAT_VERSION);
        if (p[9] != sizeof(size_t) || p[10] != byte_order())
                return err_set(e, ERR_CONFIG,
                    "the log in \"%s\" was written by a machine of another kind (%u-bit words, %s "
                    "byte order); logs cannot be moved between such machines",
                    dir, p[9] * 8U, p[10] == 1 ? "little" : "big");
        stored = bytes_get_u32(p + 12);
        if (stored != page_size)
                return err_set(e, ERR_CONFIG,
                    "the log in \"%s\" has pages of %zu bytes, this machine has %zu; logs cannot "
                    "be moved between such machines",
                    dir, stored, page_size);
        owner = (struct view){bytes.p + 16, bytes.n - 16};
        if (!view_is(owner, tenant))
                return err_set(e, ERR_CONFIG,
                    "the log in \"%s\" belongs to tenant \"%.*s\", not to \"%s\"", dir,
                    (int)owner.n, owner.p, tenant);
        return 0;
}

/* Book record: the fields in order, 8 bytes each, in an envelope. */
size_t
meta_book_encode(const struct meta_book *b, uint8_t *dst)
{
        const uint64_t fields[] = {b->next_id, b->next_block, b->samples, b->age_ms,
            b->not_stored[NOT_STORED_DISK], b->not_stored[NOT_STORED_QUEUE],
            b->not_stored[NOT_STORED_MEMORY], b->trimmed[0], b->trimmed[1], b->keyframe_low,
            b->max_size, (uint64_t)b->last_commit_ms,
            (b->clean ? BOOK_CLEAN : 0U) | (b->had_endpoint ? BOOK_HAD_ENDPOINT : 0U), b->offered};

        _Static_assert(
            ENVELOPE_BYTES + sizeof(fields) == META_BOOK_BYTES, "META_BOOK_BYTES is their size");
        for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
                bytes_put_u64(dst + ENVELOPE_BYTES + 8 * i, fields[i]);
        envelope_seal(dst, META_BOOK_BYTES, ENVELOPE_BOOK);
        return META_BOOK_BYTES;
}

int
meta_book_decode(struct view bytes, struct meta_book *out, struct err *e)
{
        uint64_t v[(META_BOOK_BYTES - ENVELOPE_BYTES) / 8];
        struct bytes_reader r;
        int rc = envelope_open(bytes, ENVELOPE_BOOK, true, &r, e);

        if (rc < 0)
                return rc;
        for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
                v[i] = bytes_u64(&r);
        if (r.bad || bytes_left(&r) > 0)
                return err_set(e, ERR_CORRUPT, "the log's book record has %zu bytes", bytes.n);
        *out = (struct meta_book){
            .next_id = v[0],
            .next_block = v[1],
            .samples = v[2],
            .age_ms = v[3],
            .offered = v[13],
            .not_stored = {v[4], v[5], v[6]},
            .trimmed = {v[7], v[8]},
            .keyframe_low = v[9],
            .max_size = v[10],
            .last_commit_ms = (int64_t)v[11],
            .clean = (v[12] & BOOK_CLEAN) != 0,
            .had_endpoint = (v[12] & BOOK_HAD_ENDPOINT) != 0,
        };
        return 0;
}
