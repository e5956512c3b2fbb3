/* Any bytes in a sealed keyframe: no undefined behaviour, and what decodes survives another round.
 */
#include "base/buf.h"
#include "base/compress.h"
#include "wal/column.h"
#include "wal/envelope.h"
#include "wal/keyframe.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct zstd_packer *packer;
        static struct zstd_unpacker *unpacker;
        uint64_t column[CHUNK_SLOTS];
        uint64_t back[CHUNK_SLOTS];
        struct keyframe_head head;
        struct buf bytes = BUF_INIT(1 << 20);
        size_t start;

        if (packer == NULL &&
            (zstd_packer_new(1, &packer, NULL) < 0 || zstd_unpacker_new(&unpacker, NULL) < 0))
                abort();
        if (envelope_begin(&bytes, &start, NULL) < 0 || buf_append(&bytes, data, size, NULL) < 0)
                abort();
        envelope_end(&bytes, 0, ENVELOPE_KEYFRAME);
        if (keyframe_decode(buf_view(&bytes), unpacker, &head, column, NULL) == 0) {
                for (unsigned i = 0; i < head.slots; i++) {
                        if (column[i] == COLUMN_STALE)
                                column[i] = COLUMN_ABSENT; /* an encoder never has it */
                }
                buf_reset(&bytes);
                if (keyframe_encode(&head, column, packer, &bytes, NULL) < 0 ||
                    keyframe_decode(buf_view(&bytes), unpacker, &head, back, NULL) < 0 ||
                    memcmp(back, column, head.slots * sizeof(*back)) != 0)
                        abort();
        }
        buf_release(&bytes);
        return 0;
}
