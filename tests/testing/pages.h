/*
 * The recorded pages of tests/data/pages as columns and label sets, read the plain way (strtod,
 * no escapes but \\, \" and \n), so that codecs are tried on real values without a scraper.
 */
#ifndef TESTING_PAGES_H
#define TESTING_PAGES_H

#include "base/arena.h"
#include "base/labels.h"

#include <stddef.h>
#include <stdint.h>

struct testing_series {
        struct labels labels; /* sorted, __name__ and target labels included */
        uint64_t bits;
};

struct testing_page {
        struct arena arena; /* owns all of it */
        struct testing_series *series; /* in page order */
        size_t n;
};

enum { TESTING_NODE_PAGES = 12 };

/* Node-exporter's page 1 to TESTING_NODE_PAGES, with job and instance of that target. */
void testing_page_node(struct testing_page *p, unsigned page, const char *instance);
/* The kube-state-metrics page. */
void testing_page_kube(struct testing_page *p);
void testing_page_release(struct testing_page *p);

/* The values of up to `cap` series from `first` on; how many there were. */
size_t testing_page_column(
    const struct testing_page *p, size_t first, uint64_t *column, size_t cap);

#endif
