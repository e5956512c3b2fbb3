/*
 * A cloud's service for the tests of its provider: one answer for all, and the last request.
 */
#ifndef UNIT_BASE_CREDENTIALS_CLOUD_WORLD_H
#define UNIT_BASE_CREDENTIALS_CLOUD_WORLD_H

#include "base/credentials/grant.h"
#include "base/err.h"
#include "tests/testing/http_server.h"
#include "tests/testing/testing.h"

#include <stdio.h>
#include <stdlib.h>

struct cloud_world {
        struct testing_server *server;
        struct grant *grant;
        const char *answer;
        char line[1024]; /* "GET /path" */
        char headers[4096];
        char body[8192];
        char url[128]; /* of the server, with a path */
        char *folder;
        char file[512]; /* holds "in-a-file" */
};

static inline void
cloud_handle(void *arg, const struct testing_request *r, struct testing_reply *reply)
{
        struct cloud_world *w = arg;

        (void)snprintf(w->line, sizeof(w->line), "%s %s", r->method, r->target);
        (void)snprintf(w->headers, sizeof(w->headers), "%s", r->headers);
        (void)snprintf(w->body, sizeof(w->body), "%.*s", (int)r->body.n, r->body.p);
        reply->status = 200;
        reply->headers = "Content-Type: application/json\r\n";
        reply->body = w->answer;
}

static inline void
cloud_world_init(struct cloud_world *w, const char *answer)
{
        *w = (struct cloud_world){.answer = answer, .folder = testing_directory()};
        w->server = testing_server_start(
            &(struct testing_server_options){.handler = cloud_handle, .arg = w});
        (void)snprintf(w->url, sizeof(w->url), "%s/x", testing_server_url(w->server));
        (void)snprintf(w->file, sizeof(w->file), "%s/token", w->folder);
        testing_write(w->file, "in-a-file\n", 10);
}

static inline void
cloud_world_release(struct cloud_world *w)
{
        grant_free(w->grant);
        testing_server_stop(w->server);
        testing_remove(w->folder);
}

/* All requests of a round. */
static inline int
cloud_get(struct cloud_world *w, struct err *e)
{
        enum http_token token = HTTP_TOKEN_WANTED;
        CURL *easy = curl_easy_init();
        int rc = grant_state(w->grant, &token, e);

        while (rc == 0 && token == HTTP_TOKEN_WANTED) {
                struct curl_slist *list = NULL;

                curl_easy_reset(easy);
                rc = grant_ask(w->grant, easy, &list, e);
                if (rc == 0)
                        rc = grant_take(w->grant, easy, curl_easy_perform(easy), e);
                if (rc == 0)
                        rc = grant_state(w->grant, &token, e);
                curl_slist_free_all(list);
        }
        curl_easy_cleanup(easy);
        return rc;
}

static inline void
cloud_in(const char *text, const char *part)
{
        if (strstr(text, part) == NULL)
                fail_msg("no \"%s\" in\n%s", part, text);
}

/* The first header of a request. */
static inline void
cloud_applies(struct cloud_world *w, const char *want)
{
        struct curl_slist *list = NULL;
        struct err e = ERR_INIT;

        testing_ok(grant_apply(w->grant, &list, &e), &e);
        assert_string_equal(list->data, want);
        curl_slist_free_all(list);
}

#endif
