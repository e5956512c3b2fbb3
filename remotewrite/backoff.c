#include "remotewrite/backoff.h"

#include <curl/curl.h>
#include <string.h>

enum { DATE_MAX = 64 };

void
backoff_init(struct backoff *b, int64_t min_ms, int64_t max_ms, uint64_t seed)
{
        min_ms = min_ms > 0 ? min_ms : 1;
        *b = (struct backoff){
            .min_ms = min_ms, .max_ms = max_ms > min_ms ? max_ms : min_ms, .random = seed};
}

void
backoff_reset(struct backoff *b)
{
        b->tries = 0;
}

/* splitmix64; less than bound, 0 for bound 0. */
static int64_t
draw(struct backoff *b, int64_t bound)
{
        uint64_t z = (b->random += UINT64_C(0x9e3779b97f4a7c15));

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        z ^= z >> 31;
        return bound > 0 ? (int64_t)(z % (uint64_t)bound) : 0;
}

int64_t
backoff_jitter(struct backoff *b, int64_t ms)
{
        return ms - draw(b, ms / 2 + 1);
}

int64_t
backoff_next(struct backoff *b, int64_t hint_ms)
{
        int64_t ceiling = b->min_ms;

        for (unsigned i = 0; i < b->tries && ceiling < b->max_ms; i++)
                ceiling = ceiling > b->max_ms / 2 ? b->max_ms : ceiling * 2;
        b->tries++;
        if (hint_ms > 0) {
                int64_t wish = hint_ms < RETRY_AFTER_MAX_MS ? hint_ms : RETRY_AFTER_MAX_MS;

                wish = wish > b->min_ms ? wish : b->min_ms;
                return wish + draw(b, wish / 10);
        }
        return backoff_jitter(b, ceiling);
}

int64_t
http_date_ms(struct view value)
{
        char text[DATE_MAX];
        time_t t;

        if (value.n == 0 || value.n >= sizeof(text))
                return 0;
        memcpy(text, value.p, value.n);
        text[value.n] = '\0';
        t = curl_getdate(text, NULL);
        return t > 0 ? (int64_t)t * 1000 : 0;
}

int64_t
retry_after_ms(struct view value, int64_t now_wall_ms)
{
        int64_t ms = 0;
        size_t digits = 0;

        while (digits < value.n && value.p[digits] >= '0' && value.p[digits] <= '9') {
                if (ms <= RETRY_AFTER_MAX_MS)
                        ms = ms * 10 + (int64_t)(value.p[digits] - '0') * 1000;
                digits++;
        }
        if (digits == 0 || digits < value.n)
                ms = http_date_ms(value) - now_wall_ms;
        if (ms <= 0)
                return 0;
        return ms < RETRY_AFTER_MAX_MS ? ms : RETRY_AFTER_MAX_MS;
}
