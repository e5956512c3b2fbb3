/*
 * Bytes are looked at one by one: depth of brackets, inside or outside of a string. A piece begins
 * with its first byte at the outer depth and ends where that depth is reached again:
 *
 *      events   {…}          depth 0
 *      list     {"key": …}   depth 1, and the elements of "items" at depth 2
 */
#include "scrape/discovery/kubernetes/split.h"

#include "base/err.h"

#include <string.h>

enum { MAX_DEPTH = 200, MAX_KEY = 256, KEEP_BYTES = 256 << 10 };

void
kube_split_init(struct kube_split *s, bool list, kube_piece take, void *arg)
{
        *s = (struct kube_split){.list = list,
            .take = take,
            .arg = arg,
            .piece = BUF_INIT(KUBE_MAX_PIECE),
            .key = BUF_INIT(MAX_KEY)};
}

void
kube_split_release(struct kube_split *s)
{
        buf_release(&s->piece);
        buf_release(&s->key);
}

bool
kube_split_complete(const struct kube_split *s)
{
        if (s->list)
                return s->done;
        return s->depth == 0 && s->piece.len == 0;
}

static bool
is_blank(char c)
{
        return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static int
bad(struct err *e)
{
        return err_set(e, ERR_PARSE, "the API server's answer is not the JSON that was asked for");
}

/* The depth at which pieces lie. */
static unsigned
base_depth(const struct kube_split *s)
{
        if (!s->list)
                return 0;
        return s->in_items ? 2 : 1;
}

static int
give(struct kube_split *s, struct err *e)
{
        struct view json = buf_view(&s->piece);
        int rc = 0;

        while (json.n > 0 && is_blank(json.p[json.n - 1]))
                json.n--;
        if (json.n > 0)
                rc = s->take(s->arg, s->list ? buf_view(&s->key) : VIEW_LIT(""), json, e);
        buf_reset(&s->piece);
        /* a rare large object does not keep its room */
        if (s->piece.cap > KEEP_BYTES)
                buf_release(&s->piece);
        return rc;
}

/* A byte outside of any piece of a list: the outer object, names of members, separators. */
static int
between(struct kube_split *s, char c, bool *out_begins, struct err *e)
{
        *out_begins = false;
        if (is_blank(c))
                return 0;
        if (s->done)
                return bad(e);
        if (s->depth == 0) {
                s->depth = c == '{';
                return c == '{' ? 0 : bad(e);
        }
        if (s->in_items) {
                if (c == ']') {
                        s->in_items = false;
                        s->value = false;
                        s->depth = 1;
                        return 0;
                }
                *out_begins = c != ',';
                return 0;
        }
        if (s->value) {
                if (c == '[' && view_is(buf_view(&s->key), "items")) {
                        s->in_items = true;
                        s->depth = 2;
                } else {
                        *out_begins = true;
                }
                return 0;
        }
        switch (c) {
        case '"':
                s->quoted = true;
                buf_reset(&s->key);
                return 0;
        case ':':
                s->value = true;
                return 0;
        case '}':
                s->depth = 0;
                s->done = true;
                return 0;
        default:
                return c == ',' ? 0 : bad(e);
        }
}

/* A byte of a member's name. */
static int
key_byte(struct kube_split *s, char c, struct err *e)
{
        if (c == '"') {
                s->quoted = false;
                return 0;
        }
        return buf_putc(&s->key, c, e);
}

/* Does c end the piece without being part of it: a separator behind a number or word? */
static bool
ends_before(const struct kube_split *s, char c)
{
        if (s->quoted || s->depth != base_depth(s))
                return false;
        return s->list && (c == ',' || c == '}' || c == ']');
}

static int
piece_byte(struct kube_split *s, char c, struct err *e)
{
        int rc = buf_putc(&s->piece, c, e);

        if (rc < 0)
                return err_set(e, (enum err_code)rc, "an object of the API server is over %d MiB",
                    KUBE_MAX_PIECE >> 20);
        if (s->quoted) {
                if (s->escaped)
                        s->escaped = false;
                else if (c == '\\')
                        s->escaped = true;
                else if (c == '"')
                        s->quoted = false;
                return 0;
        }
        if (c == '"') {
                s->quoted = true;
        } else if (c == '{' || c == '[') {
                if (++s->depth > MAX_DEPTH)
                        return bad(e);
        } else if (c == '}' || c == ']') {
                if (s->depth == base_depth(s))
                        return bad(e);
                s->depth--;
                if (s->depth == base_depth(s)) {
                        s->value = s->in_items;
                        return give(s, e);
                }
        }
        return 0;
}

static int
take_byte(struct kube_split *s, char c, struct err *e)
{
        bool begins = true;
        int rc = 0;

        if (s->piece.len > 0 && ends_before(s, c)) {
                s->value = s->in_items;
                rc = give(s, e);
        }
        if (rc < 0)
                return rc;
        if (s->piece.len > 0)
                return piece_byte(s, c, e);
        if (s->list) {
                if (s->quoted)
                        return key_byte(s, c, e);
                rc = between(s, c, &begins, e);
        } else {
                begins = !is_blank(c);
                if (begins && c != '{')
                        return bad(e);
        }
        return rc == 0 && begins ? piece_byte(s, c, e) : rc;
}

/* Inside a string nothing counts but its end: copied at once. */
static size_t
plain_run(const struct kube_split *s, struct view v)
{
        size_t n = 0;

        if (!s->quoted || s->escaped || s->piece.len == 0)
                return 0;
        while (n < v.n && v.p[n] != '"' && v.p[n] != '\\')
                n++;
        return n;
}

int
kube_split_feed(struct kube_split *s, struct view bytes, struct err *e)
{
        int rc = 0;

        while (bytes.n > 0 && rc == 0) {
                size_t n = plain_run(s, bytes);

                if (n > 0 && buf_append(&s->piece, bytes.p, n, NULL) < 0)
                        return err_set(e, ERR_LIMIT, "an object of the API server is over %d MiB",
                            KUBE_MAX_PIECE >> 20);
                bytes = (struct view){bytes.p + n, bytes.n - n};
                if (bytes.n == 0)
                        break;
                rc = take_byte(s, bytes.p[0], e);
                bytes = (struct view){bytes.p + 1, bytes.n - 1};
        }
        return rc;
}
