/*
 * The log: one line per event to stderr, logfmt or JSON, written with one write(2).
 *
 *   log_warn("cannot scrape target, retrying", LOG_STR("target", url), LOG_STR("err", e.msg),
 *       LOG_INT("retry_ms", 5000));
 *
 * Words: lower case, no full stop, what · object · cause · consequence. Values are escaped, so
 * nothing from outside can forge a line. Any thread.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/view.h"

#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };
enum log_kind { LOG_KIND_VIEW, LOG_KIND_INT, LOG_KIND_UINT, LOG_KIND_DOUBLE };

struct log_field {
        const char *key;
        enum log_kind kind;
        struct view text;
        int64_t i;
        uint64_t u;
        double d;
};

#define LOG_STR(k, s) ((struct log_field){.key = (k), .kind = LOG_KIND_VIEW, .text = view_of(s)})
#define LOG_VIEW(k, v) ((struct log_field){.key = (k), .kind = LOG_KIND_VIEW, .text = (v)})
#define LOG_INT(k, v) ((struct log_field){.key = (k), .kind = LOG_KIND_INT, .i = (v)})
#define LOG_UINT(k, v) ((struct log_field){.key = (k), .kind = LOG_KIND_UINT, .u = (v)})
#define LOG_DOUBLE(k, v) ((struct log_field){.key = (k), .kind = LOG_KIND_DOUBLE, .d = (v)})

/* Call once before threads start. The tenant, if not NULL, is in every line; borrowed. */
void log_setup(enum log_level min_level, enum log_format format, const char *tenant);

/* "debug", "info", "warn", "error" / "logfmt", "json"; -1 when the name is not known. */
int log_level_of(const char *name);
int log_format_of(const char *name);

void log_write(enum log_level level, const char *msg, const struct log_field *fields, size_t n);

/* The fields are evaluated whatever the level is: keep them cheap. */
#define LOG_AT(level, msg, ...) \
        log_write((level), (msg), (struct log_field[]){__VA_ARGS__}, \
            sizeof((struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))
#define log_debug(msg, ...) LOG_AT(LOG_DEBUG, msg, __VA_ARGS__)
#define log_info(msg, ...) LOG_AT(LOG_INFO, msg, __VA_ARGS__)
#define log_warn(msg, ...) LOG_AT(LOG_WARN, msg, __VA_ARGS__)
#define log_error(msg, ...) LOG_AT(LOG_ERROR, msg, __VA_ARGS__)

#endif
