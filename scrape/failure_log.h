/*
 * scrape_failure_log_file: a line of JSON for each scrape that brought no page, as Prometheus 3.5
 * writes them (util/logging/file.go, scrape/scrape.go):
 *
 *   {"time":"2026-11-24T05:28:10.395Z","level":"ERROR","source":"scrape","msg":"…",
 *    "job_name":"node","target":"http://10.0.0.1:9100/metrics"}
 *
 * The file is opened for each line, and made when it is not there: one that was renamed away
 * (logrotate) begins anew without a signal, and no job has a file to close. Pages that came and
 * were refused (a bad line, a limit) have no line, as there.
 */
#ifndef SCRAPE_FAILURE_LOG_H
#define SCRAPE_FAILURE_LOG_H

#include <stdint.h>

struct err;

struct failed_scrape {
        int64_t wall_ms;
        const char *job;
        const char *target; /* its URL */
        const char *why;
};

/* Appends the line with one write(2), so that jobs may share a file. ERR_SYS, ERR_NOMEM. */
int failure_log_append(const char *path, const struct failed_scrape *f, struct err *e);

#endif
