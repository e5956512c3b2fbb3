/*
 * A target: one URL to scrape with its final labels; immutable once built. Reference-counted:
 * the discover thread builds it, the scrape thread scrapes it, the API shows it.
 */
#ifndef SCRAPE_TARGET_H
#define SCRAPE_TARGET_H

#include "base/labels.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct label_model;
struct label_models;
struct scrape_config;
struct scrape_job;

struct target {
        _Atomic unsigned refs;
        struct scrape_config *config; /* a reference */
        const struct scrape_job *job; /* in config */
        char *url; /* owned, as everything below */
        char *unix_socket; /* __unix_socket__: the connection goes through it; NULL: none */
        char *identity; /* job, labels and URL: what the WAL knows it by */
        uint64_t labels_hash; /* of the final labels */
        struct label *labels; /* final ones without __*, sorted */
        size_t n_labels;
        struct label_model *model; /* a reference; NULL: nothing was discovered */
        const uint8_t *discovered; /* by the model: see target_discovered */
        char *interval; /* as the label has it: "90s" where interval_ms would be shown as 1m30s */
        char *timeout;
        int64_t interval_ms;
        int64_t timeout_ms;
        int64_t offset_ms; /* ticks are the instants t with t mod interval = offset */
        size_t size; /* bytes, for the accounts */
        bool over_limit; /* the job's target_limit is passed: reports up 0, is not scraped */
};

struct target_input {
        struct scrape_config *config;
        const struct scrape_job *job;
        const char *address;
        const struct label *group_labels; /* __meta_* of the discovery among them */
        size_t n_group_labels;
        uint64_t seed; /* target_seed */
        struct label_models *models; /* of the thread that builds; NULL: the target has its own */
};

enum target_verdict { TARGET_ACTIVE, TARGET_DROPPED };

/* What offsets are spread by besides the target itself: host name and external labels. */
uint64_t target_seed(const char *host_name, const struct scrape_config *config);

/*
 * Applies defaults, relabel_configs and the checks of scrape.md section 1. *out is set in both
 * verdicts (a dropped one has only `discovered`, for display). ERR_CONFIG: the target is refused.
 * Uses the job's relabel rules: discover thread (or a tool's only thread).
 */
int target_build(const struct target_input *in, struct target **out, enum target_verdict *verdict,
    struct err *e);
/* Appends the labels before relabeling, sorted, __meta_* included; views are of the target. */
int target_discovered(const struct target *t, struct labels *out, struct err *e);
/*
 * The order in which labelmap sees the labels of a target: those that were discovered by name, then
 * those that the job gives. Of two that are mapped to one name the later one wins.
 */
void target_order_labels(struct labels *l);
/* The labels within an identity, as text: equal for targets with equal labels. */
struct view target_identity_labels(const char *identity);
/* Any thread. */
struct target *target_ref(struct target *t);
/* Gives one reference back; the last one frees. NULL-safe. Any thread. */
void target_unref(struct target *t);

/* How many targets were found for a job. */
struct job_targets {
        uint64_t discovered; /* relabeled or not, dropped or not */
        uint64_t dropped; /* by relabeling, whether they are kept for display or not */
};

/* All targets that should be scraped now; swapped whole. */
struct target_set {
        struct target **active; /* references */
        size_t n_active;
        struct target **dropped; /* references; bounded by keep_dropped_targets, else by 10,000 */
        size_t n_dropped;
        uint64_t n_dropped_total;
        bool first_sync_done; /* every discovery has delivered once */
};

/* Gives the references back. NULL-safe. */
void target_set_free(struct target_set *s);

#endif
