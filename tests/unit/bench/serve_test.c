#include "bench/serve.h"

#include "tests/testing/testing.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER_MAX = 1 << 20, PIECES = 3 };

static const uint32_t LOOPBACK = 0x7f000001;

struct fixture {
        pid_t server;
        uint16_t port;
};

/* ---- the server, in a process of its own: it lives until a signal ---- */

/* PIECES pieces of one byte, then the end. */
static size_t
produce(void *arg, char *p, size_t cap)
{
        unsigned *left = arg;

        assert_true(cap > 0);
        if (*left == 0)
                return 0;
        p[0] = (char)('0' + (*left)--);
        return 1;
}

/* Says what it was asked. */
static void
handle(void *arg, const struct serve_request *r, struct serve_answer *a)
{
        struct view x = serve_header(r, "x-test");

        (void)arg;
        if (view_is(r->path, "/pieces")) {
                a->arg = malloc(sizeof(unsigned));
                *(unsigned *)a->arg = PIECES;
                a->produce = produce;
                a->release = free;
                return;
        }
        a->headers = "X-Answer: yes\r\n";
        a->status = view_is(r->path, "/empty") ? 204 : 200;
        if (a->status == 200)
                testing_ok(buf_printf(&a->body, NULL, "%u %.*s %.*s %.*s %.*s;", r->listener,
                               (int)r->method.n, r->method.p, (int)r->path.n, r->path.p, (int)x.n,
                               x.p, (int)r->body.n, r->body.p),
                    NULL);
}

static uint16_t
free_port(void)
{
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(LOOPBACK)};
        socklen_t n = sizeof(a);
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
        (void)close(fd);
        return ntohs(a.sin_port);
}

/* Says on `ready` when it listens. */
static int
run_server(uint16_t port, int ready)
{
        struct serve *s = NULL;
        int rc = serve_new(handle, NULL, &s, NULL);

        if (rc == 0)
                rc = serve_listen(s, LOOPBACK, port, 7, NULL);
        if (rc == 0 && write(ready, "", 1) == 1)
                rc = serve_run(s, NULL);
        serve_free(s);
        return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
set_up(void **state)
{
        static struct fixture f;
        int pipe_ends[2];
        char ready;

        f.port = free_port();
        assert_int_equal(pipe(pipe_ends), 0);
        f.server = fork();
        assert_true(f.server >= 0);
        if (f.server == 0)
                _exit(run_server(f.port, pipe_ends[1]));
        (void)close(pipe_ends[1]);
        assert_int_equal(read(pipe_ends[0], &ready, 1), 1);
        (void)close(pipe_ends[0]);
        *state = &f;
        return 0;
}

static int
tear_down(void **state)
{
        struct fixture *f = *state;
        int status = 1;

        assert_int_equal(kill(f->server, SIGTERM), 0);
        assert_int_equal(waitpid(f->server, &status, 0), f->server);
        assert_int_equal(status, 0); /* it ended as it should */
        return 0;
}

/* ---- the client ---- */

static int
dial(const struct fixture *f)
{
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(LOOPBACK)};
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        a.sin_port = htons(f->port);
        assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
        return fd;
}

static void
say(int fd, const char *text)
{
        assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Reads until `end` has come; with NULL until the server closes. */
static const char *
hear(int fd, const char *end)
{
        static char text[ANSWER_MAX];
        size_t n = 0;

        text[0] = '\0';
        while (end == NULL || strstr(text, end) == NULL) {
                ssize_t got = recv(fd, text + n, sizeof(text) - 1 - n, 0);

                if (got <= 0 && end == NULL)
                        return text;
                if (got <= 0)
                        fail_msg("the server closed after \"%s\"", text);
                n += (size_t)got;
                text[n] = '\0';
        }
        return text;
}

static void
requests_are_answered(void **state)
{
        static const struct {
                const char *name;
                const char *pieces[3]; /* sent one after the other */
                const char *want; /* how the answer ends */
        } cases[] = {
            {"a get", {"GET /a HTTP/1.1\r\nX-Test: x\r\n\r\n"}, "7 GET /a x ;"},
            {"a post", {"POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi"}, "7 POST /a  hi;"},
            {"in pieces", {"POST /a HT", "TP/1.1\r\ncontent-length: 2\r\n\r", "\nhi"},
                "7 POST /a  hi;"},
            {"two at once", {"GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n"}, "7 GET /b  ;"},
            {"no body", {"GET /empty HTTP/1.1\r\n\r\n"}, "204 No Content\r\nX-Answer: yes\r\n\r\n"},
            {"piece by piece", {"GET /pieces HTTP/1.1\r\n\r\n"},
                "3\r\n000001\r\n2\r\n000001\r\n1\r\n0\r\n\r\n"},
            {"asks before it sends",
                {"POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"},
                "100 Continue\r\n\r\n"},
        };
        const struct fixture *f = *state;
        int kept = dial(f); /* all but the last over one connection */

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                for (size_t k = 0; k < 3 && cases[i].pieces[k] != NULL; k++)
                        say(kept, cases[i].pieces[k]);
                (void)hear(kept, cases[i].want);
        }
        (void)close(kept);
}

static void
connections_end_when_they_should(void **state)
{
        static const struct {
                const char *name;
                const char *request;
                const char *want; /* all that comes */
        } cases[] = {
            {"asked for", "GET /empty HTTP/1.1\r\nConnection: close\r\n\r\n",
                "HTTP/1.1 204 No Content\r\nX-Answer: yes\r\n\r\n"},
            {"no request line", "hello\r\n\r\n", ""},
            {"chunked", "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", ""},
            {"too large", "POST /a HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n", ""},
        };
        const struct fixture *f = *state;

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                int fd = dial(f);

                say(fd, cases[i].request);
                assert_string_equal(hear(fd, NULL), cases[i].want);
                (void)close(fd);
        }
}

static void
a_port_that_is_taken_is_an_error(void **state)
{
        const struct fixture *f = *state;
        struct serve *s = NULL;
        struct err e = ERR_INIT;

        testing_ok(serve_new(handle, NULL, &s, &e), &e);
        assert_int_equal(serve_listen(s, LOOPBACK, f->port, 0, &e), ERR_SYS);
        serve_free(s);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(requests_are_answered),
            cmocka_unit_test(connections_end_when_they_should),
            cmocka_unit_test(a_port_that_is_taken_is_an_error),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
