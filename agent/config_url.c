#include "agent/config_url.h"

#include "agent/config_values.h"
#include "base/buf.h"
#include "base/err.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { URL_MAX = 64 << 10, PIECE_MAX = 24 };

static bool
is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_hex(char c)
{
        return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static struct view
view_from(struct view v, size_t start)
{
        return (struct view){v.p + start, v.n - start};
}

/* Bytes before the first one of set; v.n when none is there. */
static size_t
span_to(struct view v, const char *set)
{
        size_t n = 0;

        while (n < v.n && (v.p[n] == '\0' || strchr(set, v.p[n]) == NULL))
                n++;
        return n;
}

/* Why a text is no URL. */
struct reason {
        char text[128];
};

static bool
refuse(struct reason *why, const char *what, struct view piece, const char *behind)
{
        struct buf quoted = BUF_INIT(PIECE_MAX * 4 + 2);

        piece.n = piece.n < PIECE_MAX ? piece.n : PIECE_MAX;
        (void)config_quote(&quoted, piece, NULL);
        (void)snprintf(why->text, sizeof(why->text), "%s%.*s%s", what, (int)quoted.len,
            quoted.ptr != NULL ? quoted.ptr : "", behind);
        buf_release(&quoted);
        return false;
}

static bool
refuse_plainly(struct reason *why, const char *what)
{
        (void)snprintf(why->text, sizeof(why->text), "%s", what);
        return false;
}

/* %xx must be complete; in a host only % and bytes beyond ASCII may. */
static bool
check_escapes(struct view v, bool host, struct reason *why)
{
        for (size_t i = 0; i < v.n; i++) {
                struct view piece = {v.p + i, v.n - i < 3 ? v.n - i : 3};

                if (v.p[i] != '%')
                        continue;
                if (piece.n < 3 || !is_hex(piece.p[1]) || !is_hex(piece.p[2]) ||
                    (host && piece.p[1] < '8' && !view_is(piece, "%25")))
                        return refuse(why, "invalid URL escape ", piece, "");
        }
        return true;
}

/* The port behind a host: nothing, or ":" and digits. */
static bool
is_port(struct view v)
{
        if (v.n == 0)
                return true;
        if (v.p[0] != ':')
                return false;
        for (size_t i = 1; i < v.n; i++) {
                if (!is_digit(v.p[i]))
                        return false;
        }
        return true;
}

/* Where the port begins; host.n when there is none, SIZE_MAX when a bracket is open. */
static size_t
find_port(struct view host)
{
        size_t end = host.n;

        if (host.n > 0 && host.p[0] == '[') {
                while (end > 0 && host.p[end - 1] != ']')
                        end--;
                return end > 0 ? end : SIZE_MAX;
        }
        return span_to(host, ":");
}

/* What stands in brackets is an IPv6 address; behind a %25 follows its zone, in any escapes. */
static bool
check_literal(struct view host, size_t end, struct reason *why)
{
        char text[INET6_ADDRSTRLEN];
        struct in6_addr address;
        size_t n = 1; /* of what stands before the zone, with the bracket */

        while (n + 1 < end && (n + 4 > end || memcmp(host.p + n, "%25", 3) != 0))
                n++;
        if (n - 1 < sizeof(text)) {
                memcpy(text, host.p + 1, n - 1);
                text[n - 1] = '\0';
                if (inet_pton(AF_INET6, text, &address) == 1)
                        return check_escapes((struct view){host.p + n, end - n}, false, why);
        }
        return refuse(why, "invalid host: no IPv6 address is ", host, "");
}

static bool
check_host(struct view host, struct reason *why)
{
        size_t port = find_port(host);
        bool literal = host.n > 0 && host.p[0] == '[';

        if (port == SIZE_MAX)
                return refuse_plainly(why, "missing ']' in host");
        if (!literal && span_to(host, "[]") < host.n)
                return refuse_plainly(why, "invalid IP-literal");
        if (!is_port(view_from(host, port)))
                return refuse(why, "invalid port ", view_from(host, port), " after host");
        for (size_t i = 0; i < host.n; i++) {
                if (host.p[i] != '\0' && strchr(" \\^`{|}", host.p[i]) != NULL)
                        return refuse(why, "invalid character ", (struct view){host.p + i, 1},
                            " in host name");
        }
        if (literal)
                return check_literal(host, port, why);
        return check_escapes(host, true, why);
}

static bool
check_user(struct view user, struct reason *why)
{
        for (size_t i = 0; i < user.n; i++) {
                char c = user.p[i];

                if (!is_letter(c) && !is_digit(c) &&
                    (c == '\0' || strchr("-._:~!$&'()*+,;=%@", c) == NULL))
                        return refuse_plainly(why, "net/url: invalid userinfo");
        }
        return check_escapes(user, false, why);
}

/* Takes "scheme:" off *rest when one is there. */
static bool
take_scheme(struct view *rest, struct view *scheme, struct reason *why)
{
        for (size_t i = 0; i < rest->n; i++) {
                char c = rest->p[i];

                if (is_letter(c))
                        continue;
                if (c == ':') {
                        if (i == 0)
                                return refuse_plainly(why, "missing protocol scheme");
                        *scheme = (struct view){rest->p, i};
                        *rest = view_from(*rest, i + 1);
                        return true;
                }
                if (i == 0 || (!is_digit(c) && c != '+' && c != '-' && c != '.'))
                        return true;
        }
        return true;
}

static bool
take_authority(struct view *rest, struct config_url *u, struct reason *why)
{
        struct view authority = view_from(*rest, 2);
        size_t at;

        authority.n = span_to(authority, "/");
        *rest = view_from(*rest, 2 + authority.n);
        u->has_authority = true;
        for (at = authority.n; at > 0 && authority.p[at - 1] != '@'; at--)
                ;
        u->host = view_from(authority, at);
        if (at > 0) {
                u->user = (struct view){authority.p, at - 1};
                u->has_user = true;
                u->has_password = span_to(u->user, ":") < u->user.n;
        }
        return check_user(u->user, why) && check_host(u->host, why);
}

/* *u holds what was found, also after a failure. */
static bool
parse_before_fragment(struct view text, struct config_url *u, struct reason *why)
{
        struct view rest = text;
        size_t n = span_to(rest, "?#");

        *u = (struct config_url){.query = view_from(rest, n)};
        for (size_t i = 0; i < text.n; i++) {
                if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
                        return refuse_plainly(why, "net/url: invalid control character in URL");
        }
        rest.n = n;
        if (!take_scheme(&rest, &u->scheme, why))
                return false;
        if (rest.n >= 2 && memcmp(rest.p, "//", 2) == 0) {
                if (!take_authority(&rest, u, why))
                        return false;
        } else if (u->scheme.n == 0 && rest.n > 0 && rest.p[0] != '/') {
                struct view segment = {rest.p, span_to(rest, "/")};

                if (span_to(segment, ":") < segment.n)
                        return refuse_plainly(
                            why, "first path segment in URL cannot contain colon");
        }
        u->path = rest;
        if (!u->has_authority && u->scheme.n > 0)
                return true; /* opaque */
        return check_escapes(rest, false, why);
}

static bool
parse(struct view text, struct config_url *u, struct reason *why)
{
        return parse_before_fragment(text, u, why) &&
            check_escapes(view_from(text, span_to(text, "#")), false, why);
}

int
config_url_parse(struct view text, struct config_url *out, struct err *e)
{
        struct config_url u;
        struct reason why = {""};
        struct buf shown = BUF_INIT(URL_MAX);
        int rc;

        if (parse(text, &u, &why)) {
                *out = u;
                return 0;
        }
        /* what looks like a user may be a password, wherever the parsing ended */
        rc = config_quote(&shown, span_to(text, "@") < text.n ? VIEW_LIT("<hidden>") : text, e);
        if (rc == 0)
                rc = err_set(e, ERR_CONFIG, "parse %.*s: %s", (int)shown.len, shown.ptr, why.text);
        buf_release(&shown);
        return rc;
}

static int
put_view(struct buf *out, struct view v, struct err *e)
{
        return buf_append(out, v.p, v.n, e);
}

static int
put_start(const struct config_url *u, bool with_user, struct buf *out, struct err *e)
{
        int rc = 0;

        if (u->scheme.n > 0) {
                rc = put_view(out, u->scheme, e);
                if (rc == 0)
                        rc = buf_putc(out, ':', e);
        }
        if (rc == 0 && u->has_authority)
                rc = buf_puts(out, "//", e);
        if (rc == 0 && with_user && u->has_user) {
                rc = put_view(out, (struct view){u->user.p, span_to(u->user, ":")}, e);
                if (rc == 0)
                        rc = buf_puts(out, u->has_password ? ":xxxxx@" : "@", e);
        }
        if (rc == 0)
                rc = put_view(out, u->host, e);
        if (rc == 0)
                rc = put_view(out, u->path, e);
        return rc;
}

int
config_url_put_redacted(const struct config_url *u, struct buf *out, struct err *e)
{
        int rc = put_start(u, true, out, e);

        return rc == 0 ? put_view(out, u->query, e) : rc;
}

int
config_url_put_identity(const struct config_url *u, struct buf *out, struct err *e)
{
        return put_start(u, false, out, e);
}
