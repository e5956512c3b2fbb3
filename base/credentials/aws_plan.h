/*
 * Where the keys that sign come from: the file's own, else what AWS's SDKs look at, in their order
 * (aws-sdk-go-v2 config/resolve_credentials.go): the environment, a web identity's token, the
 * profiles' files, a container's credentials, the instance's metadata; then the roles to be
 * assumed with them. Nothing is asked here.
 */
#ifndef BASE_CREDENTIALS_AWS_PLAN_H
#define BASE_CREDENTIALS_AWS_PLAN_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct http_sigv4_options;

enum { AWS_ROLES_MAX = 6 };

enum aws_base { AWS_KEYS, AWS_WEB_IDENTITY, AWS_CONTAINER, AWS_INSTANCE };

struct aws_role {
        const char *arn;
        const char *session; /* NULL: ours */
        const char *external_id; /* NULL: none */
        int64_t seconds; /* how long its keys are good; 0: the least there is */
};

struct aws_plan { /* strings are in the arena, in the options or in the environment */
        struct arena arena;
        const char *region;
        enum aws_base base;
        const char *id; /* AWS_KEYS */
        const char *secret;
        const char *session;
        bool from_file; /* of profiles: may change */
        struct aws_role web; /* AWS_WEB_IDENTITY */
        const char *web_token_file;
        const char *container_url;
        const char *container_token; /* NULL: none, or in the file */
        const char *container_token_file;
        const char *metadata_url; /* no / at its end */
        const char *sts_url;
        struct aws_role roles[AWS_ROLES_MAX];
        size_t n_roles;
};

void aws_plan_init(struct aws_plan *p);
/* ERR_CONFIG: there is no region, or what a profile says is not supported or not whole. */
int aws_plan_make(struct aws_plan *p, const struct http_sigv4_options *o, struct err *e);
/* Frees it; it may be made again. */
void aws_plan_release(struct aws_plan *p);

#endif
