/*
 * HTTP POSTs of request bodies on one curl multi: headers, authentication, TLS, time limit. What an
 * answer means is answer.h's business.
 *
 * One thread, but post_wake: any. The endpoint's configuration is borrowed until post_configure or
 * post_free.
 */
#ifndef REMOTEWRITE_POST_H
#define REMOTEWRITE_POST_H

#include "remotewrite/answer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct post;
struct remote_endpoint;

enum { POST_MAX_FLYING = 4 };

int post_new(struct post **out, struct err *e);
/* Gives up what is in flight. */
void post_free(struct post *p);
/* Another configuration for the requests to come; nothing may be in flight. ERR_CONFIG. */
int post_configure(struct post *p, const struct remote_endpoint *endpoint, struct err *e);

struct post_job {
        struct view body; /* must stay until the result */
        enum write_message message; /* that it is */
        unsigned attempt; /* 0: the first */
        void *tag; /* comes back in the result */
};

/*
 * Begins a transfer. An error (ERR_CONFIG: a secret's file is missing) means that nothing was
 * begun; at most POST_MAX_FLYING fly at a time.
 */
int post_start(struct post *p, const struct post_job *job, struct err *e);
size_t post_flying(const struct post *p);

struct post_result { /* valid until the next post_wait */
        void *tag;
        struct answer answer;
        int64_t elapsed_ms; /* from the request's first byte to the end of the answer */
        double seconds; /* of the whole transfer */
        int64_t date_ms; /* Date header; 0: none */
        bool date_verified; /* it came over verified TLS */
        unsigned opened; /* connections */
};

/*
 * The next finished transfer. False: none has finished yet, because the time is up, post_wake was
 * called, or there was only some progress.
 */
bool post_wait(struct post *p, int64_t timeout_ms, struct post_result *out);
/* Ends a post_wait. Any thread. */
void post_wake(struct post *p);
/* Gives up what is in flight. */
void post_cancel(struct post *p);
/* See http_client_cert_expiry_ms. */
int64_t post_cert_expiry_ms(struct post *p);

#endif
