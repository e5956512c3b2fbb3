#include "scrape/job.h"

#include "base/err.h"

#include <stdlib.h>

/* Beyond any file that the loader takes (16 MiB of YAML) by an order of magnitude. */
enum { SCRAPE_CONFIG_MAX_BYTES = 256 << 20 };

int
scrape_config_new(struct scrape_config **out, struct err *e)
{
        struct scrape_config *c = calloc(1, sizeof(*c));

        if (c == NULL)
                return err_nomem(e, "the scrape configuration");
        atomic_init(&c->refs, 1);
        c->arena = (struct arena)ARENA_INIT(SCRAPE_CONFIG_MAX_BYTES);
        *out = c;
        return 0;
}

struct scrape_config *
scrape_config_ref(struct scrape_config *c)
{
        atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
        return c;
}

void
scrape_config_unref(struct scrape_config *c)
{
        /* acq_rel: whoever frees sees what the other holders did with it before they let go */
        if (c == NULL || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
                return;
        for (size_t i = 0; i < c->n_jobs; i++) {
                relabel_rules_release(&c->jobs[i].relabel);
                relabel_rules_release(&c->jobs[i].metric_relabel);
        }
        arena_wipe(&c->arena);
        arena_release(&c->arena);
        free(c);
}
