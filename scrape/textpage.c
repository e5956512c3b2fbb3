#include "scrape/textpage.h"

#include "base/err.h"
#include "scrape/textlabels.h"

#include <inttypes.h>

enum { GUESS_MISSES_MAX = 6 }; /* 2^6 samples are the most that pass without a guess */

void
textpage_reset(struct textpage *t)
{
        t->line = 1;
        t->guess_in = t->guess_misses = 0;
        t->error_line = t->error_column = 0;
        t->sample.type = METRIC_UNTYPED;
        t->ended = t->eof = t->unterminated = t->behind_help = false;
        t->exemplars = 0;
}

/* ---- errors ---- */

static void
mark(struct textpage *t, const char *start, const char *at)
{
        const char *line = start;

        t->error_line = t->line;
        for (const char *p = start; p < at; p++) {
                if (*p == '\n') {
                        t->error_line++;
                        line = p + 1;
                }
        }
        t->error_column = (uint64_t)(at - line) + 1;
}

static int
located(struct textpage *t, int code, struct err *e)
{
        (void)err_prefix(e, "line %" PRIu64 ", column %" PRIu64, t->error_line, t->error_column);
        return code;
}

int
textpage_fail(struct textpage *t, const struct record *r, const char *sentence, struct err *e)
{
        mark(t, r->start, r->p);
        (void)err_set(e, ERR_PARSE, "%s", sentence);
        return located(t, ERR_PARSE, e);
}

int
textpage_expected(struct textpage *t, const struct record *r, const char *what, struct err *e)
{
        char got[TEXTLABELS_BYTE_MAX];

        mark(t, r->start, r->p);
        textlabels_describe(r->p, r->end, got);
        (void)err_set(e, ERR_PARSE, "expected %s, got %s", what, got);
        return located(t, ERR_PARSE, e);
}

int
textpage_bad_series(struct textpage *t, const struct record *r, struct err *e)
{
        size_t offset = 0;
        struct view seen = {r->start, (size_t)(r->p - r->start)};

        if (textlabels_check(seen, t->sample.format, &offset, e) >= 0)
                return textpage_expected(t, r, "the end of the series", e);
        mark(t, r->start, r->start + offset);
        return located(t, ERR_PARSE, e);
}

int
textpage_expected_at(
    struct textpage *t, const struct record *r, const char *at, const char *what, struct err *e)
{
        struct record there = *r;

        there.p = at;
        return textpage_expected(t, &there, what, e);
}

int
textpage_expected_word(
    struct textpage *t, const struct record *r, struct view v, const char *what, struct err *e)
{
        char word[41];
        size_t n = 0;

        for (; n < v.n && n < sizeof(word) - 1; n++)
                word[n] = (char)(v.p[n] >= ' ' && v.p[n] < 0x7f ? v.p[n] : '?');
        word[n] = '\0';
        mark(t, r->start, v.p);
        (void)err_set(e, ERR_PARSE, "expected %s, got \"%s\"", what, word);
        return located(t, ERR_PARSE, e);
}

int
textpage_bad_value(struct textpage *t, const struct record *r, struct view v, struct err *e)
{
        if (v.n > 1 && v.p[v.n - 1] == '\r') /* the page has the line ends of Windows */
                return textpage_expected_at(t, r, v.p + v.n - 1, "the end of the line", e);
        return textpage_expected_word(t, r, v, "a number that fits a double", e);
}

int
textpage_too_long(struct textpage *t, struct err *e)
{
        t->error_line = t->line;
        t->error_column = 1;
        (void)err_set(e, ERR_LIMIT, "the line is longer than %zu bytes", t->max_line);
        return located(t, ERR_LIMIT, e);
}

int
textpage_unfinished(struct textpage *t, const char *start, const char *end, struct err *e)
{
        struct record r = {.start = start, .p = end, .end = end};

        while (textclass_is(*start, TEXTCLASS_BLANK))
                start++;
        if (*start == '#')
                return textpage_expected(t, &r, "the end of a quoted name", e);
        return textpage_bad_series(t, &r, e);
}

int
textpage_refused(struct textpage *t, const struct record *r, int rc, struct err *e)
{
        size_t offset = 0;

        if (rc == ERR_PARSE &&
            textlabels_check(t->sample.series, t->sample.format, &offset, NULL) >= 0)
                offset = 0;
        mark(t, r->start, t->sample.series.p + offset);
        return located(t, rc, e);
}

/* ---- parts of a record ---- */

int
textpage_skip_name(struct textpage *t, struct record *r, struct err *e)
{
        for (r->p++; *r->p != '"'; r->p++) {
                bool escaped = *r->p == '\\';

                r->p += escaped;
                if (*r->p == '\0' || (escaped && *r->p == '\n'))
                        return textpage_expected(t, r, "the end of a quoted name", e);
                if (*r->p != '\n')
                        continue;
                r->feeds++;
                if (r->p + 1 == r->end)
                        return RECORD_CUT;
        }
        r->p++;
        return RECORD_TAKEN;
}

/* From a quote to behind the closing one. */
static int
skip_quoted(struct textpage *t, struct record *r, struct err *e)
{
        for (r->p++; *r->p != '"'; r->p++) {
                while (!textclass_is(*r->p, TEXTCLASS_QUOTED_STOP))
                        r->p++;
                if (*r->p == '"')
                        break;
                if (*r->p == '\n') {
                        r->feeds++;
                        if (r->p + 1 == r->end)
                                return RECORD_CUT;
                        continue;
                }
                r->p = textpage_skip_nul(r->p + 1);
                if (*r->p == '\n')
                        return textpage_bad_series(t, r, e);
        }
        r->p++;
        return RECORD_TAKEN;
}

int
textpage_skip_braces_slowly(struct textpage *t, struct record *r, struct err *e)
{
        int rc;

        for (r->p++; *r->p != '}';) {
                while (!textclass_is(*r->p, TEXTCLASS_BRACES_STOP))
                        r->p++;
                if (*r->p == '\n')
                        return textpage_bad_series(t, r, e);
                if (*r->p != '"')
                        continue;
                rc = skip_quoted(t, r, e);
                if (rc != RECORD_TAKEN)
                        return rc;
        }
        r->p++;
        return RECORD_TAKEN;
}

/* The last blank before the number that ends the line; NULL when there is no such thing. */
static const char *
find_number(const struct record *r, const char *feed, double *d)
{
        const char *p = feed;

        while (p > r->start && p[-1] != ' ')
                p--;
        return p - r->start >= 2 && textfloat_short(p, d) == feed ? p - 1 : NULL;
}

/*
 * Nearly every line of a page is the text that stood there the last time, a blank and a short
 * number. That is seen from its end, and by one hash over the text: what has the same bytes as a
 * series that was parsed before ends where that one did. False: the line has to be parsed.
 */
bool
textpage_guess_sample(struct textpage *t, struct record *r)
{
        const char *feed = textpage_line_end(r);
        double d = 0;
        const char *blank = find_number(r, feed, &d);
        struct view series = {r->start, 0};

        if (blank == NULL)
                return false;
        series.n = (size_t)(blank - r->start);
        if (!t->guess(t->arg, series)) {
                t->guess_misses += t->guess_misses < GUESS_MISSES_MAX;
                t->guess_in = 1U << t->guess_misses;
                return false;
        }
        t->guess_misses = 0;
        t->sample.series = series;
        memcpy(&t->sample.bits, &d, sizeof(d));
        t->sample.has_timestamp = false;
        t->sample.guessed = true;
        r->p = feed + 1;
        return true;
}
