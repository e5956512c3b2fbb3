/*
 * What guards the HTTP endpoints (--web.config.file): TLS, passwords, headers, a rate. The files
 * are looked at with every request and every TLS connection, as Prometheus does, so a new
 * certificate or user holds at once; unlike there a file that became bad changes nothing, and is
 * logged and counted.
 *
 * Whether there is TLS, and the rate, are those of the start. One thread but for web_stats.
 */
#ifndef AGENT_WEB_H
#define AGENT_WEB_H

#include "agent/web_auth.h"
#include "agent/web_config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clock;
struct err;
struct web;
struct web_tls;

/* Any thread. */
struct web_stats {
        bool reload_ok; /* the last look at the files found good ones */
        int64_t reload_success_ms; /* wall time at which they were last taken */
        uint64_t reload_failures; /* times that they became bad */
        uint64_t refused; /* requests answered 401 */
        uint64_t limited; /* requests answered 429 */
};

/* Loads the file; its mistakes are logged. ERR_CONFIG: it has some. path is copied. */
int web_open(const char *path, const struct clock *clock, struct web **out, struct err *e);
/* After the server that uses it. NULL-safe. */
void web_close(struct web *w);

/*
 * Reads and checks a file with all that belongs to it: for a check, and for web_open. *out_tls is
 * NULL when there is no TLS. ERR_CONFIG: the report has the mistakes. The caller frees both.
 */
int web_load(const char *path, struct web_config **out, struct web_tls **out_tls,
    struct config_report *report, struct err *e);

bool web_has_tls(const struct web *w);
/* A reference to the TLS of a new connection, of the files as they are now. */
struct web_tls *web_connect(struct web *w);

/* The server's: where questions go that take long. Before the first request, once. */
int web_start(struct web *w, void (*done)(struct web_question *q), struct err *e);
/* Calls done for all that wait. NULL-safe. */
void web_stop(struct web *w);

enum web_answer {
        WEB_PASS, /* the request is let in */
        WEB_WAIT, /* web_wait, and when done was called web_settle */
        WEB_UNAUTHORIZED, /* 401 */
        WEB_LIMITED, /* 429 */
};

/* A request has come, with this Authorization header (NULL: none). */
enum web_answer web_ask(struct web *w, const char *authorization, struct web_question *q);
/* q is another thread's until done is called, which may be at once. */
void web_wait(struct web *w, struct web_question *q);
enum web_answer web_settle(struct web *w, struct web_question *q);

/* The i-th header of every answer but 429, NULL behind the last. Until the next web_ask. */
const struct web_header *web_header_at(const struct web *w, size_t i);

void web_stats(const struct web *w, struct web_stats *out);

#endif
