#include "scrape/mediatype.h"

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <strings.h>

enum { MEDIA_MAX_PARAMS = 16 }; /* more is broken */

/* What is left to read. */
struct cursor {
        const char *p;
        const char *end;
};

static bool
is_token_char(char c)
{
        static const char specials[] = "()<>@,;:\\\"/[]?=";

        if (c <= ' ' || c >= 0x7f)
                return false;
        for (size_t i = 0; i < sizeof(specials) - 1; i++) {
                if (c == specials[i])
                        return false;
        }
        return true;
}

static void
skip_blanks(struct cursor *c)
{
        while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\r' || *c->p == '\n'))
                c->p++;
}

static struct view
take_token(struct cursor *c)
{
        const char *start = c->p;

        while (c->p < c->end && is_token_char(*c->p))
                c->p++;
        return (struct view){start, (size_t)(c->p - start)};
}

static bool
take_char(struct cursor *c, char want)
{
        if (c->p >= c->end || *c->p != want)
                return false;
        c->p++;
        return true;
}

/* A token or a quoted string. */
static bool
skip_value(struct cursor *c)
{
        if (!take_char(c, '"'))
                return take_token(c).n > 0;
        while (c->p < c->end && *c->p != '"') {
                if (*c->p == '\r' || *c->p == '\n')
                        return false;
                if (*c->p == '\\' && c->p + 1 < c->end)
                        c->p++;
                c->p++;
        }
        return take_char(c, '"');
}

static bool
same_word(struct view a, struct view b)
{
        return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

/* "; name=value" …: false when broken, or when a name is there twice. A last ';' is forgiven. */
static bool
skip_params(struct cursor *c)
{
        struct view names[MEDIA_MAX_PARAMS];
        size_t n = 0;

        for (;;) {
                struct view name;

                skip_blanks(c);
                if (c->p == c->end)
                        return true;
                if (!take_char(c, ';'))
                        return false;
                skip_blanks(c);
                if (c->p == c->end)
                        return true;
                name = take_token(c);
                skip_blanks(c);
                if (name.n == 0 || n == MEDIA_MAX_PARAMS || !take_char(c, '='))
                        return false;
                skip_blanks(c);
                if (!skip_value(c))
                        return false;
                for (size_t i = 0; i < n; i++) {
                        if (same_word(names[i], name))
                                return false;
                }
                names[n++] = name;
        }
}

enum media_type
media_type_of(struct view header)
{
        static const struct {
                const char *name;
                enum media_type type;
        } known[] = {
            {"text/plain", MEDIA_TEXT},
            {"application/openmetrics-text", MEDIA_OPENMETRICS},
            {"application/vnd.google.protobuf", MEDIA_PROTOBUF},
        };
        struct cursor c = {header.p, header.p + header.n};
        struct view name;
        struct view subtype = {"", 0};

        if (header.n == 0)
                return MEDIA_MISSING;
        skip_blanks(&c);
        name = take_token(&c);
        if (name.n > 0 && take_char(&c, '/')) {
                subtype = take_token(&c);
                if (subtype.n == 0)
                        return MEDIA_BROKEN;
                name.n += 1 + subtype.n;
        }
        if (name.n == 0 || !skip_params(&c))
                return MEDIA_BROKEN;
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
                if (same_word(view_of(known[i].name), name))
                        return known[i].type;
        }
        return MEDIA_OTHER;
}

/* Why there is no format for it. */
static int
refuse(struct view header, enum media_type type, struct err *e)
{
        if (type == MEDIA_PROTOBUF)
                return err_set(e, ERR_REFUSED,
                    "the target sent Content-Type \"%.*s\", and only the text formats are read",
                    (int)header.n, header.p);
        if (type == MEDIA_MISSING)
                return err_set(e, ERR_REFUSED,
                    "the target sent no Content-Type and the job has no fallback_scrape_protocol");
        if (type == MEDIA_BROKEN)
                return err_set(e, ERR_REFUSED,
                    "cannot parse Content-Type \"%.*s\" and the job has no "
                    "fallback_scrape_protocol",
                    (int)header.n, header.p);
        return err_set(e, ERR_REFUSED,
            "the target sent Content-Type \"%.*s\", which is not one of metrics, and the job has "
            "no fallback_scrape_protocol",
            (int)header.n, header.p);
}

int
media_type_accept(
    struct view header, enum media_type fallback, enum text_format *out, struct err *e)
{
        enum media_type said = media_type_of(header);
        enum media_type type = said;

        if (said != MEDIA_TEXT && said != MEDIA_OPENMETRICS && said != MEDIA_PROTOBUF)
                type = fallback;
        if (type != MEDIA_TEXT && type != MEDIA_OPENMETRICS)
                return refuse(header, said, e);
        *out = type == MEDIA_TEXT ? TEXT_PROMETHEUS : TEXT_OPENMETRICS;
        return 0;
}
