/* Every row of the table of answers. */
#include "remotewrite/answer.h"

#include "tests/testing/testing.h"

#include <string.h>

#define PAGE "<html><head><title>503</title></head></html>"
#define THANOS_CONFLICT \
        "store locally for endpoint 10.0.0.1:10901: add 3 samples: out of order sample: conflict"

struct row {
        const char *name;
        CURLcode code;
        long status;
        const char *content_type;
        const char *body;
        const char *retry_after;
        bool ambiguous; /* before */
        bool drop_on_429;
        bool sent; /* all of the body, although no answer came */
        enum verdict want;
        bool want_ambiguous; /* afterwards */
        int64_t want_after_ms;
        uint64_t want_lost;
        enum wal_lost want_reason;
        const char *want_text; /* a part of the sentence */
};

static const struct row rows[] = {
    /* 2xx */
    {"200", .status = 200, .want = VERDICT_SETTLED},
    {"204", .status = 204, .want = VERDICT_SETTLED},
    {"2xx of an ambiguous one", .status = 204, .ambiguous = true, .want = VERDICT_SETTLED,
        .want_ambiguous = true},
    {"2xx with a text", .status = 200, .content_type = "text/plain", .body = "ok\n",
        .want = VERDICT_SETTLED},
    {"captive portal by its type", .status = 200, .content_type = "text/html; charset=utf-8",
        .body = "welcome", .want = VERDICT_HOLD, .want_text = "captive portal"},
    {"captive portal by its page", .status = 200, .body = "\n <!DOCTYPE HTML><html>",
        .want = VERDICT_HOLD, .want_text = "captive portal"},
    {"204 that names a type", .status = 204, .content_type = "text/html", .want = VERDICT_SETTLED},
    {"200 without a body, of a server that always names a type", .status = 200,
        .content_type = "text/html; charset=utf-8", .want = VERDICT_SETTLED},
    {"2xx whose body is cut", .code = CURLE_PARTIAL_FILE, .status = 200, .want = VERDICT_SETTLED},
    {"2xx whose body is too long", .code = CURLE_WRITE_ERROR, .status = 200,
        .want = VERDICT_SETTLED},

    /* retried for ever */
    {"500", .status = 500, .body = "oops\nmore", .want = VERDICT_RETRY, .want_ambiguous = true,
        .want_text = "HTTP status 500: oops"},
    {"502 with a page", .status = 502, .content_type = "text/html", .body = PAGE,
        .want = VERDICT_RETRY, .want_ambiguous = true, .want_text = "HTTP status 502"},
    {"503 with Retry-After", .status = 503, .retry_after = "7", .want = VERDICT_RETRY,
        .want_ambiguous = true, .want_after_ms = 7000},
    {"503 until a date", .status = 503, .retry_after = "Thu, 01 Jan 1970 00:00:09 GMT",
        .want = VERDICT_RETRY, .want_ambiguous = true, .want_after_ms = 9000},
    {"503 until a date that is over", .status = 503, .retry_after = "Wed, 31 Dec 1969 23:00:00 GMT",
        .want = VERDICT_RETRY, .want_ambiguous = true},
    {"503 until the end of time", .status = 503, .retry_after = "99999999999999999999",
        .want = VERDICT_RETRY, .want_ambiguous = true, .want_after_ms = 10 * 60 * 1000},
    {"504", .status = 504, .want = VERDICT_RETRY, .want_ambiguous = true},
    {"429 was not taken", .status = 429, .retry_after = "2", .want = VERDICT_RETRY,
        .want_after_ms = 2000},
    {"429 when the file says so", .status = 429, .drop_on_429 = true, .want = VERDICT_DROPPED,
        .want_reason = LOST_REFUSED},
    {"408", .status = 408, .want = VERDICT_RETRY},
    {"499 of nginx", .status = 499, .want = VERDICT_RETRY},
    {"a status that does not exist", .status = 999, .want = VERDICT_RETRY, .want_ambiguous = true},

    /* too large */
    {"413", .status = 413, .want = VERDICT_SPLIT, .want_reason = LOST_REFUSED},
    {"413 of nginx", .status = 413, .content_type = "text/html", .body = PAGE,
        .want = VERDICT_SPLIT, .want_reason = LOST_REFUSED},

    /* held */
    {"401", .status = 401, .want = VERDICT_HOLD, .want_text = "check basic_auth"},
    {"403", .status = 403, .want = VERDICT_HOLD, .want_text = "check basic_auth"},
    {"404", .status = 404, .want = VERDICT_HOLD, .want_text = "check the URL"},
    {"404 with a page", .status = 404, .content_type = "text/html", .body = PAGE,
        .want = VERDICT_HOLD},
    {"405", .status = 405, .want = VERDICT_HOLD},
    {"415 to a 1.0 request", .status = 415, .want = VERDICT_HOLD},
    {"301", .status = 301, .want = VERDICT_HOLD, .want_text = "https://other/"},
    {"308 not followed", .status = 308, .want = VERDICT_HOLD, .want_text = "https://other/"},
    {"302 that would lose the body", .code = CURLE_ABORTED_BY_CALLBACK, .status = 302,
        .want = VERDICT_HOLD, .want_text = "https://other/"},
    {"too many redirects", .code = CURLE_TOO_MANY_REDIRECTS, .status = 308, .want = VERDICT_HOLD},
    {"400 of nginx for a client certificate", .status = 400, .content_type = "text/html",
        .body = "<html><title>400 The SSL certificate error</title>", .want = VERDICT_HOLD,
        .want_text = "a proxy answered"},
    {"400 of a proxy, ambiguous", .status = 400, .body = PAGE, .ambiguous = true,
        .want = VERDICT_HOLD, .want_ambiguous = true},
    {"409 of a proxy", .status = 409, .body = PAGE, .want = VERDICT_HOLD},
    {"422 of a proxy", .status = 422, .body = PAGE, .want = VERDICT_HOLD},

    /* refused */
    {"400", .status = 400, .body = "out of order sample\n", .want = VERDICT_REFUSED,
        .want_reason = LOST_REFUSED, .want_text = "HTTP status 400: out of order sample"},
    {"422", .status = 422, .body = "invalid labels", .want = VERDICT_REFUSED,
        .want_reason = LOST_REFUSED},
    {"409 without counts", .status = 409, .body = "conflict", .want = VERDICT_REFUSED,
        .want_reason = LOST_CONFLICT},
    {"409 with Thanos's count", .status = 409, .body = THANOS_CONFLICT, .want = VERDICT_COUNTED,
        .want_lost = 3, .want_reason = LOST_CONFLICT, .want_text = "add 3 samples"},
    {"two kinds", .status = 409,
        .body = "2 errors: add 2 samples: out of bounds; add 4 samples: duplicate sample for "
                "timestamp",
        .want = VERDICT_COUNTED, .want_lost = 6, .want_reason = LOST_CONFLICT},
    {"three replicas say the same", .status = 409,
        .body =
            "3 errors: forwarding request to endpoint thanos-receive-0:10901: rpc error: code = "
            "AlreadyExists desc = store locally for endpoint thanos-receive-0:10901: add 7 "
            "samples: out of order sample; forwarding request to endpoint "
            "thanos-receive-1:10901: rpc error: code = AlreadyExists desc = store locally for "
            "endpoint thanos-receive-1:10901: add 7 samples: out of order sample; store locally "
            "for endpoint thanos-receive-2:10901: add 7 samples: out of order sample\n",
        .want = VERDICT_COUNTED, .want_lost = 7, .want_reason = LOST_CONFLICT},
    {"two kinds in each of two replicas", .status = 409,
        .body = "2 errors: forwarding request to endpoint a:10901: rpc error: code = AlreadyExists "
                "desc = 2 errors: add 2 samples: out of bounds; add 4 samples: too old sample; "
                "forwarding request to endpoint b:10901: rpc error: code = AlreadyExists desc = 2 "
                "errors: add 2 samples: out of bounds; add 3 samples: too old sample",
        .want = VERDICT_COUNTED, .want_lost = 6, .want_reason = LOST_CONFLICT},
    {"the shares of an endpoint are added", .status = 409,
        .body = "2 errors: store locally for endpoint a:10901: add 2 samples: out of order sample; "
                "store locally for endpoint a:10901: add 3 samples: out of order sample",
        .want = VERDICT_COUNTED, .want_lost = 5, .want_reason = LOST_CONFLICT},
    {"a ring of more endpoints than replicas", .status = 409,
        .body = "6 errors: store locally for endpoint a: add 3 samples: out of order sample; store "
                "locally for endpoint b: add 3 samples: out of order sample; store locally for "
                "endpoint c: add 3 samples: out of order sample; store locally for endpoint d: add "
                "3 samples: out of order sample; store locally for endpoint e: add 3 samples: out "
                "of order sample; store locally for endpoint f: add 4 samples: out of order sample",
        .want = VERDICT_COUNTED, .want_lost = 7, .want_reason = LOST_CONFLICT},
    {"a writer without an endpoint's name", .status = 409,
        .body = "2 errors: add 3 samples: duplicate sample for timestamp; forwarding request to "
                "endpoint b:10901: rpc error: code = AlreadyExists desc = writing team-a data to "
                "local TSDB: add 3 samples: duplicate sample for timestamp",
        .want = VERDICT_COUNTED, .want_lost = 3, .want_reason = LOST_CONFLICT},
    {"never more than were sent", .status = 409,
        .body = "store locally for endpoint a: add 4000 samples: out of order sample",
        .want = VERDICT_COUNTED, .want_lost = 100, .want_reason = LOST_CONFLICT},
    {"Thanos up to 0.30 does not count", .status = 409,
        .body = "2 errors: store locally for endpoint thanos-receive-0:10901: conflict; forwarding "
                "request to endpoint thanos-receive-1:10901: rpc error: code = AlreadyExists desc "
                "= store locally for endpoint thanos-receive-1:10901: conflict\n",
        .want = VERDICT_PARTLY, .want_lost = 1, .want_reason = LOST_CONFLICT,
        .want_text = "does not say how many"},
    {"replication over Cap'n Proto does not count", .status = 409,
        .body = "forwarding request to endpoint {a:10901 a:19391 }: rpc error: code = "
                "AlreadyExists desc = remote write: data already exists\n",
        .want = VERDICT_PARTLY, .want_lost = 1, .want_reason = LOST_CONFLICT},
    {"a repeat of that", .status = 409, .body = "store locally for endpoint a: conflict",
        .ambiguous = true, .want = VERDICT_UNCONFIRMED, .want_ambiguous = true,
        .want_reason = LOST_CONFLICT},
    {"no quorum of Thanos is tried again", .status = 503,
        .body = "2 errors: forwarding request to endpoint a:10901: rpc error: code = AlreadyExists "
                "desc = store locally for endpoint a:10901: conflict; backing off forward request "
                "for endpoint b:10901: target not available",
        .want = VERDICT_RETRY, .want_ambiguous = true},
    {"Prometheus: out of order", .status = 400, .body = "out of order sample\n",
        .want = VERDICT_REFUSED, .want_reason = LOST_REFUSED},
    {"Prometheus: duplicate", .status = 400,
        .body = "duplicate sample for timestamp 1700000000000; overrides not allowed: existing 1, "
                "new value 2\n",
        .want = VERDICT_REFUSED, .want_reason = LOST_REFUSED, .want_text = "duplicate sample"},
    {"Prometheus: too old", .status = 400, .body = "too old sample\n", .want = VERDICT_REFUSED,
        .want_reason = LOST_REFUSED},
    {"Prometheus: out of bounds", .status = 400, .body = "out of bounds\n", .want = VERDICT_REFUSED,
        .want_reason = LOST_REFUSED},
    {"VictoriaMetrics cannot read it", .status = 400,
        .body = "remoteAddr: \"127.0.0.1:40200\"; requestURI: /api/v1/write; cannot decompress "
                "request with length 7: snappy: corrupt input",
        .want = VERDICT_REFUSED, .want_reason = LOST_REFUSED},
    {"VictoriaMetrics has no room", .status = 503,
        .body = "remoteAddr: \"127.0.0.1:40200\"; requestURI: /api/v1/write; cannot handle more "
                "than 8 concurrent inserts during 1m0s",
        .want = VERDICT_RETRY, .want_ambiguous = true},
    {"the limiter of Thanos", .status = 429, .body = "tenant is above active series limit\n",
        .want = VERDICT_RETRY, .want_text = "above active series limit"},
    {"labels are counted in series", .status = 409,
        .body = "add 4 series: labels not sorted: conflict", .want = VERDICT_COUNTED,
        .want_lost = 8, .want_reason = LOST_CONFLICT},
    {"exemplars are not ours", .status = 409, .body = "add 4 exemplars: out of order exemplar",
        .want = VERDICT_REFUSED, .want_reason = LOST_CONFLICT},
    {"a number that never ends", .status = 409,
        .body = "add 99999999999999999999999999 samples: out of bounds", .want = VERDICT_REFUSED,
        .want_reason = LOST_CONFLICT},
    {"the text ends in the middle", .status = 409, .body = "add 12", .want = VERDICT_REFUSED,
        .want_reason = LOST_CONFLICT},
    {"400 of a repeat", .status = 400, .body = "out of order sample", .ambiguous = true,
        .want = VERDICT_REFUSED, .want_ambiguous = true, .want_reason = LOST_REFUSED},
    {"409 of a repeat, with counts", .status = 409, .body = THANOS_CONFLICT, .ambiguous = true,
        .want = VERDICT_UNCONFIRMED, .want_ambiguous = true, .want_reason = LOST_CONFLICT},
    {"422 of a repeat", .status = 422, .ambiguous = true, .want = VERDICT_REFUSED,
        .want_ambiguous = true, .want_reason = LOST_REFUSED},

    /* no answer at all */
    {"name not found", .code = CURLE_COULDNT_RESOLVE_HOST, .want = VERDICT_RETRY,
        .want_text = "check the host name"},
    {"refused connection", .code = CURLE_COULDNT_CONNECT, .want = VERDICT_RETRY},
    {"bad certificate", .code = CURLE_PEER_FAILED_VERIFICATION, .want = VERDICT_RETRY},
    {"status line without an end", .code = CURLE_OPERATION_TIMEDOUT, .status = 0,
        .want = VERDICT_RETRY},
    {"no URL", .code = CURLE_URL_MALFORMAT, .want = VERDICT_HOLD},
    {"another protocol", .code = CURLE_UNSUPPORTED_PROTOCOL, .want = VERDICT_HOLD},
    {"an answer that is not HTTP", .code = CURLE_UNSUPPORTED_PROTOCOL, .sent = true,
        .want = VERDICT_RETRY, .want_ambiguous = true},
};

static struct view
text_or_nothing(const char *s)
{
        return s != NULL ? view_of(s) : (struct view){NULL, 0};
}

static void
every_answer_has_its_row(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const struct row *r = &rows[i];
                const struct answer a = {
                    .code = r->code,
                    .error = "",
                    .status = r->status,
                    .content_type = text_or_nothing(r->content_type),
                    .retry_after = text_or_nothing(r->retry_after),
                    .location =
                        r->status / 100 == 3 ? VIEW_LIT("https://other/") : (struct view){NULL, 0},
                    .body = text_or_nothing(r->body),
                    .body_bytes = 1000,
                    .sent_bytes = r->status != 0 || r->sent ? 1000 : 0,
                };
                const struct answer_context c = {
                    .ambiguous = r->ambiguous,
                    .drop_on_429 = r->drop_on_429,
                    .samples = 100,
                    .series = 50,
                };
                struct judgement j;

                answer_judge(&a, &c, &j);
                if (j.verdict != r->want)
                        fail_msg("%s: %s, not %s", r->name, verdict_names[j.verdict],
                            verdict_names[r->want]);
                if (j.ambiguous != r->want_ambiguous || j.retry_after_ms != r->want_after_ms ||
                    j.lost != r->want_lost)
                        fail_msg("%s: ambiguous %d, after %lld, lost %llu", r->name, j.ambiguous,
                            (long long)j.retry_after_ms, (unsigned long long)j.lost);
                if (r->want_reason != 0 && j.reason != r->want_reason)
                        fail_msg("%s: reason %d", r->name, (int)j.reason);
                if (r->want_text != NULL && strstr(j.text, r->want_text) == NULL)
                        fail_msg("%s: \"%s\"", r->name, j.text);
                if ((j.text[0] == '\0') != (j.verdict == VERDICT_SETTLED))
                        fail_msg("%s: \"%s\"", r->name, j.text);
                if (strstr(j.text, "<html>") != NULL)
                        fail_msg("%s: a page in the sentence", r->name);
        }
}

/* What the specification of 2.0 adds to the table: of 100 samples. */
static void
a_receiver_of_2_says_what_it_wrote(void **state)
{
        static const struct {
                const char *name;
                long status;
                const char *written; /* NULL: it does not say */
                const char *body;
                bool knows_2;
                bool ambiguous;
                bool empty; /* a request without samples */
                enum verdict want;
                uint64_t lost;
                uint64_t unconfirmed;
                bool want_ambiguous;
        } cases[] = {
            {"all of it", 204, "100", .want = VERDICT_SETTLED},
            {"more than was sent", 200, "1000", .want = VERDICT_SETTLED},
            {"nothing is said: Thanos 0.41, Prometheus 2", 200, NULL, .want = VERDICT_OTHER_MESSAGE,
                .want_ambiguous = true},
            {"the same of one that knew 2.0", 200, NULL, .knows_2 = true,
                .want = VERDICT_OTHER_MESSAGE, .want_ambiguous = true},
            {"none", 204, "0", .want = VERDICT_OTHER_MESSAGE, .want_ambiguous = true},
            {"no number", 204, "all", .want = VERDICT_OTHER_MESSAGE, .want_ambiguous = true},
            {"less than none", 204, "-1", .want = VERDICT_OTHER_MESSAGE, .want_ambiguous = true},
            {"a number without end", 204, "99999999999999999999", .want = VERDICT_OTHER_MESSAGE,
                .want_ambiguous = true},
            {"a portal", 200, NULL, "<html>", .want = VERDICT_HOLD},
            {"some of it", 200, "98", .want = VERDICT_COUNTED, .lost = 2},
            {"some of a repeat", 200, "98", .ambiguous = true, .want = VERDICT_COUNTED,
                .unconfirmed = 2, .want_ambiguous = true},
            {"no samples, nothing said", 204, NULL, .empty = true, .want = VERDICT_SETTLED},
            {"no samples, none written", 204, "0", .empty = true, .want = VERDICT_SETTLED},
            {"415", 415, NULL, .want = VERDICT_OTHER_MESSAGE},
            {"415 of one that knew 2.0", 415, NULL, .knows_2 = true, .want = VERDICT_OTHER_MESSAGE},
            {"415 to no samples", 415, NULL, .empty = true, .want = VERDICT_OTHER_MESSAGE},
            {"400 that says nothing", 400, NULL, "cannot parse", .want = VERDICT_OTHER_MESSAGE},
            {"400 of a proxy", 400, NULL, "<html>", .want = VERDICT_HOLD},
            {"400 that says nothing, of one that knew 2.0", 400, NULL, "bad", .knows_2 = true,
                .want = VERDICT_REFUSED},
            {"400, none written", 400, "0", "bad", .want = VERDICT_REFUSED},
            {"400, some written", 400, "97", "out of order sample", .want = VERDICT_COUNTED,
                .lost = 3},
            {"400 to a repeat, some written", 400, "50", "out of order sample", .ambiguous = true,
                .want = VERDICT_COUNTED, .unconfirmed = 50, .want_ambiguous = true},
            {"400, all written", 400, "100", "exemplars", .want = VERDICT_REFUSED},
            {"409 with Thanos's count", 409, NULL, THANOS_CONFLICT, .want = VERDICT_COUNTED,
                .lost = 3},
            {"500, some written", 500, "50", "oops", .want = VERDICT_RETRY, .want_ambiguous = true},
            {"404", 404, NULL, .want = VERDICT_HOLD},
            {"413", 413, NULL, .want = VERDICT_SPLIT},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct answer a = {.error = "",
                    .status = cases[i].status,
                    .written = text_or_nothing(cases[i].written),
                    .body = text_or_nothing(cases[i].body),
                    .body_bytes = 1000,
                    .sent_bytes = 1000};
                const struct answer_context c = {.ambiguous = cases[i].ambiguous,
                    .message = WRITE_2,
                    .knows_2 = cases[i].knows_2,
                    .samples = cases[i].empty ? 0 : 100,
                    .series = cases[i].empty ? 0 : 50};
                struct judgement j;
                bool number = cases[i].written != NULL && strlen(cases[i].written) < 18 &&
                    strspn(cases[i].written, "0123456789") == strlen(cases[i].written);

                answer_judge(&a, &c, &j);
                if (j.verdict != cases[i].want || j.lost != cases[i].lost ||
                    j.unconfirmed != cases[i].unconfirmed || j.ambiguous != cases[i].want_ambiguous)
                        fail_msg("%s: %s, lost %llu, unconfirmed %llu, ambiguous %d", cases[i].name,
                            verdict_names[j.verdict], (unsigned long long)j.lost,
                            (unsigned long long)j.unconfirmed, j.ambiguous);
                if (j.knows_2 != number)
                        fail_msg("%s: knows 2.0: %d", cases[i].name, j.knows_2);
                if ((j.text[0] == '\0') != (j.verdict == VERDICT_SETTLED))
                        fail_msg("%s: \"%s\"", cases[i].name, j.text);
        }
}

static void
failures_of_the_connection_depend_on_what_was_sent(void **state)
{
        static const struct {
                const char *name;
                CURLcode code;
                uint64_t sent; /* of 1,000 */
                bool reused;
                bool at_once;
                enum verdict want;
                bool want_ambiguous;
                bool want_shrink;
        } cases[] = {
            {"time ran out before the body", CURLE_OPERATION_TIMEDOUT, 0, false, false,
                VERDICT_RETRY, false, false},
            {"time ran out in the body", CURLE_OPERATION_TIMEDOUT, 500, false, false, VERDICT_RETRY,
                false, true},
            {"time ran out after the body", CURLE_OPERATION_TIMEDOUT, 1000, false, false,
                VERDICT_RETRY, true, false},
            {"reset on a new connection", CURLE_RECV_ERROR, 1000, false, false, VERDICT_RETRY, true,
                false},
            {"reset in the body", CURLE_SEND_ERROR, 200, false, false, VERDICT_RETRY, false, false},
            {"stale keep-alive", CURLE_SEND_ERROR, 0, true, false, VERDICT_RETRY_AT_ONCE, false,
                false},
            {"stale keep-alive, whole body gone", CURLE_GOT_NOTHING, 1000, true, false,
                VERDICT_RETRY_AT_ONCE, true, false},
            {"stale twice is a failure", CURLE_SEND_ERROR, 0, true, true, VERDICT_RETRY, false,
                false},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct answer a = {.code = cases[i].code,
                    .error = "text",
                    .reused = cases[i].reused,
                    .body_bytes = 1000,
                    .sent_bytes = cases[i].sent};
                const struct answer_context c = {.again_at_once = cases[i].at_once, .samples = 1};
                struct judgement j;

                answer_judge(&a, &c, &j);
                if (j.verdict != cases[i].want || j.ambiguous != cases[i].want_ambiguous ||
                    j.shrink != cases[i].want_shrink)
                        fail_msg("%s: %s, ambiguous %d, shrink %d", cases[i].name,
                            verdict_names[j.verdict], j.ambiguous, j.shrink);
        }
}

static void
what_libcurl_sent_twice_is_ambiguous(void **state)
{
        const struct answer a = {.status = 409, .body = VIEW_LIT("conflict"), .resent = true};
        const struct answer_context c = {.samples = 1, .series = 1};
        struct judgement j;

        (void)state;
        answer_judge(&a, &c, &j);
        assert_int_equal(j.verdict, VERDICT_UNCONFIRMED);
}

static void
success_needs_the_whole_body(void **state)
{
        static const struct {
                const char *body;
                uint64_t sent; /* of 1,000 */
                enum verdict want;
        } cases[] = {
            {"", 1000, VERDICT_SETTLED},
            {"", 999, VERDICT_RETRY},
            {"<html>", 999, VERDICT_HOLD},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct answer a = {.status = 200,
                    .body = view_of(cases[i].body),
                    .body_bytes = 1000,
                    .sent_bytes = cases[i].sent};
                const struct answer_context c = {.samples = 1, .series = 1};
                struct judgement j;

                answer_judge(&a, &c, &j);
                assert_int_equal(j.verdict, cases[i].want);
                assert_false(j.ambiguous);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_answer_has_its_row),
            cmocka_unit_test(a_receiver_of_2_says_what_it_wrote),
            cmocka_unit_test(failures_of_the_connection_depend_on_what_was_sent),
            cmocka_unit_test(success_needs_the_whole_body),
            cmocka_unit_test(what_libcurl_sent_twice_is_ambiguous),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
