#include "scrape/discovery/kubernetes/kubernetes.h"

#include "base/err.h"
#include "base/log.h"
#include "scrape/discovery/kubernetes/hub.h"
#include "scrape/discovery/kubernetes/labels.h"
#include "scrape/discovery/kubernetes/roles.h"
#include "scrape/discovery/kubernetes/server.h"
#include "scrape/discovery/kubernetes/watch.h"
#include "scrape/discovery/source.h"
#include "scrape/job.h"

#include <stdlib.h>

enum { RETRY_MS = 10000 }; /* while the own namespace is not known */

struct kubernetes_source {
        struct source source; /* first, so that a struct source * converts back */
        const struct kubernetes_sd *sd; /* in the configuration */
        struct kube_hub *hub; /* a reference */
        struct kube_watch **watches; /* owned array of references, sorted by kind */
        const struct kube_store **stores; /* owned: those of the watches, in their order */
        size_t n_watches;
        struct kube_sight sight;
        bool watching; /* the watches are made */
        bool failing; /* they cannot be, and that is logged */
        int64_t due_ms; /* when it is tried again */
};

static struct kubernetes_source *
of(const struct source *s)
{
        return (struct kubernetes_source *)(uintptr_t)s;
}

/* ---- which watches ---- */

static bool
needs(const struct kubernetes_sd *sd, enum kube_kind kind)
{
        bool endpoints = sd->role == KUBERNETES_ENDPOINTS || sd->role == KUBERNETES_ENDPOINTSLICE;
        bool pods = endpoints || sd->role == KUBERNETES_POD;

        if (kind == (enum kube_kind)sd->role)
                return true;
        switch (kind) {
        case KUBE_PODS:
        case KUBE_SERVICES:
                return endpoints;
        case KUBE_NODES:
                return pods && sd->attach_node;
        case KUBE_NAMESPACES:
                return sd->role != KUBERNETES_NODE && sd->attach_namespace;
        case KUBE_REPLICASETS:
                return pods && sd->attach_deployment;
        case KUBE_JOBS:
                return pods && sd->attach_cronjob;
        default:
                return false;
        }
}

static int
add_watch(struct kubernetes_source *x, struct kube_server *server,
    const struct kube_subject *subject, struct err *e)
{
        int rc = kube_hub_watch(x->hub, server, subject, &x->watches[x->n_watches], e);

        if (rc == 0) {
                x->stores[x->n_watches] = &x->watches[x->n_watches]->store;
                x->n_watches++;
        }
        return rc;
}

/* The watches of one kind: one, or one per namespace. */
static int
add_kind(struct kubernetes_source *x, struct kube_server *server, enum kube_kind kind,
    const char *own, struct err *e)
{
        static const struct kubernetes_selector none = {"", ""};
        const struct kubernetes_selector *selector =
            (int)kind < KUBERNETES_ROLES ? &x->sd->selectors[kind] : &none;
        struct kube_subject subject = {kind, "", selector->label, selector->field};
        size_t first = x->n_watches;
        size_t n = kube_kinds[kind].namespaced ? x->sd->n_namespaces + (own != NULL) : 0;
        int rc = 0;

        if (n == 0)
                rc = add_watch(x, server, &subject, e);
        for (size_t i = 0; i < n && rc == 0; i++) {
                subject.namespace = i < x->sd->n_namespaces ? x->sd->namespaces[i] : own;
                rc = add_watch(x, server, &subject, e);
        }
        x->sight.of[kind] = (struct kube_stores){x->stores + first, x->n_watches - first};
        return rc;
}

static void
release_watches(struct kubernetes_source *x)
{
        for (size_t i = 0; x->watches != NULL && i < x->n_watches; i++)
                kube_hub_unwatch(x->hub, x->watches[i]);
        x->n_watches = 0;
        x->sight = (struct kube_sight){.sd = x->sd};
}

static int
add_watches(struct kubernetes_source *x, struct err *e)
{
        struct kube_server *server = NULL;
        const char *own = NULL;
        int rc = kube_hub_server(x->hub, x->sd, x->source.config, &server, e);

        if (rc == 0 && x->sd->own_namespace)
                rc = kube_server_namespace(server, &own, e);
        for (int kind = 0; kind < KUBE_KINDS && rc == 0; kind++) {
                if (needs(x->sd, (enum kube_kind)kind))
                        rc = add_kind(x, server, (enum kube_kind)kind, own, e);
        }
        if (rc < 0)
                release_watches(x);
        x->watching = rc == 0;
        return rc;
}

static void
try_watches(struct kubernetes_source *x, int64_t now_ms)
{
        struct err e = ERR_INIT;

        if (x->watching || x->due_ms > now_ms)
                return;
        x->due_ms = now_ms + RETRY_MS;
        if (add_watches(x, &e) == 0) {
                x->failing = false;
                return;
        }
        x->source.failures++;
        if (!x->failing)
                log_warn("cannot discover Kubernetes targets, will try again",
                    LOG_STR("job", x->source.job->name), LOG_STR("err", e.msg),
                    LOG_INT("retry_ms", RETRY_MS));
        x->failing = true;
}

/* ---- the class ---- */

static bool
all_synced(const struct kubernetes_source *x)
{
        for (size_t i = 0; i < x->n_watches; i++) {
                if (!x->watches[i]->synced)
                        return false;
        }
        return x->watching;
}

/* The oldest of its watches counts; one that is open is right up to now. */
static void
look(struct kubernetes_source *x, int64_t now_ms)
{
        int64_t confirmed = now_ms;
        uint64_t generation = 0;

        for (size_t i = 0; i < x->n_watches; i++) {
                const struct kube_watch *w = x->watches[i];
                bool open = w->state == KUBE_WATCHING && !w->failing && !w->waiting &&
                    w->due_ms == INT64_MAX;

                generation += w->generation;
                if (!open && w->confirmed_ms < confirmed)
                        confirmed = w->confirmed_ms;
        }
        x->source.confirmed_ms = confirmed;
        x->source.generation = all_synced(x) ? generation : 0;
}

static void
turn(struct source *s, int64_t now_ms)
{
        struct kubernetes_source *x = of(s);

        try_watches(x, now_ms);
        kube_hub_turn(x->hub, now_ms);
        look(x, now_ms);
}

static int64_t
due(const struct source *s)
{
        return of(s)->watching ? kube_hub_due(of(s)->hub) : of(s)->due_ms;
}

/* Of the hub that all share: any of them may tell. */
static size_t
fds(const struct source *s, struct curl_waitfd *out)
{
        int own[SOURCE_MAX_FDS];
        size_t n = kube_hub_fds(of(s)->hub, own, SOURCE_MAX_FDS);

        for (size_t i = 0; i < n; i++)
                out[i] = (struct curl_waitfd){.fd = own[i], .events = CURL_WAIT_POLLIN};
        return n;
}

static bool
known(const struct source *s, size_t slot)
{
        (void)slot;
        return all_synced(of(s));
}

static int
emit(void *arg, const struct target_group *group, struct err *e)
{
        const struct group_sink *sink = arg;

        return sink->take(sink->arg, group, 1, e);
}

static int
visit(const struct source *s, size_t slot, const struct group_sink *sink, struct err *e)
{
        struct kube_out out;
        int rc;

        (void)slot;
        kube_out_init(&out, emit, (void *)(uintptr_t)sink);
        kube_role_run(&of(s)->sight, &out);
        rc = out.rc;
        if (rc < 0 && e != NULL)
                *e = out.err;
        kube_out_release(&out);
        return rc;
}

static void
release(struct source *s)
{
        struct kubernetes_source *x = of(s);

        release_watches(x);
        if (x->hub != NULL)
                kube_hub_put(x->hub);
        free(x->watches);
        free(x->stores);
        scrape_config_unref(s->config);
        free(x);
}

static const struct source_class kubernetes_class = {.mechanism = "kubernetes",
    .turn = turn,
    .due = due,
    .fds = fds,
    .slots = source_one_slot,
    .known = known,
    .visit = visit,
    .free = release};

int
kubernetes_source_new(const struct source_input *in, const struct kubernetes_sd *sd,
    struct source **out, struct err *e)
{
        struct kubernetes_source *x = calloc(1, sizeof(*x));
        size_t n = KUBE_KINDS * (sd->n_namespaces + 1);
        int rc;

        if (x == NULL)
                return err_nomem(e, "a Kubernetes discovery");
        source_init(&x->source, &kubernetes_class, in, &sd->key);
        x->sd = sd;
        x->sight.sd = sd;
        x->watches = calloc(n, sizeof(struct kube_watch *));
        x->stores = calloc(n, sizeof(struct kube_store *));
        rc = x->watches != NULL && x->stores != NULL ? kube_hub_get(in->net, &x->hub, e)
                                                     : err_nomem(e, "a Kubernetes discovery");
        if (rc < 0) {
                release(&x->source);
                return rc;
        }
        *out = &x->source;
        return 0;
}
