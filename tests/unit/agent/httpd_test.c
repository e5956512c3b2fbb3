#include "agent/httpd.h"

#include "tests/testing/testing.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* What one transfer brought. */
struct answer {
        long status;
        struct buf head;
        struct buf body;
};

static size_t
collect(char *p, size_t size, size_t n, void *out)
{
        return buf_append(out, p, size * n, NULL) == 0 ? n : 0;
}

static void
release(struct answer *a)
{
        buf_release(&a->head);
        buf_release(&a->body);
}

/* GET, or POST when body is not NULL; `header` may be NULL. */
static struct answer
transfer(const struct httpd *h, const char *target, const char *header, const struct view *body)
{
        struct answer a = {.head = BUF_INIT(1 << 16), .body = BUF_INIT(1 << 24)};
        struct curl_slist *headers = header != NULL ? curl_slist_append(NULL, header) : NULL;
        CURL *easy = curl_easy_init();
        char url[1024];

        assert_non_null(easy);
        (void)snprintf(url, sizeof(url), "http://%s%s", httpd_address(h), target);
        curl_easy_setopt(easy, CURLOPT_URL, url);
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, collect);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, &a.body);
        curl_easy_setopt(easy, CURLOPT_HEADERDATA, &a.head);
        if (body != NULL) {
                curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)body->n);
                curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body->p);
        }
        assert_int_equal(curl_easy_perform(easy), CURLE_OK);
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &a.status);
        testing_ok(buf_putc(&a.head, '\0', NULL), NULL);
        testing_ok(buf_putc(&a.body, '\0', NULL), NULL);
        curl_easy_cleanup(easy);
        curl_slist_free_all(headers);
        return a;
}

static void
echo(void *arg, const struct httpd_request *r, struct httpd_reply *reply)
{
        const char *header = httpd_header(r, "x-color");
        const char *argument = httpd_argument(r, "q");

        *(unsigned *)arg += 1;
        (void)buf_printf(&reply->body, NULL, "%s %s header=%s q=%s body=%zu", r->method, r->path,
            header != NULL ? header : "-", argument != NULL ? argument : "-", r->body.n);
        if (strcmp(r->path, "/missing") == 0)
                reply->status = 404;
        if (strcmp(r->path, "/none") == 0) {
                reply->status = 204;
                buf_reset(&reply->body);
        }
        if (strcmp(r->path, "/json") == 0) {
                reply->content_type = "application/json";
                reply->header = "Retry-After";
                reply->header_value = "7";
        }
        if (r->body.n > 0)
                (void)buf_append(&reply->body, r->body.p, r->body.n, NULL);
}

static struct httpd *
start(const char *address, unsigned *calls)
{
        struct httpd_options o = {.listen_address = address,
            .handler = echo,
            .arg = calls,
            .max_body = 100000,
            .max_reply = 200000};
        struct httpd *h = NULL;
        struct err e = ERR_INIT;

        testing_ok(httpd_start(&o, &h, &e), &e);
        return h;
}

static void
test_requests(void **state)
{
        static const struct {
                const char *target;
                const char *header;
                long status;
                const char *want;
        } cases[] = {
            {"/", NULL, 200, "GET / header=- q=- body=0"},
            {"/a%20b?q=1%262&z=3", NULL, 200, "GET /a b header=- q=1&2 body=0"},
            {"/", "X-Color: blue", 200, "GET / header=blue q=- body=0"},
            {"/missing", NULL, 404, "GET /missing header=- q=- body=0"},
            {"/none", NULL, 204, ""},
            {"/json", NULL, 200, "GET /json header=- q=- body=0"},
        };
        unsigned calls = 0;
        struct httpd *h = start("127.0.0.1:0", &calls);

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct answer a = transfer(h, cases[i].target, cases[i].header, NULL);
                bool json = strcmp(cases[i].target, "/json") == 0;

                assert_int_equal(a.status, cases[i].status);
                assert_string_equal(a.body.ptr, cases[i].want);
                assert_int_equal(strcasestr(a.head.ptr, "Retry-After: 7\r\n") != NULL, json);
                assert_int_equal(
                    strcasestr(a.head.ptr, "Content-Type: application/json\r\n") != NULL, json);
                assert_non_null(strcasestr(a.head.ptr, "nosniff"));
                release(&a);
        }
        assert_int_equal(calls, sizeof(cases) / sizeof(cases[0]));
        httpd_stop(h);
        httpd_stop(NULL);
}

static void
test_bodies_are_bounded(void **state)
{
        static char bytes[100001];
        unsigned calls = 0;
        struct httpd *h = start("127.0.0.1:0", &calls);
        struct view body = {bytes, sizeof(bytes)};
        struct answer a;

        (void)state;
        memset(bytes, 'x', sizeof(bytes));
        a = transfer(h, "/", NULL, &body);
        assert_int_equal(a.status, 413);
        assert_int_equal(calls, 0);
        release(&a);
        body.n--;
        a = transfer(h, "/", NULL, &body);
        assert_int_equal(a.status, 200);
        assert_memory_equal(a.body.ptr, "POST / header=- q=- body=100000xxx", 34);
        release(&a);
        httpd_stop(h);
}

static void
test_addresses(void **state)
{
        static const struct {
                const char *address;
                int want;
                const char *prefix; /* of what is listened on */
        } cases[] = {
            {"127.0.0.1:0", 0, "127.0.0.1:"}, {"localhost:0", 0, ""}, {"[::1]:0", 0, "[::1]:"},
            {"127.0.0.1", ERR_CONFIG, NULL}, {"127.0.0.1:", ERR_CONFIG, NULL},
            {"127.0.0.1:http", ERR_CONFIG, NULL}, {"127.0.0.1:70000", ERR_CONFIG, NULL},
            {"127.0.0.1:1234567890", ERR_CONFIG, NULL}, {"no such host:0", ERR_CONFIG, NULL},
            {"192.0.2.1:0", ERR_SYS, NULL}, /* not ours */
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct httpd_options o = {
                    .listen_address = cases[i].address, .handler = echo, .max_reply = 100};
                struct httpd *h = NULL;
                struct err e = ERR_INIT;
                int rc = httpd_start(&o, &h, &e);

                if (strcmp(cases[i].address, "[::1]:0") == 0 && rc == ERR_SYS)
                        continue; /* a machine without IPv6 */
                if (strcmp(cases[i].address, "localhost:0") == 0 && access("/etc/hosts", R_OK) != 0)
                        continue; /* a bare chroot: nobody knows the name */
                if (rc != cases[i].want)
                        fail_msg("%s: %d (%s)", cases[i].address, rc, e.msg);
                if (rc == 0)
                        assert_int_equal(
                            strncmp(httpd_address(h), cases[i].prefix, strlen(cases[i].prefix)), 0);
                httpd_stop(h);
        }
}

static void
test_a_port_in_use(void **state)
{
        unsigned calls = 0;
        struct httpd *h = start("127.0.0.1:0", &calls);
        struct httpd_options o = {.listen_address = httpd_address(h), .handler = echo};
        struct httpd *other = NULL;
        struct err e = ERR_INIT;

        (void)state;
        assert_int_equal(httpd_start(&o, &other, &e), ERR_SYS);
        assert_non_null(strstr(e.msg, httpd_address(h)));
        httpd_stop(h);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_requests),
            cmocka_unit_test(test_bodies_are_bounded),
            cmocka_unit_test(test_addresses),
            cmocka_unit_test(test_a_port_in_use),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
