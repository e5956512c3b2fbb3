#include "agent/global_url.h"

#include "base/buf.h"
#include "base/err.h"

#include <string.h>

/* host[:port], the host without brackets; an empty port when there is none. */
static void
split(struct view authority, struct view *host, struct view *port)
{
        const char *end = authority.p + authority.n;
        const char *colon = memrchr(authority.p, ':', authority.n);
        const char *bracket = memchr(authority.p, ']', authority.n);

        if (colon != NULL && bracket != NULL && colon < bracket)
                colon = NULL;
        *host = (struct view){authority.p, (size_t)((colon != NULL ? colon : end) - authority.p)};
        *port = colon != NULL ? (struct view){colon + 1, (size_t)(end - colon - 1)}
                              : (struct view){end, 0};
        if (host->n >= 2 && host->p[0] == '[' && host->p[host->n - 1] == ']') {
                host->p++;
                host->n -= 2;
        }
}

static bool
is_local(struct view host)
{
        return view_is(host, "127.0.0.1") || view_is(host, "localhost") || view_is(host, "::1");
}

/* The host without its port, brackets kept. */
static struct view
without_port(const char *given)
{
        const char *colon = strrchr(given, ':');
        const char *bracket = strchr(given, ']');

        if (colon == NULL || (bracket != NULL && colon < bracket))
                return view_of(given);
        return (struct view){given, (size_t)(colon - given)};
}

int
global_url_put(const char *url, const struct global_url_self *self, struct buf *out, struct err *e)
{
        const char *authority = strstr(url, "://");
        struct view host;
        struct view port;
        struct view own;
        size_t n;

        if (authority == NULL)
                return buf_puts(out, url, e);
        authority += 3;
        n = strcspn(authority, "/?#");
        split((struct view){authority, n}, &host, &port);
        if (!is_local(host))
                return buf_puts(out, url, e);
        if (view_is(port, self->port))
                return buf_printf(out, e, "%s://%s%s", self->scheme, self->host, authority + n);
        own = without_port(self->host);
        return buf_printf(out, e, "%.*s%.*s%s%.*s%s", (int)(authority - url), url, (int)own.n,
            own.p, port.n > 0 ? ":" : "", (int)port.n, port.p, authority + n);
}
