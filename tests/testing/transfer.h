/*
 * One HTTP transfer through a struct http_client, for the tests of base/http*.c.
 */
#ifndef TESTING_TRANSFER_H
#define TESTING_TRANSFER_H

#include "base/http.h"

struct testing_transfer {
        CURL *easy; /* keeps connections from one run to the next */
        CURLcode code;
        long status;
        long connects; /* connections that the last run opened */
        char error[CURL_ERROR_SIZE];
        int apply_rc; /* of http_client_apply; the transfer runs only when it is 0 */
        char apply_error[512];
};

void testing_transfer_init(struct testing_transfer *t);
void testing_transfer_release(struct testing_transfer *t);
/* GET, or POST when body is not NULL. */
void testing_transfer_run(
    struct testing_transfer *t, struct http_client *c, const char *url, const char *body);

#endif
