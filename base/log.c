#include "base/log.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
        LINE_MAX_BYTES = 4096,
        LINE_CLOSING = 4, /* what ends a line: quote, brace, line feed */
        LINE_FIELD = 48, /* a key's frame and a number */
};

/* set before threads start */
static enum log_level log_min_level = LOG_INFO;
static enum log_format log_format = LOG_FORMAT_LOGFMT;
static const char *log_tenant;

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *const format_names[] = {"logfmt", "json"};

struct line {
        char text[LINE_MAX_BYTES];
        size_t len;
        bool full; /* something was cut: nothing more goes in but what closes the line */
};

void
log_setup(enum log_level min_level, enum log_format format, const char *tenant)
{
        log_min_level = min_level;
        log_format = format;
        log_tenant = tenant;
}

static int
name_index(const char *const *names, int n, const char *name)
{
        for (int i = 0; i < n; i++) {
                if (strcmp(names[i], name) == 0)
                        return i;
        }
        return -1;
}

int
log_level_of(const char *name)
{
        return name_index(level_names, 4, name);
}

int
log_format_of(const char *name)
{
        return name_index(format_names, 2, name);
}

/* Is there room for n bytes and the closing ones? */
static bool
has_room(struct line *l, size_t n)
{
        if (l->full || sizeof(l->text) - l->len < n + LINE_CLOSING)
                l->full = true;
        return !l->full;
}

/* The caller has seen to it that there is room. */
static void
put(struct line *l, const char *p, size_t n)
{
        memcpy(l->text + l->len, p, n);
        l->len += n;
}

static void put_f(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
put_f(struct line *l, const char *fmt, ...)
{
        va_list ap;
        char text[64];
        int n;

        va_start(ap, fmt);
        n = vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        if (n > 0)
                put(l, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

/* Both formats quote alike: JSON's escapes are also what logfmt readers take. What does not fit is
 * cut. */
static void
put_quoted(struct line *l, struct view v)
{
        put(l, "\"", 1);
        for (size_t i = 0; i < v.n && has_room(l, 6);) {
                uint32_t c = 0;
                size_t n = utf8_decode(v.p + i, v.n - i, &c);

                if (n == 0) {
                        put(l, "\xef\xbf\xbd", 3);
                        n = 1;
                } else if (c == '"' || c == '\\') {
                        put_f(l, "\\%c", (int)c);
                } else if (c == '\n') {
                        put(l, "\\n", 2);
                } else if (utf8_hidden(c)) {
                        put_f(l, "\\u%04x", c);
                } else {
                        put(l, v.p + i, n);
                }
                i += n;
        }
        put(l, "\"", 1);
}

static bool
is_bare(struct view v)
{
        if (v.n == 0)
                return false;
        for (size_t i = 0; i < v.n; i++) {
                unsigned char c = (unsigned char)v.p[i];

                if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7f)
                        return false;
        }
        return true;
}

static void
put_key(struct line *l, const char *key)
{
        if (log_format == LOG_FORMAT_JSON) {
                put(l, l->len == 0 ? "{" : ",", 1);
                put_quoted(l, view_of(key));
                put(l, ":", 1);
        } else {
                if (l->len > 0)
                        put(l, " ", 1);
                put(l, key, strlen(key));
                put(l, "=", 1);
        }
}

static void
put_text(struct line *l, const char *key, struct view v)
{
        put_key(l, key);
        if (log_format == LOG_FORMAT_LOGFMT && is_bare(v) &&
            v.n < LINE_MAX_BYTES - l->len - LINE_FIELD) {
                put(l, v.p, v.n);
        } else {
                put_quoted(l, v);
        }
}

static void
put_field(struct line *l, const struct log_field *f)
{
        if (!has_room(l, strlen(f->key) + LINE_FIELD))
                return;
        switch (f->kind) {
        case LOG_KIND_VIEW:
                put_text(l, f->key, f->text);
                break;
        case LOG_KIND_INT:
                put_key(l, f->key);
                put_f(l, "%" PRId64, f->i);
                break;
        case LOG_KIND_UINT:
                put_key(l, f->key);
                put_f(l, "%" PRIu64, f->u);
                break;
        case LOG_KIND_DOUBLE:
                put_key(l, f->key);
                if (isfinite(f->d)) {
                        put_f(l, "%g", f->d);
                } else {
                        put(l, "null", 4);
                }
                break;
        }
}

static void
put_time(struct line *l)
{
        struct timespec now;
        struct tm tm;
        char text[40];
        size_t n;

        (void)clock_gettime(CLOCK_REALTIME, &now);
        (void)gmtime_r(&now.tv_sec, &tm);
        n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
        (void)snprintf(text + n, sizeof(text) - n, ".%03dZ", (int)(now.tv_nsec / 1000000));
        put_text(l, "ts", view_of(text));
}

void
log_write(enum log_level level, const char *msg, const struct log_field *fields, size_t n)
{
        struct line l;
        ssize_t written;

        if (level < log_min_level)
                return;
        l.len = 0;
        l.full = false;
        put_time(&l);
        put_text(&l, "level", view_of(level_names[level]));
        put_text(&l, "msg", view_of(msg));
        if (log_tenant != NULL)
                put_field(&l, &LOG_STR("tenant", log_tenant));
        for (size_t i = 0; i < n; i++)
                put_field(&l, &fields[i]);
        if (log_format == LOG_FORMAT_JSON)
                put(&l, "}", 1);
        l.text[l.len++] = '\n';
        written = write(STDERR_FILENO, l.text, l.len);
        (void)written; /* a log that cannot be written has nobody to tell */
}
