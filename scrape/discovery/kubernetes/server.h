/*
 * An API server and how it is talked to: of api_server, of a kubeconfig file, or of the cluster
 * that we run in. Shared by all watches of sections that name it the same way. Discover thread.
 *
 * Files are looked at when a request is made, never when the configuration is loaded: a missing
 * one fails requests until it is there. Tokens and certificates in files are read for each request.
 */
#ifndef SCRAPE_DISCOVERY_KUBERNETES_SERVER_H
#define SCRAPE_DISCOVERY_KUBERNETES_SERVER_H

#include "base/arena.h"
#include "base/http.h"

struct err;
struct kubernetes_sd;
struct scrape_config;

struct kube_server {
        struct kube_server *next; /* of who keeps servers */
        unsigned refs; /* watches */
        const struct kubernetes_sd *sd; /* in config: the first section that named it */
        struct scrape_config *config; /* a reference */
        const char *folder; /* of the service account; tests have their own */
        const char *url; /* in the arena or in config; no / at its end counts */
        struct http_options own; /* of a kubeconfig file or a service account */
        struct http_client *client; /* owned; NULL: not opened */
        struct arena arena;
        unsigned in_flight; /* requests: they use the client */
        bool stale; /* the kubeconfig file is to be read again */
        char namespace[256]; /* our own; "": not known */
};

/* Takes a reference on config, in which sd is. */
int kube_server_new(const struct kubernetes_sd *sd, struct scrape_config *config,
    struct kube_server **out, struct err *e);
void kube_server_free(struct kube_server *s);
/* Makes it ready for requests, if it is not; ERR_CONFIG and the reason when something is missing.
 */
int kube_server_open(struct kube_server *s, struct err *e);
/* An answer was 401: a kubeconfig file is read again when no request is under way. */
void kube_server_refused(struct kube_server *s);
/* The namespace of our service account; ERR_CONFIG when there is none. */
int kube_server_namespace(struct kube_server *s, const char **out, struct err *e);

#endif
