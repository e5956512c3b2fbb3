/*
 * "Did you mean …?": the known name that is nearest to what somebody wrote. Pure, no allocation.
 */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include "base/view.h"

#include <stddef.h>

enum { NEAREST_MAX_NAME = 64 }; /* longer names are not compared */

/* Single-letter edits (insert, delete, replace, swap of neighbours) that turn a into b; case does
 * not count. SIZE_MAX when one of them is longer than NEAREST_MAX_NAME. */
size_t nearest_distance(struct view a, struct view b);

/*
 * Keeps the best of the candidates offered one by one:
 *      struct nearest n = NEAREST_INIT(written);
 *      for (…) nearest_offer(&n, row->name);
 *      n.name is NULL when none is near enough to be meant (a third of the letters may differ).
 */
struct nearest {
        struct view written;
        const char *name; /* borrowed from the caller of nearest_offer */
        size_t distance;
};

#define NEAREST_INIT(v) \
        { \
                (v), NULL, 0 \
        }

void nearest_offer(struct nearest *n, const char *name);

#endif
