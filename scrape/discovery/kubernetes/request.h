/*
 * The requests of one watch (watch.h), one after the other, on the multi handle that the discover
 * thread lends (net.h). Nothing here blocks. Discover thread only.
 */
#ifndef SCRAPE_DISCOVERY_KUBERNETES_REQUEST_H
#define SCRAPE_DISCOVERY_KUBERNETES_REQUEST_H

#include <stdint.h>

struct err;
struct kube_request;
struct kube_watch;
struct source_net;

/* Both are borrowed; the watch's server is opened when it is needed. */
int kube_request_new(
    struct kube_watch *w, struct source_net *net, struct kube_request **out, struct err *e);
/* A request under way ends without a word. NULL-safe. */
void kube_request_free(struct kube_request *r);
/* Takes in what has ended and starts what is due; what fails goes to kube_watch_end. */
void kube_request_turn(struct kube_request *r, int64_t now_ms);

#endif
