/*
 * The text exposition format 0.0.4 and 1.0.0. NUL bytes are treated as Prometheus's generated lexer
 * does (model/textparse/promlex.l.go).
 */
#include "scrape/textrecord.h"

#include "base/err.h"
#include "scrape/textpage.h"
#include "wal/column.h"

#include <math.h>
#include <string.h>

static const char *
skip_blanks(const char *p)
{
        while (textclass_is(*p, TEXTCLASS_BLANK))
                p++;
        return p;
}

/* ---- comments ---- */

/* The place behind the word and its blanks, NULL when it is another word. */
static const char *
match_word(const char *p, const char *end, const char *word)
{
        if (end - p > 5 && memcmp(p, word, 4) == 0 && p[4] == ' ' && p[5] > ' ')
                return p + 5; /* as it is always written */
        p = textpage_match_word(p, word);
        if (p == NULL || !textclass_is(*p, TEXTCLASS_BLANK))
                return NULL;
        while (textclass_is(*p, TEXTCLASS_BLANK))
                p = textpage_skip_nul(p + 1);
        return p;
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
                        return textpage_expected_at(t, r, word.p + n, "the end of the line", e);
        }
        if (word.n == 0)
                return textpage_expected(t, r, one_type, e);
        return textpage_expected_word(t, r, word, one_type, e);
}

/* Behind HELP or TYPE and its blanks. The text begins one byte after the name, whatever it is. */
static int
take_meta(struct textpage *t, struct record *r, bool type, struct err *e)
{
        struct view text = {"", 0};
        struct view name = {r->p, 0};
        const char *end;

        if (*r->p == '"') {
                int rc = textpage_skip_name(t, r, e);

                if (rc != RECORD_TAKEN)
                        return rc;
        } else if (textclass_is(*r->p, TEXTCLASS_NAME_START)) {
                r->p = textscan_name(r->p, r->end);
        } else {
                return textpage_expected(t, r, type ? "a name after TYPE" : "a name after HELP", e);
        }
        if (*r->p == '\0')
                return textpage_expected(t, r, "a blank after the name", e);
        name.n = (size_t)(r->p - name.p);
        end = textpage_line_end(r);
        if (r->p < end)
                text = (struct view){r->p + 1, (size_t)(end - r->p - 1)};
        if (type) {
                int rc = set_type(t, r, text, e);

                if (rc != RECORD_TAKEN)
                        return rc;
        } else if (!utf8_valid(text)) {
                return textpage_expected(t, r, "help text in UTF-8", e);
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
                r->p = textpage_line_end(r) + 1;
                return RECORD_TAKEN;
        }
        end = textpage_line_end(r);
        if (memchr(p, '\0', (size_t)(end - p)) != NULL)
                return RECORD_LAST;
        r->p = end + 1;
        return RECORD_TAKEN;
}

/* ---- samples ---- */

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
                        return textpage_expected(t, r, "a value", e);
                word = (struct view){r->p, (size_t)(p - r->p)};
                if (!textfloat_parse(word, TEXTFLOAT_PAGE, &d))
                        return textpage_bad_value(t, r, word, e);
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
                        return textpage_expected(t, r, "a timestamp in milliseconds of 64 bits", e);
                ms = ms * 10 + digit;
        }
        if (r->p == start)
                return textpage_expected(t, r, "a timestamp of digits or the end of the line", e);
        t->sample.timestamp_ms = ms;
        t->sample.has_timestamp = true;
        r->p = skip_blanks(r->p);
        if (*r->p != '\n')
                return textpage_expected(t, r, "the end of the line after the timestamp", e);
        return RECORD_TAKEN;
}

/* From the first byte that is no blank on: a name or a brace. */
static int
take_sample(struct textpage *t, struct record *r, struct err *e)
{
        int rc;

        if (textpage_guess(t, r))
                return textpage_hand_on(t, r, e);
        r->p = textscan_name(r->p, r->end);
        t->sample.series.p = r->start;
        t->sample.series.n = (size_t)(r->p - r->start);
        r->p = skip_blanks(r->p);
        if (*r->p == '{') {
                rc = textpage_skip_braces(t, r, e);
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
        return textpage_hand_on(t, r, e);
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
                                return textpage_expected(t, r, "a metric name, '{' or '#'", e);
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
                        return textpage_too_long(t, e);
                t->line += 1 + r.feeds;
                p = r.p;
        }
        *stop = p;
        return 0;
}
