/*
 * The HTTP endpoints: /metrics, /-/healthy, /-/ready, /-/reload, /-/quit, /api/v1/… and a short
 * page of links. They run on the one thread of a httpd (httpd.h), which is the agent's http
 * thread: requests are answered one after the other, connections and request sizes are bounded.
 *
 * It may be started before the parts that it shows (then /-/ready says that start-up is not over)
 * and outlive them: status_set_parts changes what may be looked at.
 */
#ifndef AGENT_STATUS_H
#define AGENT_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct clock;
struct err;
struct scraper;
struct senders;
struct status;
struct wal;
struct web;

/* What can be looked at now; a part that is NULL is left out of metrics and answers. */
struct status_parts {
        struct wal *wal;
        struct scraper *scraper;
        struct senders *senders;
};

/* What only the agent itself knows. */
struct status_agent {
        bool reload_ok; /* the last load of the configuration; the first one counts */
        int64_t reload_success_ms; /* wall time of the last good one */
        uint64_t reloads_failed;
};

struct status_options {
        /* "host:port", "[v6]:port" or ":port", port 0: a free one; several have commas between */
        const char *listen_address;
        const char *external_url; /* under which it is seen from outside; NULL: this host's name */
        const char *route_prefix; /* "/x", before every path; NULL or "": none */
        const char *page_title; /* NULL: "gleaner" */
        const char *cors_origin; /* cors.h; NULL: any */
        const char *flags_json; /* the command line, an object of texts; NULL: it is not shown */
        int64_t read_timeout_ms; /* of an idle connection; 0: the default */
        uint64_t max_connections; /* 0: the default */
        struct web *web; /* who is let in; borrowed. NULL: all are */
        bool lifecycle; /* --web.enable-lifecycle: /-/reload and /-/quit work */
        const struct clock *clock;
        int64_t start_ms; /* wall time at which the process started */
        struct status_parts parts; /* those that there are already */
        /*
         * Called on the http thread with this argument, no lock held by status, one at a time. All
         * but `ready` may be NULL: the endpoint then answers 404 or leaves the metrics out.
         */
        void *arg;
        /* 0 when start-up is over; else the reason in e. The clock and the log are asked by
         * status itself. */
        int (*ready)(void *arg, struct err *e);
        /* Appends the configuration as loaded, secrets as <secret>. */
        int (*config)(void *arg, struct buf *out, struct err *e);
        /* Calls each for every job of the configuration, from which nothing may be asked then. */
        int (*jobs)(void *arg, int (*each)(void *each_arg, const char *name, struct err *e),
            void *each_arg, struct err *e);
        /* Appends what the rules of a job do to labels, a JSON object (explain.h). ERR_NOTFOUND: no
         * such job; ERR_CONFIG: the labels are none. */
        int (*explain)(
            void *arg, const char *job, const char *labels, struct buf *out, struct err *e);
        /* Reloads and returns when it is done. */
        int (*reload)(void *arg, struct err *e);
        /* Asks the process to end; returns at once. */
        void (*quit)(void *arg);
        void (*agent)(void *arg, struct status_agent *out);
};

/* Starts listening and the http thread; logs the addresses. ERR_CONFIG: one, or cors_origin, is
 * none;
 * ERR_SYS: it cannot be listened on. Strings of o outlive it, but for
 * listen_address. */
int status_start(const struct status_options *o, struct status **out, struct err *e);
/* Waits for the request under way. NULL-safe. */
void status_stop(struct status *s);
/*
 * From its return on only these parts are looked at (it waits for the request under way, so it must
 * not be called from a callback). Call it after a part was started and before one is stopped.
 */
void status_set_parts(struct status *s, const struct status_parts *parts);
/* The address that is really listened on, with its port: "127.0.0.1:9095". Valid until stop. */
const char *status_address(const struct status *s);

#endif
