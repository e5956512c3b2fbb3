/*
 * The targets of a configuration, built as discovery will build them, for `gleaner check`: static
 * ones, those of files, and when the network is to be asked those of http, dns and kubernetes. What
 * is wrong with one is told as a warning of the report, at its place; a source that is no good is
 * logged besides. A tool's only thread.
 */
#ifndef AGENT_CHECK_TARGETS_H
#define AGENT_CHECK_TARGETS_H

#include <stddef.h>
#include <stdint.h>

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
        size_t n_silent; /* sections that were asked and gave no answer, or a bad one */
};

struct check_input {
        const struct config *config;
        /* That of the loading, which knows the places; it is in order again afterwards. */
        struct config_report *report;
        int64_t ask_ms; /* how long the network may be asked; 0: it is not */
};

int check_targets_build(const struct check_input *in, struct check_targets **out, struct err *e);
/* NULL-safe. */
void check_targets_free(struct check_targets *t);

#endif
