/*
 * What each HTTP endpoint answers, without HTTP: status.c finds the page for a request and sends
 * what it says. Called on the http thread.
 */
#ifndef AGENT_STATUS_PAGES_H
#define AGENT_STATUS_PAGES_H

#include "agent/status.h"
#include "base/buf.h"

#include <stdbool.h>

struct err;

/* The options of status_start and the parts as they are now. */
struct status_context {
        const struct status_options *options;
        struct status_parts parts;
};

struct status_query { /* NULL: not given */
        const char *state;
        const char *scrape_pool;
};

struct status_reply {
        unsigned code;
        const char *content_type;
        struct buf body;
};

struct status_page {
        const char *path;
        bool changes; /* POST and PUT instead of GET; needs --web.enable-lifecycle */
        /* Fills the reply. An error becomes a 500 with its sentence. */
        int (*answer)(const struct status_context *c, const struct status_query *q,
            struct status_reply *r, struct err *e);
};

/* NULL: there is none. */
const struct status_page *status_page_find(const char *path);

#endif
