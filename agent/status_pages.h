/*
 * What each HTTP endpoint answers, without HTTP: status.c finds the page for a request and sends
 * what it says. Called on the http thread.
 */
#ifndef AGENT_STATUS_PAGES_H
#define AGENT_STATUS_PAGES_H

#include "agent/status.h"

#include <stdbool.h>

struct buf;
struct err;
struct global_url_self;
struct httpd_reply;
struct status_context;

/* How an answer goes on that is not made at once. Between two calls the parts may have changed. */
struct status_stream {
        /* 1: there are more pieces; 0: that was the last */
        int (*more)(void *arg, const struct status_context *c, struct buf *out, struct err *e);
        void (*end)(void *arg);
        void *arg; /* owned; NULL: the reply is whole */
};

/* The options of status_start and the parts as they are now. */
struct status_context {
        const struct status_options *options;
        struct status_parts parts;
        const struct global_url_self *self; /* NULL: not known */
        struct status_stream *stream; /* a page may fill it; not NULL while it answers */
};

struct status_query { /* NULL: not given */
        const char *state;
        const char *scrape_pool;
        const char *limit;
        const char *limit_per_metric;
        const char *match_target;
        const char *metric;
        const char *labels;
};

struct status_page {
        const char *path;
        bool posts; /* POST, too, without a change */
        bool changes; /* POST and PUT instead of GET; needs --web.enable-lifecycle */
        bool packs; /* gzip for who takes it */
        /* Fills the reply, which is a 200 of text so far. An error becomes a 500 with its sentence.
         */
        int (*answer)(const struct status_context *c, const struct status_query *q,
            struct httpd_reply *r, struct err *e);
};

/* NULL: there is none. */
const struct status_page *status_page_find(const char *path);
/* The one that is meant by a path in another case, or with a slash too many; NULL: none. */
const struct status_page *status_page_near(const char *path);

#endif
