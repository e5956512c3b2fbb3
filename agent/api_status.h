/*
 * The answers of /api/v1/status/… and of what an agent has nothing to say about, as Prometheus's
 * agent mode gives them: JSON appended to a buffer. Called on the http thread.
 */
#ifndef AGENT_API_STATUS_H
#define AGENT_API_STATUS_H

#include "base/view.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct err;

enum { API_TIME_BYTES = 40 };

/* RFC 3339; what never was is the year 1, as Go prints it. */
void api_format_time(int64_t ms, char out[API_TIME_BYTES]);

struct api_runtime {
        int64_t start_ms; /* wall times */
        int64_t now_ms;
        int64_t config_ms; /* of the last good load */
        bool config_ok;
};

/* The text of the configuration, secrets masked by the caller. */
int api_config(struct view yaml, struct buf *out, struct err *e);
/* flags: an object of texts. */
int api_flags(const char *flags, struct buf *out, struct err *e);
/* What this program is, an object. */
int api_put_build(struct buf *out, struct err *e);
int api_build_info(struct buf *out, struct err *e);
int api_runtime_info(const struct api_runtime *r, struct buf *out, struct err *e);
/* {"status":"error",…}; kind is one of Prometheus's: "bad_data", "internal", "not_found", … */
int api_error(const char *kind, const char *message, struct buf *out, struct err *e);
/* Queries, rules and what else needs a storage: 422 with "unavailable with Prometheus Agent". */
bool api_is_unavailable(const char *path);

#endif
