#include "remotewrite/endpoint.h"

#include "base/err.h"

#include <stdlib.h>

/* Beyond any file that the loader takes (16 MiB of YAML) by an order of magnitude. */
enum { REMOTE_CONFIG_MAX_BYTES = 256 << 20 };

int
remote_config_new(struct remote_config **out, struct err *e)
{
        struct remote_config *c = calloc(1, sizeof(*c));

        if (c == NULL)
                return err_nomem(e, "the remote write configuration");
        atomic_init(&c->refs, 1);
        c->arena = (struct arena)ARENA_INIT(REMOTE_CONFIG_MAX_BYTES);
        *out = c;
        return 0;
}

struct remote_config *
remote_config_ref(struct remote_config *c)
{
        atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
        return c;
}

void
remote_config_unref(struct remote_config *c)
{
        /* acq_rel: whoever frees sees what the other holders did with it before they let go */
        if (c == NULL || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
                return;
        for (size_t i = 0; i < c->n_endpoints; i++)
                relabel_rules_release(&c->endpoints[i].write_relabel);
        arena_wipe(&c->arena);
        arena_release(&c->arena);
        free(c);
}
