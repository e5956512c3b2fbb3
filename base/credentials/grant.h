/*
 * What was granted to us for a while: a token, or keys that sign. grant.c knows when one is wanted,
 * makes the request for it on a handle that the caller lends, and keeps what came until shortly
 * before it expires; when a refresh fails, what is still good is used on. A provider says what is
 * asked, in one request or in several, and reads the answers.
 *
 * base/http.h tells the contract of grant_state to grant_forget (http_client_token and those after
 * it). Options are borrowed; one thread.
 */
#ifndef BASE_CREDENTIALS_GRANT_H
#define BASE_CREDENTIALS_GRANT_H

#include "base/buf.h"
#include "base/http.h"
#include "base/view.h"

struct err;
struct grant;

enum { GRANT_ANSWER_MAX = 1 << 20, GRANT_FORM_MAX = 256 << 10 };

/* The next request of a provider. */
struct grant_request {
        const char *url; /* the provider's until the answer is there */
        const char *method; /* NULL: POST when there is a form, else GET */
        bool direct; /* through no proxy, and soon given up when nobody is there: metadata */
        struct buf form; /* the body; grant.c wipes it */
        struct curl_slist **headers; /* more of them may be appended */
};

struct grant_answer {
        long status; /* 200 to 299 */
        struct view content_type;
        struct view body; /* valid during the call */
        CURL *easy;
};

/* What a provider has learned from an answer. */
struct grant_result {
        bool more; /* another request is needed */
        int64_t seconds; /* how long it is good; 0: for ever */
};

struct grant_class {
        const char *name; /* begins each error: "oauth2" */
        int64_t early_ms; /* before the end of its life another one is asked for */
        bool half; /* or when half of its life is over */
        /*
         * A round of requests begins. *out_ready: what is granted is at hand without one, for
         * *out_seconds. NULL: a request is needed.
         */
        int (*begin)(void *p, bool *out_ready, int64_t *out_seconds, struct err *e);
        /* True when what is granted was asked for with something that is not so any more, or an
         * error. NULL: never. */
        int (*changed)(void *p, bool *out, struct err *e);
        int (*ask)(void *p, struct grant_request *r, struct err *e);
        /* After http_client_apply: what else is set on the handle. NULL: nothing. */
        int (*prepare)(void *p, CURL *easy, const struct grant_request *r, struct err *e);
        int (*take)(void *p, const struct grant_answer *a, struct grant_result *out, struct err *e);
        /* The answer was none, or another status: true: ask once more, in another way. NULL: no. */
        bool (*refused)(void *p, long status);
        /* The reason in an answer of another status, "" when there is none; NULL: OAuth 2.0's. */
        void (*reason)(struct view body, char *out, size_t cap);
        /* What was granted is forgotten, and wiped. */
        void (*forget)(void *p);
        /* Puts it on a request; NULL: another function of the provider does. */
        int (*apply)(const void *p, struct curl_slist **headers, struct err *e);
        void (*free)(void *p);
};

struct grant_options {
        const struct grant_class *class;
        void *provider; /* owned by the grant from here on, also when it cannot be made */
        const struct http_options *http; /* of its requests; NULL: the environment's proxies */
        enum tls_version floor;
};

int grant_new(const struct grant_options *o, struct grant **out, struct err *e);
void grant_free(struct grant *g);

int grant_state(struct grant *g, enum http_token *out, struct err *e);
int grant_ask(struct grant *g, CURL *easy, struct curl_slist **headers, struct err *e);
int grant_take(struct grant *g, CURL *easy, CURLcode code, struct err *e);
void grant_cancel(struct grant *g, const CURL *easy);
void grant_forget(struct grant *g);
/* Goes up with all that is granted. */
uint64_t grant_number(const struct grant *g);
/* ERR_AGAIN: there is none. */
int grant_apply(const struct grant *g, struct curl_slist **headers, struct err *e);
/* The provider, when something is granted; else NULL. */
const void *grant_provider(const struct grant *g);

/* "Authorization: …" of an answer of an OAuth 2.0 server into header; see http_token_parse. */
int grant_take_token(
    const struct grant_answer *a, struct buf *header, struct grant_result *out, struct err *e);

#endif
