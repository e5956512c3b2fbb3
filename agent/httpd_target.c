#include "agent/httpd_target.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/view.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int
digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c = (char)tolower((unsigned char)c);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * Decodes into *at and ends it with a 0, moving *at behind that. A byte of zero stays "%00": texts
 * end with one. False, and *at as before: a bad escape.
 */
static bool
decode(struct view text, bool plus_is_blank, char **at)
{
        char *out = *at;

        for (size_t i = 0; i < text.n; i++) {
                int high = i + 1 < text.n ? digit(text.p[i + 1]) : -1;
                int low = i + 2 < text.n ? digit(text.p[i + 2]) : -1;

                if (text.p[i] != '%') {
                        *out = text.p[i];
                        if (plus_is_blank && *out == '+')
                                *out = ' ';
                        out++;
                        continue;
                }
                if (high < 0 || low < 0)
                        return false;
                if (high + low == 0) {
                        *out++ = '%';
                        continue;
                }
                *out++ = (char)(unsigned char)(high * 16 + low);
                i += 2;
        }
        *out++ = '\0';
        *at = out;
        return true;
}

/* ---- the query ---- */

/* Up to the separator or the end; *text goes on behind it. */
static struct view
cut(struct view *text, char separator)
{
        const char *end = memchr(text->p, separator, text->n);
        struct view first = {text->p, end != NULL ? (size_t)(end - text->p) : text->n};

        *text = end != NULL ? (struct view){end + 1, text->n - first.n - 1}
                            : (struct view){text->p + text->n, 0};
        return first;
}

static void
decode_arguments(struct httpd_target *t, char *at)
{
        struct view rest = t->query != NULL ? view_of(t->query) : view_of("");

        t->arguments = at;
        while (rest.n > 0) {
                struct view value = cut(&rest, '&');
                char *begin = at;
                struct view name;

                if (value.n == 0 || memchr(value.p, ';', value.n) != NULL)
                        continue;
                name = cut(&value, '=');
                if (decode(name, true, &at) && decode(value, true, &at))
                        t->n_arguments++;
                else
                        at = begin;
        }
}

const char *
httpd_target_argument(const struct httpd_target *t, const char *name)
{
        const char *at = t->arguments;

        for (size_t i = 0; i < t->n_arguments; i++) {
                const char *value = at + strlen(at) + 1;

                if (strcmp(at, name) == 0)
                        return value;
                at = value + strlen(value) + 1;
        }
        return NULL;
}

/* ---- the path ---- */

/* Leaves what is behind the scheme and the authority of a URL. False: it is neither that nor a
 * path.
 */
static bool
skip_origin(struct view *text)
{
        const char *slash;
        const char *end;
        size_t n = 0;

        while (n < text->n &&
            (isalpha((unsigned char)text->p[n]) ||
                (n > 0 && (isdigit((unsigned char)text->p[n]) || strchr("+-.", text->p[n])))))
                n++;
        if (n == 0 || n == text->n || text->p[n] != ':')
                return text->n > 0 && text->p[0] == '/';
        *text = (struct view){text->p + n + 1, text->n - n - 1};
        if (text->n < 2 || strncmp(text->p, "//", 2) != 0)
                return text->n > 0 && text->p[0] == '/';
        end = text->p + text->n;
        slash = memchr(text->p + 2, '/', text->n - 2);
        slash = slash != NULL ? slash : end;
        *text = (struct view){slash, (size_t)(end - slash)};
        return true;
}

int
httpd_target_parse(const char *text, struct httpd_target *out, struct err *e)
{
        const char *question = strchr(text, '?');
        size_t n = strlen(text);
        struct view path = {text, question != NULL ? (size_t)(question - text) : n};
        char *at;

        for (size_t i = 0; i < n; i++) {
                if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f)
                        return err_set(e, ERR_PARSE, "a blank or a control character");
        }
        if (!skip_origin(&path))
                return err_set(e, ERR_PARSE, "neither a path nor a URL");
        /* the path, the query, and its arguments, of which each gets two zeros ("a&" -> "a", "") */
        at = malloc(3 * n + 4);
        if (at == NULL)
                return err_nomem(e, "a request");
        *out = (struct httpd_target){.text = at, .path = at};
        if (!decode(path, false, &at)) {
                httpd_target_release(out);
                return err_set(e, ERR_PARSE, "a bad escape in the path");
        }
        if (question != NULL) {
                n = strlen(question + 1);
                out->query = at;
                memcpy(at, question + 1, n + 1);
                at += n + 1;
        }
        decode_arguments(out, at);
        return 0;
}

void
httpd_target_release(struct httpd_target *t)
{
        free(t->text);
        *t = (struct httpd_target){0};
}

int
httpd_target_clean(const char *path, struct buf *out, struct err *e)
{
        struct view rest = view_of(path);
        size_t begin = out->len;
        size_t bytes = rest.n;
        struct view name = {0};
        int rc = 0;

        while (rc == 0 && rest.n > 0) {
                name = cut(&rest, '/');
                if (name.n == 0 || view_is(name, "."))
                        continue;
                if (!view_is(name, "..")) {
                        rc = buf_putc(out, '/', e);
                        if (rc == 0)
                                rc = buf_append(out, name.p, name.n, e);
                        continue;
                }
                while (out->len > begin && out->ptr[--out->len] != '/')
                        continue;
        }
        if (rc == 0 && (out->len == begin || (bytes > 0 && path[bytes - 1] == '/')))
                rc = buf_putc(out, '/', e);
        return rc == 0 ? buf_putc(out, '\0', e) : rc;
}

int
httpd_target_escape(const char *path, struct buf *out, struct err *e)
{
        int rc = 0;

        for (; rc == 0 && *path != '\0'; path++) {
                unsigned char c = (unsigned char)*path;

                rc = (c < 0x80 && isalnum(c)) || strchr("-_.~$&+,/:;=@", c) != NULL
                    ? buf_putc(out, *path, e)
                    : buf_printf(out, e, "%%%02X", c);
        }
        return rc;
}
