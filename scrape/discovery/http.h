/*
 * One http_sd section: target groups as JSON from a URL (specs: config.md section 7; upstream
 * discovery/http/http.go). Asked at the start and every refresh_interval; an answer that is no good
 * leaves the groups as they are.
 */
#ifndef SCRAPE_DISCOVERY_HTTP_H
#define SCRAPE_DISCOVERY_HTTP_H

#include "base/view.h"

#include <stdbool.h>

struct err;
struct http_sd;
struct source;
struct source_input;

/* sd is in the configuration of in. */
int http_source_new(
    const struct source_input *in, const struct http_sd *sd, struct source **out, struct err *e);

/* application/json, in any case, with no parameter but charset=utf-8. Pure. */
bool http_source_is_json(struct view content_type);

#endif
