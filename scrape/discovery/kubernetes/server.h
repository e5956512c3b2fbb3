/*
 * An API server and how it is talked to: of api_server, of a kubeconfig file, or of the cluster
 * that we run in. Shared by all watches of sections that name it the same way. Discover thread.
 *
 * Files are looked at when a request is made, never when the configuration is loaded: a missing
 * one fails requests until it is there. Tokens and certificates in files are read for each request.
 *
 * What belongs to one set of credentials is a session. A new one (after a 401, or when what a
 * program gave has expired) serves the requests that begin then; the one before stays until the
 * requests that it serves are over.
 */
#ifndef SCRAPE_DISCOVERY_KUBERNETES_SERVER_H
#define SCRAPE_DISCOVERY_KUBERNETES_SERVER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/http.h"

#include <stdint.h>

struct child;
struct kubeconfig_exec;
struct kubernetes_sd;
struct scrape_config;

struct kube_session {
        unsigned refs; /* the server's own and requests' */
        const char *url; /* in the arena or in config; no / at its end counts */
        struct http_options own; /* of a kubeconfig file or a service account */
        struct http_client *client; /* owned */
        const struct kubeconfig_exec *exec; /* in the arena; NULL: no program is asked */
        struct arena arena;
        int64_t good_until_ms; /* monotonic */
};

struct kube_server {
        struct kube_server *next; /* of who keeps servers */
        unsigned refs; /* watches */
        const struct kubernetes_sd *sd; /* in config: the first section that named it */
        struct scrape_config *config; /* a reference */
        const char *folder; /* of the service account; tests have their own */
        struct kube_session *session; /* NULL: not opened, or given up */
        struct kube_session *coming; /* waits for its program; NULL: none does */
        struct child *program; /* of the one that comes */
        unsigned failures; /* to get credentials, since the start */
        struct err why; /* of the last one */
        char namespace[256]; /* our own; "": not known */
};

/* Takes a reference on config, in which sd is. */
int kube_server_new(const struct kubernetes_sd *sd, struct scrape_config *config,
    struct kube_server **out, struct err *e);
void kube_server_free(struct kube_server *s);

/*
 * A session to make a request with, given back by kube_session_put; NULL: a program is asked for
 * credentials, look again after kube_server_turn. ERR_CONFIG and the reason when something is
 * missing.
 */
int kube_server_open(
    struct kube_server *s, int64_t now_ms, struct kube_session **out, struct err *e);
/* NULL-safe. */
void kube_session_put(struct kube_session *x);
/* Takes what the program has printed; never waits. When it failed, failures goes up. */
void kube_server_turn(struct kube_server *s, int64_t now_ms);
/* When to turn at the latest (monotonic), and what to wait for until then. */
int64_t kube_server_due(const struct kube_server *s);
size_t kube_server_fds(const struct kube_server *s, int *out, size_t cap);

/* An answer to a request of this session was 401: a kubeconfig file is read again, and its program
 * asked. */
void kube_server_refused(struct kube_server *s, struct kube_session *x);
/* No credentials are to be had: who waits for them is told. */
void kube_server_failed(struct kube_server *s, const struct err *why);
/* The namespace of our service account; ERR_CONFIG when there is none. */
int kube_server_namespace(struct kube_server *s, const char **out, struct err *e);

#endif
