/*
 * The state of an endpoint's thread: private to drain*.c. drain.c runs the thread and its
 * clockwork, drain_ask.c learns the receiver's time, drain_message.c which message it takes,
 * drain_window.c begins and ends windows and
 * builds requests, drain_send.c sends them and does what the answers say.
 */
#ifndef REMOTEWRITE_DRAIN_PARTS_H
#define REMOTEWRITE_DRAIN_PARTS_H

#include "remotewrite/adapt.h"
#include "remotewrite/flight.h"
#include "remotewrite/group.h"
#include "remotewrite/health.h"
#include "remotewrite/protocol.h"
#include "remotewrite/receiver_clock.h"
#include "remotewrite/sender.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct block_cache;
struct builder;
struct clock;
struct identity;
struct post;
struct post_result;
struct remote_config;
struct remote_endpoint;
struct wal;
struct wal_endpoint;
struct window;

/* A configuration and the endpoint in it. */
struct setting {
        struct remote_config *config; /* a reference; NULL: none */
        const struct remote_endpoint *endpoint; /* in config */
};

struct drain {
        /* set before start */
        struct wal *wal;
        const struct clock *clock;
        struct wal_endpoint *cursor;
        char name[256];
        pthread_t thread;

        /* under mtx */
        pthread_mutex_t mtx;
        struct setting next; /* of a reload, not taken over yet */
        bool stop;
        int64_t stop_at_ms; /* monotonic */
        struct sender_stats stats;
        double shown_speed; /* samples per ms, 0: not known */

        _Atomic int64_t beat_ms;

        /* the thread's own, from here on */
        struct setting now; /* for connections; labels: at the next window */
        struct identity *identity; /* owned */
        struct post *post; /* owned */
        struct window *window; /* owned */
        struct block_cache *cache; /* owned */
        struct group *group; /* owned */
        struct builder *builder; /* owned */
        struct flight flight;
        struct adapt adapt;
        struct health health;
        struct receiver_clock receiver;
        struct protocol protocol;
        bool identity_old; /* made from another configuration than now */
        bool unasked; /* nothing is begun until the receiver's time is known */
        bool asking; /* the request for it is in flight */
        enum write_message asked; /* that it is */
        bool ask_again; /* it met a stale connection */

        int64_t next_tick_ms; /* monotonic */
        bool draining; /* the log was not read to its end since the last tick */
        bool stopping;
        bool one_try; /* it was failing when the stop came: it gets one more try */
        struct wal_ledger at_stop; /* when the stop came */

        /* the window under way */
        bool under_way;
        bool ambiguous; /* it may have been sent before */
        bool catching_up; /* it is older than a tick or two */
        uint32_t next_group;
        uint32_t settled_groups; /* groups before it are settled: their series are not sent again */
        bool group_open; /* next_group is loaded, and some of it may have been taken */
        bool series_open; /* series was read from the group and did not fit any more */
        struct group_series series;
        size_t series_at; /* its samples before are in a request already */
        struct wal_ledger group_filtered; /* by relabeling, of the open group */
        bool clock_held; /* the open group, or the next block, is ahead of the receiver's time */
        bool ahead_told; /* and that was told; not yet that it is over */
        bool damage_told;
        int64_t group_newest_ms; /* of the open group, or the one that is held */
        int64_t began_ms; /* monotonic */
        uint64_t window_samples;

        double tokens; /* samples that catching up may send now */
        int64_t tokens_ms; /* monotonic: when they were counted */
        double speed; /* of the last window */
        int64_t pause_until_ms; /* monotonic: nothing is begun before, after trouble */
        int64_t refusal_told_ms; /* monotonic; 0: not yet */
        int64_t given_up_told_ms;
        int64_t trouble_told_ms;
};

/* ---- drain.c ---- */

struct health_now drain_now(const struct drain *d);
/* What should not be: told once in a while. */
void drain_tell(struct drain *d, const char *what, const struct err *e);
/* The same (out of memory, a log that cannot be read), and a pause before the next try. */
void drain_trouble(struct drain *d, const struct err *e);

/* What others may see of this thread is brought up to date. */
void drain_publish(struct drain *d);

/* ---- drain_ask.c ---- */

struct clock_reading drain_clock(const struct drain *d);
/* What may be sent now. */
struct clock_limits drain_limits(const struct drain *d);
/* What comes next is ahead of the receiver's time, or is not; and nothing of the log is. */
void drain_set_held(struct drain *d, bool held, uint64_t samples);
void drain_none_ahead(struct drain *d);
/*
 * Asks the receiver for its time, if that has to be known now. True: nothing else may be begun
 * until there is an answer.
 */
bool drain_ask(struct drain *d);
/* What came back of that. */
void drain_ask_result(struct drain *d, const struct post_result *r);
/* The Date of any answer. */
void drain_heard(struct drain *d, const struct post_result *r, const struct judgement *j);

/* ---- drain_message.c ---- */

/* What an answer to a request of this message says of it, and a line when that is new. */
void drain_message_heard(struct drain *d, enum write_message message, const struct post_result *r,
    const struct judgement *j);
/* The first part that may go, as the message that is sent now; NULL: none, or trouble. */
struct part *drain_message_change(struct drain *d, struct part *p);

/* ---- drain_window.c ---- */

/* Begins the next window. False: there is nothing to send now. */
bool drain_window_begin(struct drain *d);
/* All of it is settled. */
void drain_window_end(struct drain *d);
/* Forgets what was read of the window, and what is in flight: it is read again from where it is
 * settled. */
void drain_window_again(struct drain *d);
/* Everything of the window has become a request. */
bool drain_window_read(const struct drain *d);
/* The next request, taken over by the flight. False: none now (see clock_held). */
bool drain_window_request(struct drain *d);

/* ---- drain_send.c ---- */

/* Begins transfers, as many as may fly; builds requests for them. */
void drain_send(struct drain *d);
/* What came back of one. */
void drain_result(struct drain *d, const struct post_result *r);
/* Any request failed (VERDICT_RETRY, VERDICT_HOLD): delays, and a line when that is new. */
void drain_failed(struct drain *d, const struct judgement *j);
/* Any request came back with none of these. */
void drain_went_through(struct drain *d);
/* Any request in the statistics, but for its samples. */
void drain_count(struct drain *d, const struct post_result *r, const struct judgement *j);
/* Monotonic time until which nothing is to be sent; INT64_MIN: it may be now. */
int64_t drain_send_at(const struct drain *d);

#endif
