/*
 * Target groups out of a discovery file's bytes: a list of {targets: […], labels: {…}}, as JSON or
 * YAML (specs: config.md section 7; upstream discovery/targetgroup). Strict: an unknown key, a
 * value of another type or a bad label name refuses the whole file. Pure.
 */
#ifndef SCRAPE_DISCOVERY_GROUPS_H
#define SCRAPE_DISCOVERY_GROUPS_H

#include "base/arena.h"
#include "base/labels.h"
#include "base/view.h"
#include "scrape/job.h"

#include <stddef.h>

struct err;

enum {
        GROUPS_MAX_TEXT = 16 << 20, /* bytes of a file */
        GROUPS_MAX_GROUPS = 100000, /* in a file */
        GROUPS_MAX_TARGETS = 1000000, /* in a file */
        GROUPS_MAX_LABELS = 1000, /* in a group */
};

enum groups_format { GROUPS_JSON, GROUPS_YAML };

struct group_list {
        struct arena arena; /* holds everything below */
        struct target_group *v;
        size_t n;
        size_t n_targets;
};

struct groups_input {
        enum groups_format format;
        struct view text;
        const char *name; /* of the file, for messages */
        struct label meta; /* set on every group, over one that the file has: __meta_filepath */
};

/* ERR_PARSE or ERR_LIMIT with the reason; *out is untouched then. */
int groups_parse(const struct groups_input *in, struct group_list **out, struct err *e);
/* NULL-safe. */
void groups_free(struct group_list *g);

#endif
