/*
 * How the label sets of one shape (a list of label names) are encoded: the external labels merged
 * in, names encoded, the order settled, once per shape of a chunk instead of once per series. What
 * is left for each series is to copy its values between.
 *
 * One thread. The owner accounts for plans_bytes.
 */
#ifndef REMOTEWRITE_PLAN_H
#define REMOTEWRITE_PLAN_H

#include "base/labels.h"

#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct identity_result;
struct plan;
struct plans;

int plans_new(struct plans **out, struct err *e);
void plans_free(struct plans *p);
size_t plans_bytes(const struct plans *p);
/* Forgets all, keeps the memory: another chunk has other shapes. */
void plans_clear(struct plans *p);
/* The plan of a shape (numbered from 1; 0: not known), NULL when it has none. */
const struct plan *plans_find(const struct plans *p, uint32_t shape);

struct plan_source {
        uint32_t shape; /* not 0 */
        const struct label *labels; /* of a series of it */
        size_t n_labels;
        const struct label
            *merged; /* the same with external labels between, those views or their own */
        size_t n_merged;
};

/* Makes a shape's plan. When there are too many others, those are forgotten. ERR_NOMEM. */
int plans_learn(struct plans *p, const struct plan_source *s, struct err *e);
/*
 * Writes the label set of a series of the plan's shape into out, in place of what that held. What
 * the labels view must not change before plans_clear.
 */
int plans_encode(struct plans *p, const struct plan *x, const struct label *labels, struct buf *out,
    struct identity_result *result, struct err *e);

#endif
