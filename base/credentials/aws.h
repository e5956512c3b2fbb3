/*
 * Keys that sign requests for AWS (`sigv4`), from wherever aws_plan.h finds that they come from;
 * those that a service gave are asked for again before they expire. Options are borrowed.
 */
#ifndef BASE_CREDENTIALS_AWS_H
#define BASE_CREDENTIALS_AWS_H

#include "base/http_sigv4.h"

#include <stdbool.h>

struct err;
struct grant;

struct http_sigv4_options { /* NULL: not given */
        const char *region;
        const char *access_key;
        const char *secret_key;
        const char *profile;
        const char *role_arn;
        const char *external_id;
        const char *service; /* "aps" */
        bool use_fips_sts_endpoint;
};

int aws_grant(const struct http_sigv4_options *o, struct grant **out, struct err *e);
/* What signs, valid until the grant changes; NULL: there is nothing yet. */
const struct sigv4_keys *aws_grant_keys(const struct grant *g);

#endif
