#include "base/http_proxy.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/http_secret.h"
#include "base/view.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LINE_MAX_BYTES = 64 << 10, HOST_MAX = 256 };

struct http_proxy {
        const struct http_proxy_options *o; /* borrowed */
        struct curl_slist *headers; /* owned; of CONNECT requests */
};

int
http_proxy_new(const struct http_proxy_options *o, struct http_proxy **out, struct err *e)
{
        struct http_proxy *p = calloc(1, sizeof(*p));
        struct buf line = BUF_INIT(LINE_MAX_BYTES);
        int rc = 0;

        if (p == NULL)
                return err_nomem(e, "proxy settings");
        p->o = o;
        for (size_t i = 0; rc == 0 && i < o->n_connect_headers; i++) {
                const struct http_header *h = &o->connect_headers[i];

                buf_reset(&line);
                rc = buf_printf(
                    &line, e, "%s%s%s", h->name, h->value[0] != '\0' ? ": " : ";", h->value);
                if (rc == 0)
                        rc = http_secret_append(&p->headers, line.ptr, e);
        }
        http_secret_release(&line);
        if (rc < 0) {
                http_proxy_free(p);
                return rc;
        }
        *out = p;
        return 0;
}

void
http_proxy_free(struct http_proxy *p)
{
        if (p == NULL)
                return;
        http_secret_free_list(p->headers);
        free(p);
}

bool
http_proxy_wanted(const struct http_proxy *p)
{
        return p->o->url != NULL || p->o->from_environment;
}

/* ---- hosts that need none ---- */

/* An address as 16 bytes, IPv4 mapped. */
static bool
parse_ip(struct view text, unsigned char out[16])
{
        static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
        char copy[HOST_MAX];

        if (text.n > 1 && text.p[0] == '[' && text.p[text.n - 1] == ']')
                text = (struct view){text.p + 1, text.n - 2};
        if (text.n >= sizeof(copy))
                return false;
        memcpy(copy, text.p, text.n);
        copy[text.n] = '\0';
        if (inet_pton(AF_INET6, copy, out) == 1)
                return true;
        memcpy(out, mapped, sizeof(mapped));
        return inet_pton(AF_INET, copy, out + 12) == 1;
}

static bool
is_v4(const unsigned char ip[16])
{
        static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

        return memcmp(ip, mapped, sizeof(mapped)) == 0;
}

static bool
is_loopback(const unsigned char ip[16])
{
        static const unsigned char one[16] = {[15] = 1};

        return is_v4(ip) ? ip[12] == 127 : memcmp(ip, one, sizeof(one)) == 0;
}

/* net/bits; *inside says whether ip is in it. False: it is no network. */
static bool
match_network(struct view entry, const unsigned char *ip, bool *inside)
{
        const char *slash = memchr(entry.p, '/', entry.n);
        struct view bits_text;
        unsigned char net[16];
        size_t bits = 0;

        if (slash == NULL)
                return false;
        bits_text = (struct view){slash + 1, entry.n - (size_t)(slash + 1 - entry.p)};
        if (bits_text.n == 0 || bits_text.n > 3 ||
            !parse_ip((struct view){entry.p, (size_t)(slash - entry.p)}, net))
                return false;
        for (size_t i = 0; i < bits_text.n; i++) {
                if (bits_text.p[i] < '0' || bits_text.p[i] > '9')
                        return false;
                bits = bits * 10 + (size_t)(bits_text.p[i] - '0');
        }
        bits += is_v4(net) ? 96 : 0;
        if (bits > 128)
                return false;
        *inside = ip != NULL && is_v4(net) == is_v4(ip) && memcmp(ip, net, bits / 8) == 0 &&
            (bits % 8 == 0 || ((ip[bits / 8] ^ net[bits / 8]) >> (8 - bits % 8)) == 0);
        return true;
}

/* Takes ":port" off; an address without brackets has none. */
static struct view
cut_port(struct view *entry)
{
        unsigned char ip[16];
        const char *colon = memrchr(entry->p, ':', entry->n);
        struct view port = {NULL, 0};

        if (colon == NULL || parse_ip(*entry, ip))
                return port;
        port = (struct view){colon + 1, entry->n - (size_t)(colon + 1 - entry->p)};
        entry->n = (size_t)(colon - entry->p);
        return port;
}

static bool
same_end(struct view host, struct view end)
{
        return host.n >= end.n && strncasecmp(host.p + host.n - end.n, end.p, end.n) == 0;
}

static bool
match_domain(struct view entry, struct view host)
{
        bool below_only = false;

        if (entry.n > 1 && entry.p[0] == '*' && entry.p[1] == '.')
                entry = (struct view){entry.p + 1, entry.n - 1};
        if (entry.n > 0 && entry.p[0] == '.') {
                below_only = true;
                entry = (struct view){entry.p + 1, entry.n - 1};
        }
        if (entry.n == 0 || !same_end(host, entry))
                return false;
        return host.n == entry.n ? !below_only : host.p[host.n - entry.n - 1] == '.';
}

static bool
match_entry(struct view entry, struct view host, const unsigned char *ip, struct view port)
{
        unsigned char other[16];
        struct view wanted;
        bool inside = false;

        while (entry.n > 0 && (entry.p[0] == ' ' || entry.p[0] == '\t'))
                entry = (struct view){entry.p + 1, entry.n - 1};
        while (entry.n > 0 && (entry.p[entry.n - 1] == ' ' || entry.p[entry.n - 1] == '\t'))
                entry.n--;
        if (entry.n == 0)
                return false;
        if (view_is(entry, "*"))
                return true;
        if (match_network(entry, ip, &inside))
                return inside;
        wanted = cut_port(&entry);
        if (wanted.n > 0 && !view_eq(wanted, port))
                return false;
        if (parse_ip(entry, other))
                return ip != NULL && memcmp(ip, other, sizeof(other)) == 0;
        return match_domain(entry, host);
}

bool
http_proxy_bypassed(const char *list, const char *host, const char *port)
{
        unsigned char bytes[16];
        const unsigned char *ip = parse_ip(view_of(host), bytes) ? bytes : NULL;

        if (strcasecmp(host, "localhost") == 0 || (ip != NULL && is_loopback(ip)))
                return true;
        for (const char *p = list; p != NULL && *p != '\0';) {
                size_t n = strcspn(p, ",");

                if (match_entry((struct view){p, n}, view_of(host), ip, view_of(port)))
                        return true;
                p += n + (p[n] == ',');
        }
        return false;
}

/* ---- the choice ---- */

static const char *
either(const char *upper, const char *lower)
{
        const char *value = getenv(upper);

        return value != NULL && value[0] != '\0' ? value : getenv(lower);
}

static bool
is_bypassed(const char *list, const char *url)
{
        CURLU *u = curl_url();
        char *host = NULL;
        char *port = NULL;
        bool bypassed = false;

        if (u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
            curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
            curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK)
                bypassed = http_proxy_bypassed(list, host, port);
        curl_free(host);
        curl_free(port);
        curl_url_cleanup(u);
        return bypassed;
}

void
http_proxy_apply(const struct http_proxy *p, CURL *easy, const char *url)
{
        bool https = strncasecmp(url, "https:", 6) == 0;
        const char *proxy = p->o->url;
        const char *none = p->o->no_proxy;

        if (p->o->from_environment) {
                proxy = https ? either("HTTPS_PROXY", "https_proxy")
                              : either("HTTP_PROXY", "http_proxy");
                none = either("NO_PROXY", "no_proxy");
        }
        /* proxy_url alone takes everything, this machine's own addresses too */
        if (proxy != NULL && (p->o->from_environment || none != NULL) && is_bypassed(none, url))
                proxy = NULL;
        /* "" both times, or libcurl would look at the environment; the list is for redirects */
        (void)curl_easy_setopt(easy, CURLOPT_PROXY, proxy != NULL ? proxy : "");
        (void)curl_easy_setopt(easy, CURLOPT_NOPROXY, proxy != NULL && none != NULL ? none : "");
        if (proxy == NULL || !https || p->headers == NULL)
                return;
        (void)curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
        (void)curl_easy_setopt(easy, CURLOPT_PROXYHEADER, p->headers);
}
