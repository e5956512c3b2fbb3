#include "base/nearest.h"

#include <ctype.h>
#include <stdint.h>

static size_t
smallest(size_t a, size_t b, size_t c)
{
        size_t least = a < b ? a : b;

        return least < c ? least : c;
}

static int
letter(struct view v, size_t i)
{
        return tolower((unsigned char)v.p[i]);
}

/* The optimal string alignment distance; three rows of its table are alive at a time. */
size_t
nearest_distance(struct view a, struct view b)
{
        size_t rows[3][NEAREST_MAX_NAME + 1];

        if (a.n > NEAREST_MAX_NAME || b.n > NEAREST_MAX_NAME)
                return SIZE_MAX;
        for (size_t j = 0; j <= b.n; j++)
                rows[0][j] = j;
        for (size_t i = 1; i <= a.n; i++) {
                size_t *row = rows[i % 3];
                const size_t *above = rows[(i - 1) % 3];

                row[0] = i;
                for (size_t j = 1; j <= b.n; j++) {
                        size_t differ = letter(a, i - 1) != letter(b, j - 1);

                        row[j] = smallest(above[j] + 1, row[j - 1] + 1, above[j - 1] + differ);
                        if (i > 1 && j > 1 && letter(a, i - 1) == letter(b, j - 2) &&
                            letter(a, i - 2) == letter(b, j - 1)) {
                                size_t swapped = rows[(i - 2) % 3][j - 2] + 1;

                                row[j] = swapped < row[j] ? swapped : row[j];
                        }
                }
        }
        return rows[a.n % 3][b.n];
}

void
nearest_offer(struct nearest *n, const char *name)
{
        struct view v = view_of(name);
        size_t longer = v.n > n->written.n ? v.n : n->written.n;
        size_t distance = nearest_distance(n->written, v);

        if (distance > (longer + 2) / 3 || (n->name != NULL && distance >= n->distance))
                return;
        n->name = name;
        n->distance = distance;
}
