/*
 * From the raw text of a series to the label set that is stored: parse, target labels (honor_labels
 * or exported_*), metric_relabel_configs, and the checks that fail a scrape
 * (specs: scrape.md section 3, steps 2 to 5; Prometheus scrape/scrape.go, mutateSampleLabels).
 */
#ifndef SCRAPE_FINALIZE_H
#define SCRAPE_FINALIZE_H

#include "base/labels.h"
#include "scrape/textparse.h"

#include <stdbool.h>
#include <stddef.h>

struct err;
struct scrape_job;

struct finalize_input {
        const struct scrape_job *job;
        const struct label *target_labels; /* sorted */
        size_t n_target_labels;
        struct view series; /* raw text */
        enum metric_type type;
        enum text_format format;
        int *dropped_by; /* the rule that dropped the series, -1: none; NULL: nobody asks */
};

/*
 * l was made by labels_init; its arena takes what is new. *kept: false when relabeling dropped the
 * series (then l is worth nothing). The result is sorted. ERR_PARSE: the text in the braces,
 * *out_offset says where (SIZE_MAX: the error is not about a place). ERR_REFUSED: a label check,
 * with the culprit named. ERR_LIMIT: a relabeling rule hit its match limit.
 */
int finalize_labels(const struct finalize_input *in, struct labels *l, bool *kept,
    size_t *out_offset, struct err *e);

/* The labels of a report series (`up` …): the target's and the name. Sorted. */
int finalize_report(
    const struct finalize_input *in, const char *name, struct labels *l, struct err *e);

#endif
