/*
 * The series grammar, as the lexers and parsers of Prometheus have it (model/textparse/promlex.l,
 * promparse.go; openmetricslex.l, openmetricsparse.go), what they do with NUL bytes included:
 * within a label's value they count as text, after the blanks that follow a '=' they are passed
 * over, elsewhere they are an error.
 *
 * OpenMetrics has no blanks, wants its commas, and no line feed in a value.
 */
#include "scrape/textlabels.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/labels.h"
#include "scrape/textclass.h"
#include "scrape/textfloat.h"
#include "scrape/textparse.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

struct walk {
        const char *start;
        const char *p;
        const char *end;
        enum text_format format;
        enum textclass blank; /* no class in OpenMetrics */
        enum metric_type type;
        struct labels *labels; /* NULL: only the grammar is checked */
        bool has_name;
        size_t *out_offset; /* may be NULL */
};

void
textlabels_describe(const char *p, const char *end, char out[TEXTLABELS_BYTE_MAX])
{
        unsigned char c = p < end ? (unsigned char)*p : '\n';

        if (c == '\n') {
                (void)snprintf(out, TEXTLABELS_BYTE_MAX, "the end of the line");
        } else if (c == '\r') {
                (void)snprintf(out, TEXTLABELS_BYTE_MAX, "a carriage return");
        } else if (c > ' ' && c < 0x7f) {
                (void)snprintf(out, TEXTLABELS_BYTE_MAX, "'%c'", c);
        } else if (c == ' ') {
                (void)snprintf(out, TEXTLABELS_BYTE_MAX, "a blank");
        } else {
                (void)snprintf(out, TEXTLABELS_BYTE_MAX, "\\x%02x", c);
        }
}

static int
fail_at(struct walk *w, const char *at, const char *what, struct err *e)
{
        if (w->out_offset != NULL)
                *w->out_offset = (size_t)(at - w->start);
        return err_set(e, ERR_PARSE, "%s", what);
}

static int
expected(struct walk *w, const char *what, struct err *e)
{
        char got[TEXTLABELS_BYTE_MAX];

        if (w->out_offset != NULL)
                *w->out_offset = (size_t)(w->p - w->start);
        textlabels_describe(w->p, w->end, got);
        return err_set(e, ERR_PARSE, "expected %s, got %s", what, got);
}

static bool
at(const struct walk *w, char c)
{
        return w->p < w->end && *w->p == c;
}

static void
skip(struct walk *w, enum textclass class)
{
        while (w->p < w->end && textclass_is(*w->p, class))
                w->p++;
}

static void
skip_nul(struct walk *w)
{
        while (at(w, '\0'))
                w->p++;
}

/*
 * A quoted string from its quote on; *out is what stands between the quotes. A pair of backslash
 * and LF is an error. `value`: NUL bytes are passed over as if they were not there, also behind the
 * closing quote, where the reference's view of the string then ends one byte before the last of
 * them, quote included.
 */
static int
take_quoted(struct walk *w, bool value, struct view *out, struct err *e)
{
        const char *open = w->p++;

        for (; w->p < w->end && *w->p != '"'; w->p++) {
                if (*w->p == '\0' && !value)
                        return fail_at(w, w->p, "a NUL byte in a quoted name", e);
                if (*w->p == '\n' && value && w->format == TEXT_OPENMETRICS)
                        return fail_at(w, w->p, "a line feed in a label value", e);
                if (*w->p != '\\')
                        continue;
                w->p++;
                if (value)
                        skip_nul(w);
                if (w->p == w->end || *w->p == '\0' || *w->p == '\n')
                        return fail_at(w, w->p, "a backslash with nothing to escape", e);
        }
        if (w->p == w->end)
                return fail_at(w, open, "a quoted string that does not end", e);
        w->p++;
        if (value)
                skip_nul(w);
        *out = (struct view){open + 1, (size_t)(w->p - open) - 2};
        return 0;
}

/* \\, \" and \n are resolved, any other pair stays; a copy only when there is a backslash. */
static int
unescape(struct walk *w, struct view *v, struct err *e)
{
        char *copy;
        size_t n = 0;

        if (v->n == 0 || memchr(v->p, '\\', v->n) == NULL)
                return 0;
        copy = arena_alloc(w->labels->arena, v->n);
        if (copy == NULL)
                return err_nomem(e, "the labels of a series");
        for (size_t i = 0; i < v->n; i++) {
                char c = v->p[i];
                char next = (char)(i + 1 < v->n ? v->p[i + 1] : '\0');

                if (c == '\\' && (next == '\\' || next == '"' || next == 'n')) {
                        c = next;
                        if (next == 'n')
                                c = '\n';
                        i++;
                }
                copy[n++] = c;
        }
        *v = (struct view){copy, n};
        return 0;
}

/* `le` of a histogram and `quantile` of a summary in the one spelling, if they are numbers. */
static int
normalise(struct walk *w, struct view name, struct view *value, struct err *e)
{
        char text[TEXTFLOAT_MAX];
        double d;

        if (!(w->type == METRIC_HISTOGRAM && view_is(name, "le")) &&
            !(w->type == METRIC_SUMMARY && view_is(name, "quantile")))
                return 0;
        if (!textfloat_parse(*value, TEXTFLOAT_GO, &d))
                return 0;
        *value = arena_view(
            w->labels->arena, (struct view){text, textparse_format_float(d, text, sizeof(text))});
        return value->p != NULL ? 0 : err_nomem(e, "the labels of a series");
}

static int
add(struct walk *w, struct view name, struct view value, struct err *e)
{
        int rc;

        if (w->labels == NULL)
                return 0;
        rc = unescape(w, &name, e);
        if (rc == 0)
                rc = unescape(w, &value, e);
        if (rc == 0)
                rc = normalise(w, name, &value, e);
        if (rc == 0)
                rc = labels_add(w->labels, name, value, e);
        return rc;
}

static int
set_name(struct walk *w, const char *from, struct view name, struct err *e)
{
        if (w->has_name)
                return fail_at(w, from, "a second metric name", e);
        w->has_name = true;
        return add(w, VIEW_LIT("__name__"), name, e);
}

/* From the '=' on. */
static int
take_value(struct walk *w, struct view name, struct err *e)
{
        const char *quote;
        struct view value;
        int rc;

        if (!at(w, '='))
                return expected(w, "'=' after a label name", e);
        w->p++;
        while (w->p < w->end && textclass_is(*w->p, w->blank)) {
                w->p++;
                skip_nul(w);
        }
        if (!at(w, '"'))
                return expected(w, "a quoted label value", e);
        quote = w->p;
        rc = take_quoted(w, true, &value, e);
        if (rc < 0)
                return rc;
        if (!utf8_valid(value))
                return fail_at(w, quote, "a label value that is not UTF-8", e);
        return add(w, name, value, e);
}

/* One metric name or label, and the comma behind it; *closed at the brace. */
static int
take_entry(struct walk *w, bool *closed, struct err *e)
{
        const char *from = w->p;
        bool quoted = at(w, '"');
        struct view name;
        int rc = 0;

        if (quoted) {
                rc = take_quoted(w, false, &name, e);
        } else if (w->p < w->end && textclass_is(*w->p, TEXTCLASS_LABEL_START)) {
                skip(w, TEXTCLASS_LABEL);
                name = (struct view){from, (size_t)(w->p - from)};
        } else {
                rc = expected(w, "a label name", e);
        }
        if (rc < 0)
                return rc;
        skip(w, w->blank);
        if (quoted && (at(w, ',') || at(w, '}'))) {
                rc = set_name(w, from, name, e);
        } else {
                rc = take_value(w, name, e);
                skip(w, w->blank);
        }
        if (rc < 0)
                return rc;
        *closed = at(w, '}');
        if (at(w, ',')) {
                w->p++;
                skip(w, w->blank);
                *closed = at(w, '}');
        } else if (!*closed && w->format == TEXT_OPENMETRICS) {
                return expected(w, "',' or '}'", e);
        }
        return 0;
}

/* From the opening brace on, past the closing one. */
static int
take_braces(struct walk *w, struct err *e)
{
        bool closed;
        int rc = 0;

        w->p++;
        skip(w, w->blank);
        closed = at(w, '}');
        while (rc == 0 && !closed)
                rc = take_entry(w, &closed, e);
        if (rc == 0)
                w->p++;
        return rc;
}

/* An unquoted name begins where the line begins: blanks before it become part of it. */
static int
take_series(struct walk *w, struct err *e)
{
        int rc = 0;

        skip(w, w->blank);
        if (w->p < w->end && textclass_is(*w->p, TEXTCLASS_NAME_START)) {
                skip(w, TEXTCLASS_NAME);
                rc = set_name(w, w->start, (struct view){w->start, (size_t)(w->p - w->start)}, e);
                if (rc < 0 || w->p == w->end)
                        return rc;
                skip(w, w->blank);
        }
        if (!at(w, '{'))
                return expected(w, w->has_name ? "'{'" : "a metric name or '{'", e);
        rc = take_braces(w, e);
        if (rc < 0)
                return rc;
        if (w->p < w->end)
                return expected(w, "the end of the series", e);
        if (!w->has_name)
                return fail_at(w, w->start, "a series without a metric name", e);
        return 0;
}

/* Of a sorted set: names that occur with an empty value go, all occurrences of them. */
static void
drop_empty(struct labels *l)
{
        size_t kept = 0;

        for (size_t i = 0; i < l->n;) {
                size_t next = i;
                bool empty = false;

                for (; next < l->n && view_eq(l->v[next].name, l->v[i].name); next++)
                        empty = empty || l->v[next].value.n == 0;
                for (; i < next; i++) {
                        if (!empty)
                                l->v[kept++] = l->v[i];
                }
        }
        l->n = kept;
}

static enum textclass
blank_of(enum text_format format)
{
        return format == TEXT_PROMETHEUS ? TEXTCLASS_BLANK : TEXTCLASS_NONE;
}

int
textlabels_check(struct view series, enum text_format format, size_t *out_offset, struct err *e)
{
        struct walk w = {.start = series.p,
            .p = series.p,
            .end = series.p + series.n,
            .format = format,
            .blank = blank_of(format),
            .out_offset = out_offset};

        return take_series(&w, e);
}

int
textparse_labels(const struct text_sample *s, struct labels *l, size_t *out_offset, struct err *e)
{
        struct walk w = {.start = s->series.p,
            .p = s->series.p,
            .end = s->series.p + s->series.n,
            .format = s->format,
            .blank = blank_of(s->format),
            .type = s->type,
            .labels = l,
            .out_offset = out_offset};
        int rc;

        assert(l->n == 0);
        rc = take_series(&w, e);
        if (rc < 0)
                return rc;
        labels_sort(l);
        drop_empty(l);
        return 0;
}
