#include "wal/envelope.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"

#include <assert.h>
#include <string.h>

static const uint8_t magic[3] = {'g', 'l', 'e'};

enum { OFFSET_CHECKSUM = 4, OFFSET_LENGTH = 8 };

int
envelope_begin(struct buf *out, size_t *out_start, struct err *e)
{
        static const char zeros[ENVELOPE_BYTES];
        size_t start = out->len;
        int rc = buf_append(out, zeros, sizeof(zeros), e);

        if (rc < 0)
                return rc;
        *out_start = start;
        return 0;
}

void
envelope_end(struct buf *out, size_t start, enum envelope_kind kind)
{
        envelope_seal((uint8_t *)out->ptr + start, out->len - start, kind);
}

void
envelope_seal(uint8_t *p, size_t n, enum envelope_kind kind)
{
        assert(n >= ENVELOPE_BYTES && n <= UINT32_MAX);
        memcpy(p, magic, sizeof(magic));
        p[3] = (uint8_t)kind;
        bytes_put_u32(p + OFFSET_LENGTH, (uint32_t)n);
        bytes_put_u32(p + OFFSET_CHECKSUM, hash_checksum(p + OFFSET_LENGTH, n - OFFSET_LENGTH));
}

static const char *
name_of(enum envelope_kind kind)
{
        switch (kind) {
        case ENVELOPE_BLOCK:
                return "block";
        case ENVELOPE_KEYFRAME:
                return "keyframe";
        case ENVELOPE_LAYOUT:
                return "layout";
        case ENVELOPE_TARGET:
                return "target state";
        case ENVELOPE_CURSOR:
                return "cursor";
        case ENVELOPE_BOOK:
                return "book record";
        }
        return "value";
}

int
envelope_open(struct view bytes, enum envelope_kind kind, bool verify, struct bytes_reader *body,
    struct err *e)
{
        const uint8_t *p = (const uint8_t *)bytes.p;
        const char *why = NULL;

        if (bytes.n < ENVELOPE_BYTES)
                why = "it is cut short";
        else if (memcmp(p, magic, sizeof(magic)) != 0 || p[3] != (uint8_t)kind)
                why = "its magic is wrong";
        else if (bytes_get_u32(p + OFFSET_LENGTH) != bytes.n)
                why = "its length is wrong";
        else if (verify &&
            hash_checksum(p + OFFSET_LENGTH, bytes.n - OFFSET_LENGTH) !=
                bytes_get_u32(p + OFFSET_CHECKSUM))
                why = "its checksum is wrong";
        if (why != NULL)
                return err_set(e, ERR_CORRUPT, "%s is damaged: %s", name_of(kind), why);
        *body = (struct bytes_reader){p + ENVELOPE_BYTES, p + bytes.n, false};
        return 0;
}
