/* Any bytes as an uncompressed body of the benchmark's receiver: 2.0 when the first one is odd. */
#include "bench/walk.h"

#include <stdint.h>

static void
on_sample(void *arg, uint64_t series, int64_t time_ms, uint64_t bits)
{
        uint64_t *sum = arg;

        *sum += series ^ (uint64_t)time_ms ^ bits;
}

static void
on_metadata(void *arg)
{
        uint64_t *sum = arg;

        (*sum)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint64_t sum = 0;
        const struct walk_sink sink = {on_sample, on_metadata, &sum};
        struct view body = {(const char *)data + 1, size - 1};

        if (size == 0)
                return 0;
        (void)walk_request(
            body, (data[0] & 1) != 0 ? WALK_REQUEST_V2 : WALK_WRITE_REQUEST, &sink, NULL);
        return 0;
}
