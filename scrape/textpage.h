/*
 * A page being read, whichever of the text formats it is in: what textrecord.c (the exposition
 * format) and openmetrics.c have in common. Errors with their place, the end of a series' text, and
 * the guess that takes most lines whole. For those two and the splitter (textparse.c) only.
 *
 * Records are parsed in runs of bytes that end in a line feed, so that no loop needs to look for
 * the end of its input: every token ends at a line feed at the latest. Only quoted strings may hold
 * one; there the parser looks whether it was the last, and if so the record is cut and waits for
 * more.
 */
#ifndef SCRAPE_TEXTPAGE_H
#define SCRAPE_TEXTPAGE_H

#include "scrape/textclass.h"
#include "scrape/textfloat.h"
#include "scrape/textparse.h"
#include "scrape/textscan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct err;

struct textpage {
        text_sink sink;
        text_guess guess; /* NULL: none */
        void *arg;
        text_meta meta; /* NULL: none */
        void *meta_arg;
        size_t max_line;
        struct text_sample sample; /* the last one; its type stays for the next */
        unsigned guess_in; /* samples that come before the next guess */
        unsigned guess_misses; /* in a row */
        uint64_t line; /* of the record that comes next, from 1 */
        uint64_t error_line;
        uint64_t error_column;
        bool ended; /* by a NUL byte: what follows is not looked at */

        /* OpenMetrics only */
        bool eof; /* "# EOF" was there */
        bool unterminated; /* the page is over, and its last line feed was added by the splitter */
        bool behind_help; /* the record before was a HELP line */
        uint64_t exemplars;
};

/* What becomes of a record; errors are negative. */
enum textpage_outcome {
        RECORD_TAKEN = 0,
        RECORD_CUT = 1, /* its end has not come yet */
        RECORD_LAST = 2, /* the page ends here */
};

struct record {
        const char *start;
        const char *p; /* parsed up to here */
        const char *end; /* of the run; the byte before it is a line feed */
        uint64_t feeds; /* line feeds within quotes */
};

/* Of a page that comes next; its options stay. */
void textpage_reset(struct textpage *t);

/* ---- errors: each sets the place and returns the code ---- */

/* "expected <what>, got <the byte there>" at r->p, or at another place of the record. */
int textpage_expected(struct textpage *t, const struct record *r, const char *what, struct err *e);
int textpage_expected_at(
    struct textpage *t, const struct record *r, const char *at, const char *what, struct err *e);
/* A sentence about r->p. */
int textpage_fail(struct textpage *t, const struct record *r, const char *sentence, struct err *e);
/* The same with a whole word that came instead. */
int textpage_expected_word(
    struct textpage *t, const struct record *r, struct view word, const char *what, struct err *e);
int textpage_bad_value(struct textpage *t, const struct record *r, struct view word, struct err *e);
/* Something is wrong between the braces: the label parser knows where. */
int textpage_bad_series(struct textpage *t, const struct record *r, struct err *e);
/* The record that begins at start has no end. */
int textpage_unfinished(struct textpage *t, const char *start, const char *end, struct err *e);
/* It is longer than max_line. */
int textpage_too_long(struct textpage *t, struct err *e);
/* The sink refused the sample with rc; for a fault in its text the place is looked up. */
int textpage_refused(struct textpage *t, const struct record *r, int rc, struct err *e);

/* ---- parts of a record ---- */

/* A quoted name in a HELP or TYPE line, from its quote to behind the closing one. */
int textpage_skip_name(struct textpage *t, struct record *r, struct err *e);
/* textpage_skip_braces where there are backslashes, line feeds, or few bytes. */
int textpage_skip_braces_slowly(struct textpage *t, struct record *r, struct err *e);
/* Is this the text of the series that should come next, and nothing but a blank and a short number
 * behind it? Then the sample is set and r->p is behind the line. */
bool textpage_guess_sample(struct textpage *t, struct record *r);

static inline const char *
textpage_skip_nul(const char *p)
{
        while (*p == '\0')
                p++;
        return p;
}

/* Behind the word; NULL when it is another one. NUL bytes behind a letter do not count. */
static inline const char *
textpage_match_word(const char *p, const char *word)
{
        for (; *word != '\0'; word++) {
                if (*p != *word)
                        return NULL;
                p = textpage_skip_nul(p + 1);
        }
        return p;
}

static inline const char *
textpage_line_end(const struct record *r)
{
        return memchr(r->p, '\n', (size_t)(r->end - r->p));
}

static inline int
textpage_hand_on(struct textpage *t, struct record *r, struct err *e)
{
        int rc = t->sink(t->arg, &t->sample, e);

        return rc == 0 ? RECORD_TAKEN : textpage_refused(t, r, rc, e);
}

/*
 * From the opening brace to behind the closing one outside of quotes. For text that follows the
 * grammar this is where the series ends; any other text is refused by textlabels.c when the series
 * is new, and a series that was seen before has the same bytes.
 */
static inline int
textpage_skip_braces(struct textpage *t, struct record *r, struct err *e)
{
        const char *close = textscan_close(r->p + 1, r->end);

        if (close == NULL)
                return textpage_skip_braces_slowly(t, r, e);
        r->p = close + 1;
        return RECORD_TAKEN;
}

/* False: the line has to be parsed. */
static inline bool
textpage_guess(struct textpage *t, struct record *r)
{
        t->sample.guessed = false;
        if (t->guess == NULL || r->p != r->start)
                return false;
        if (t->guess_in == 0)
                return textpage_guess_sample(t, r);
        t->guess_in--;
        return false;
}

#endif
