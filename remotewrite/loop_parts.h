/*
 * The state of an endpoint's thread: private to loop*.c. loop.c runs the thread and its clockwork,
 * loop_window.c begins and ends windows and builds requests, loop_send.c sends them and does what
 * the answers say.
 */
#ifndef REMOTEWRITE_LOOP_PARTS_H
#define REMOTEWRITE_LOOP_PARTS_H

#include "remotewrite/adapt.h"
#include "remotewrite/flight.h"
#include "remotewrite/health.h"
#include "remotewrite/receiver_clock.h"
#include "remotewrite/sender.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct block_cache;
struct builder;
struct clock;
struct group;
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

struct loop {
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
        double shown_drain_rate; /* samples per ms, 0: not known */

        _Atomic int64_t beat_ms;

        /* the thread's own, from here on */
        struct setting now; /* for connections; labels: at the next window */
        struct identity *identity; /* owned */
        bool identity_old; /* made from another configuration than now */
        struct post *post; /* owned */
        struct window *window; /* owned */
        struct block_cache *cache; /* owned */
        struct group *group; /* owned */
        struct builder *builder; /* owned */
        struct flight flight;
        struct adapt adapt;
        struct health health;
        struct receiver_clock receiver;

        int64_t next_tick_ms; /* monotonic */
        bool draining; /* the log was not read to its end since the last tick */
        bool stopping;
        bool one_try; /* it was failing when the stop came: it gets one more try */

        /* the window under way */
        bool under_way;
        bool ambiguous; /* it may have been sent before */
        bool catching_up; /* it is older than a tick or two */
        uint32_t next_group;
        bool group_open; /* next_group is loaded, and some of it may have been taken */
        struct wal_ledger group_filtered; /* by relabeling, of the open group */
        bool clock_held; /* the open group, or the next block, is ahead of the receiver's time */
        bool damage_told;
        int64_t began_ms; /* monotonic */
        uint64_t window_samples;

        double tokens; /* samples that catching up may send now */
        int64_t tokens_ms; /* monotonic: when they were counted */
        double drain_rate;
        int64_t pause_until_ms; /* monotonic: nothing is begun before, after trouble */
        int64_t refusal_told_ms; /* monotonic; 0: not yet */
        int64_t trouble_told_ms;
};

/* ---- loop.c ---- */

struct health_now loop_now(const struct loop *l);
/* What should not be: told once in a while. */
void loop_tell(struct loop *l, const char *what, const struct err *e);
/* The same (out of memory, a log that cannot be read), and a pause before the next try. */
void loop_trouble(struct loop *l, const struct err *e);

/* What others may see of this thread is brought up to date. */
void loop_publish(struct loop *l);

/* ---- loop_window.c ---- */

/* Begins the next window. False: there is nothing to send now. */
bool loop_window_begin(struct loop *l);
/* All of it is settled. */
void loop_window_end(struct loop *l);
/* Forgets what was read of the window: it is read again from where it is settled. */
void loop_window_again(struct loop *l);
/* Everything of the window has become a request. */
bool loop_window_read(const struct loop *l);
/* The next request, taken over by the flight. False: none now (see clock_held). */
bool loop_window_request(struct loop *l);

/* ---- loop_send.c ---- */

/* Begins transfers, as many as may fly; builds requests for them. */
void loop_send(struct loop *l);
/* What came back of one. */
void loop_result(struct loop *l, const struct post_result *r);
/* Monotonic time until which nothing is to be sent; INT64_MIN: it may be now. */
int64_t loop_send_at(const struct loop *l);

#endif
