/* Any bytes in a sealed block: no undefined behaviour, and what decodes survives another round. */
#include "base/buf.h"
#include "base/compress.h"
#include "wal/block.h"
#include "wal/envelope.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static struct zstd_packer *packer;
static struct zstd_unpacker *unpacker;

/* Puts the same records into a builder of the largest size and reads them back. */
static void
again(const struct block_record *records, unsigned n, const struct buf *payload)
{
        static struct block_record back[BLOCK_MAX_RECORDS];
        static uint8_t bytes[BLOCK_MAX_SIZE];
        struct block_builder *b = NULL;
        struct block_head head = {0};
        unsigned added = 0;

        if (block_builder_new(sizeof(bytes), &b, NULL) < 0)
                abort();
        while (added < n) {
                const struct block_record *r = &records[added];
                struct view record = {payload->ptr + r->offset, r->length};

                if (r->length > 3840 || block_builder_add(b, r, record, packer, NULL) < 0)
                        break;
                added++;
        }
        block_builder_finish(b, &head, bytes);
        if (block_read_directory(
                (struct view){(const char *)bytes, sizeof(bytes)}, back, added, NULL) < 0 ||
            memcmp(back, records, added * sizeof(*back)) != 0)
                abort();
        block_builder_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct block_record records[BLOCK_MAX_RECORDS];
        static uint8_t bytes[ENVELOPE_BYTES + 8192];
        struct view v = {(const char *)bytes, ENVELOPE_BYTES + size};
        struct buf payload = BUF_INIT(BLOCK_MAX_PAYLOAD + 1);
        struct block_head head;

        if (packer == NULL &&
            (zstd_packer_new(1, &packer, NULL) < 0 || zstd_unpacker_new(&unpacker, NULL) < 0))
                abort();
        if (size > 8192)
                return 0;
        memcpy(bytes + ENVELOPE_BYTES, data, size);
        envelope_seal(bytes, v.n, ENVELOPE_BLOCK);
        if (block_read_head(v, true, &head, NULL) == 0 &&
            block_read_directory(v, records, BLOCK_MAX_RECORDS, NULL) == 0 &&
            block_read_payload(v, unpacker, &payload, NULL) == 0)
                again(records, head.records, &payload);
        buf_release(&payload);
        return 0;
}
