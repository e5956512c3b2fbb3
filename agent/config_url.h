/*
 * URLs as the configuration may hold them: anything that Go's net/url parses is taken, a relative
 * one too; whether it can be requested is another question (scheme, host). Pure.
 */
#ifndef AGENT_CONFIG_URL_H
#define AGENT_CONFIG_URL_H

#include "base/view.h"

#include <stdbool.h>

struct buf;
struct err;

struct config_url {
        struct view scheme; /* "http", without ":" */
        struct view user; /* user[:password], without "@" */
        struct view host; /* host[:port] */
        struct view path; /* what follows, up to "?" or "#"; an opaque part ("localhost:9090") */
        struct view query; /* from "?" on, the fragment included */
        bool has_authority;
        bool has_user;
        bool has_password;
};

/* ERR_CONFIG with the reason in Go's words, passwords masked; *out points into text. */
int config_url_parse(struct view text, struct config_url *out, struct err *e);
/* As it is, but a password becomes xxxxx. */
int config_url_put_redacted(const struct config_url *u, struct buf *out, struct err *e);
/* Without user, query and fragment: what the WAL knows an unnamed endpoint by. */
int config_url_put_identity(const struct config_url *u, struct buf *out, struct err *e);

#endif
