/*
 * One endpoint's thread: ticks, windows, requests, answers. sender.h has one for each endpoint.
 *
 * Functions may be called from the main and HTTP threads.
 */
#ifndef REMOTEWRITE_DRAIN_H
#define REMOTEWRITE_DRAIN_H

#include "remotewrite/sender.h"

#include <stdint.h>

struct err;
struct drain;
struct remote_config;
struct remote_endpoint;

/* Takes a reference on config, of which endpoint is a part. Starts the thread. */
int drain_start(const struct senders_options *o, struct remote_config *config,
    const struct remote_endpoint *endpoint, struct drain **out, struct err *e);
const char *drain_name(const struct drain *d);
/* Another configuration of the same endpoint: see senders_reload. */
void drain_reload(
    struct drain *d, struct remote_config *config, const struct remote_endpoint *endpoint);
/* Begins to stop: drains for up to timeout_ms; 0: at once. Does not wait. */
void drain_stop(struct drain *d, int64_t timeout_ms);
/* Waits for the thread to end, after drain_stop. forget: the endpoint is no longer configured. */
void drain_free(struct drain *d, bool forget);
void drain_stats(struct drain *d, struct sender_stats *out);

#endif
