#include "agent/httpd.h"

#include "agent/web.h"
#include "base/clock.h"
#include "tests/testing/testing.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
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
                httpd_reply_header(reply, "Retry-After", "7");
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

static int
connect_to(const char *address)
{
        const char *port = address != NULL ? strrchr(address, ':') : NULL;
        struct sockaddr_in to = {.sin_family = AF_INET};
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        if (port == NULL)
                return -1;
        to.sin_port = htons((uint16_t)strtoul(port + 1, NULL, 10));
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        assert_true(fd >= 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
        return fd;
}

static bool
is_answered(int fd)
{
        char bytes[9] = "";

        return recv(fd, bytes, 8, MSG_WAITALL) == 8 && strncmp(bytes, "HTTP/1.", 7) == 0;
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

static void
test_several_addresses(void **state)
{
        unsigned calls = 0;
        struct httpd *h = start("127.0.0.1:0,127.0.0.1:0", &calls);
        struct httpd_options o = {.listen_address = "127.0.0.1:0,nonsense", .handler = echo};
        struct httpd *other = NULL;
        struct err e = ERR_INIT;

        (void)state;
        for (size_t i = 0; i < 2; i++) {
                int fd = connect_to(httpd_address_at(h, i));

                assert_true(write(fd, "GET / HTTP/1.0\r\n\r\n", 18) == 18);
                assert_true(is_answered(fd));
                (void)close(fd);
        }
        assert_null(httpd_address_at(h, 2));
        assert_int_equal(calls, 2);
        assert_int_equal(httpd_start(&o, &other, &e), ERR_CONFIG);
        httpd_stop(h);
}

/* Clients that send half a request take all connections, and one that has a whole one comes. */
static void
test_half_requests_keep_nobody_out(void **state)
{
        enum { HALF = 4 };
        unsigned calls = 0;
        struct httpd_options o = {.listen_address = "127.0.0.1:0",
            .handler = echo,
            .arg = &calls,
            .max_reply = 1000,
            .max_connections = HALF};
        struct httpd *h = NULL;
        struct err e = ERR_INIT;
        int half[HALF];
        int fd;

        (void)state;
        testing_ok(httpd_start(&o, &h, &e), &e);
        for (int i = 0; i < HALF; i++) {
                half[i] = connect_to(httpd_address(h));
                assert_true(write(half[i], "GET / HTTP/1.1\r\nHost:", 21) == 21);
        }
        fd = connect_to(httpd_address(h));
        assert_true(write(fd, "GET / HTTP/1.0\r\n\r\n", 18) == 18);
        assert_true(is_answered(fd));
        assert_int_equal(calls, 1);
        (void)close(fd);
        for (int i = 0; i < HALF; i++)
                (void)close(half[i]);
        httpd_stop(h);
}

/* U*U is its password. */
static void
test_passwords(void **state)
{
        static const char text[] =
            "basic_auth_users: {a: $2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW}\n"
            "http_server_config: {headers: {X-Frame-Options: deny}}\n";
        static const struct {
                const char *header;
                long status;
        } cases[] = {
            {NULL, 401},
            {"Authorization: Basic YTp4", 401},
            {"Authorization: Basic YTpVKlU=", 200},
            {"Authorization: Basic YTpVKlU=", 200},
            {"Authorization: Basic YjpVKlU=", 401},
        };
        char *dir = testing_directory();
        unsigned calls = 0;
        struct httpd_options o = {.listen_address = "127.0.0.1:0",
            .handler = echo,
            .arg = &calls,
            .max_body = 1000,
            .max_reply = 1000};
        struct view body = VIEW_LIT("hello");
        struct httpd *h = NULL;
        struct err e = ERR_INIT;
        char path[512];

        (void)state;
        (void)snprintf(path, sizeof(path), "%s/web.yml", dir);
        testing_write(path, text, sizeof(text) - 1);
        testing_ok(web_open(path, clock_system(), &o.web, &e), &e);
        testing_ok(httpd_start(&o, &h, &e), &e);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct answer a = transfer(h, "/", cases[i].header, i % 2 == 0 ? &body : NULL);

                if (a.status != cases[i].status)
                        fail_msg("%zu: %ld", i, a.status);
                assert_non_null(strcasestr(a.head.ptr, "X-Frame-Options: deny\r\n"));
                assert_int_equal(
                    strcasestr(a.head.ptr, "WWW-Authenticate: Basic\r\n") != NULL, a.status == 401);
                release(&a);
        }
        assert_int_equal(calls, 2);
        httpd_stop(h);
        web_close(o.web);
        testing_remove(dir);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_requests),
            cmocka_unit_test(test_bodies_are_bounded),
            cmocka_unit_test(test_addresses),
            cmocka_unit_test(test_a_port_in_use),
            cmocka_unit_test(test_several_addresses),
            cmocka_unit_test(test_half_requests_keep_nobody_out),
            cmocka_unit_test(test_passwords),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
