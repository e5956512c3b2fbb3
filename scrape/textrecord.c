/*
 * Records are parsed in runs of bytes that end in a line feed, so that no loop needs to look for
 * the end of its input: every token ends at a line feed at the latest. Only quoted strings may hold
 * one; there the parser looks whether it was the last, and if so the record is cut and waits for
 * more.
 *
 * Within braces it only looks for the closing one outside of quotes. For text that follows the
 * grammar this is where the series ends; any other text is refused by textlabels.c when the series
 * is new, and a series that was seen before has the same bytes.
 *
 * NUL bytes are treated as Prometheus's generated lexer does (model/textparse/promlex.l.go).
 */
#include "scrape/textrecord.h"

#include "base/err.h"
#include "scrape/textclass.h"
#include "scrape/textfloat.h"
#include "scrape/textlabels.h"
#include "scrape/textscan.h"
#include "wal/column.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum outcome { RECORD_TAKEN = 0, RECORD_CUT = 1, RECORD_LAST = 2 };
enum { GUESS_MISSES_MAX = 6 }; /* 2^6 samples are the most that pass without a guess */

struct record {
        const char *start;
        const char *p; /* parsed up to here */
        const char *end; /* of the run; the byte before it is a line feed */
        uint64_t feeds; /* line feeds within quotes */
};

static const char *
skip_nul(const char *p)
{
        while (*p == '\0')
                p++;
        return p;
}

static const char *
skip_blanks(const char *p)
{
        while (textclass_is(*p, TEXTCLASS_BLANK))
                p++;
        return p;
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

static int
expected(struct textpage *t, const struct record *r, const char *what, struct err *e)
{
        char got[TEXTLABELS_BYTE_MAX];

        mark(t, r->start, r->p);
        textlabels_describe(r->p, r->end, got);
        (void)err_set(e, ERR_PARSE, "expected %s, got %s", what, got);
        return located(t, ERR_PARSE, e);
}

/* Something is wrong between the braces: the label parser knows where. */
static int
bad_series(struct textpage *t, const struct record *r, struct err *e)
{
        size_t offset = 0;
        struct view seen = {r->start, (size_t)(r->p - r->start)};

        if (textlabels_check(seen, &offset, e) >= 0)
                return expected(t, r, "the end of the series", e);
        mark(t, r->start, r->start + offset);
        return located(t, ERR_PARSE, e);
}

static int
expected_at(
    struct textpage *t, const struct record *r, const char *at, const char *what, struct err *e)
{
        struct record there = *r;

        there.p = at;
        return expected(t, &there, what, e);
}

/* The same with a whole word that came instead. */
static int
expected_word(
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

static int
bad_value(struct textpage *t, const struct record *r, struct view v, struct err *e)
{
        if (v.n > 1 && v.p[v.n - 1] == '\r') /* the page has the line ends of Windows */
                return expected_at(t, r, v.p + v.n - 1, "the end of the line", e);
        return expected_word(t, r, v, "a number that fits a double", e);
}

int
textrecord_too_long(struct textpage *t, struct err *e)
{
        t->error_line = t->line;
        t->error_column = 1;
        (void)err_set(e, ERR_LIMIT, "the line is longer than %zu bytes", t->max_line);
        return located(t, ERR_LIMIT, e);
}

int
textrecord_unfinished(struct textpage *t, const char *start, const char *end, struct err *e)
{
        struct record r = {.start = start, .p = end, .end = end};

        if (*skip_blanks(start) == '#')
                return expected(t, &r, "the end of a quoted name", e);
        return bad_series(t, &r, e);
}

/* The sink refused the sample; for a fault in its text the place is looked up. */
static int
refused(struct textpage *t, const struct record *r, int rc, struct err *e)
{
        size_t offset = 0;

        if (rc == ERR_PARSE && textlabels_check(t->sample.series, &offset, NULL) >= 0)
                offset = 0;
        mark(t, r->start, r->start + offset);
        return located(t, rc, e);
}

/* ---- comments ---- */

/* The place behind the word and its blanks, NULL when it is another word. NUL bytes between the
 * letters do not count. */
static const char *
match_word(const char *p, const char *end, const char *word)
{
        if (end - p > 5 && memcmp(p, word, 4) == 0 && p[4] == ' ' && p[5] > ' ')
                return p + 5; /* as it is always written */
        for (; *word != '\0'; word++) {
                if (*p != *word)
                        return NULL;
                p = skip_nul(p + 1);
        }
        if (!textclass_is(*p, TEXTCLASS_BLANK))
                return NULL;
        while (textclass_is(*p, TEXTCLASS_BLANK))
                p = skip_nul(p + 1);
        return p;
}

static const char *
line_end(const struct record *r)
{
        return memchr(r->p, '\n', (size_t)(r->end - r->p));
}

/* A quoted name in a HELP or TYPE line, from its quote on. */
static int
skip_quoted_name(struct textpage *t, struct record *r, struct err *e)
{
        for (r->p++; *r->p != '"'; r->p++) {
                bool escaped = *r->p == '\\';

                r->p += escaped;
                if (*r->p == '\0' || (escaped && *r->p == '\n'))
                        return expected(t, r, "the end of a quoted name", e);
                if (*r->p != '\n')
                        continue;
                r->feeds++;
                if (r->p + 1 == r->end)
                        return RECORD_CUT;
        }
        r->p++;
        return RECORD_TAKEN;
}

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
            {"summary", METRIC_SUMMARY},
            {"untyped", METRIC_UNTYPED},
        };
        static const char one_type[] =
            "counter, gauge, histogram, summary or untyped after one blank";

        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
                size_t n = strlen(types[i].name);

                if (view_is(word, types[i].name)) {
                        t->sample.type = types[i].type;
                        return RECORD_TAKEN;
                }
                if (word.n > n && memcmp(word.p, types[i].name, n) == 0)
                        return expected_at(t, r, word.p + n, "the end of the line", e);
        }
        if (word.n == 0)
                return expected(t, r, one_type, e);
        return expected_word(t, r, word, one_type, e);
}

/* Behind HELP or TYPE and its blanks. The text begins one byte after the name, whatever it is. */
static int
take_meta(struct textpage *t, struct record *r, bool type, struct err *e)
{
        struct view text = {"", 0};
        struct view name = {r->p, 0};
        const char *end;

        if (*r->p == '"') {
                int rc = skip_quoted_name(t, r, e);

                if (rc != RECORD_TAKEN)
                        return rc;
        } else if (textclass_is(*r->p, TEXTCLASS_NAME_START)) {
                r->p = textscan_name(r->p, r->end);
        } else {
                return expected(t, r, type ? "a name after TYPE" : "a name after HELP", e);
        }
        if (*r->p == '\0')
                return expected(t, r, "a blank after the name", e);
        name.n = (size_t)(r->p - name.p);
        end = line_end(r);
        if (r->p < end)
                text = (struct view){r->p + 1, (size_t)(end - r->p - 1)};
        if (type) {
                int rc = set_type(t, r, text, e);

                if (rc != RECORD_TAKEN)
                        return rc;
        } else if (!utf8_valid(text)) {
                return expected(t, r, "help text in UTF-8", e);
        }
        if (t->meta != NULL)
                t->meta(t->meta_arg, type ? TEXT_META_TYPE : TEXT_META_HELP, name, text);
        r->p = end + 1;
        return RECORD_TAKEN;
}

/* From the '#' on. A NUL byte ends the page where the reference's lexer sees it: anywhere right
 * behind "#", and first thing behind "# ". */
static int
take_comment(struct textpage *t, struct record *r, struct err *e)
{
        const char *p = r->p + 1;
        const char *word;
        const char *end;

        if (textclass_is(*p, TEXTCLASS_BLANK)) {
                p = skip_blanks(p);
                if (*p == '\0')
                        return RECORD_LAST;
                word = match_word(p, r->end, "TYPE");
                if (word == NULL)
                        word = match_word(p, r->end, "HELP");
                if (word != NULL) {
                        r->p = word;
                        return take_meta(t, r, *p == 'T', e);
                }
                r->p = line_end(r) + 1;
                return RECORD_TAKEN;
        }
        end = line_end(r);
        if (memchr(p, '\0', (size_t)(end - p)) != NULL)
                return RECORD_LAST;
        r->p = end + 1;
        return RECORD_TAKEN;
}

/* ---- samples ---- */

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
                r->p = skip_nul(r->p + 1);
                if (*r->p == '\n')
                        return bad_series(t, r, e);
        }
        r->p++;
        return RECORD_TAKEN;
}

/* From the opening brace to behind the closing one. */
static int
skip_braces(struct textpage *t, struct record *r, struct err *e)
{
        const char *close = textscan_close(r->p + 1, r->end);
        int rc;

        if (close != NULL) {
                r->p = close + 1;
                return RECORD_TAKEN;
        }
        for (r->p++; *r->p != '}';) {
                while (!textclass_is(*r->p, TEXTCLASS_BRACES_STOP))
                        r->p++;
                if (*r->p == '\n')
                        return bad_series(t, r, e);
                if (*r->p != '"')
                        continue;
                rc = skip_quoted(t, r, e);
                if (rc != RECORD_TAKEN)
                        return rc;
        }
        r->p++;
        return RECORD_TAKEN;
}

static int
take_value(struct textpage *t, struct record *r, struct err *e)
{
        double d;
        const char *p = textfloat_short(r->p, &d);

        if (p == NULL || !textclass_is(*p, TEXTCLASS_VALUE_END)) {
                struct view word;

                for (p = r->p; !textclass_is(*p, TEXTCLASS_VALUE_END);)
                        p++;
                if (p == r->p)
                        return expected(t, r, "a value", e);
                word = (struct view){r->p, (size_t)(p - r->p)};
                if (!textfloat_parse(word, TEXTFLOAT_PAGE, &d))
                        return bad_value(t, r, word, e);
        }
        memcpy(&t->sample.bits, &d, sizeof(d));
        if (isnan(d))
                t->sample.bits = COLUMN_NAN;
        r->p = p;
        return RECORD_TAKEN;
}

static int
take_timestamp(struct textpage *t, struct record *r, struct err *e)
{
        const char *start = r->p;
        int64_t ms = 0;

        for (; *r->p >= '0' && *r->p <= '9'; r->p++) {
                int digit = *r->p - '0';

                if (ms > (INT64_MAX - digit) / 10)
                        return expected(t, r, "a timestamp in milliseconds of 64 bits", e);
                ms = ms * 10 + digit;
        }
        if (r->p == start)
                return expected(t, r, "a timestamp of digits or the end of the line", e);
        t->sample.timestamp_ms = ms;
        t->sample.has_timestamp = true;
        r->p = skip_blanks(r->p);
        if (*r->p != '\n')
                return expected(t, r, "the end of the line after the timestamp", e);
        return RECORD_TAKEN;
}

static int
hand_on(struct textpage *t, struct record *r, struct err *e)
{
        int rc = t->sink(t->arg, &t->sample, e);

        return rc == 0 ? RECORD_TAKEN : refused(t, r, rc, e);
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
static bool
guess_sample(struct textpage *t, struct record *r)
{
        const char *feed = line_end(r);
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

static bool
may_guess(struct textpage *t, const struct record *r)
{
        if (t->guess == NULL || r->p != r->start)
                return false;
        if (t->guess_in == 0)
                return true;
        t->guess_in--;
        return false;
}

/* From the first byte that is no blank on: a name or a brace. */
static int
take_sample(struct textpage *t, struct record *r, struct err *e)
{
        int rc;

        if (may_guess(t, r) && guess_sample(t, r))
                return hand_on(t, r, e);
        t->sample.guessed = false;
        r->p = textscan_name(r->p, r->end);
        t->sample.series.p = r->start;
        t->sample.series.n = (size_t)(r->p - r->start);
        r->p = skip_blanks(r->p);
        if (*r->p == '{') {
                rc = skip_braces(t, r, e);
                if (rc != RECORD_TAKEN)
                        return rc;
                t->sample.series.n = (size_t)(r->p - r->start);
                r->p = skip_blanks(r->p);
        }
        rc = take_value(t, r, e);
        if (rc != RECORD_TAKEN)
                return rc;
        t->sample.has_timestamp = false;
        r->p = skip_blanks(r->p);
        if (*r->p != '\n') {
                rc = take_timestamp(t, r, e);
                if (rc != RECORD_TAKEN)
                        return rc;
        }
        r->p++;
        return hand_on(t, r, e);
}

static int
take_record(struct textpage *t, struct record *r, struct err *e)
{
        if (!textclass_is(*r->p, TEXTCLASS_NAME_START)) {
                r->p = skip_blanks(r->p);
                switch (*r->p) {
                case '\n':
                        r->p++;
                        return RECORD_TAKEN;
                case '#':
                        return take_comment(t, r, e);
                case '\0':
                        return RECORD_LAST;
                case '{':
                        break;
                default:
                        if (!textclass_is(*r->p, TEXTCLASS_NAME_START))
                                return expected(t, r, "a metric name, '{' or '#'", e);
                }
        }
        return take_sample(t, r, e);
}

int
textrecord_run(struct textpage *t, const char *p, const char *end, const char **stop, struct err *e)
{
        struct record r = {.end = end};

        while (p < end) {
                int rc;

                r.start = r.p = p;
                r.feeds = 0;
                rc = take_record(t, &r, e);
                if (rc == RECORD_CUT)
                        break;
                if (rc == RECORD_LAST) {
                        t->ended = true;
                        break;
                }
                if (rc != RECORD_TAKEN)
                        return rc;
                if ((size_t)(r.p - p) > t->max_line + 1)
                        return textrecord_too_long(t, e);
                t->line += 1 + r.feeds;
                p = r.p;
        }
        *stop = p;
        return 0;
}
