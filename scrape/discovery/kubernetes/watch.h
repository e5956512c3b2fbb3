/*
 * One list and watch: the objects of one kind, in one namespace or all, that a selector takes, kept
 * in a store as the API server has them (specs: kubernetes-sd.md section 2).
 *
 * This is the protocol alone: which URL comes next, what the answer's bytes mean, what follows its
 * end, and when. request.h does the requests. Discover thread only.
 */
#ifndef SCRAPE_DISCOVERY_KUBERNETES_WATCH_H
#define SCRAPE_DISCOVERY_KUBERNETES_WATCH_H

#include "base/buf.h"
#include "base/err.h"
#include "scrape/discovery/kubernetes/kinds.h"
#include "scrape/discovery/kubernetes/split.h"
#include "scrape/discovery/kubernetes/store.h"

#include <stdint.h>

struct kube_request;
struct kube_server;
struct kubernetes_counters;

enum {
        KUBE_PAGE_OBJECTS = 500,
        KUBE_BACKOFF_MIN_MS = 800,
        KUBE_BACKOFF_MAX_MS = 30000,
        KUBE_RETRY_AFTER_MAX_MS = 300000,
        KUBE_WATCH_MIN_S = 300, /* a watch ends after 300 to 600 s */
        KUBE_MAX_VERSION = 1024, /* of a resource version */
        KUBE_MAX_CONTINUE = 16 << 10,
};

/* What is watched; strings are the watch's own. */
struct kube_subject {
        enum kube_kind kind;
        const char *namespace; /* "": all, or there are none */
        const char *label; /* selectors; "": none */
        const char *field;
};

enum kube_state { KUBE_LISTING, KUBE_WATCHING };

struct kube_watch {
        struct kube_watch *next; /* of who keeps watches */
        unsigned refs; /* sections */
        struct kube_server *server; /* counted */
        struct kube_subject subject;
        struct kube_request *request; /* the hub's own */
        struct kubernetes_counters *stats; /* borrowed; counters are added to */
        struct kube_store store;
        bool synced; /* a list was whole once */
        uint64_t generation; /* goes up when the store or synced changes */
        int64_t confirmed_ms; /* monotonic: the store was right then */
        int64_t due_ms; /* monotonic: when the next request goes out; INT64_MAX: one is under way */
        bool waiting; /* for credentials: no request is under way either */

        /* the rest is kube_watch_*'s own */
        enum kube_state state;
        struct kube_split split;
        struct buf version;
        struct buf token; /* continue */
        struct buf record; /* scratch */
        struct buf answer; /* the beginning of one that is an error */
        bool listed; /* the first list may come from the server's cache */
        bool whole; /* list without limit: a continue token had expired */
        bool paging; /* a list is under way */
        int event_code; /* of an ERROR event; 0: none */
        uint64_t events; /* of the watch under way */
        int64_t begun_ms;
        int64_t backoff_ms;
        uint64_t random;
        bool retried; /* a 401 was tried again at once */
        bool failing; /* and that is logged */
        bool refusing; /* objects do not fit, and that is logged */
};

int kube_watch_new(const struct kube_subject *subject, struct kube_server *server,
    struct kubernetes_counters *stats, struct kube_watch **out, struct err *e);
void kube_watch_free(struct kube_watch *w);
bool kube_watch_is(const struct kube_watch *w, const struct kube_subject *subject);

/* A request begins: appends path and query. *out_seconds: how long it may take; 0: a list. */
int kube_watch_begin(
    struct kube_watch *w, int64_t now_ms, struct buf *out, unsigned *out_seconds, struct err *e);
/* Bytes of the answer's body. Not 0: the request must end. */
int kube_watch_take(struct kube_watch *w, long status, struct view bytes, struct err *e);
/* The answer's head is there, and it is a 200. */
void kube_watch_accepted(struct kube_watch *w, int64_t now_ms);

struct kube_end {
        long status; /* 0: there was no answer */
        int rc; /* of kube_watch_take, or ERR_AGAIN: the transfer failed */
        const char *why; /* of rc < 0 */
        int64_t retry_after_ms; /* 0: not said */
};
/* The request is over; due_ms says when the next one begins. */
void kube_watch_end(struct kube_watch *w, const struct kube_end *end, int64_t now_ms);

#endif
