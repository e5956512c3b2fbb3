/*
 * A target's URL as others reach it: a host that is only local is replaced by this agent's own
 * (upstream web/api/v1/api.go, getGlobalURL). Pure.
 */
#ifndef AGENT_GLOBAL_URL_H
#define AGENT_GLOBAL_URL_H

struct buf;
struct err;

/* How the agent itself is seen from outside. */
struct global_url_self {
        const char *scheme; /* "http" */
        const char *host; /* "edge.example:9095", the port may be missing */
        const char *port; /* that it listens on */
};

/* Appends url: 127.0.0.1, localhost and ::1 become self's host with the URL's own port; with the
 * port that the agent listens on, self's scheme and host as they are. Others stay. */
int global_url_put(
    const char *url, const struct global_url_self *self, struct buf *out, struct err *e);

#endif
