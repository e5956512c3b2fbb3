#include "tests/testing/transfer.h"

#include "tests/testing/testing.h"

#include <stdio.h>

static size_t
discard(char *p, size_t size, size_t n, void *arg)
{
        (void)p;
        (void)arg;
        return size * n;
}

void
testing_transfer_init(struct testing_transfer *t)
{
        *t = (struct testing_transfer){.easy = curl_easy_init()};
        assert_non_null(t->easy);
}

void
testing_transfer_release(struct testing_transfer *t)
{
        curl_easy_cleanup(t->easy);
}

void
testing_transfer_run(
    struct testing_transfer *t, struct http_client *c, const char *url, const char *body)
{
        struct curl_slist *headers = curl_slist_append(NULL, "X-Own: yes");
        struct err e = ERR_INIT;

        curl_easy_reset(t->easy);
        t->error[0] = '\0';
        t->status = 0;
        t->code = CURLE_OK;
        (void)curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->error);
        (void)curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, discard);
        (void)curl_easy_setopt(t->easy, CURLOPT_TIMEOUT, 20L);
        if (body != NULL)
                (void)curl_easy_setopt(t->easy, CURLOPT_COPYPOSTFIELDS, body);
        t->apply_rc = http_client_apply(c, &(struct http_request){t->easy, url, &headers}, &e);
        (void)snprintf(t->apply_error, sizeof(t->apply_error), "%s", e.msg);
        if (t->apply_rc == 0) {
                (void)curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, headers);
                t->code = curl_easy_perform(t->easy);
                (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &t->status);
                (void)curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &t->connects);
        }
        curl_slist_free_all(headers);
}
