/*
 * One endpoint's thread: ticks, windows, requests, answers. sender.h has one for each endpoint.
 *
 * Functions may be called from the main and HTTP threads.
 */
#ifndef REMOTEWRITE_LOOP_H
#define REMOTEWRITE_LOOP_H

#include "remotewrite/sender.h"

#include <stdint.h>

struct err;
struct loop;
struct remote_config;
struct remote_endpoint;

/* Takes a reference on config, of which endpoint is a part. Starts the thread. */
int loop_start(const struct senders_options *o, struct remote_config *config,
    const struct remote_endpoint *endpoint, struct loop **out, struct err *e);
const char *loop_name(const struct loop *l);
/* Another configuration of the same endpoint: see senders_reload. */
void loop_reload(
    struct loop *l, struct remote_config *config, const struct remote_endpoint *endpoint);
/* Begins to stop: drains for up to timeout_ms; 0: at once. Does not wait. */
void loop_stop(struct loop *l, int64_t timeout_ms);
/* Waits for the thread to end, after loop_stop. forget: the endpoint is no longer configured. */
void loop_close(struct loop *l, bool forget);
void loop_stats(struct loop *l, struct sender_stats *out);

#endif
