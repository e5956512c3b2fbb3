/*
 * A block holds three things behind its head: the directory, one zstd frame with the first
 * records, and the records added since that frame was made, as they are. So a builder knows at
 * any time that what it took fits, without compressing at every record: it compresses only when
 * the raw tail has used up the room, and not at all when it expects that to be in vain.
 *
 *     12  8  sequence number            44  2  records
 *     20  8  samples before             46  1  flags: 1 = barrier
 *     28  4  samples                    47  1  version
 *     32  4  payload bytes              48     directory
 *     36  4  of these in the frame             frame (none when nothing is in it)
 *     40  2  bytes of the frame                rest of the payload
 *     42  2  bytes of the directory            zeros
 */
#include "wal/block.h"

#include "base/buf.h"
#include "base/compress.h"
#include "base/err.h"
#include "wal/column.h"
#include "wal/envelope.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
        BLOCK_VERSION = 1,
        HEAD_BYTES = 48, /* the envelope's included */
        FLAG_BARRIER = 1,
        /* target, chunk, keyframe, time; first, slots; samples; length */
        ENTRY_MAX = 4 * VARINT_MAX + 2 * 2 + 3 + 3,
        NEAR_FULL = 32, /* room for less than size / 32 is not worth another compression */
};

struct block_builder {
        size_t size;
        struct buf payload; /* all records */
        uint8_t *directory; /* owned, like the next two: `size` bytes each */
        uint8_t *frame; /* the first `framed` bytes of the payload, compressed */
        uint8_t *spare; /* for the next trial */
        size_t directory_bytes;
        size_t frame_bytes;
        size_t framed;
        struct block_record last; /* what the next entry is stored against */
        unsigned records;
        uint32_t samples;
        unsigned packs;
};

int
block_builder_new(size_t size, struct block_builder **out, struct err *e)
{
        struct block_builder *b = calloc(1, sizeof(*b));

        assert(size >= BLOCK_MIN_SIZE && size <= BLOCK_MAX_SIZE);
        if (b == NULL)
                return err_nomem(e, "a block");
        b->size = size;
        b->payload.max = BLOCK_MAX_PAYLOAD;
        b->directory = malloc(size);
        b->frame = malloc(size);
        b->spare = malloc(size);
        if (b->directory == NULL || b->frame == NULL || b->spare == NULL) {
                block_builder_free(b);
                return err_nomem(e, "a block");
        }
        *out = b;
        return 0;
}

void
block_builder_free(struct block_builder *b)
{
        if (b == NULL)
                return;
        buf_release(&b->payload);
        free(b->directory);
        free(b->frame);
        free(b->spare);
        free(b);
}

static size_t
put_signed(uint8_t *p, uint64_t now, uint64_t before)
{
        return varint_put(p, zigzag((int64_t)(now - before)));
}

/* A directory entry against the one before; at most ENTRY_MAX bytes. */
static size_t
put_entry(uint8_t *p, const struct block_record *r, const struct block_record *last)
{
        uint8_t *start = p;

        p += put_signed(p, r->target, last->target);
        p += put_signed(p, r->chunk, last->chunk);
        p += put_signed(p, r->keyframe, last->keyframe);
        p += put_signed(p, (uint64_t)r->time_ms, (uint64_t)last->time_ms);
        p += varint_put(p, r->first);
        p += varint_put(p, r->slots);
        p += put_signed(p, r->slots, r->samples);
        p += varint_put(p, r->length);
        return (size_t)(p - start);
}

static size_t
tail_bytes(const struct block_builder *b)
{
        return b->payload.len - b->framed;
}

/* Is it worth compressing again for `more` bytes of payload, `room` being left for all of it? */
static bool
is_promising(const struct block_builder *b, size_t more, size_t room)
{
        size_t expected;

        if (b->framed == 0)
                return true;
        expected = b->frame_bytes + (tail_bytes(b) + more) * b->frame_bytes / b->framed;
        return expected <= room - b->size / NEAR_FULL;
}

/* Compresses all of the payload into at most `room` bytes; false: it does not fit. */
static bool
pack(struct block_builder *b, struct zstd_packer *z, size_t room)
{
        size_t n = zstd_pack(z, b->payload.ptr, b->payload.len, b->spare, room);
        uint8_t *frame = b->frame;

        b->packs++;
        if (n == 0)
                return false;
        b->frame = b->spare;
        b->spare = frame;
        b->frame_bytes = n;
        b->framed = b->payload.len;
        return true;
}

/* Makes room for a record of n bytes at the payload's end, and puts it there. */
static bool
take_bytes(struct block_builder *b, struct view bytes, size_t room, struct zstd_packer *z)
{
        bool raw = b->frame_bytes + tail_bytes(b) + bytes.n <= room;

        if (!raw && (room < b->size / NEAR_FULL || !is_promising(b, bytes.n, room)))
                return false;
        if (buf_append(&b->payload, bytes.p, bytes.n, NULL) < 0)
                return false;
        if (raw || pack(b, z, room))
                return true;
        b->payload.len -= bytes.n;
        return false;
}

int
block_builder_add(struct block_builder *b, const struct block_record *r, struct view bytes,
    struct zstd_packer *z, struct err *e)
{
        uint8_t entry[ENTRY_MAX];
        struct block_record whole = *r;
        size_t n;
        size_t used;

        assert(r->slots >= 1 && r->first + r->slots <= CHUNK_SLOTS);
        whole.length = (uint32_t)bytes.n;
        n = put_entry(entry, &whole, &b->last);
        used = HEAD_BYTES + b->directory_bytes + n;
        if (b->records == BLOCK_MAX_RECORDS || used > b->size ||
            !take_bytes(b, bytes, b->size - used, z)) {
                assert(b->records > 0); /* any record fits an empty block */
                return err_set(e, ERR_LIMIT, "the block is full");
        }
        memcpy(b->directory + b->directory_bytes, entry, n);
        b->directory_bytes += n;
        b->last = whole;
        b->records++;
        b->samples += r->samples;
        return 0;
}

bool
block_builder_empty(const struct block_builder *b)
{
        return b->records == 0;
}

uint32_t
block_builder_samples(const struct block_builder *b)
{
        return b->samples;
}

size_t
block_builder_used(const struct block_builder *b)
{
        return HEAD_BYTES + b->directory_bytes + b->frame_bytes + tail_bytes(b);
}

unsigned
block_builder_packs(const struct block_builder *b)
{
        return b->packs;
}

static void
empty(struct block_builder *b)
{
        buf_reset(&b->payload);
        b->directory_bytes = 0;
        b->frame_bytes = 0;
        b->framed = 0;
        memset(&b->last, 0, sizeof(b->last));
        b->records = 0;
        b->samples = 0;
}

void
block_builder_finish(struct block_builder *b, const struct block_head *head, uint8_t *dst)
{
        uint8_t *p = dst + HEAD_BYTES;

        assert(block_builder_used(b) <= b->size);
        bytes_put_u64(dst + 12, head->seq);
        bytes_put_u64(dst + 20, head->samples_before);
        bytes_put_u32(dst + 28, b->samples);
        bytes_put_u32(dst + 32, (uint32_t)b->payload.len);
        bytes_put_u32(dst + 36, (uint32_t)b->framed);
        bytes_put_u16(dst + 40, (uint16_t)b->frame_bytes);
        bytes_put_u16(dst + 42, (uint16_t)b->directory_bytes);
        bytes_put_u16(dst + 44, (uint16_t)b->records);
        dst[46] = head->barrier ? FLAG_BARRIER : 0;
        dst[47] = BLOCK_VERSION;
        memcpy(p, b->directory, b->directory_bytes);
        p += b->directory_bytes;
        memcpy(p, b->frame, b->frame_bytes);
        p += b->frame_bytes;
        if (tail_bytes(b) > 0)
                memcpy(p, b->payload.ptr + b->framed, tail_bytes(b));
        p += tail_bytes(b);
        memset(p, 0, b->size - (size_t)(p - dst));
        envelope_seal(dst, b->size, ENVELOPE_BLOCK);
        empty(b);
}

/* Where the parts of a block lie; all within its bytes. */
struct parts {
        const uint8_t *directory;
        const uint8_t *frame;
        const uint8_t *tail;
        size_t directory_bytes;
        size_t frame_bytes;
        size_t framed;
        size_t tail_bytes;
};

static int
corrupt(struct err *e, const char *what)
{
        (void)err_set(e, ERR_CORRUPT, "block is damaged: %s", what);
        return ERR_CORRUPT;
}

static int
read_parts(
    struct view bytes, bool verify, struct block_head *head, struct parts *parts, struct err *e)
{
        struct bytes_reader r;
        uint8_t version;
        uint8_t flags;
        int rc = envelope_open(bytes, ENVELOPE_BLOCK, verify, &r, e);

        if (rc < 0)
                return rc;
        head->seq = bytes_u64(&r);
        head->samples_before = bytes_u64(&r);
        head->samples = bytes_u32(&r);
        head->payload = bytes_u32(&r);
        parts->framed = bytes_u32(&r);
        parts->frame_bytes = bytes_u16(&r);
        parts->directory_bytes = bytes_u16(&r);
        head->records = bytes_u16(&r);
        flags = bytes_u8(&r);
        version = bytes_u8(&r);
        if (r.bad || version != BLOCK_VERSION || flags > FLAG_BARRIER ||
            head->records > BLOCK_MAX_RECORDS || head->payload > BLOCK_MAX_PAYLOAD ||
            parts->framed > head->payload)
                return corrupt(e, "its head");
        head->barrier = (flags & FLAG_BARRIER) != 0;
        parts->tail_bytes = head->payload - parts->framed;
        parts->directory = bytes_take(&r, parts->directory_bytes);
        parts->frame = bytes_take(&r, parts->frame_bytes);
        parts->tail = bytes_take(&r, parts->tail_bytes);
        if (r.bad)
                return corrupt(e, "its parts are longer than it is");
        return 0;
}

int
block_read_head(struct view bytes, bool verify, struct block_head *out, struct err *e)
{
        struct block_head head;
        struct parts parts;
        int rc = read_parts(bytes, verify, &head, &parts, e);

        if (rc < 0)
                return rc;
        *out = head;
        return 0;
}

static uint64_t
get_signed(struct bytes_reader *r, uint64_t before)
{
        return before + (uint64_t)unzigzag(bytes_varint(r));
}

/* The entry after *last, which it replaces. False when it is none. */
static bool
get_entry(struct bytes_reader *r, struct block_record *last)
{
        uint64_t first;
        uint64_t slots;
        uint64_t samples;
        uint64_t length;

        last->target = get_signed(r, last->target);
        last->chunk = get_signed(r, last->chunk);
        last->keyframe = get_signed(r, last->keyframe);
        last->time_ms = (int64_t)get_signed(r, (uint64_t)last->time_ms);
        first = bytes_varint(r);
        slots = bytes_varint(r);
        samples = slots - (uint64_t)unzigzag(bytes_varint(r));
        length = bytes_varint(r);
        last->offset += last->length;
        if (r->bad || first >= CHUNK_SLOTS || slots < 1 || slots > CHUNK_SLOTS - first ||
            samples > UINT16_MAX || length > BLOCK_MAX_PAYLOAD)
                return false;
        last->first = (uint16_t)first;
        last->slots = (uint16_t)slots;
        last->samples = (uint16_t)samples;
        last->length = (uint32_t)length;
        return true;
}

int
block_read_directory(struct view bytes, struct block_record *out, size_t cap, struct err *e)
{
        struct block_record last = {0};
        struct block_head head;
        struct parts parts;
        struct bytes_reader r;
        uint64_t samples = 0;
        int rc = read_parts(bytes, false, &head, &parts, e);

        if (rc < 0)
                return rc;
        if (head.records > cap)
                return err_set(
                    e, ERR_LIMIT, "block has %u records, more than %zu", head.records, cap);
        r = (struct bytes_reader){parts.directory, parts.directory + parts.directory_bytes, false};
        for (unsigned i = 0; i < head.records; i++) {
                if (!get_entry(&r, &last) || last.length > head.payload - last.offset)
                        return corrupt(e, "its directory");
                samples += last.samples;
                out[i] = last;
        }
        if (bytes_left(&r) > 0 || samples != head.samples ||
            last.offset + last.length != head.payload)
                return corrupt(e, "its directory does not add up");
        return 0;
}

int
block_read_payload(struct view bytes, struct zstd_unpacker *z, struct buf *out, struct err *e)
{
        struct block_head head;
        struct parts parts;
        int rc = read_parts(bytes, false, &head, &parts, e);

        if (rc < 0)
                return rc;
        buf_reset(out);
        rc = buf_reserve(out, head.payload + 1, e);
        if (rc == 0 && parts.framed > 0)
                rc = zstd_unpack(z, parts.frame, parts.frame_bytes, out->ptr, parts.framed, e);
        if (rc < 0)
                return rc;
        memcpy(out->ptr + parts.framed, parts.tail, parts.tail_bytes);
        out->len = head.payload;
        return 0;
}
