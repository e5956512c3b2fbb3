/* Any bytes as a record: no undefined behaviour, and what decodes survives another round. */
#include "base/buf.h"
#include "wal/column.h"
#include "wal/record.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void
again(const uint64_t *keyframe, unsigned keyframe_slots, const uint64_t *column, unsigned slots)
{
        struct record_input in = {keyframe, keyframe_slots, column, 0, slots, 0, NULL, 0};
        struct buf bytes = BUF_INIT(RECORD_MAX_BYTES);
        uint64_t back[CHUNK_SLOTS];
        struct record_decode_input out = {.keyframe = keyframe, .keyframe_slots = keyframe_slots};
        unsigned samples;
        size_t extras;

        if (record_encode(&in, &bytes, &out.slots, &samples, &extras, NULL) < 0)
                abort();
        out.bytes = buf_view(&bytes);
        if (record_decode(&out, back, NULL) < 0 ||
            memcmp(back, column, out.slots * sizeof(*back)) != 0)
                abort();
        buf_release(&bytes);
}

static int
count_extra(void *arg, const struct record_extra *x, struct err *e)
{
        (void)e;
        if (x->slot >= CHUNK_SLOTS)
                abort();
        *(size_t *)arg += 1;
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Three bytes of lengths, the keyframe's values, the record. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint64_t keyframe[CHUNK_SLOTS];
        uint64_t column[CHUNK_SLOTS];
        struct record_decode_input in = {.keyframe = keyframe, .extra = count_extra};
        size_t extras = 0;
        unsigned values;

        if (size < 3)
                return 0;
        values = data[0] % 8;
        in.keyframe_slots = values * 32;
        in.slots = 1 + data[1];
        in.first = data[2];
        data += 3;
        size -= 3;
        if (size < values * sizeof(*keyframe))
                return 0;
        for (unsigned i = 0; i < in.keyframe_slots; i++)
                memcpy(&keyframe[i], data + i % values * sizeof(*keyframe), sizeof(*keyframe));
        data += values * sizeof(*keyframe);
        size -= values * sizeof(*keyframe);
        in.bytes = (struct view){(const char *)data, size};
        in.arg = &extras;
        if (record_decode(&in, column, NULL) == 0 && in.first == 0)
                again(keyframe, in.keyframe_slots, column, in.slots);
        return 0;
}
