/*
 * The configuration as it works, for /api/v1/status/config: defaults filled in, what a job has from
 * global, durations, sizes and paths in one form, as Prometheus shows its own. Made of the same
 * rows (config_keys.h) when it is asked for, so that it takes no memory before.
 */
#ifndef AGENT_CONFIG_EFFECTIVE_H
#define AGENT_CONFIG_EFFECTIVE_H

struct buf;
struct config;
struct err;

/* Appends YAML; secrets are masked. One thread at a time, while nobody frees the configuration. */
int config_effective_put(const struct config *c, struct buf *out, struct err *e);

#endif
