/*
 * Types, helps and units of metrics, as the # lines of a target's pages tell them: what
 * /api/v1/targets/metadata and /api/v1/metadata show.
 *
 * Targets of one exporter have the same lines. So what a page tells is collected as a draft, and
 * kept as a packed set that all targets with the same lines share. Pages are read for it only now
 * and then: the runner says when.
 *
 *      page → metadata_draft_add for each line → metadata_take → metadata_visit → metadata_return
 *
 * A draft is for one thread, sets and their pool for any.
 */
#ifndef SCRAPE_METADATA_H
#define SCRAPE_METADATA_H

#include "base/view.h"
#include "scrape/textparse.h"

#include <stddef.h>
#include <stdint.h>

struct err;
struct metadata;
struct metadata_draft;
struct metadata_pool;

enum {
        METADATA_DRAFT_MAX = 1 << 20, /* bytes of the lines of a page */
        METADATA_POOL_MAX = 4 << 20, /* bytes of all sets, packed */
};

int metadata_pool_new(struct metadata_pool **out, struct err *e);
/* All sets must have been returned. NULL-safe. */
void metadata_pool_free(struct metadata_pool *p);

int metadata_draft_new(struct metadata_draft **out, struct err *e);
void metadata_draft_free(struct metadata_draft *d);
/* A text_meta: its arg is the draft. Lines beyond the bound are left out; metadata_take says so. */
void metadata_draft_add(void *draft, enum text_meta what, struct view name, struct view text);

/*
 * The set of a draft, a reference. Of several lines of a kind about one metric the last one holds,
 * as Prometheus has it (scrape/scrape.go, scrapeCache). ERR_LIMIT: the draft or the pool is full;
 * then there is no set.
 */
int metadata_take(
    struct metadata_pool *p, struct metadata_draft *d, struct metadata **out, struct err *e);
struct metadata *metadata_ref(struct metadata *m);
/* NULL-safe. */
void metadata_return(struct metadata *m);

struct metadata_entry {
        struct view metric;
        struct view type; /* "counter", …; "unknown" when no line or `untyped` said it */
        struct view help; /* unescaped */
        struct view unit;
};

/* Views are valid during the call; an error ends the visit. Sorted by metric. */
typedef int (*metadata_visitor)(void *arg, const struct metadata_entry *m, struct err *e);
int metadata_visit(const struct metadata *m, metadata_visitor visit, void *arg, struct err *e);

#endif
