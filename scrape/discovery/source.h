/*
 * A discovery section that talks to the network: http, dns, kubernetes. Each kind is a struct that
 * begins with a struct source, and a class that says what can be done with it.
 *
 * A source never waits: its HTTP transfers run on the source_net that all share, other sockets are
 * told by `fds`; `turn` starts what is due and takes what has come in. What it knows is kept in
 * slots (one for an HTTP answer, one per name of dns): a slot is known from the first good answer
 * on and keeps its groups when a later one fails. Until then the groups of the last run, which
 * feed.h kept on disk, stand in.
 *
 * Discover thread only.
 */
#ifndef SCRAPE_DISCOVERY_SOURCE_H
#define SCRAPE_DISCOVERY_SOURCE_H

#include "base/labels.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct curl_waitfd;
struct err;
struct scrape_config;
struct scrape_job;
struct source;
struct sd_key;
struct source_net;
struct target_group;

/* Takes groups; they are valid during the call. */
struct group_sink {
        int (*take)(void *arg, const struct target_group *groups, size_t n, struct err *e);
        void *arg;
};

enum { SOURCE_MAX_FDS = 16 }; /* of one source, besides its transfers */

struct source_class {
        const char *mechanism; /* Prometheus's word for it: "http", "dns", "kubernetes" */
        /* Never waits and never fails: what goes wrong is logged and counted. */
        void (*turn)(struct source *s, int64_t now_ms);
        /* When turn has something to do without an event (monotonic); INT64_MAX: never. */
        int64_t (*due)(const struct source *s);
        /* Sockets to wait for, at most SOURCE_MAX_FDS; NULL: there are none. */
        size_t (*fds)(const struct source *s, struct curl_waitfd *out);
        size_t (*slots)(const struct source *s);
        bool (*known)(const struct source *s, size_t slot);
        /* Hands the groups of a known slot over, in one call of the sink or in many. */
        int (*visit)(
            const struct source *s, size_t slot, const struct group_sink *sink, struct err *e);
        void (*free)(struct source *s);
};

struct source {
        /* set before the first turn */
        const struct source_class *class;
        struct scrape_config *config; /* a reference: the section's strings live there */
        const struct scrape_job *job; /* in config */
        uint64_t identity; /* of what is asked, and of whom: its kept groups are found by it */
        uint64_t hash; /* of all that the section says */
        /* A label of all its groups that may hold a secret: not kept on disk, put back when read.
         */
        struct label own; /* name empty: there is none */
        /* kept by the source */
        uint64_t generation; /* goes up when groups are not what they were */
        uint64_t refreshes;
        uint64_t failures; /* refreshes that failed */
        int64_t confirmed_ms; /* monotonic: when all its groups were last known to be right */
};

/* What a section is made into a source with. */
struct source_input {
        struct scrape_config *config;
        const struct scrape_job *job;
        struct source_net *net; /* outlives the source */
};

/* What all kinds have in common: takes a reference on the configuration, given back by `free`. */
void source_init(struct source *s, const struct source_class *class, const struct source_input *in,
    const struct sd_key *key);
/* `slots` of a kind whose groups come all together. */
size_t source_one_slot(const struct source *s);

#endif
