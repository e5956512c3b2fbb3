/*
 * From target groups to a target set: every group's targets are built (relabeling runs here) or
 * taken as they were the last time (memo.h), equal ones of a job become one, limits are applied.
 * Pure but for the log's and heap's sake.
 *
 *      assembly_new → (assembly_job → assembly_groups …)… → assembly_finish, or assembly_free
 */
#ifndef SCRAPE_DISCOVERY_ASSEMBLY_H
#define SCRAPE_DISCOVERY_ASSEMBLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct assembly;
struct err;
struct label_models;
struct memo;
struct scrape_config;
struct scrape_job;
struct target_group;
struct target_set;

enum {
        ASSEMBLY_MAX_TARGETS = 100000, /* of all jobs; more are refused */
        ASSEMBLY_MAX_DROPPED = 10000, /* kept for display when keep_dropped_targets is 0 */
        ASSEMBLY_MAX_DROPPED_BYTES = 3 << 20, /* and no more than this; all are counted */
};

struct assembly_report {
        uint64_t refused; /* by the checks, or over ASSEMBLY_MAX_TARGETS */
        uint64_t dropped; /* by relabeling */
        uint64_t duplicates;
        uint64_t built; /* the others were known */
        bool changed; /* the set is not that of the last time */
        bool again; /* a limit begins or ends: known targets do not fit, to be done without memo */
        uint64_t refusals_hash; /* changes when what is refused, or why, changes */
        char first_refusal[512]; /* job, address and reason; "" when nothing is refused */
};

struct assembly_input {
        struct scrape_config *config; /* targets take their own references */
        const char *host_name;
        struct memo *memo; /* of the last time, of the same config; assembly_finish renews it */
        struct label_models *models;
        struct job_targets *counts; /* by job of config, counted up; NULL: nobody asks */
};

/* What the input names is borrowed until assembly_finish or assembly_free. */
int assembly_new(const struct assembly_input *in, struct assembly **out, struct err *e);
/* NULL-safe. */
void assembly_free(struct assembly *a);
/* What follows belongs to this job; the one before is complete. */
void assembly_job(struct assembly *a, const struct scrape_job *job);
/* Only a lack of memory is an error; a target that is refused is counted. */
int assembly_groups(struct assembly *a, const struct target_group *groups, size_t n, struct err *e);
/* Frees a; on failure the caller does, and the memo is as it was. The set's first_sync_done is
 * false: that is the caller's knowledge. */
int assembly_finish(
    struct assembly **a, struct target_set **out, struct assembly_report *report, struct err *e);

#endif
