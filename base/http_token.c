#include "base/http_token.h"

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SHOWN = 200 };

static const int64_t seconds_max = INT64_C(10) * 365 * 86400;

/* No more than ten years; what is none at all is 0. */
static int64_t
bounded(double seconds)
{
        if (!(seconds > 0))
                return 0;
        return seconds < (double)seconds_max ? (int64_t)seconds : seconds_max;
}

/* Servers write the name in any case; the header wants it as its scheme is spelled. */
static const char *
scheme_of(const char *type)
{
        static const char *const known[] = {"Bearer", "MAC", "Basic"};

        if (type == NULL || type[0] == '\0')
                return known[0];
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
                if (strcasecmp(type, known[i]) == 0)
                        return known[i];
        }
        return type;
}

static bool
is_clean(const char *s)
{
        for (; *s != '\0'; s++) {
                if ((unsigned char)*s < 0x20 || *s == 0x7f)
                        return false;
        }
        return true;
}

static int
put_header(const char *type, const char *token, struct buf *out, struct err *e)
{
        if (token == NULL || token[0] == '\0')
                return err_set(e, ERR_AGAIN, "the answer has no access_token");
        if (!is_clean(token) || !is_clean(scheme_of(type)))
                return err_set(e, ERR_AGAIN, "the token has a control character in it");
        if (buf_printf(out, e, "Authorization: %s %s", scheme_of(type), token) < 0)
                return ERR_AGAIN;
        return buf_putc(out, '\0', e);
}

/* ---- JSON ---- */

static double
json_seconds(const json_t *value)
{
        if (json_is_string(value))
                return strtod(json_string_value(value), NULL);
        return json_number_value(value);
}

static int
read_json(struct view body, struct buf *out, int64_t *out_seconds, struct err *e)
{
        json_error_t why;
        json_t *root = json_loadb(body.p != NULL ? body.p : "", body.n, 0, &why);
        const json_t *expires;
        int rc;

        if (root == NULL)
                return err_set(e, ERR_AGAIN, "the answer is not JSON: line %d", why.line);
        expires = json_object_get(root, "expires_in");
        rc = put_header(json_string_value(json_object_get(root, "token_type")),
            json_string_value(json_object_get(root, "access_token")), out, e);
        if (rc == 0)
                *out_seconds = bounded(json_seconds(expires));
        json_decref(root);
        return rc;
}

/* ---- forms ---- */

static int
hex(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c = (char)(c | 0x20);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The decoded value of a form's field with a 0 behind it; false: it is not there. */
static bool
form_value(struct view body, const char *name, struct buf *out)
{
        size_t len = strlen(name);
        size_t i = 0;
        bool ok = true;

        while (i < body.n &&
            (body.n - i <= len || memcmp(body.p + i, name, len) != 0 || body.p[i + len] != '=')) {
                const char *next = memchr(body.p + i, '&', body.n - i);

                i = next != NULL ? (size_t)(next + 1 - body.p) : body.n;
        }
        if (i >= body.n)
                return false;
        for (i += len + 1; ok && i < body.n && body.p[i] != '&'; i++) {
                char c = body.p[i];

                if (c == '+')
                        c = ' ';
                if (c == '%' && body.n - i > 2 && hex(body.p[i + 1]) >= 0 &&
                    hex(body.p[i + 2]) >= 0) {
                        c = (char)(hex(body.p[i + 1]) * 16 + hex(body.p[i + 2]));
                        i += 2;
                }
                ok = buf_putc(out, c, NULL) == 0;
        }
        return ok && buf_putc(out, '\0', NULL) == 0;
}

static int
read_form(struct view body, struct buf *out, int64_t *out_seconds, struct err *e)
{
        struct buf token = BUF_INIT(out->max);
        struct buf type = BUF_INIT(SHOWN);
        struct buf expires = BUF_INIT(SHOWN);
        int rc = put_header(form_value(body, "token_type", &type) ? type.ptr : NULL,
            form_value(body, "access_token", &token) ? token.ptr : NULL, out, e);

        if (rc == 0 && form_value(body, "expires_in", &expires))
                *out_seconds = bounded(strtod(expires.ptr, NULL));
        if (token.ptr != NULL)
                explicit_bzero(token.ptr, token.cap);
        buf_release(&token);
        buf_release(&type);
        buf_release(&expires);
        return rc;
}

static bool
has_type(struct view content_type, const char *name)
{
        size_t n = strlen(name);

        return content_type.n >= n && strncasecmp(content_type.p, name, n) == 0 &&
            (content_type.n == n || strchr("; \t", content_type.p[n]) != NULL);
}

int
http_token_parse(struct view content_type, struct view body, struct buf *out, int64_t *out_seconds,
    struct err *e)
{
        *out_seconds = 0;
        if (has_type(content_type, "application/x-www-form-urlencoded") ||
            has_type(content_type, "text/plain"))
                return read_form(body, out, out_seconds, e);
        return read_json(body, out, out_seconds, e);
}

void
http_token_refusal(struct view body, char *out, size_t cap)
{
        json_t *root = json_loadb(body.p != NULL ? body.p : "", body.n, 0, NULL);
        const char *error = json_string_value(json_object_get(root, "error"));
        const char *more = json_string_value(json_object_get(root, "error_description"));

        if (error != NULL)
                (void)snprintf(out, cap, "%.*s%s%.*s", SHOWN, error, more != NULL ? ": " : "",
                    SHOWN, more != NULL ? more : "");
        else
                (void)snprintf(out, cap, "%.*s", body.n < SHOWN ? (int)body.n : SHOWN,
                    body.p != NULL ? body.p : "");
        for (char *p = out; *p != '\0'; p++) {
                if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
                        *p = ' ';
        }
        json_decref(root);
}
