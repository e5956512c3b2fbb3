#include "scrape/discovery/ask.h"

#include "base/clock.h"
#include "scrape/discovery/feed.h"
#include "scrape/discovery/providers.h"
#include "tests/unit/scrape/discovery/world.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LONG_MS = 60000, SHORT_MS = 50 };

static void
nothing_to_ask(void **state)
{
        struct scrape_config *c = world_config("j");
        struct providers p = {0};

        (void)state;
        testing_ok(providers_set(&p, c, 0, NULL), NULL);
        discovery_ask(&p, LONG_MS); /* would wait a minute */
        assert_int_equal(p.n_feeds, 0);
        providers_release(&p);
        scrape_config_unref(c);
}

/* A socket that listens, so that connections are made, and never answers; or one that does not. */
static int
listen_on(bool answers, char url[64])
{
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t n = sizeof(a);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&a, n), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
        if (answers)
                assert_int_equal(listen(fd, 8), 0);
        (void)snprintf(url, 64, "http://127.0.0.1:%d/", ntohs(a.sin_port));
        return fd;
}

static const struct {
        const char *name;
        bool listens;
        int64_t timeout_ms;
        uint64_t want_failures;
} cases[] = {
    {"a connection refused is an answer", false, LONG_MS, 1},
    {"silence ends with the time", true, SHORT_MS, 0},
};

static void
ends(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct scrape_config *c = world_config("j");
                char url[64];
                int fd = listen_on(cases[i].listens, url);
                struct http_sd sd = {.url = url, .refresh_interval_ms = LONG_MS};
                struct providers p = {0};
                struct feed_view view;

                print_message("%s\n", cases[i].name);
                http_options_init(&sd.http);
                c->jobs[0].http_sds = &sd;
                c->jobs[0].n_http_sds = 1;
                testing_ok(providers_set(&p, c, clock_mono(clock_system()), NULL), NULL);
                discovery_ask(&p, cases[i].timeout_ms);
                feed_show(p.feeds[0], &view);
                assert_false(view.known);
                assert_int_equal(view.failures, cases[i].want_failures);
                providers_release(&p);
                scrape_config_unref(c);
                (void)close(fd);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(nothing_to_ask),
            cmocka_unit_test(ends),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
