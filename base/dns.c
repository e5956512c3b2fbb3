#include "base/dns.h"

#include "base/err.h"

#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

enum {
        HEADER_BYTES = 12,
        RECORD_BYTES = 10, /* of a record, behind its name */
        TIMEOUT_MS = 2000, /* of a server's first answer */
        TRIES = 2,
        UDP_BYTES = 1232, /* what passes unfragmented nearly everywhere */
        MAX_RECORDS = 8192, /* of an answer; 64 KiB hold fewer */
        CLASS_INTERNET = 1,
};

struct dns_resolver {
        ares_channel channel;
        struct ares_options options; /* as read: the search list */
};

/* A question under way, through the search list. */
struct lookup {
        struct dns_resolver *r;
        struct dns_question q;
        size_t candidate;
        bool failed; /* some candidate had no answer at all */
        int status; /* c-ares's word for the last failure */
};

/* ---- records ---- */

void
dns_records_release(struct dns_records *r)
{
        for (size_t i = 0; i < r->n; i++)
                free(r->v[i].host);
        free(r->v);
        *r = (struct dns_records){NULL, 0};
}

static int
compare(const void *x, const void *y)
{
        const struct dns_record *a = x;
        const struct dns_record *b = y;
        int c = strcmp(a->host, b->host);

        if (a->type != b->type)
                return a->type < b->type ? -1 : 1;
        return c != 0 ? c : (a->port > b->port) - (a->port < b->port);
}

static void
sort(struct dns_records *r)
{
        size_t kept = 0;

        if (r->n == 0)
                return;
        qsort(r->v, r->n, sizeof(*r->v), compare);
        for (size_t i = 0; i < r->n; i++) {
                if (kept > 0 && compare(&r->v[kept - 1], &r->v[i]) == 0)
                        free(r->v[i].host);
                else
                        r->v[kept++] = r->v[i];
        }
        r->n = kept;
}

static unsigned
number16(const unsigned char *p)
{
        return (unsigned)p[0] << 8 | p[1];
}

static int
broken(struct err *e)
{
        return err_set(e, ERR_PARSE, "the DNS answer is broken");
}

/* A name at p, which may point anywhere into the answer; *used: its bytes at p. */
static int
expand(struct view answer, const unsigned char *p, char **out, size_t *used, struct err *e)
{
        long n = 0;
        int status = ares_expand_name(p, (const unsigned char *)answer.p, (int)answer.n, out, &n);

        if (status == ARES_ENOMEM)
                return err_nomem(e, "a DNS answer");
        if (status != ARES_SUCCESS)
                return broken(e);
        *used = (size_t)n;
        return 0;
}

/* Addresses as Go writes them: an IPv4 address in IPv6 clothes without those. */
static int
take_address(int family, const unsigned char *data, struct dns_record *x, struct err *e)
{
        static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
        char text[INET6_ADDRSTRLEN] = "";

        if (family == AF_INET6 && memcmp(data, mapped, sizeof(mapped)) == 0) {
                family = AF_INET;
                data += sizeof(mapped);
        }
        (void)inet_ntop(family, data, text, sizeof(text));
        x->host = strdup(text);
        return x->host != NULL ? 0 : err_nomem(e, "a DNS answer");
}

static int
take_name(struct view answer, const unsigned char *p, struct dns_record *x, struct err *e)
{
        char *name = NULL; /* c-ares's */
        size_t used = 0;
        int rc = expand(answer, p, &name, &used, e);

        if (rc < 0)
                return rc;
        x->host = strdup(name);
        ares_free_string(name);
        return x->host != NULL ? 0 : err_nomem(e, "a DNS answer");
}

/* The data of a record of that type, n bytes; x->host stays NULL when it is of no interest. */
static int
take_data(struct view answer, struct view data, struct dns_record *x, struct err *e)
{
        const unsigned char *p = (const unsigned char *)data.p;

        switch (x->type) {
        case DNS_A:
                return data.n == 4 ? take_address(AF_INET, p, x, e) : broken(e);
        case DNS_AAAA:
                return data.n == 16 ? take_address(AF_INET6, p, x, e) : broken(e);
        case DNS_NS:
                return data.n > 0 ? take_name(answer, p, x, e) : broken(e);
        case DNS_MX:
                return data.n > 2 ? take_name(answer, p + 2, x, e) : broken(e);
        case DNS_SRV:
                if (data.n <= 6)
                        return broken(e);
                x->port = (uint16_t)number16(p + 4);
                return take_name(answer, p + 6, x, e);
        }
        return 0;
}

/* One record at *at; takes it when it is of interest. */
static int
take_record(struct view answer, size_t *at, struct dns_records *out, struct err *e)
{
        const unsigned char *base = (const unsigned char *)answer.p;
        struct dns_record x = {0};
        char *name = NULL;
        size_t used = 0;
        size_t n;
        int rc = *at < answer.n ? expand(answer, base + *at, &name, &used, e) : broken(e);

        if (rc < 0)
                return rc;
        ares_free_string(name);
        *at += used;
        if (answer.n - *at < RECORD_BYTES)
                return broken(e);
        x.type = (enum dns_type)number16(base + *at);
        n = number16(base + *at + 8);
        if (number16(base + *at + 2) != CLASS_INTERNET)
                x.type = (enum dns_type)0;
        *at += RECORD_BYTES;
        if (answer.n - *at < n)
                return broken(e);
        rc = take_data(answer, (struct view){answer.p + *at, n}, &x, e);
        *at += n;
        if (rc == 0 && x.host != NULL)
                out->v[out->n++] = x;
        return rc;
}

/* Behind the questions; ERR_PARSE. */
static int
skip_questions(struct view answer, size_t *at, struct err *e)
{
        const unsigned char *base = (const unsigned char *)answer.p;
        int rc = 0;

        for (unsigned i = number16(base + 4); i > 0 && rc == 0; i--) {
                char *name = NULL;
                size_t used = 0;

                rc = *at < answer.n ? expand(answer, base + *at, &name, &used, e) : broken(e);
                if (rc == 0)
                        ares_free_string(name);
                *at += used;
                if (rc == 0 && answer.n - *at < 4)
                        rc = broken(e);
                *at += 4;
        }
        return rc;
}

int
dns_records_parse(struct view answer, struct dns_records *out, struct err *e)
{
        struct dns_records r = {NULL, 0};
        size_t at = HEADER_BYTES;
        unsigned n;
        int rc;

        if (answer.n < HEADER_BYTES || answer.n > UINT16_MAX)
                return broken(e);
        n = number16((const unsigned char *)answer.p + 6);
        if (n > MAX_RECORDS)
                return broken(e);
        r.v = calloc(n + 1, sizeof(*r.v));
        if (r.v == NULL)
                return err_nomem(e, "a DNS answer");
        rc = skip_questions(answer, &at, e);
        for (; n > 0 && rc == 0; n--)
                rc = take_record(answer, &at, &r, e);
        if (rc < 0) {
                dns_records_release(&r);
                return rc;
        }
        sort(&r);
        *out = r;
        return 0;
}

/* ---- the search list ---- */

/* The i-th name to ask for into out; false: there are no more, or it is too long to exist. */
static bool
candidate(const struct lookup *l, char *out, size_t cap)
{
        const struct ares_options *o = &l->r->options;
        const char *name = l->q.name;
        size_t n = strlen(name);
        size_t domains = (size_t)(o->ndomains > 0 ? o->ndomains : 0);
        size_t i = l->candidate;
        int dots = 0;
        int len;

        for (const char *p = name; *p != '\0'; p++)
                dots += *p == '.';
        if (n > 0 && name[n - 1] == '.')
                domains = 0; /* it is whole */
        if (i > domains)
                return false;
        if (dots >= o->ndots)
                i = i == 0 ? domains : i - 1; /* the name itself comes first */
        if (i < domains)
                len = snprintf(out, cap, "%s.%s", name, o->domains[i]);
        else
                len = snprintf(out, cap, "%s", name);
        return len >= 0 && (size_t)len < cap;
}

static void ask_next(struct lookup *l);

static void
end(struct lookup *l, int rc, struct dns_records *records, const struct err *why)
{
        struct dns_question q = l->q;

        free(l);
        q.done(q.arg, rc, records, why);
}

static void
on_answer(void *arg, int status, int timeouts, unsigned char *bytes, int n)
{
        struct lookup *l = arg;
        struct dns_records records = {NULL, 0};
        struct err e = ERR_INIT;
        int rc;

        (void)timeouts;
        if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED) {
                free(l);
                return;
        }
        if (status == ARES_ENODATA) {
                end(l, 0, &records, NULL);
                return;
        }
        if (status == ARES_SUCCESS) {
                rc = dns_records_parse((struct view){(char *)bytes, (size_t)n}, &records, &e);
                if (rc == 0) {
                        end(l, 0, &records, NULL);
                        return;
                }
                status = ARES_EBADRESP;
        }
        if (status != ARES_ENOTFOUND) {
                l->failed = true;
                l->status = status;
        }
        l->candidate++;
        ask_next(l);
}

static void
ask_next(struct lookup *l)
{
        struct dns_records none = {NULL, 0};
        struct err e = ERR_INIT;
        char name[NI_MAXHOST];

        if (candidate(l, name, sizeof(name))) {
                ares_query(l->r->channel, name, CLASS_INTERNET, (int)l->q.type, on_answer, l);
                return;
        }
        if (l->failed)
                (void)err_set(&e, ERR_AGAIN, "cannot look up \"%.255s\": %s", l->q.name,
                    ares_strerror(l->status));
        end(l, l->failed ? ERR_AGAIN : 0, &none, &e);
}

/* ---- the resolver ---- */

int
dns_resolver_new(const char *servers, struct dns_resolver **out, struct err *e)
{
        struct ares_options o = {
            .flags = ARES_FLAG_EDNS, .timeout = TIMEOUT_MS, .tries = TRIES, .ednspsz = UDP_BYTES};
        const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ;
        struct dns_resolver *r = calloc(1, sizeof(*r));
        int saved = 0;
        int status;

        if (r == NULL)
                return err_nomem(e, "a DNS resolver");
        (void)ares_library_init(ARES_LIB_INIT_ALL);
        status = ares_init_options(&r->channel, &o, mask);
        if (status != ARES_SUCCESS) {
                r->channel = NULL;
                goto failed;
        }
        if (servers != NULL)
                status = ares_set_servers_ports_csv(r->channel, servers);
        if (status == ARES_SUCCESS)
                status = ares_save_options(r->channel, &r->options, &saved);
        if (status != ARES_SUCCESS)
                goto failed;
        *out = r;
        return 0;
failed:
        dns_resolver_free(r);
        return err_set(e, status == ARES_ENOMEM ? ERR_NOMEM : ERR_CONFIG,
            "cannot set up DNS look-ups: %s", ares_strerror(status));
}

void
dns_resolver_free(struct dns_resolver *r)
{
        if (r == NULL)
                return;
        if (r->channel != NULL)
                ares_destroy(r->channel);
        ares_destroy_options(&r->options);
        ares_library_cleanup();
        free(r);
}

int
dns_resolver_ask(struct dns_resolver *r, const struct dns_question *q, struct err *e)
{
        struct lookup *l = calloc(1, sizeof(*l));

        if (l == NULL)
                return err_nomem(e, "a DNS look-up");
        l->r = r;
        l->q = *q;
        ask_next(l);
        return 0;
}

size_t
dns_resolver_fds(const struct dns_resolver *r, struct pollfd *out)
{
        ares_socket_t fds[ARES_GETSOCK_MAXNUM];
        unsigned bits = (unsigned)ares_getsock(r->channel, fds, ARES_GETSOCK_MAXNUM);
        size_t n = 0;

        for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM && n < DNS_MAX_FDS; i++) {
                short events = 0;

                /* bits of ares_getsock(3); its macros shift into the sign */
                if ((bits >> i & 1) != 0)
                        events = POLLIN;
                if ((bits >> (i + ARES_GETSOCK_MAXNUM) & 1) != 0)
                        events = (short)(events | POLLOUT);
                if (events != 0)
                        out[n++] = (struct pollfd){.fd = fds[i], .events = events};
        }
        return n;
}

int64_t
dns_resolver_wait_ms(const struct dns_resolver *r)
{
        struct timeval tv;

        if (ares_timeout(r->channel, NULL, &tv) == NULL)
                return -1;
        return (int64_t)tv.tv_sec * 1000 + (tv.tv_usec + 999) / 1000;
}

void
dns_resolver_turn(struct dns_resolver *r)
{
        struct pollfd fds[DNS_MAX_FDS];
        size_t n = dns_resolver_fds(r, fds);

        if (poll(fds, n, 0) < 0)
                n = 0;
        for (size_t i = 0; i < n; i++) {
                bool in = (fds[i].revents & (POLLIN | POLLERR | POLLHUP)) != 0;
                bool out = (fds[i].revents & POLLOUT) != 0;

                if (in || out)
                        ares_process_fd(r->channel, in ? fds[i].fd : ARES_SOCKET_BAD,
                            out ? fds[i].fd : ARES_SOCKET_BAD);
        }
        ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}
