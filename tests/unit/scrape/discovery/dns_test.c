#include "scrape/discovery/dns.h"

#include "base/dns.h"
#include "base/log.h"
#include "tests/testing/dns_server.h"
#include "tests/unit/scrape/discovery/world.h"

#include <curl/curl.h>
#include <poll.h>
#include <string.h>

#define RECORD(type, size) "\xc0\x0c\0" type "\0\1\0\0\0\5\0" size
#define A_1 RECORD("\1", "\4") "\x7f\0\0\1"
#define A_2 RECORD("\1", "\4") "\x7f\0\0\2"
#define V(text) text, sizeof(text) - 1

struct world {
        struct testing_dns *server;
        struct scrape_config *config;
        struct source_net *net;
        struct source *source;
        struct dns_sd sd;
        int64_t ms;
};

static const char *names[] = {"one.test.", "two.test."};

static void
start(struct world *w, enum dns_type type, const struct testing_dns_row *rows)
{
        struct source_input in;

        w->server = testing_dns_start(rows);
        w->config = world_config("j");
        w->config->dns_servers = testing_dns_address(w->server);
        w->sd = (struct dns_sd){
            .names = names, .n_names = 2, .type = type, .port = 80, .refresh_interval_ms = 30000};
        testing_ok(net_new(&w->net, NULL), NULL);
        in = (struct source_input){w->config, w->config->jobs, w->net};
        testing_ok(dns_source_new(&in, &w->sd, &w->source, NULL), NULL);
        assert_int_equal(w->source->class->slots(w->source), 2);
}

static void
stop(struct world *w)
{
        w->source->class->free(w->source);
        net_free(w->net);
        scrape_config_unref(w->config);
        testing_dns_stop(w->server);
}

/* One refresh from its tick to its end. */
static void
refresh(struct world *w)
{
        const struct source_class *class = w->source->class;
        struct curl_waitfd fds[SOURCE_MAX_FDS];
        struct pollfd wait[SOURCE_MAX_FDS];

        w->ms = class->due(w->source);
        class->turn(w->source, w->ms);
        while (class->due(w->source) < w->ms + 30000) {
                size_t n = class->fds(w->source, fds);

                for (size_t i = 0; i < n; i++)
                        wait[i] = (struct pollfd){.fd = fds[i].fd, .events = POLLIN};
                testing_dns_turn(w->server);
                (void)poll(wait, n, 10);
                class->turn(w->source, w->ms);
        }
        assert_int_equal(class->fds(w->source, fds), 0);
}

static const struct {
        enum dns_type type;
        const char *records;
        unsigned n;
        const char *want;
} kinds[] = {
    {DNS_A, V(A_1), "127.0.0.1:80{__meta_dns_name=one.test.};"},
    {DNS_AAAA, V(RECORD("\x1c", "\x10") "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"),
        "[::1]:80{__meta_dns_name=one.test.};"},
    {DNS_SRV, V(RECORD("\x21", "\x0a") "\0\1\0\2\x23\x8c\1b\xc0\x10"),
        "b.test:9100{__meta_dns_name=one.test.,__meta_dns_srv_record_target=b.test.,"
        "__meta_dns_srv_record_port=9100};"},
    {DNS_MX, V(RECORD("\x0f", "\6") "\0\5\1m\xc0\x10"),
        "m.test:80{__meta_dns_name=one.test.,__meta_dns_mx_record_target=m.test.};"},
    {DNS_NS, V(RECORD("\2", "\4") "\1n\xc0\x10"),
        "n.test:80{__meta_dns_name=one.test.,__meta_dns_ns_record_target=n.test.};"},
};

static void
labels_of_records(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
                const struct testing_dns_row rows[] = {
                    {"one.test", kinds[i].type, 0, 1, kinds[i].records, kinds[i].n},
                    {NULL, 0, 0, 0, NULL, 0}};
                struct world w = {0};

                start(&w, kinds[i].type, rows);
                refresh(&w);
                assert_string_equal(world_groups(w.source, 0), kinds[i].want);
                assert_string_equal(world_groups(w.source, 1), "");
                stop(&w);
        }
}

/* Each name by itself: a failure changes nothing, no such name and no records empty it. */
static void
names_fail_one_by_one(void **state)
{
        static const struct testing_dns_row good[] = {{"one.test", DNS_A, 0, 1, V(A_1)},
            {"two.test", DNS_A, 0, 1, V(A_2)}, {NULL, 0, 0, 0, NULL, 0}};
        static const struct testing_dns_row bad[] = {{"one.test", DNS_A, 2, 0, V("")},
            {"two.test", DNS_A, 0, 2, V(A_2 A_1)}, {NULL, 0, 0, 0, NULL, 0}};
        static const struct testing_dns_row turned[] = {{"one.test", DNS_A, 0, 0, V("")},
            {"two.test", DNS_A, 0, 2, V(A_1 A_2)}, {NULL, 0, 0, 0, NULL, 0}};
        struct world w = {0};
        uint64_t generation;

        (void)state;
        start(&w, DNS_A, bad);
        refresh(&w);
        assert_string_equal(world_groups(w.source, 0), "unknown");
        testing_dns_say(w.server, good);
        refresh(&w);
        assert_string_equal(world_groups(w.source, 0), "127.0.0.1:80{__meta_dns_name=one.test.};");
        assert_string_equal(world_groups(w.source, 1), "127.0.0.2:80{__meta_dns_name=two.test.};");
        assert_int_equal(w.source->confirmed_ms, 30000);
        testing_dns_say(w.server, bad);
        refresh(&w);
        assert_string_equal(world_groups(w.source, 0), "127.0.0.1:80{__meta_dns_name=one.test.};");
        assert_int_equal(w.source->confirmed_ms, 30000); /* the oldest name's */
        generation = w.source->generation;
        testing_dns_say(w.server, turned);
        refresh(&w);
        assert_string_equal(world_groups(w.source, 0), "");
        assert_int_equal(w.source->generation, generation + 1); /* another order is no change */
        assert_int_equal(w.source->failures, 2);
        assert_int_equal(w.net->counters.dns_lookups, 8);
        assert_int_equal(w.net->counters.dns_lookup_failures, 2);
        stop(&w);
}

static void
stops_in_the_middle(void **state)
{
        static const struct testing_dns_row none[] = {{NULL, 0, 0, 0, NULL, 0}};
        struct world w = {0};

        (void)state;
        start(&w, DNS_A, none);
        w.source->class->turn(w.source, 0);
        stop(&w);
}

static void
no_resolver(void **state)
{
        static const struct testing_dns_row none[] = {{NULL, 0, 0, 0, NULL, 0}};
        struct world w = {0};

        (void)state;
        start(&w, DNS_A, none);
        w.config->dns_servers = "nonsense";
        w.source->class->turn(w.source, 0);
        assert_int_equal(w.source->class->due(w.source), 30000);
        assert_int_equal(w.net->counters.dns_lookup_failures, 2);
        stop(&w);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(labels_of_records),
            cmocka_unit_test(names_fail_one_by_one),
            cmocka_unit_test(stops_in_the_middle),
            cmocka_unit_test(no_resolver),
        };

        log_setup(LOG_ERROR, LOG_FORMAT_LOGFMT, NULL);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
