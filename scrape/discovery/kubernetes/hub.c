#include "scrape/discovery/kubernetes/hub.h"

#include "base/err.h"
#include "scrape/discovery/kubernetes/request.h"
#include "scrape/discovery/kubernetes/server.h"
#include "scrape/discovery/kubernetes/watch.h"
#include "scrape/discovery/net.h"

#include <assert.h>
#include <stdlib.h>

struct kube_hub {
        struct source_net *net; /* borrowed */
        unsigned refs;
        struct kube_server *servers; /* owned */
        struct kube_watch *watches; /* owned, their requests too */
        size_t n_watches;
};

int
kube_hub_get(struct source_net *net, struct kube_hub **out, struct err *e)
{
        if (net->kubernetes == NULL) {
                net->kubernetes = calloc(1, sizeof(*net->kubernetes));
                if (net->kubernetes == NULL)
                        return err_nomem(e, "the Kubernetes discovery");
                net->kubernetes->net = net;
        }
        net->kubernetes->refs++;
        *out = net->kubernetes;
        return 0;
}

/* ---- servers ---- */

int
kube_hub_server(struct kube_hub *h, const struct kubernetes_sd *sd, struct scrape_config *config,
    struct kube_server **out, struct err *e)
{
        struct kube_server *s = h->servers;
        int rc;

        while (s != NULL && s->sd->server != sd->server)
                s = s->next;
        if (s == NULL) {
                rc = kube_server_new(sd, config, &s, e);
                if (rc < 0)
                        return rc;
                s->next = h->servers;
                h->servers = s;
        }
        *out = s;
        return 0;
}

static void
drop_servers(struct kube_hub *h)
{
        struct kube_server **at = &h->servers;

        while (*at != NULL) {
                struct kube_server *s = *at;

                if (s->refs > 0) {
                        at = &s->next;
                        continue;
                }
                *at = s->next;
                kube_server_free(s);
        }
}

/* ---- watches ---- */

static int
add_watch(struct kube_hub *h, struct kube_server *server, const struct kube_subject *subject,
    struct kube_watch **out, struct err *e)
{
        struct kube_watch *w = NULL;
        int rc;

        if (h->n_watches >= KUBE_MAX_WATCHES)
                return err_set(e, ERR_LIMIT, "there are %d Kubernetes watches, more are not made",
                    KUBE_MAX_WATCHES);
        rc = kube_watch_new(subject, server, &h->net->counters.kubernetes, &w, e);
        if (rc == 0)
                rc = kube_request_new(w, h->net, &w->request, e);
        if (rc < 0) {
                kube_watch_free(w);
                return rc;
        }
        server->refs++;
        w->next = h->watches;
        h->watches = w;
        h->n_watches++;
        *out = w;
        return 0;
}

int
kube_hub_watch(struct kube_hub *h, struct kube_server *server, const struct kube_subject *subject,
    struct kube_watch **out, struct err *e)
{
        struct kube_watch *w = h->watches;
        int rc = 0;

        while (w != NULL && (w->server != server || !kube_watch_is(w, subject)))
                w = w->next;
        if (w == NULL)
                rc = add_watch(h, server, subject, &w, e);
        if (rc < 0)
                return rc;
        assert(w != NULL);
        w->refs++;
        *out = w;
        return 0;
}

/* What was counted of a watch that goes away. */
static void
read_gauges(struct kube_hub *h)
{
        struct kubernetes_counters *c = &h->net->counters.kubernetes;

        c->watches = h->n_watches;
        c->watches_failing = 0;
        c->objects = 0;
        c->bytes = 0;
        for (const struct kube_watch *w = h->watches; w != NULL; w = w->next) {
                c->watches_failing += w->failing;
                c->objects += w->store.n;
                c->bytes += w->store.bytes;
        }
}

void
kube_hub_unwatch(struct kube_hub *h, struct kube_watch *w)
{
        struct kube_watch **at = &h->watches;

        assert(w->refs > 0);
        if (--w->refs > 0)
                return;
        while (*at != w)
                at = &(*at)->next;
        *at = w->next;
        h->n_watches--;
        kube_request_free(w->request);
        w->server->refs--;
        kube_watch_free(w);
        read_gauges(h);
}

void
kube_hub_put(struct kube_hub *h)
{
        if (--h->refs > 0)
                return;
        assert(h->watches == NULL);
        drop_servers(h);
        read_gauges(h);
        h->net->kubernetes = NULL;
        free(h);
}

void
kube_hub_turn(struct kube_hub *h, int64_t now_ms)
{
        for (struct kube_server *s = h->servers; s != NULL; s = s->next)
                kube_server_turn(s, now_ms);
        for (struct kube_watch *w = h->watches; w != NULL; w = w->next)
                kube_request_turn(w->request, now_ms);
        /* what one has got or not, those before it may wait for */
        for (struct kube_watch *w = h->watches; w != NULL; w = w->next) {
                if (w->waiting)
                        kube_request_turn(w->request, now_ms);
        }
        drop_servers(h);
        read_gauges(h);
}

int64_t
kube_hub_due(const struct kube_hub *h)
{
        int64_t t = INT64_MAX;

        for (const struct kube_watch *w = h->watches; w != NULL; w = w->next)
                t = w->due_ms < t ? w->due_ms : t;
        for (const struct kube_server *s = h->servers; s != NULL; s = s->next)
                t = kube_server_due(s) < t ? kube_server_due(s) : t;
        return t;
}

size_t
kube_hub_fds(const struct kube_hub *h, int *out, size_t cap)
{
        size_t n = 0;

        for (const struct kube_server *s = h->servers; s != NULL; s = s->next)
                n += kube_server_fds(s, out + n, cap - n);
        return n;
}
