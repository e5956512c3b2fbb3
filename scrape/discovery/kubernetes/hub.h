/*
 * The API servers and watches of all Kubernetes sections together: one watch per API server, kind,
 * namespace and selector, however many sections look at what it holds. Discover thread only.
 */
#ifndef SCRAPE_DISCOVERY_KUBERNETES_HUB_H
#define SCRAPE_DISCOVERY_KUBERNETES_HUB_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct kube_hub;
struct kube_server;
struct kube_subject;
struct kube_watch;
struct kubernetes_sd;
struct scrape_config;
struct source_net;

enum { KUBE_MAX_WATCHES = 1000 };

/* The net's hub, made when it is not there. Each user gives it back once; the last one ends it. */
int kube_hub_get(struct source_net *net, struct kube_hub **out, struct err *e);
void kube_hub_put(struct kube_hub *h);

/* The server that the section names; it lives as long as it has watches, or until kube_hub_turn. */
int kube_hub_server(struct kube_hub *h, const struct kubernetes_sd *sd,
    struct scrape_config *config, struct kube_server **out, struct err *e);
/* A watch, new or known; given back with kube_hub_unwatch. ERR_LIMIT: there are too many. */
int kube_hub_watch(struct kube_hub *h, struct kube_server *server,
    const struct kube_subject *subject, struct kube_watch **out, struct err *e);
void kube_hub_unwatch(struct kube_hub *h, struct kube_watch *w);

/* Lets all watches go on; never waits. More than once for one moment is no harm. */
void kube_hub_turn(struct kube_hub *h, int64_t now_ms);
/* Monotonic; INT64_MAX: only transfers are waited for. */
int64_t kube_hub_due(const struct kube_hub *h);
/* What programs that give credentials print: readable. More than cap are looked at in time. */
size_t kube_hub_fds(const struct kube_hub *h, int *out, size_t cap);

#endif
