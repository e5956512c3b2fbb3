/*
 * Pages in text, as Prometheus reads them (specs: scrape.md sections 6 and 7): the exposition
 * format (upstream model/textparse/promlex.l, promparse.go) and OpenMetrics (openmetricslex.l,
 * openmetricsparse.go). Fed in pieces; allocates only for a partial line.
 *
 * Two steps, so that a known series costs no label parsing: the streaming splitter finds the raw
 * text of the series, the value and the timestamp of each sample line; textparse_labels turns the
 * raw text of an unknown series into labels (and finds the errors that lie within the braces).
 */
#ifndef SCRAPE_TEXTPARSE_H
#define SCRAPE_TEXTPARSE_H

#include "base/labels.h"
#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum text_format {
        TEXT_PROMETHEUS, /* 0.0.4 and 1.0.0: one grammar for both, as there */
        TEXT_OPENMETRICS, /* 0.0.1 and 1.0.0 */
};

/* The last # TYPE line: under histogram `le`, under summary `quantile` is normalised. */
enum metric_type {
        METRIC_UNTYPED, /* unknown in OpenMetrics, as the ones that it has besides */
        METRIC_COUNTER,
        METRIC_GAUGE,
        METRIC_HISTOGRAM,
        METRIC_SUMMARY,
};

struct text_sample {
        enum text_format format;
        struct view series; /* raw text, name and braces as written; valid during the call */
        uint64_t bits; /* of the double; every NaN is COLUMN_NAN */
        int64_t timestamp_ms; /* when has_timestamp */
        bool has_timestamp;
        bool guessed; /* text_guess has said yes to `series` just before */
        enum metric_type type; /* by the last # TYPE line */
};

/* An error ends the page; "line N, column M: " is put before its sentence. For ERR_PARSE the place
 * within the series is looked up, so a sink just returns what textparse_labels returned. */
typedef int (*text_sink)(void *arg, const struct text_sample *s, struct err *e);

/*
 * Is this the very text of a series that was given to the sink before, and the one that should come
 * next? Then the line is taken without looking for the end of the series in it. May say no to all.
 */
typedef bool (*text_guess)(void *arg, struct view series);

/*
 * A # line about a metric: its type, help or unit, as written (a name in quotes has them, nothing
 * is unescaped). Views are valid during the call. For those who want metadata; costs time per line.
 */
enum text_meta {
        TEXT_META_TYPE,
        TEXT_META_HELP,
        TEXT_META_UNIT,
        TEXT_META_HELP_QUOTES, /* of OpenMetrics: \" is an escape there, too */
};
typedef void (*text_meta)(void *arg, enum text_meta what, struct view name, struct view text);

struct textparse; /* one page at a time */

struct textparse_options {
        text_sink sink;
        void *arg;
        size_t max_line; /* bytes of a partial line that may be buffered; 0: 1 MiB */
        text_guess guess; /* gets arg, too; NULL: none */
        text_meta meta; /* NULL: nobody wants it */
        void *meta_arg;
};

int textparse_new(const struct textparse_options *o, struct textparse **out, struct err *e);
void textparse_free(struct textparse *t);
/* For the next page, of the same format. */
void textparse_reset(struct textparse *t);
/* Of the page that comes, before its first byte. A new one expects the exposition format. */
void textparse_set_format(struct textparse *t, enum text_format format);
/* Any cut is fine, also in mid-token. ERR_PARSE, ERR_LIMIT, or what the sink returned; after an
 * error only textparse_position, textparse_reset and textparse_free are of use. */
int textparse_feed(struct textparse *t, const char *p, size_t n, struct err *e);
/* The page is over: a last line without a line feed is taken. One of OpenMetrics must have ended
 * with "# EOF" then (ERR_PARSE), so also one of no bytes at all. */
int textparse_finish(struct textparse *t, struct err *e);
/* Where the last error was: both count from 1, columns in bytes. */
void textparse_position(const struct textparse *t, uint64_t *line, uint64_t *column);
/* How many exemplars were on the page so far: they are checked and passed over. */
uint64_t textparse_exemplars(const struct textparse *t);
/* Bytes buffered now, for the accounts. */
size_t textparse_memory(const struct textparse *t);

/*
 * The labels of a sample's series, `__name__` included, into l (made by labels_init; escapes are
 * resolved into its arena, everything else points into the series' text). A name that occurs with
 * an empty value is left out, all occurrences of it. `le` and `quantile` are normalised by type.
 * The result is sorted. ERR_PARSE, with *out_offset (may be NULL) where in the text the error lies.
 * Does not check names against a scheme nor for duplicates.
 */
int textparse_labels(
    const struct text_sample *s, struct labels *l, size_t *out_offset, struct err *e);

/* A float as the format has it; false when it is none. Shared with le/quantile normalisation. */
bool textparse_float(struct view v, double *out);
/* Shortest decimal in Prometheus's spelling for le and quantile: "1.0", "1e+06", "+Inf". */
size_t textparse_format_float(double d, char *out, size_t cap);

#endif
