/*
 * The targets of a configuration, static ones and those of files, built as discovery will build
 * them, for `gleaner check`: what is wrong with one is told as a warning of the report, at its
 * place; a file that is no good is logged besides. A tool's only thread.
 */
#ifndef AGENT_CHECK_TARGETS_H
#define AGENT_CHECK_TARGETS_H

#include <stddef.h>

struct config;
struct config_place;
struct config_report;
struct err;
struct scrape_job;
struct target;

struct check_targets {
        struct target **active; /* references, in order of jobs */
        struct config_place *places; /* where they stand in the file */
        size_t n_active;
        size_t cap;
        struct target **dropped; /* references: by relabel_configs, with labels from before it */
        size_t n_dropped;
        size_t cap_dropped;
        size_t n_refused;
};

/* report: that of the loading, which knows the places; it is in order again afterwards. */
int check_targets_build(const struct config *c, struct config_report *report,
    struct check_targets **out, struct err *e);
/* NULL-safe. */
void check_targets_free(struct check_targets *t);

#endif
