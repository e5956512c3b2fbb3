/*
 * What the discover thread lends to its sources: one libcurl multi handle for all their transfers,
 * and the counters that outlive a source.
 *
 * Discover thread only.
 */
#ifndef SCRAPE_DISCOVERY_NET_H
#define SCRAPE_DISCOVERY_NET_H

#include "scrape/job.h"

#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct kube_hub;

/* also change event_names[] in agent/metrics_rows_discovery.c */
enum kubernetes_event { KUBERNETES_ADD, KUBERNETES_DELETE, KUBERNETES_UPDATE, KUBERNETES_EVENTS };

struct kubernetes_counters {
        uint64_t events[KUBERNETES_ROLES][KUBERNETES_EVENTS]; /* since the start */
        uint64_t failures; /* lists and watches, since the start */
        uint64_t lists; /* requests for one or a page of one, since the start */
        uint64_t refused; /* objects over a bound, since the start */
        uint64_t watches; /* now */
        uint64_t watches_failing;
        uint64_t objects;
        uint64_t bytes; /* of the objects */
};

/* Since the start, under Prometheus's names for them. */
struct source_counters {
        uint64_t http_failures;
        uint64_t dns_lookups;
        uint64_t dns_lookup_failures;
        struct kubernetes_counters kubernetes;
};

struct source_net {
        CURLM *multi; /* owned */
        struct source_counters counters;
        struct kube_hub
            *kubernetes; /* of all Kubernetes sources together, which hold it; or NULL */
};

/* Called when a transfer has ended, before it is taken out of the multi handle. */
struct net_transfer {
        void (*done)(void *arg, CURLcode code);
        void *arg;
};

int net_new(struct source_net **out, struct err *e);
/* All transfers have been stopped. NULL-safe. */
void net_free(struct source_net *n);
/* Starts the transfer. t is borrowed until it has ended or was stopped. */
int net_start(struct source_net *n, CURL *easy, struct net_transfer *t, struct err *e);
/* Ends it without a call of done. */
void net_stop(struct source_net *n, CURL *easy);
/* Moves what can be moved and calls done for what has ended; never waits. */
void net_turn(struct source_net *n);

#endif
