/*
 * Which message an endpoint's requests are: what the configuration says, until the receiver turns
 * out not to take it. Pure: answers and time come in.
 *
 * Only 2.0 is not taken everywhere. Who does not know it answers 415, 400 or, worst, 2xx and
 * nothing is stored (answer.h): then 1.0 is sent. 2.0 is asked for again with a request of samples
 * after a day, after a start or a reload, and when 1.0 is answered by 415: the receiver may have
 * become another one meanwhile.
 */
#ifndef REMOTEWRITE_PROTOCOL_H
#define REMOTEWRITE_PROTOCOL_H

#include "remotewrite/message.h"

#include <stdbool.h>
#include <stdint.h>

enum { PROTOCOL_ASK_MS = 24 * 60 * 60 * 1000 };

struct protocol {
        enum write_message wanted; /* by the configuration */
        enum write_message now; /* that requests are */
        bool proved; /* the receiver was seen to know 2.0 since it was asked for */
        bool fell_back; /* 1.0 is sent although 2.0 is wanted, or was until 2.0 is proved */
        int64_t ask_at_ms; /* monotonic: when 2.0 is asked for again; INT64_MAX: never */
};

/* At a start (of zeros) and a reload. */
void protocol_set(struct protocol *p, enum write_message wanted);
/* The receiver does not take this message. True: the other one is sent from here on. */
bool protocol_refused(struct protocol *p, enum write_message message, int64_t now_mono_ms);
/* The receiver was seen to know 2.0. True: it had not before, and 1.0 was sent for that. */
bool protocol_knows_2(struct protocol *p);
/* Between windows: whether it is time to ask for 2.0 again. */
void protocol_tick(struct protocol *p, int64_t now_mono_ms);
/* 2.0 is sent, and nobody knows yet whether that is taken: one request at a time. */
bool protocol_trying(const struct protocol *p);

#endif
