/*
 * What the configuration says about one remote_write entry: plain data, filled by agent/config,
 * immutable afterwards, reference-counted as a whole. write_relabel is used on the endpoint's send
 * thread only.
 */
#ifndef REMOTEWRITE_ENDPOINT_H
#define REMOTEWRITE_ENDPOINT_H

#include "base/arena.h"
#include "base/http.h"
#include "base/labels.h"
#include "base/relabel.h"
#include "remotewrite/message.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct remote_endpoint {
        const char *name; /* `name`, else the URL without user info and query: keys the cursor */
        const char *url;
        int64_t remote_timeout_ms;
        const char *tenant_header; /* NULL: none is sent (or `headers` has it already) */
        const char *tenant;
        enum write_message message; /* protobuf_message */
        struct relabel_rules write_relabel;
        struct http_options http; /* its headers include `headers:` */
        /* queue_config */
        uint64_t max_samples_per_send; /* default 20,000; a ceiling */
        int64_t batch_send_deadline_ms; /* default 30 s */
        uint64_t max_shards; /* requests in flight: min(max_shards, 4) */
        int64_t min_backoff_ms; /* default 1 s */
        int64_t max_backoff_ms; /* default 5 min */
        int64_t sample_age_limit_ms; /* 0: none */
        bool round_robin_dns; /* each connection to any of the name's addresses */
        bool drop_on_429; /* retry_on_http_429: false was written */
};

struct remote_config {
        _Atomic unsigned refs;
        struct arena arena;
        struct remote_endpoint *endpoints;
        size_t n_endpoints;
        struct label *external_labels; /* sorted by name, expanded, none empty */
        size_t n_external_labels;
        uint64_t catchup_samples_per_second; /* 0: no limit */
        int64_t clock_tolerance_ms; /* default 60 s */
};

int remote_config_new(struct remote_config **out, struct err *e);
struct remote_config *remote_config_ref(struct remote_config *c);
void remote_config_unref(struct remote_config *c);

#endif
