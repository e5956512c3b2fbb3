#include "remotewrite/protocol.h"

void
protocol_set(struct protocol *p, enum write_message wanted)
{
        bool fell_back = p->fell_back && wanted == WRITE_2;

        *p = (struct protocol){
            .wanted = wanted, .now = wanted, .fell_back = fell_back, .ask_at_ms = INT64_MAX};
}

/* Begins to ask whether the receiver knows 2.0. */
static void
ask(struct protocol *p)
{
        p->now = WRITE_2;
        p->proved = false;
        p->ask_at_ms = INT64_MAX;
}

bool
protocol_refused(struct protocol *p, enum write_message message, int64_t now_mono_ms)
{
        /* an answer to a request that was made before: it is another one by now */
        if (p->wanted != WRITE_2 || message != p->now)
                return false;
        if (message == WRITE_1) {
                ask(p);
                return true;
        }
        p->now = WRITE_1;
        p->proved = false;
        p->fell_back = true;
        p->ask_at_ms = now_mono_ms + PROTOCOL_ASK_MS;
        return true;
}

bool
protocol_knows_2(struct protocol *p)
{
        bool fell_back = p->fell_back;

        if (p->now != WRITE_2)
                return false;
        p->proved = true;
        p->fell_back = false;
        return fell_back;
}

void
protocol_tick(struct protocol *p, int64_t now_mono_ms)
{
        if (now_mono_ms >= p->ask_at_ms)
                ask(p);
}

bool
protocol_trying(const struct protocol *p)
{
        return p->now == WRITE_2 && !p->proved;
}
