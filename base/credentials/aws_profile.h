/*
 * AWS's two files of profiles, ~/.aws/config and ~/.aws/credentials (AWS_CONFIG_FILE and
 * AWS_SHARED_CREDENTIALS_FILE name others), as the SDKs read them.
 */
#ifndef BASE_CREDENTIALS_AWS_PROFILE_H
#define BASE_CREDENTIALS_AWS_PROFILE_H

#include "base/view.h"

#include <stdbool.h>

struct arena;
struct err;

enum { AWS_PROFILE_MAX_BYTES = 1 << 20, AWS_PROFILE_MAX_ROWS = 10000 };

struct aws_profile_row {
        struct view section; /* of a profile, without the word */
        struct view key; /* in lower case; empty: the section's own line */
        const char *value;
};

struct aws_profiles { /* all in the arena */
        struct aws_profile_row *rows;
        size_t n;
        size_t cap;
};

/* A missing file is an empty one. ERR_SYS, ERR_LIMIT, ERR_NOMEM. */
int aws_profiles_read(struct arena *arena, struct aws_profiles *out, struct err *e);
/* Adds what a file's text says. is_config: its sections are "profile NAME", but for "default". */
int aws_profiles_parse(
    struct view text, bool is_config, struct arena *arena, struct aws_profiles *out, struct err *e);

bool aws_profile_exists(const struct aws_profiles *p, const char *name);
/* The credentials file wins over the other; NULL: it is not there, or empty. */
const char *aws_profile_get(const struct aws_profiles *p, const char *name, const char *key);

#endif
