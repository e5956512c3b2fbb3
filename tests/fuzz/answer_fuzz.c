/*
 * What a receiver may answer: two bytes choose status, code and message, then Retry-After (the
 * count of written samples, too) up to a line feed, then the body. No crash; what is counted as
 * lost never passes the request; the sentence is told unless all is well.
 */
#include "remotewrite/answer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        static const long statuses[] = {
            0, 200, 204, 302, 308, 400, 401, 404, 408, 409, 413, 415, 422, 429, 500, 503, 999};
        static const CURLcode codes[] = {CURLE_OK, CURLE_RECV_ERROR, CURLE_OPERATION_TIMEDOUT,
            CURLE_WRITE_ERROR, CURLE_ABORTED_BY_CALLBACK};
        const char *text = (const char *)data + 2;
        const char *line;
        struct answer a = {.error = "", .body_bytes = 100, .sent_bytes = 100};
        struct answer_context c = {.samples = 50, .series = 7, .now_wall_ms = 1700000000000};
        struct judgement j;

        if (n < 2)
                return 0;
        n -= 2;
        a.status = statuses[data[0] % (sizeof(statuses) / sizeof(statuses[0]))];
        a.code = codes[data[1] % (sizeof(codes) / sizeof(codes[0]))];
        c.ambiguous = data[1] > 127;
        c.message = (data[1] & 64) != 0 ? WRITE_2 : WRITE_1;
        c.knows_2 = (data[1] & 32) != 0;
        line = n > 0 ? memchr(text, '\n', n) : NULL;
        if (line != NULL) {
                a.retry_after = a.written = (struct view){text, (size_t)(line - text)};
                n -= (size_t)(line + 1 - text);
                text = line + 1;
        }
        a.body = (struct view){text, n < ANSWER_BODY_MAX ? n : ANSWER_BODY_MAX};
        a.location = a.body;
        answer_judge(&a, &c, &j);
        if (j.lost + j.unconfirmed > c.samples || j.retry_after_ms < 0 || j.retry_after_ms > 600000)
                abort();
        if ((j.verdict == VERDICT_SETTLED) != (j.text[0] == '\0'))
                abort();
        return 0;
}
