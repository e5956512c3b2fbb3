/*
 * A view: bytes that somebody else owns. Whoever hands one out says how long it is valid.
 */
#ifndef BASE_VIEW_H
#define BASE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct view {
        const char *p;
        size_t n;
};

#define VIEW_LIT(s) ((struct view){(s), sizeof(s) - 1})

static inline struct view
view_of(const char *s)
{
        return (struct view){s, strlen(s)};
}

static inline bool
view_eq(struct view a, struct view b)
{
        return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool
view_is(struct view a, const char *s)
{
        return view_eq(a, view_of(s));
}

/* Order by bytes, a prefix first: the order that remote write asks of label names. */
static inline int
view_cmp(struct view a, struct view b)
{
        size_t n = a.n < b.n ? a.n : b.n;
        int c = n > 0 ? memcmp(a.p, b.p, n) : 0;

        if (c != 0)
                return c;
        return (a.n > b.n) - (a.n < b.n);
}

#endif
