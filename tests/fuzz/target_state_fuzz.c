/* Any bytes in a sealed target state: no undefined behaviour; what decodes survives a round. */
#include "base/buf.h"
#include "wal/envelope.h"
#include "wal/target_state.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct buf bytes = BUF_INIT(1 << 20);
        struct target_state s = {0};
        struct target_state back = {0};
        size_t start;

        if (envelope_begin(&bytes, &start, NULL) < 0 || buf_append(&bytes, data, size, NULL) < 0)
                abort();
        envelope_end(&bytes, 0, ENVELOPE_TARGET);
        if (target_state_decode(buf_view(&bytes), &s, NULL) == 0) {
                buf_reset(&bytes);
                if (target_state_encode(&s, &bytes, NULL) < 0 ||
                    target_state_decode(buf_view(&bytes), &back, NULL) < 0 ||
                    strcmp(back.identity, s.identity) != 0 || back.n_chunks != s.n_chunks ||
                    back.n_stamps != s.n_stamps ||
                    (s.n_stamps > 0 &&
                        back.stamps[s.n_stamps - 1].time_ms != s.stamps[s.n_stamps - 1].time_ms) ||
                    (s.n_chunks > 0 &&
                        memcmp(back.chunks, s.chunks, s.n_chunks * sizeof(*s.chunks)) != 0))
                        abort();
        }
        target_state_release(&s);
        target_state_release(&back);
        buf_release(&bytes);
        return 0;
}
