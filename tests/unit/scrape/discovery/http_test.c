#include "scrape/discovery/http.h"

#include "base/http.h"
#include "base/log.h"
#include "tests/testing/http_server.h"
#include "tests/unit/scrape/discovery/world.h"

#include <stdio.h>
#include <string.h>

/* ---- Content-Type ---- */

static const struct {
        const char *header;
        bool json;
} types[] = {
    {"application/json", true},
    {"  Application/JSON ", true},
    {"application/json; charset=utf-8", true},
    {"application/json;charset=\"UTF-8\"", true},
    {"application/json;", false},
    {"application/json; charset=latin1", false},
    {"application/json; charset=utf-8; a=b", false},
    {"application/json ; charset=utf-8", false},
    {"application/jsonp", false},
    {"text/html", false},
    {"", false},
};

static void
content_types(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
                if (http_source_is_json(view_of(types[i].header)) != types[i].json)
                        fail_msg("\"%s\"", types[i].header);
        }
}

/* ---- answers ---- */

struct answer {
        const char *name;
        int status;
        const char *headers;
        const char *body;
        const char *want; /* groups afterwards */
        bool good;
};

#define JSON "Content-Type: application/json\r\n"
#define FIRST "a:1,b:2{k=v,__meta_url=URL};"

/* One after the other: what is no good changes nothing. */
static const struct answer answers[] = {
    {"an error first", 500, JSON, "[]", "unknown", false},
    {"a list", 200, JSON,
        "[{\"targets\":[\"a:1\",\"b:2\"],\"labels\":{\"k\":\"v\",\"__meta_url\":\"x\"}}]", FIRST,
        true},
    {"an error", 503, JSON, "[]", FIRST, false},
    {"another status", 204, JSON, NULL, FIRST, false},
    {"another type", 200, "Content-Type: text/plain\r\n", "[]", FIRST, false},
    {"no type", 200, NULL, "[]", FIRST, false},
    {"garbage", 200, JSON, "[{\"targets\":[", FIRST, false},
    {"nothing", 200, JSON, "", FIRST, false},
    {"an unknown key", 200, JSON, "[{\"targets\":[],\"source\":1}]", FIRST, false},
    {"a null group", 200, JSON, "[null]", FIRST, false},
    {"the same list", 200, JSON,
        "[{\"targets\":[\"a:1\",\"b:2\"],\"labels\":{\"k\":\"v\",\"__meta_url\":\"x\"}}]", FIRST,
        true},
    {"two groups", 200, JSON, "[{\"targets\":[\"c\"]},{\"targets\":[\"d\"]}]",
        "c{__meta_url=URL};d{__meta_url=URL};", true},
    {"a shorter list", 200, JSON, "[{\"targets\":[\"d\"]}]", "d{__meta_url=URL};", true},
    {"an empty list", 200, JSON, "[]", "", true},
    {"null", 200, JSON, "null", "", true},
};

static char seen_interval[64];
static char seen_accept[64];
static char seen_agent[64];

static void
answer(void *arg, const struct testing_request *r, struct testing_reply *reply)
{
        const struct answer *const *now = arg;

        (void)testing_header(
            r, "X-Prometheus-Refresh-Interval-Seconds", seen_interval, sizeof(seen_interval));
        (void)testing_header(r, "Accept", seen_accept, sizeof(seen_accept));
        (void)testing_header(r, "User-Agent", seen_agent, sizeof(seen_agent));
        reply->status = (*now)->status;
        reply->headers = (*now)->headers;
        reply->body = (*now)->body;
}

struct world {
        struct testing_server *server;
        struct scrape_config *config;
        struct http_sd sd;
        struct source_net *net;
        struct source *source;
        const struct answer *now;
        int64_t ms;
};

static void
start(struct world *w, const char *url)
{
        const struct testing_server_options o = {.handler = answer, .arg = &w->now};
        struct source_input in;

        w->now = answers;
        w->server = testing_server_start(&o);
        w->config = world_config("j");
        w->sd = (struct http_sd){
            .url = url != NULL ? url : testing_server_url(w->server), .refresh_interval_ms = 30500};
        http_options_init(&w->sd.http);
        testing_ok(net_new(&w->net, NULL), NULL);
        in = (struct source_input){w->config, w->config->jobs, w->net};
        testing_ok(http_source_new(&in, &w->sd, &w->source, NULL), NULL);
}

static void
stop(struct world *w)
{
        w->source->class->free(w->source);
        net_free(w->net);
        scrape_config_unref(w->config);
        testing_server_stop(w->server);
}

/* One refresh from its tick to its end. */
static void
refresh(struct world *w)
{
        const struct source_class *class = w->source->class;

        w->ms = class->due(w->source);
        class->turn(w->source, w->ms);
        while (class->due(w->source) == INT64_MAX) {
                (void)curl_multi_poll(w->net->multi, NULL, 0, 1000, NULL);
                net_turn(w->net);
                class->turn(w->source, w->ms);
        }
}

static void
check_groups(const struct world *w, const struct answer *a)
{
        const char *got = world_groups(w->source, 0);
        char want[512] = "";
        const char *from = a->want;
        const char *url;

        while ((url = strstr(from, "URL")) != NULL) {
                (void)snprintf(want + strlen(want), sizeof(want) - strlen(want), "%.*s%s",
                    (int)(url - from), from, w->sd.url);
                from = url + 3;
        }
        (void)snprintf(want + strlen(want), sizeof(want) - strlen(want), "%s", from);
        if (strcmp(got, want) != 0)
                fail_msg("%s: want \"%s\", got \"%s\"", a->name, want, got);
}

static void
only_good_answers_change_the_groups(void **state)
{
        struct world w = {0};
        uint64_t bad = 0;

        (void)state;
        start(&w, NULL);
        assert_int_equal(w.source->class->slots(w.source), 1);
        for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
                w.now = &answers[i];
                refresh(&w);
                check_groups(&w, &answers[i]);
                bad += !answers[i].good;
                assert_int_equal(w.source->failures, bad);
                assert_int_equal(w.net->counters.http_failures, bad);
                assert_int_equal(w.source->refreshes, i + 1);
                if (answers[i].good)
                        assert_int_equal(w.source->confirmed_ms, w.ms);
        }
        assert_int_equal(w.source->generation, 5); /* the same list was no change */
        assert_int_equal(w.ms, 14 * 30500);
        assert_string_equal(seen_interval, "30.5");
        assert_string_equal(seen_accept, "application/json");
        assert_string_equal(seen_agent, http_user_agent());
        stop(&w);
}

static void
a_server_that_is_away_is_a_failure(void **state)
{
        struct world w = {0};

        (void)state;
        start(&w, "http://127.0.0.1:1/");
        refresh(&w);
        assert_string_equal(world_groups(w.source, 0), "unknown");
        assert_int_equal(w.source->failures, 1);
        stop(&w);
}

/* An answer over the bound must not be kept in memory. */
static void
an_answer_has_a_bound(void **state)
{
        static char body[(16 << 20) + 2];
        const struct answer huge = {"huge", 200, JSON, body, "unknown", false};
        struct world w = {0};

        (void)state;
        memset(body, ' ', sizeof(body) - 1);
        start(&w, NULL);
        w.now = &huge;
        refresh(&w);
        check_groups(&w, &huge);
        assert_int_equal(w.source->failures, 1);
        stop(&w);
}

static void
stops_in_the_middle_of_a_request(void **state)
{
        struct world w = {0};

        (void)state;
        start(&w, NULL);
        w.source->class->turn(w.source, 0);
        assert_true(w.source->class->due(w.source) == INT64_MAX);
        stop(&w);
}

/* ---- oauth2 ---- */

static char seen_authorization[64];

static void
need_token(void *arg, const struct testing_request *r, struct testing_reply *reply)
{
        unsigned *tokens = arg;

        reply->headers = JSON;
        if (strcmp(r->target, "/token") == 0) {
                (*tokens)++;
                reply->status = *tokens == 1 ? 500 : 200;
                reply->body = "{\"access_token\":\"t\",\"expires_in\":3600}";
                return;
        }
        (void)testing_header(r, "Authorization", seen_authorization, sizeof(seen_authorization));
        reply->status = 200;
        reply->body = "[]";
}

static void
a_token_is_asked_for_before_the_groups(void **state)
{
        unsigned tokens = 0;
        const struct testing_server_options o = {.handler = need_token, .arg = &tokens};
        struct http_oauth2_options oauth2 = {.client_id = "me"};
        struct http_options plain;
        struct world w = {.config = world_config("j")};
        char url[128];
        struct source_input in;

        (void)state;
        w.server = testing_server_start(&o);
        (void)snprintf(url, sizeof(url), "%s/token", testing_server_url(w.server));
        http_options_init(&plain);
        oauth2.token_url = url;
        oauth2.http = &plain;
        w.sd = (struct http_sd){.url = testing_server_url(w.server), .refresh_interval_ms = 30500};
        http_options_init(&w.sd.http);
        w.sd.http.oauth2 = &oauth2;
        testing_ok(net_new(&w.net, NULL), NULL);
        in = (struct source_input){w.config, w.config->jobs, w.net};
        testing_ok(http_source_new(&in, &w.sd, &w.source, NULL), NULL);
        refresh(&w); /* 500, and the same in the other way: 200 */
        assert_int_equal(tokens, 2);
        assert_int_equal(w.source->failures, 0);
        assert_string_equal(seen_authorization, "Bearer t");
        refresh(&w);
        assert_int_equal(tokens, 2);
        stop(&w);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(content_types),
            cmocka_unit_test(a_token_is_asked_for_before_the_groups),
            cmocka_unit_test(only_good_answers_change_the_groups),
            cmocka_unit_test(a_server_that_is_away_is_a_failure),
            cmocka_unit_test(an_answer_has_a_bound),
            cmocka_unit_test(stops_in_the_middle_of_a_request),
        };

        log_setup(LOG_ERROR, LOG_FORMAT_LOGFMT, NULL);
        testing_ok(http_setup(NULL), NULL);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
