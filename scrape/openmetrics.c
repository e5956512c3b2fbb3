/*
 * The grammar is that of Prometheus's generated lexer (model/textparse/openmetricslex.l.go): one
 * space between tokens and nowhere else. It passes over NUL bytes within the words of comments, in
 * the text behind them, and in label values; elsewhere they are an error.
 *
 * A sample whose line goes wrong right behind the value, before anything of a timestamp or exemplar
 * could be read, has been counted by Prometheus when it fails: so it is handed on here, too.
 */
#include "scrape/openmetrics.h"

#include "base/err.h"
#include "scrape/textpage.h"
#include "wal/column.h"

#include <math.h>

static const char behind_eof[] = "there is data after \"# EOF\"";
static const char no_eof[] = "the page does not end with \"# EOF\"";

/* The line feed at r->p is the end of a line, unless the splitter has put it there. */
static int
end_line(struct textpage *t, struct record *r, struct err *e)
{
        if (t->unterminated && r->p + 1 == r->end)
                return textpage_fail(t, r, no_eof, e);
        r->p++;
        return RECORD_TAKEN;
}

/* ---- comments ---- */

enum meta { META_HELP, META_TYPE, META_UNIT, META_EOF, METAS };

static int
set_type(struct textpage *t, const struct record *r, struct view word, struct err *e)
{
        static const struct {
                const char *name;
                enum metric_type type;
        } types[] = {
            {"counter", METRIC_COUNTER},
            {"gauge", METRIC_GAUGE},
            {"histogram", METRIC_HISTOGRAM},
            {"gaugehistogram", METRIC_UNTYPED},
            {"summary", METRIC_SUMMARY},
            {"info", METRIC_UNTYPED},
            {"stateset", METRIC_UNTYPED},
            {"unknown", METRIC_UNTYPED},
        };

        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
                if (view_is(word, types[i].name)) {
                        t->sample.type = types[i].type;
                        return RECORD_TAKEN;
                }
        }
        return textpage_expected_word(t, r, word,
            "counter, gauge, histogram, gaugehistogram, summary, info, stateset or unknown after "
            "one blank",
            e);
}

/* A unit is what the name ends with, behind an underscore. */
static int
check_unit(
    struct textpage *t, const struct record *r, struct view unit, struct view name, struct err *e)
{
        if (unit.n == 0)
                return RECORD_TAKEN;
        name.n -= name.n > 0 && name.p[0] == '"'; /* the closing quote is no part of it */
        if (name.n > unit.n && name.p[name.n - unit.n - 1] == '_' &&
            memcmp(name.p + name.n - unit.n, unit.p, unit.n) == 0)
                return RECORD_TAKEN;
        return textpage_expected_word(t, r, unit, "a unit that the metric's name ends with", e);
}

static void
tell_meta(const struct textpage *t, enum meta meta, struct view name, struct view text)
{
        static const enum text_meta told[] = {
            [META_HELP] = TEXT_META_HELP_QUOTES,
            [META_TYPE] = TEXT_META_TYPE,
            [META_UNIT] = TEXT_META_UNIT,
        };

        if (t->meta != NULL)
                t->meta(t->meta_arg, told[meta], name, text);
}

/* From the name on. */
static int
take_meta(struct textpage *t, struct record *r, enum meta meta, struct err *e)
{
        struct view name = {r->p, 0};
        struct view text;
        int rc = RECORD_TAKEN;

        if (*r->p == '"') {
                rc = textpage_skip_name(t, r, e);
                if (rc != RECORD_TAKEN)
                        return rc;
        } else if (textclass_is(*r->p, TEXTCLASS_NAME_START)) {
                r->p = textscan_name(r->p, r->end);
        } else {
                return textpage_expected(t, r, "a metric name", e);
        }
        if (*r->p != ' ')
                return textpage_expected(t, r, "a blank after the name", e);
        name.n = (size_t)(r->p - name.p);
        text.p = r->p + 1;
        r->p = textpage_line_end(r);
        text.n = (size_t)(r->p - text.p);
        if (meta == META_TYPE)
                rc = set_type(t, r, text, e);
        else if (meta == META_UNIT)
                rc = check_unit(t, r, text, name, e);
        else if (!utf8_valid(text))
                rc = textpage_expected_at(t, r, text.p, "help text in UTF-8", e);
        t->behind_help = meta == META_HELP;
        if (rc != RECORD_TAKEN)
                return rc;
        tell_meta(t, meta, name, text);
        return end_line(t, r, e);
}

/* Behind "# EOF". */
static int
take_eof(struct textpage *t, struct record *r, struct err *e)
{
        if (*r->p != '\n')
                return textpage_fail(t, r, behind_eof, e);
        t->eof = true;
        r->p++;
        return RECORD_TAKEN;
}

/* Only NUL bytes may be left, and no line feed of the page's own. */
static int
take_rest(struct textpage *t, struct record *r, struct err *e)
{
        r->p = textpage_skip_nul(r->p);
        if (!t->unterminated || r->p + 1 != r->end)
                return textpage_fail(t, r, behind_eof, e);
        r->p = r->end;
        return RECORD_TAKEN;
}

static int
take_comment(struct textpage *t, struct record *r, struct err *e)
{
        static const char *const words[METAS] = {"HELP", "TYPE", "UNIT", "EOF"};
        const char *p = NULL;
        int meta;

        if (*++r->p != ' ')
                return textpage_expected(t, r, "a blank after '#'", e);
        r->p++;
        for (meta = 0; p == NULL && meta < METAS; meta++)
                p = textpage_match_word(r->p, words[meta]);
        if (p == NULL)
                return textpage_expected(t, r, "HELP, TYPE, UNIT or EOF after \"# \"", e);
        r->p = p;
        if (--meta == META_EOF)
                return take_eof(t, r, e);
        if (*p != ' ')
                return textpage_expected(t, r, "a blank", e);
        r->p = textpage_skip_nul(p + 1);
        return take_meta(t, r, (enum meta)meta, e);
}

/* ---- samples ---- */

static bool
ends_word(char c)
{
        return c == ' ' || c == '\n' || c == '\0';
}

/* A blank and a number. */
static int
take_number(struct textpage *t, struct record *r, double *out, struct err *e)
{
        struct view word;
        const char *p;

        if (*r->p != ' ' || ends_word(r->p[1]))
                return textpage_expected(t, r, "one blank and a number", e);
        r->p++;
        p = textfloat_short(r->p, out);
        if (p == NULL || !ends_word(*p)) {
                for (p = r->p; !ends_word(*p);)
                        p++;
                word = (struct view){r->p, (size_t)(p - r->p)};
                if (!textfloat_parse(word, TEXTFLOAT_PAGE, out))
                        return textpage_bad_value(t, r, word, e);
        }
        r->p = p;
        return RECORD_TAKEN;
}

/* Seconds, to milliseconds towards zero; those beyond 64 bits are what the conversion of amd64
 * makes of them, in Prometheus, too. */
static int
take_time(struct textpage *t, struct record *r, int64_t *out_ms, struct err *e)
{
        const char *from = r->p + 1;
        double seconds = 0;
        double ms;
        int rc = take_number(t, r, &seconds, e);

        if (rc != RECORD_TAKEN)
                return rc;
        if (!isfinite(seconds))
                return textpage_expected_word(
                    t, r, (struct view){from, (size_t)(r->p - from)}, "a timestamp in seconds", e);
        ms = seconds * 1000;
        *out_ms =
            ms >= -9223372036854775808.0 && ms < 9223372036854775808.0 ? (int64_t)ms : INT64_MIN;
        return RECORD_TAKEN;
}

/* A quoted string of an exemplar, from its quote on; *out is what stands between the quotes. */
static int
take_quoted(struct textpage *t, struct record *r, struct view *out, struct err *e)
{
        const char *from = ++r->p;

        for (; *r->p != '"'; r->p++) {
                r->p += *r->p == '\\';
                if (*r->p == '\n' || *r->p == '\0')
                        return textpage_expected(t, r, "the end of a quoted string", e);
        }
        *out = (struct view){from, (size_t)(r->p - from)};
        r->p++;
        return RECORD_TAKEN;
}

static int
take_exemplar_label(struct textpage *t, struct record *r, struct err *e)
{
        struct view text = {"", 0};
        int rc;

        if (*r->p == '"') {
                rc = take_quoted(t, r, &text, e);
                if (rc != RECORD_TAKEN)
                        return rc;
        } else if (textclass_is(*r->p, TEXTCLASS_LABEL_START)) {
                while (textclass_is(*r->p, TEXTCLASS_LABEL))
                        r->p++;
        } else {
                return textpage_expected(t, r, "a label name", e);
        }
        if (*r->p != '=')
                return textpage_expected(t, r, "'=' after a label name", e);
        if (*++r->p != '"')
                return textpage_expected(t, r, "a quoted label value", e);
        rc = take_quoted(t, r, &text, e);
        if (rc != RECORD_TAKEN)
                return rc;
        if (!utf8_valid(text))
                return textpage_expected_at(t, r, text.p, "a label value in UTF-8", e);
        if (*r->p == ',')
                r->p++;
        else if (*r->p != '}')
                return textpage_expected(t, r, "',' or '}'", e);
        return RECORD_TAKEN;
}

/* From the opening brace to the end of the line. */
static int
take_exemplar(struct textpage *t, struct record *r, struct err *e)
{
        int64_t ms;
        double value;
        int rc = RECORD_TAKEN;

        for (r->p++; rc == RECORD_TAKEN && *r->p != '}';)
                rc = take_exemplar_label(t, r, e);
        if (rc != RECORD_TAKEN)
                return rc;
        r->p++;
        rc = take_number(t, r, &value, e);
        if (rc == RECORD_TAKEN && *r->p != '\n')
                rc = take_time(t, r, &ms, e);
        if (rc != RECORD_TAKEN)
                return rc;
        if (*r->p != '\n')
                return textpage_expected(t, r, "the end of the line after the exemplar", e);
        t->exemplars++;
        return RECORD_TAKEN;
}

static bool
at_exemplar(const struct record *r)
{
        return r->p[0] == ' ' && r->p[1] == '#' && r->p[2] == ' ' && r->p[3] == '{';
}

/* Behind the value, where there is something: a timestamp, an exemplar, or both. */
static int
take_suffix(struct textpage *t, struct record *r, struct err *e)
{
        const char *p = r->p;
        int rc;

        if (!at_exemplar(r)) {
                if (*p != ' ' || ends_word(p[1]) || (p[1] == '#' && p[2] == ' ')) {
                        rc = textpage_hand_on(t, r, e);
                        return rc != RECORD_TAKEN ? rc
                                                  : textpage_expected(t, r,
                                                        "a timestamp, an exemplar or the end of "
                                                        "the line",
                                                        e);
                }
                rc = take_time(t, r, &t->sample.timestamp_ms, e);
                if (rc != RECORD_TAKEN)
                        return rc;
                t->sample.has_timestamp = true;
        }
        if (at_exemplar(r)) {
                r->p += 3;
                return take_exemplar(t, r, e);
        }
        if (*r->p != '\n')
                return textpage_expected(
                    t, r, "an exemplar or the end of the line after the timestamp", e);
        return RECORD_TAKEN;
}

/* From a name or a brace on. */
static int
take_sample(struct textpage *t, struct record *r, struct err *e)
{
        double d = 0;
        int rc;

        if (textpage_guess(t, r))
                return textpage_hand_on(t, r, e);
        r->p = textscan_name(r->p, r->end);
        if (*r->p == '{') {
                rc = textpage_skip_braces(t, r, e);
                if (rc != RECORD_TAKEN)
                        return rc;
        }
        t->sample.series = (struct view){r->start, (size_t)(r->p - r->start)};
        t->sample.has_timestamp = false;
        rc = take_number(t, r, &d, e);
        if (rc != RECORD_TAKEN)
                return rc;
        memcpy(&t->sample.bits, &d, sizeof(d));
        if (isnan(d))
                t->sample.bits = COLUMN_NAN;
        if (*r->p != '\n') {
                rc = take_suffix(t, r, e);
                if (rc != RECORD_TAKEN)
                        return rc;
        }
        rc = end_line(t, r, e);
        return rc == RECORD_TAKEN ? textpage_hand_on(t, r, e) : rc;
}

static int
take_record(struct textpage *t, struct record *r, struct err *e)
{
        if (t->behind_help) { /* the reference's lexer is still in the text there */
                t->behind_help = false;
                r->start = r->p = textpage_skip_nul(r->p);
        }
        if (t->eof)
                return take_rest(t, r, e);
        if (textclass_is(*r->p, TEXTCLASS_NAME_START) || *r->p == '{')
                return take_sample(t, r, e);
        if (*r->p == '#')
                return take_comment(t, r, e);
        return textpage_expected(t, r, "a metric name, '{' or '#'", e);
}

int
openmetrics_run(
    struct textpage *t, const char *p, const char *end, const char **stop, struct err *e)
{
        struct record r = {.end = end};

        while (p < end) {
                int rc;

                r.start = r.p = p;
                r.feeds = 0;
                rc = take_record(t, &r, e);
                if (rc == RECORD_CUT) {
                        t->behind_help = r.start != p; /* NUL bytes were passed over: again */
                        break;
                }
                if (rc != RECORD_TAKEN)
                        return rc;
                if ((size_t)(r.p - p) > t->max_line + 1)
                        return textpage_too_long(t, e);
                t->line += 1 + r.feeds;
                p = r.p;
        }
        *stop = p;
        return 0;
}

int
openmetrics_end(struct textpage *t, struct err *e)
{
        static const char nothing[] = "\n";
        const struct record r = {.start = nothing, .p = nothing, .end = nothing + 1};

        return t->eof ? 0 : textpage_fail(t, &r, no_eof, e);
}
