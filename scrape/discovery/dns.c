#include "scrape/discovery/dns.h"

#include "base/dns.h"
#include "base/err.h"
#include "base/log.h"
#include "scrape/discovery/net.h"
#include "scrape/discovery/source.h"
#include "scrape/job.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        AT_ONCE = 16, /* names under way; servers drop a burst */
        HOST_MAX_TEXT = 1100, /* a name with each byte escaped */
        MAX_LABELS = 3,
};

static_assert((int)DNS_MAX_FDS <= (int)SOURCE_MAX_FDS, "a resolver's sockets must fit");

struct dns_source;

/* One name. */
struct dns_slot {
        struct dns_source *owner;
        const char *name; /* in the configuration */
        struct dns_records records; /* owned */
        bool known;
        bool failing; /* the last look-up had no answer */
        int64_t confirmed_ms;
};

struct dns_source {
        struct source source; /* first, so that a struct source * converts back */
        const struct dns_sd *sd; /* in the configuration */
        struct source_net *net; /* borrowed */
        struct dns_resolver *resolver; /* owned; NULL: no refresh is under way */
        struct dns_slot *slots; /* owned; one per name */
        size_t next; /* slot to be asked for */
        size_t pending; /* under way */
        size_t failed; /* of this refresh */
        int64_t due_ms;
        int64_t now_ms; /* of the turn */
        int64_t wake_ms; /* when the resolver wants a turn */
};

static struct dns_source *
of(const struct source *s)
{
        return (struct dns_source *)(uintptr_t)s;
}

/* ---- a refresh ---- */

static bool
same(const struct dns_records *a, const struct dns_records *b)
{
        if (a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; i++) {
                if (a->v[i].type != b->v[i].type || a->v[i].port != b->v[i].port ||
                    strcmp(a->v[i].host, b->v[i].host) != 0)
                        return false;
        }
        return true;
}

/* Logs a change between good and failing, not each failure. */
static void
set_failing(struct dns_slot *slot, const struct err *why)
{
        const char *job = slot->owner->source.job->name;

        if (why != NULL && !slot->failing)
                log_warn("cannot refresh targets by DNS, keeping the ones before",
                    LOG_STR("job", job), LOG_STR("name", slot->name), LOG_STR("err", why->msg));
        if (why == NULL && slot->failing)
                log_info("targets are refreshed by DNS again", LOG_STR("job", job),
                    LOG_STR("name", slot->name));
        slot->failing = why != NULL;
}

static void
fail(struct dns_slot *slot, const struct err *why)
{
        slot->owner->failed++;
        slot->owner->net->counters.dns_lookup_failures++;
        set_failing(slot, why);
}

static void
on_records(void *arg, int rc, struct dns_records *records, const struct err *why)
{
        struct dns_slot *slot = arg;
        struct dns_source *x = slot->owner;

        x->pending--;
        if (rc < 0) {
                fail(slot, why);
                return;
        }
        set_failing(slot, NULL);
        slot->confirmed_ms = x->now_ms;
        if (slot->known && same(&slot->records, records)) {
                dns_records_release(records);
                return;
        }
        dns_records_release(&slot->records);
        slot->records = *records;
        slot->known = true;
        x->source.generation++;
}

static void
ask_some(struct dns_source *x)
{
        while (x->next < x->sd->n_names && x->pending < AT_ONCE) {
                struct dns_slot *slot = &x->slots[x->next++];
                const struct dns_question q = {slot->name, x->sd->type, on_records, slot};
                struct err e = ERR_INIT;

                x->net->counters.dns_lookups++;
                x->pending++; /* done may be called before ask is over */
                if (dns_resolver_ask(x->resolver, &q, &e) < 0) {
                        x->pending--;
                        fail(slot, &e);
                }
        }
}

static void
begin(struct dns_source *x)
{
        struct err e = ERR_INIT;

        x->due_ms = x->now_ms + x->sd->refresh_interval_ms;
        x->source.refreshes++;
        x->next = 0;
        x->failed = 0;
        if (dns_resolver_new(x->source.config->dns_servers, &x->resolver, &e) == 0)
                return;
        for (size_t i = 0; i < x->sd->n_names; i++)
                fail(&x->slots[i], &e);
        x->source.failures++;
}

/* The section is as old as its oldest name. */
static void
finish(struct dns_source *x)
{
        int64_t oldest = INT64_MAX;

        dns_resolver_free(x->resolver);
        x->resolver = NULL;
        x->source.failures += x->failed > 0;
        for (size_t i = 0; i < x->sd->n_names; i++) {
                if (x->slots[i].known && x->slots[i].confirmed_ms < oldest)
                        oldest = x->slots[i].confirmed_ms;
        }
        if (oldest != INT64_MAX)
                x->source.confirmed_ms = oldest;
}

static void
turn(struct source *s, int64_t now_ms)
{
        struct dns_source *x = of(s);
        int64_t wait;

        x->now_ms = now_ms;
        if (x->resolver == NULL && x->due_ms <= now_ms)
                begin(x);
        if (x->resolver == NULL)
                return;
        dns_resolver_turn(x->resolver);
        ask_some(x);
        if (x->pending == 0 && x->next == x->sd->n_names) {
                finish(x);
                return;
        }
        wait = dns_resolver_wait_ms(x->resolver);
        x->wake_ms = wait >= 0 ? now_ms + wait : now_ms + 1000;
}

/* ---- the class ---- */

static int64_t
due(const struct source *s)
{
        return of(s)->resolver != NULL ? of(s)->wake_ms : of(s)->due_ms;
}

static size_t
fds(const struct source *s, struct curl_waitfd *out)
{
        struct pollfd own[DNS_MAX_FDS];
        size_t n = of(s)->resolver != NULL ? dns_resolver_fds(of(s)->resolver, own) : 0;

        for (size_t i = 0; i < n; i++) {
                out[i] = (struct curl_waitfd){.fd = own[i].fd};
                if ((own[i].events & POLLIN) != 0)
                        out[i].events |= CURL_WAIT_POLLIN;
                if ((own[i].events & POLLOUT) != 0)
                        out[i].events |= CURL_WAIT_POLLOUT;
        }
        return n;
}

static size_t
slots(const struct source *s)
{
        return of(s)->sd->n_names;
}

static bool
known(const struct source *s, size_t slot)
{
        return of(s)->slots[slot].known;
}

/* The name with its last dot, under one of these. */
static const char *
target_label(enum dns_type type)
{
        switch (type) {
        case DNS_SRV:
                return "__meta_dns_srv_record_target";
        case DNS_MX:
                return "__meta_dns_mx_record_target";
        case DNS_NS:
                return "__meta_dns_ns_record_target";
        default:
                return NULL;
        }
}

static int
visit_record(const struct dns_slot *slot, const struct dns_record *r, const struct group_sink *sink,
    struct err *e)
{
        int port = r->type == DNS_SRV ? r->port : slot->owner->sd->port;
        bool brackets = strpbrk(r->host, ":%") != NULL;
        struct label labels[MAX_LABELS] = {{VIEW_LIT("__meta_dns_name"), view_of(slot->name)}};
        struct target_group g = {.n_targets = 1, .labels = labels, .n_labels = 1};
        char address[HOST_MAX_TEXT + 32];
        char target[HOST_MAX_TEXT + 2];
        char port_text[16];
        const char *one = address;

        g.targets = &one;
        (void)snprintf(address, sizeof(address), brackets ? "[%s]:%d" : "%s:%d", r->host, port);
        (void)snprintf(target, sizeof(target), "%s.", r->host);
        (void)snprintf(port_text, sizeof(port_text), "%d", port);
        if (target_label(r->type) != NULL)
                labels[g.n_labels++] =
                    (struct label){view_of(target_label(r->type)), view_of(target)};
        if (r->type == DNS_SRV)
                labels[g.n_labels++] =
                    (struct label){VIEW_LIT("__meta_dns_srv_record_port"), view_of(port_text)};
        return sink->take(sink->arg, &g, 1, e);
}

static int
visit(const struct source *s, size_t slot, const struct group_sink *sink, struct err *e)
{
        const struct dns_slot *x = &of(s)->slots[slot];
        int rc = 0;

        for (size_t i = 0; i < x->records.n && rc == 0; i++)
                rc = visit_record(x, &x->records.v[i], sink, e);
        return rc;
}

static void
release(struct source *s)
{
        struct dns_source *x = of(s);

        dns_resolver_free(x->resolver);
        for (size_t i = 0; x->slots != NULL && i < x->sd->n_names; i++)
                dns_records_release(&x->slots[i].records);
        free(x->slots);
        scrape_config_unref(s->config);
        free(x);
}

static const struct source_class dns_class = {.mechanism = "dns",
    .turn = turn,
    .due = due,
    .fds = fds,
    .slots = slots,
    .known = known,
    .visit = visit,
    .free = release};

int
dns_source_new(
    const struct source_input *in, const struct dns_sd *sd, struct source **out, struct err *e)
{
        struct dns_source *x = calloc(1, sizeof(*x));

        if (x == NULL)
                return err_nomem(e, "a discovery by DNS");
        source_init(&x->source, &dns_class, in, &sd->key);
        x->sd = sd;
        x->net = in->net;
        x->slots = calloc(sd->n_names + 1, sizeof(*x->slots));
        if (x->slots == NULL) {
                release(&x->source);
                return err_nomem(e, "a discovery by DNS");
        }
        for (size_t i = 0; i < sd->n_names; i++)
                x->slots[i] = (struct dns_slot){.owner = x, .name = sd->names[i]};
        *out = &x->source;
        return 0;
}
