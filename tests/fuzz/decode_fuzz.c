/* Any bytes as a request of either message, inside one snappy literal so that they get through. */
#include "base/buf.h"
#include "base/compress.h"
#include "remotewrite/decode.h"

#include <stdint.h>
#include <stdlib.h>

/* Touches all that a sink is given, so that the sanitizer sees a view that is too long. */
static int
touch(void *arg, const struct decode_series *s, struct err *e)
{
        uint64_t *sum = arg;

        (void)e;
        for (size_t i = 0; i < s->n_labels; i++) {
                for (size_t k = 0; k < s->labels[i].name.n; k++)
                        *sum += (uint8_t)s->labels[i].name.p[k];
                for (size_t k = 0; k < s->labels[i].value.n; k++)
                        *sum += (uint8_t)s->labels[i].value.p[k];
        }
        for (size_t i = 0; i < s->n_samples; i++)
                *sum += s->samples[i].bits ^ (uint64_t)s->samples[i].time_ms;
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct buf packed = BUF_INIT(1 << 20);
        uint64_t sum = 0;

        if (size > 0 && data[0] == 0xff) { /* as it is */
                (void)decode_request(
                    (struct view){(const char *)data + 1, size - 1}, WRITE_1, touch, &sum, NULL);
                return 0;
        }
        if (snappy_pack((struct view){(const char *)data, size}, &packed, NULL) < 0)
                abort();
        (void)decode_request(buf_view(&packed), WRITE_1, touch, &sum, NULL);
        (void)decode_request(buf_view(&packed), WRITE_2, touch, &sum, NULL);
        buf_release(&packed);
        return 0;
}
