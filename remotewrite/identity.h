/*
 * The label set under which a series leaves: scraped labels, external labels (an existing label
 * wins), then write_relabel_configs; encoded for the wire. Per endpoint and configuration.
 *
 * What the rules said of a slot (as it is, changed, dropped) is remembered per chunk, bounded, so
 * that most series pass the regular expressions once. How a shape of label sets is encoded is
 * worked out once per group (plan.h). One thread.
 */
#ifndef REMOTEWRITE_IDENTITY_H
#define REMOTEWRITE_IDENTITY_H

#include "base/view.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct group_series;
struct identity;
struct remote_config;
struct remote_endpoint;

/* Takes a reference on config, of which endpoint is a part. */
int identity_new(struct remote_config *config, const struct remote_endpoint *endpoint,
    struct identity **out, struct err *e);
void identity_free(struct identity *d);

struct identity_result { /* valid until the next call */
        bool kept; /* false: write_relabel_configs drops the series */
        struct view labels; /* encode_labels' bytes */
        /* Where in them the fields of __name__ and instance are; empty when there is none. */
        size_t name_at;
        size_t name_bytes;
        size_t instance_at;
        size_t instance_bytes;
        uint64_t object; /* kin.h */
        uint64_t kin;
};

/* A group begins: its shapes (group.h) are other ones than those of the group before. */
void identity_group_begins(struct identity *d);
/* ERR_LIMIT, ERR_REFUSED: the rules cannot be applied to this series (relabel.h); ERR_NOMEM. */
int identity_of(
    struct identity *d, const struct group_series *s, struct identity_result *out, struct err *e);

#endif
