/*
 * What an answer means: the table of DESIGN section 6. Pure: one function, tried row by row.
 */
#ifndef REMOTEWRITE_ANSWER_H
#define REMOTEWRITE_ANSWER_H

#include "base/view.h"
#include "remotewrite/message.h"
#include "wal/wal.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ANSWER_BODY_MAX = 4 << 10, ANSWER_TEXT_MAX = 512 };

/* What came back of one attempt. */
struct answer {
        CURLcode code;
        const char *error; /* libcurl's error buffer */
        long status; /* of the last head; 0: none came */
        struct view content_type;
        struct view retry_after;
        struct view location;
        struct view written; /* X-Prometheus-Remote-Write-Samples-Written */
        struct view body; /* its first ANSWER_BODY_MAX bytes */
        bool reused; /* the connection was open before */
        bool resent; /* libcurl sent it again by itself after the body had gone out as a whole */
        uint64_t body_bytes; /* of the request */
        uint64_t sent_bytes; /* of them handed to the connection */
};

/* What the sender knows of the attempt. */
struct answer_context {
        bool ambiguous; /* the body may have been taken by an attempt before */
        bool again_at_once; /* this was already the attempt after a stale connection */
        bool drop_on_429;
        enum write_message message; /* that the request is */
        bool knows_2; /* the receiver was seen to know 2.0 */
        uint64_t samples; /* in the request */
        uint64_t series;
        int64_t now_wall_ms;
};

enum verdict {
        VERDICT_SETTLED, /* taken */
        VERDICT_UNCONFIRMED, /* refused, and may have been taken before */
        VERDICT_COUNTED, /* taken but for `lost` and `unconfirmed` samples, which the receiver
                            counted */
        VERDICT_PARTLY, /* taken but for some samples, `lost` at least: it did not count them */
        VERDICT_REFUSED, /* refused as a whole: halve by series; what is refused in the end is lost,
                            or unconfirmed when it may have been taken before */
        VERDICT_DROPPED, /* 429, and the configuration says not to try again */
        VERDICT_SPLIT, /* too large */
        VERDICT_OTHER_MESSAGE, /* the receiver does not take this message: the same samples again as
                                  the other one */
        VERDICT_RETRY, /* the same again, after a delay */
        VERDICT_RETRY_AT_ONCE, /* a keep-alive connection was closed under us: not a failure */
        VERDICT_HOLD, /* the operator has to change something: probe rarely, drop nothing */
};
extern const char *const verdict_names[];

struct judgement {
        enum verdict verdict;
        bool ambiguous; /* of the next attempt */
        bool shrink; /* time ran out while the body was going out */
        bool asks_for_less; /* with VERDICT_RETRY: it is there, and has too much to do */
        int64_t retry_after_ms; /* 0: the receiver said nothing */
        bool knows_2; /* only a receiver that knows 2.0 answers so */
        uint64_t lost; /* with VERDICT_COUNTED and VERDICT_PARTLY */
        uint64_t unconfirmed; /* with VERDICT_COUNTED */
        enum wal_lost reason; /* of what is refused */
        char text[ANSWER_TEXT_MAX]; /* one sentence; "" when settled */
};

void answer_judge(const struct answer *a, const struct answer_context *c, struct judgement *out);

#endif
