#include "remotewrite/sender.h"

#include "base/err.h"
#include "remotewrite/drain.h"
#include "remotewrite/endpoint.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

const char *const sender_state_names[] = {"idle", "sending", "backoff", "held"};

struct senders {
        struct senders_options o;
        pthread_mutex_t mtx;
        struct drain **v; /* under mtx; owned */
        size_t n; /* under mtx */
};

/* Endpoints that are not in the list any more. */
static void
end_drains(struct drain **v, size_t n, int64_t timeout_ms, bool forget)
{
        for (size_t i = 0; i < n; i++)
                drain_stop(v[i], timeout_ms);
        for (size_t i = 0; i < n; i++)
                drain_free(v[i], forget);
}

int
senders_start(const struct senders_options *o, struct remote_config *config, struct senders **out,
    struct err *e)
{
        struct senders *s = calloc(1, sizeof(*s));
        int rc;

        if (s == NULL)
                return err_nomem(e, "the senders");
        s->o = *o;
        (void)pthread_mutex_init(&s->mtx, NULL);
        rc = senders_reload(s, config, e);
        if (rc < 0) {
                senders_stop(s, 0);
                return rc;
        }
        *out = s;
        return 0;
}

static struct drain *
find(struct drain **v, size_t n, const char *name)
{
        for (size_t i = 0; i < n; i++) {
                if (strcmp(drain_name(v[i]), name) == 0)
                        return v[i];
        }
        return NULL;
}

/*
 * Starts the endpoints that are new, into fresh; *out_n counts them. On failure those started are
 * in there too.
 */
static int
start_new(struct senders *s, struct remote_config *config, struct drain **fresh, size_t *out_n,
    struct err *e)
{
        for (size_t i = 0; i < config->n_endpoints; i++) {
                const struct remote_endpoint *x = &config->endpoints[i];
                int rc;

                if (find(s->v, s->n, x->name) != NULL)
                        continue;
                rc = drain_start(&s->o, config, x, &fresh[*out_n], e);
                if (rc < 0)
                        return err_prefix(e, "remote_write \"%s\"", x->name);
                (*out_n)++;
        }
        return 0;
}

/* Hands the configuration to the endpoints that stay, puts them first, returns their number. */
static size_t
reload_kept(struct senders *s, struct remote_config *config)
{
        size_t kept = 0;

        for (size_t i = 0; i < config->n_endpoints; i++) {
                struct drain *d =
                    kept < s->n ? find(s->v + kept, s->n - kept, config->endpoints[i].name) : NULL;

                for (size_t j = kept; d != NULL && j < s->n; j++) {
                        if (s->v[j] == d) {
                                s->v[j] = s->v[kept];
                                s->v[kept++] = d;
                                drain_reload(d, config, &config->endpoints[i]);
                                break;
                        }
                }
        }
        return kept;
}

int
senders_reload(struct senders *s, struct remote_config *config, struct err *e)
{
        struct drain **fresh = calloc(config->n_endpoints + 1, sizeof(struct drain *));
        struct drain **list = calloc(config->n_endpoints + 1, sizeof(struct drain *));
        struct drain **old = NULL;
        size_t n_fresh = 0;
        size_t n_old = 0;
        size_t kept;
        int rc = 0;

        if (fresh == NULL || list == NULL) {
                rc = err_nomem(e, "the senders");
                goto out;
        }
        /* only this thread changes the list: reading it needs no lock */
        rc = start_new(s, config, fresh, &n_fresh, e);
        if (rc < 0) {
                end_drains(fresh, n_fresh, 0, true);
                goto out;
        }
        (void)pthread_mutex_lock(&s->mtx);
        kept = reload_kept(s, config);
        old = s->v;
        n_old = s->n - kept;
        for (size_t i = 0; i < kept + n_fresh; i++)
                list[i] = i < kept ? old[i] : fresh[i - kept];
        s->v = list;
        s->n = kept + n_fresh;
        list = NULL;
        (void)pthread_mutex_unlock(&s->mtx);
        if (n_old > 0)
                end_drains(old + kept, n_old, 0, true);
        free(old);
out:
        free(fresh);
        free(list);
        return rc;
}

void
senders_stop(struct senders *s, int64_t timeout_ms)
{
        if (s == NULL)
                return;
        wal_flush(s->o.wal);
        end_drains(s->v, s->n, timeout_ms, false);
        free(s->v);
        (void)pthread_mutex_destroy(&s->mtx);
        free(s);
}

size_t
senders_stats(struct senders *s, struct sender_stats *out, size_t cap)
{
        size_t n;

        (void)pthread_mutex_lock(&s->mtx);
        n = s->n;
        for (size_t i = 0; i < n && i < cap; i++)
                drain_stats(s->v[i], &out[i]);
        (void)pthread_mutex_unlock(&s->mtx);
        return n;
}
