#include "remotewrite/post.h"

#include "remotewrite/endpoint.h"
#include "tests/testing/certs.h"
#include "tests/testing/http_server.h"
#include "tests/testing/testing.h"
#include "tests/unit/remotewrite/raw_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BIG = 3 << 20 };

/* What the server saw last, and what it shall answer. */
struct world {
        struct testing_reply reply;
        char headers[2048];
        char method[16];
        size_t body_bytes;
        char first_byte;
        char redirect_to[256]; /* for the target /from */
        int final_status; /* of the other targets, when it is not 0 */
        struct testing_server *server;
        struct remote_endpoint endpoint;
        struct post *post;
        char url[128];
        enum write_message message; /* of the requests */
};

static void
handle(void *arg, const struct testing_request *r, struct testing_reply *reply)
{
        struct world *w = arg;
        static char line[300];

        *reply = w->reply;
        (void)snprintf(w->headers, sizeof(w->headers), "%s", r->headers);
        (void)snprintf(w->method, sizeof(w->method), "%s", r->method);
        w->body_bytes = r->body.n;
        w->first_byte = r->body.n > 0 ? r->body.p[0] : '\0';
        if (w->redirect_to[0] != '\0' && strcmp(r->target, "/from") == 0) {
                (void)snprintf(line, sizeof(line), "Location: %s\r\n", w->redirect_to);
                reply->headers = line;
        } else if (w->final_status != 0) {
                reply->status = w->final_status;
        }
}

static void
world_init(struct world *w, const struct testing_server_options *more)
{
        struct testing_server_options o = {0};
        struct err e = ERR_INIT;

        *w = (struct world){.reply = {.status = 200}};
        if (more != NULL)
                o = *more;
        o.handler = handle;
        o.arg = w;
        w->server = testing_server_start(&o);
        (void)snprintf(w->url, sizeof(w->url), "%s/from", testing_server_url(w->server));
        http_options_init(&w->endpoint.http);
        w->endpoint.url = w->url;
        w->endpoint.remote_timeout_ms = 20000;
        w->endpoint.tenant_header = "THANOS-TENANT";
        w->endpoint.tenant = "tenant-a";
        testing_ok(post_new(&w->post, &e), &e);
        testing_ok(post_configure(w->post, &w->endpoint, &e), &e);
}

static void
world_release(struct world *w)
{
        post_free(w->post);
        testing_server_stop(w->server);
}

/* Sends one body and waits for what comes of it. */
static void
send_one(struct world *w, struct view body, unsigned attempt, struct post_result *out)
{
        struct err e = ERR_INIT;
        const struct post_job job = {body, w->message, attempt, w};

        testing_ok(post_start(w->post, &job, &e), &e);
        for (int i = 0; i < 3000; i++) {
                if (post_wait(w->post, 100, out)) {
                        assert_ptr_equal(out->tag, w);
                        return;
                }
        }
        fail_msg("no result");
}

static void
request_of_2_has_its_headers(void **state)
{
        struct world w;
        struct post_result r;

        (void)state;
        world_init(&w, NULL);
        w.message = WRITE_2;
        w.reply.headers = "x-prometheus-remote-write-samples-written: 17\r\n";
        send_one(&w, VIEW_LIT("abc"), 0, &r);
        assert_true(view_is(r.answer.written, "17"));
        assert_non_null(strstr(w.headers,
            "Content-Type: application/x-protobuf;proto=io.prometheus.write.v2.Request\r\n"));
        assert_non_null(strstr(w.headers, "X-Prometheus-Remote-Write-Version: 2.0.0\r\n"));
        assert_null(strstr(w.headers, "Version: 0.1.0"));
        world_release(&w);
}

static void
request_has_the_headers_of_the_protocol(void **state)
{
        static const char *const want[] = {"Content-Encoding: snappy\r\n",
            "Content-Type: application/x-protobuf\r\n",
            "X-Prometheus-Remote-Write-Version: 0.1.0\r\n", "User-Agent: gleaner/",
            "THANOS-TENANT: tenant-a\r\n", "Content-Length: 3\r\n"};
        struct world w;
        struct post_result r;

        (void)state;
        world_init(&w, NULL);
        send_one(&w, VIEW_LIT("abc"), 0, &r);
        assert_int_equal(r.answer.code, CURLE_OK);
        assert_int_equal(r.answer.status, 200);
        assert_int_equal(r.opened, 1);
        assert_string_equal(w.method, "POST");
        for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
                if (strstr(w.headers, want[i]) == NULL)
                        fail_msg("no %s in %s", want[i], w.headers);
        }
        assert_null(strstr(w.headers, "Expect"));
        assert_null(strstr(w.headers, "Retry-Attempt"));
        assert_int_equal(r.answer.body_bytes, 3);
        assert_int_equal(r.answer.sent_bytes, 3);

        send_one(&w, VIEW_LIT("abc"), 2, &r);
        assert_non_null(strstr(w.headers, "Retry-Attempt: 2\r\n"));
        assert_int_equal(r.opened, 0); /* the connection is kept */
        assert_true(r.answer.reused);
        world_release(&w);
}

static void
answer_is_kept_up_to_its_bound(void **state)
{
        struct world w;
        struct post_result r;
        char *text = malloc(BIG + 1);

        (void)state;
        assert_non_null(text);
        memset(text, 'x', BIG);
        text[BIG] = '\0';
        world_init(&w, NULL);
        w.reply = (struct testing_reply){.status = 503,
            .headers = "Retry-After: 7\r\nContent-Type: text/plain\r\n"
                       "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
            .body = "no quorum\n"};
        send_one(&w, VIEW_LIT("abc"), 0, &r);
        assert_int_equal(r.answer.status, 503);
        assert_true(view_is(r.answer.retry_after, "7"));
        assert_true(view_is(r.answer.content_type, "text/plain"));
        assert_true(view_is(r.answer.body, "no quorum\n"));
        assert_int_equal(r.date_ms, INT64_C(784111777000));
        assert_false(r.date_verified); /* plain HTTP proves nothing */

        text[100000] = '\0';
        w.reply = (struct testing_reply){.status = 400, .body = text};
        send_one(&w, VIEW_LIT("abc"), 0, &r);
        assert_int_equal(r.answer.status, 400);
        assert_int_equal(r.answer.body.n, ANSWER_BODY_MAX);
        assert_true(r.answer.reused);
        send_one(&w, VIEW_LIT("abc"), 0, &r);
        assert_true(r.answer.reused); /* it was read to its end */

        text[100000] = 'x';
        send_one(&w, VIEW_LIT("abc"), 0, &r); /* endless: we stop, and know the status */
        assert_int_equal(r.answer.status, 400);
        assert_int_equal(r.answer.code, CURLE_WRITE_ERROR);
        free(text);
        world_release(&w);
}

static void
timeout_tells_how_far_the_body_got(void **state)
{
        struct world w;
        struct post_result r;
        char *big = calloc(1, (size_t)BIG * 8);

        (void)state;
        assert_non_null(big);
        world_init(&w, &(struct testing_server_options){.bytes_per_second = 20000});
        w.endpoint.remote_timeout_ms = 1500;
        send_one(&w, (struct view){big, (size_t)BIG * 8}, 0, &r);
        assert_int_equal(r.answer.code, CURLE_OPERATION_TIMEDOUT);
        assert_int_equal(r.answer.status, 0);
        assert_true(r.answer.sent_bytes < r.answer.body_bytes);
        world_release(&w);

        world_init(&w, NULL);
        w.endpoint.remote_timeout_ms = 500;
        w.reply.how = BREAK_HANG;
        send_one(&w, VIEW_LIT("abc"), 0, &r);
        assert_int_equal(r.answer.code, CURLE_OPERATION_TIMEDOUT);
        assert_int_equal(r.answer.sent_bytes, 3);
        world_release(&w);
        free(big);
}

static void
connection_closed_under_us_is_seen(void **state)
{
        struct world w;
        struct post_result r;

        (void)state;
        world_init(&w, NULL);
        w.reply.how = BREAK_AFTER; /* as an ingress does that is reloaded */
        send_one(&w, VIEW_LIT("abc"), 0, &r);
        assert_int_equal(r.answer.status, 200);
        w.reply.how = BREAK_NOT;
        send_one(&w, VIEW_LIT("abc"), 0, &r);
        assert_int_equal(r.answer.status, 200);
        assert_int_equal(r.answer.sent_bytes, 3);

        w.reply.how = BREAK_BEFORE;
        send_one(&w, VIEW_LIT("abc"), 0, &r);
        if (r.answer.code == CURLE_OK || r.answer.status != 0)
                fail_msg("code %d, status %ld", r.answer.code, r.answer.status);
        assert_int_equal(r.answer.sent_bytes, 3);
        assert_true(r.answer.resent); /* libcurl tried once more by itself: that may be twice */
        world_release(&w);
}

static void
body_goes_along_with_a_redirect_that_keeps_it(void **state)
{
        struct world w;
        struct post_result r;

        (void)state;
        world_init(&w, NULL);
        (void)snprintf(w.redirect_to, sizeof(w.redirect_to), "%s/to", testing_server_url(w.server));
        w.reply.status = 308;
        send_one(&w, VIEW_LIT("abc"), 0, &r);
        assert_int_equal(r.answer.status, 308); /* /to answers so, too, but without an address */
        assert_int_equal(testing_server_requests(w.server), 2);
        assert_int_equal(w.body_bytes, 3);
        assert_int_equal(w.first_byte, 'a');
        assert_false(r.answer.resent);
        assert_int_equal(r.answer.sent_bytes, 3);

        w.reply.status = 302;
        send_one(&w, VIEW_LIT("abc"), 0, &r);
        assert_int_equal(r.answer.code, CURLE_ABORTED_BY_CALLBACK);
        assert_int_equal(r.answer.status, 302);
        assert_non_null(strstr(r.answer.location.p, "/to"));
        assert_string_equal(w.method, "POST");

        w.endpoint.http.follow_redirects = false;
        w.reply.status = 308;
        send_one(&w, VIEW_LIT("abc"), 0, &r);
        assert_int_equal(r.answer.code, CURLE_OK);
        assert_int_equal(r.answer.status, 308);
        world_release(&w);
}

/* A 2xx counts only when the body has gone out as a whole: that must be known in all these ways. */
static void
whole_body_is_counted_whatever_the_way(void **state)
{
        char *big = calloc(1, BIG);
        struct world w;
        struct post_result r;

        (void)state;
        assert_non_null(big);
        world_init(&w, NULL);
        (void)snprintf(w.redirect_to, sizeof(w.redirect_to), "%s/to", testing_server_url(w.server));
        w.reply.status = 307;
        w.final_status = 200;
        send_one(&w, (struct view){big, BIG}, 0, &r);
        assert_int_equal(r.answer.status, 200);
        assert_int_equal(w.body_bytes, BIG);
        assert_true(r.answer.sent_bytes >= BIG);

        w.redirect_to[0] = '\0';
        w.reply.how = BREAK_AFTER;
        send_one(&w, (struct view){big, 3}, 0, &r);
        w.reply.how = BREAK_NOT;
        send_one(&w, (struct view){big, BIG}, 0, &r); /* into a connection that is closed */
        if (r.answer.status == 200)
                assert_true(r.answer.sent_bytes >= BIG);
        else
                assert_true(r.answer.reused);
        w.reply.delay_ms = 5;
        for (int i = 0; i < 20; i++) {
                send_one(&w, (struct view){big, (size_t)1 << i}, 0, &r);
                assert_int_equal(r.answer.status, 200);
                assert_int_equal(r.answer.sent_bytes, (uint64_t)1 << i);
        }
        world_release(&w);
        free(big);
}

static void
four_at_a_time(void **state)
{
        struct world w;
        struct post_result r;
        struct err e = ERR_INIT;
        const struct post_job job = {VIEW_LIT("abc"), WRITE_1, 0, NULL};
        unsigned done = 0;

        (void)state;
        world_init(&w, NULL);
        for (int i = 0; i < POST_MAX_FLYING; i++)
                testing_ok(post_start(w.post, &job, &e), &e);
        assert_int_equal(post_start(w.post, &job, &e), ERR_LIMIT);
        assert_int_equal(post_flying(w.post), POST_MAX_FLYING);
        while (done < POST_MAX_FLYING) {
                if (!post_wait(w.post, 1000, &r))
                        continue;
                assert_int_equal(r.answer.status, 200);
                done++;
                assert_int_equal(post_flying(w.post), POST_MAX_FLYING - done);
        }
        assert_false(post_wait(w.post, 0, &r));
        assert_int_equal(post_flying(w.post), 0);
        testing_ok(post_start(w.post, &job, &e), &e);
        post_cancel(w.post);
        assert_int_equal(post_flying(w.post), 0);
        world_release(&w);
}

static void
missing_secret_begins_nothing(void **state)
{
        struct world w;
        struct err e = ERR_INIT;
        const struct post_job job = {VIEW_LIT("abc"), WRITE_1, 0, NULL};

        (void)state;
        world_init(&w, NULL);
        w.endpoint.http.credentials_file = "/nonexistent/token";
        assert_int_equal(post_start(w.post, &job, &e), ERR_CONFIG);
        assert_non_null(strstr(e.msg, "/nonexistent/token"));
        assert_int_equal(post_flying(w.post), 0);
        world_release(&w);
}

static void
date_over_verified_tls_counts(void **state)
{
        char *dir = testing_directory();
        struct testing_ca *ca = testing_ca_new("authority");
        char ca_file[600];
        char cert[600];
        char key[600];
        struct world w;
        struct post_result r;

        (void)state;
        (void)snprintf(ca_file, sizeof(ca_file), "%s/ca", dir);
        (void)snprintf(cert, sizeof(cert), "%s/cert", dir);
        (void)snprintf(key, sizeof(key), "%s/key", dir);
        testing_ca_write(ca, ca_file);
        testing_ca_issue(ca, "IP:127.0.0.1", 600, cert, key);
        world_init(&w, &(struct testing_server_options){.cert = cert, .key = key});
        w.reply.headers = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
        w.endpoint.http.ca_file = ca_file;
        send_one(&w, VIEW_LIT("abc"), 0, &r);
        assert_int_equal(r.answer.status, 200);
        assert_true(r.date_verified);
        assert_true(post_cert_expiry_ms(w.post) > (int64_t)time(NULL) * 1000);
        w.endpoint.http.insecure_skip_verify = true;
        send_one(&w, VIEW_LIT("abc"), 0, &r);
        assert_int_equal(r.answer.status, 200);
        assert_false(r.date_verified);
        world_release(&w);
        testing_ca_free(ca);
        testing_remove(dir);
}

/* Judged as the sender does, on a first and clean attempt. */
struct raw_case {
        const char *name;
        const char *answer;
        size_t body; /* of the request */
        bool early;
        bool reset;
        enum verdict want;
        bool want_ambiguous;
        int64_t want_after_ms;
};

static const struct raw_case raw_cases[] = {
    {"HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nok\n", .want = VERDICT_SETTLED},
    {"HTTP/1.0, large", "HTTP/1.0 204 No Content\r\n\r\n", .body = BIG, .want = VERDICT_SETTLED},
    {"HTTP/1.0 that is busy", "HTTP/1.0 503 Busy\r\nRetry-After: 3\r\n\r\nlater",
        .want = VERDICT_RETRY, .want_ambiguous = true, .want_after_ms = 3000},
    {"100 that nobody asked for",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"
        "Content-Length: 0\r\n\r\n",
        .body = BIG, .want = VERDICT_SETTLED},
    {"103 before the answer",
        "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 400 "
        "Bad\r\nContent-Length: 4\r\n\r\nbad\n",
        .want = VERDICT_REFUSED},
    {"cut body of a 200", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        .want = VERDICT_SETTLED},
    {"cut chunk of a 200", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        .want = VERDICT_SETTLED},
    {"chunks that are none", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        .want = VERDICT_SETTLED},
    {"reset in the body of a 200", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        .reset = true, .want = VERDICT_SETTLED},
    {"cut text of a refusal", "HTTP/1.1 400 Bad\r\nContent-Length: 500\r\n\r\nout of order",
        .want = VERDICT_REFUSED},
    {"cut page of a proxy", "HTTP/1.1 400 Bad\r\nContent-Length: 500\r\n\r\n<html><body>",
        .want = VERDICT_HOLD},
    {"bytes too many", "HTTP/1.1 204 No Content\r\n\r\nmore than nothing", .want = VERDICT_SETTLED},
    {"cut head", "HTTP/1.1 20", .want = VERDICT_RETRY, .want_ambiguous = true},
    {"head without its end", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", .want = VERDICT_SETTLED},
    {"nothing at all", "", .want = VERDICT_RETRY, .want_ambiguous = true},
    {"not HTTP", "220 mail.example ESMTP\r\n\r\n", .want = VERDICT_RETRY, .want_ambiguous = true},
    {"too large, says the head alone", "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n",
        .body = BIG, .early = true, .want = VERDICT_SPLIT},
    {"busy, says the head alone",
        "HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", .body = BIG,
        .early = true, .want = VERDICT_RETRY, .want_ambiguous = true},
    {"not allowed, says the head alone",
        "HTTP/1.1 401 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", .body = BIG,
        .early = true, .want = VERDICT_HOLD},
    {"throttled, says the head alone", "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n",
        .body = BIG, .early = true, .reset = true, .want = VERDICT_RETRY},
    {"taken, says one that read nothing", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        .body = BIG, .early = true, .want = VERDICT_RETRY},
    {"taken, says one that read nothing and is gone",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", .body = BIG, .early = true,
        .reset = true, .want = VERDICT_RETRY},
};

static void
strange_answers_are_understood(void **state)
{
        char *big = calloc(1, BIG);

        (void)state;
        assert_non_null(big);
        for (size_t i = 0; i < sizeof(raw_cases) / sizeof(raw_cases[0]); i++) {
                const struct raw_case *c = &raw_cases[i];
                struct raw_server server = {
                    .answer = c->answer, .early = c->early, .reset = c->reset};
                const struct answer_context context = {.samples = 10, .series = 5};
                struct world w;
                struct post_result r;
                struct judgement j;

                raw_server_start(&server);
                world_init(&w, NULL);
                (void)snprintf(w.url, sizeof(w.url), "http://127.0.0.1:%u/from", server.port);
                send_one(&w, (struct view){big, c->body > 0 ? c->body : 3}, 0, &r);
                answer_judge(&r.answer, &context, &j);
                if (j.verdict != c->want || j.ambiguous != c->want_ambiguous ||
                    j.retry_after_ms != c->want_after_ms)
                        fail_msg("%s: %s, ambiguous %d, after %lld; code %d, status %ld, sent %llu",
                            c->name, verdict_names[j.verdict], j.ambiguous,
                            (long long)j.retry_after_ms, (int)r.answer.code, r.answer.status,
                            (unsigned long long)r.answer.sent_bytes);
                world_release(&w);
                raw_server_stop(&server);
                assert_null(strstr(server.head, "Expect")); /* also with a large body */
        }
        free(big);
}

/* ---- oauth2 ---- */

static void
give_token(void *arg, const struct testing_request *r, struct testing_reply *reply)
{
        const int *status = arg;

        (void)r;
        reply->status = *status;
        reply->headers = "Content-Type: application/json\r\n";
        reply->body = "{\"access_token\":\"token\",\"expires_in\":3600}";
}

static void
use_oauth2(struct world *w, struct http_oauth2_options *o, struct testing_server *tokens)
{
        static struct http_options plain;
        struct err e = ERR_INIT;

        http_options_init(&plain);
        *o = (struct http_oauth2_options){
            .client_id = "me", .token_url = testing_server_url(tokens), .http = &plain};
        w->endpoint.http.oauth2 = o;
        testing_ok(post_configure(w->post, &w->endpoint, &e), &e);
}

static void
requests_in_flight_share_one_token(void **state)
{
        int status = 200;
        struct testing_server *tokens = testing_server_start(
            &(struct testing_server_options){.handler = give_token, .arg = &status});
        struct http_oauth2_options o;
        struct post_result r;
        struct err e = ERR_INIT;
        struct world w;
        int done = 0;

        (void)state;
        world_init(&w, NULL);
        use_oauth2(&w, &o, tokens);
        for (int i = 0; i < POST_MAX_FLYING; i++) {
                const struct post_job job = {VIEW_LIT("abc"), WRITE_1, 0, &w};

                testing_ok(post_start(w.post, &job, &e), &e);
        }
        for (int i = 0; i < 3000 && done < POST_MAX_FLYING; i++) {
                if (!post_wait(w.post, 100, &r))
                        continue;
                assert_int_equal(r.answer.status, 200);
                done++;
        }
        assert_int_equal(done, POST_MAX_FLYING);
        assert_non_null(strstr(w.headers, "Authorization: Bearer token\r\n"));
        assert_int_equal(testing_server_requests(tokens), 1);
        /* a receiver that does not take it any more gets another one */
        w.final_status = 401;
        w.reply.status = 401;
        send_one(&w, VIEW_LIT("abc"), 0, &r);
        w.reply.status = 200;
        send_one(&w, VIEW_LIT("abc"), 0, &r);
        assert_int_equal(testing_server_requests(tokens), 2);
        world_release(&w);
        testing_server_stop(tokens);
}

static void
without_a_token_nothing_is_sent_and_the_reason_is_told(void **state)
{
        int status = 503;
        struct testing_server *tokens = testing_server_start(
            &(struct testing_server_options){.handler = give_token, .arg = &status});
        struct http_oauth2_options o;
        struct post_result r;
        struct err e = ERR_INIT;
        struct world w;
        int done = 0;

        (void)state;
        world_init(&w, NULL);
        use_oauth2(&w, &o, tokens);
        for (int i = 0; i < 2; i++) {
                const struct post_job job = {VIEW_LIT("abc"), WRITE_1, 0, &w};

                testing_ok(post_start(w.post, &job, &e), &e);
        }
        for (int i = 0; i < 3000 && done < 2; i++) {
                if (!post_wait(w.post, 100, &r))
                        continue;
                assert_non_null(strstr(r.answer.error, "oauth2: cannot get a token from http://"));
                assert_int_equal(r.answer.sent_bytes, 0);
                assert_int_equal(r.answer.status, 0);
                done++;
        }
        assert_int_equal(done, 2);
        assert_int_equal(post_flying(w.post), 0);
        assert_int_equal(testing_server_requests(w.server), 0);
        status = 200;
        send_one(&w, VIEW_LIT("abc"), 0, &r);
        assert_int_equal(r.answer.status, 200);
        world_release(&w);
        testing_server_stop(tokens);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(requests_in_flight_share_one_token),
            cmocka_unit_test(without_a_token_nothing_is_sent_and_the_reason_is_told),
            cmocka_unit_test(request_has_the_headers_of_the_protocol),
            cmocka_unit_test(request_of_2_has_its_headers),
            cmocka_unit_test(answer_is_kept_up_to_its_bound),
            cmocka_unit_test(timeout_tells_how_far_the_body_got),
            cmocka_unit_test(connection_closed_under_us_is_seen),
            cmocka_unit_test(body_goes_along_with_a_redirect_that_keeps_it),
            cmocka_unit_test(whole_body_is_counted_whatever_the_way),
            cmocka_unit_test(four_at_a_time),
            cmocka_unit_test(missing_secret_begins_nothing),
            cmocka_unit_test(strange_answers_are_understood),
            cmocka_unit_test(date_over_verified_tls_counts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
