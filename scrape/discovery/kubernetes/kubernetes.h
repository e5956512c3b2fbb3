/*
 * Kubernetes discovery: a section of a configuration as a source (scrape/discovery/source.h).
 *
 *      server ── watch (one per API server, kind, namespace and selector) ── store
 *                  └── section … section: role_*.c makes target groups of the stores' objects
 *
 * A section has no groups before each of its watches has listed everything once; from then on what
 * is known stays while the API server is away. Specs: kubernetes-sd.md. Discover thread only.
 */
#ifndef SCRAPE_DISCOVERY_KUBERNETES_KUBERNETES_H
#define SCRAPE_DISCOVERY_KUBERNETES_KUBERNETES_H

struct err;
struct kubernetes_sd;
struct source;
struct source_input;

/* sd is the input's job's. */
int kubernetes_source_new(const struct source_input *in, const struct kubernetes_sd *sd,
    struct source **out, struct err *e);

#endif
