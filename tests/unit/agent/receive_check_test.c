#include "agent/receive_check.h"

#include "base/compress.h"
#include "remotewrite/encode.h"
#include "tests/testing/testing.h"
#include "wal/column.h"

#include <stdio.h>
#include <string.h>

enum { NOW = 1763911234 };
static const int64_t now_ms = INT64_C(1000) * NOW;
static struct receive_result result; /* of the last request */

/* Appends a series of this name with samples at these seconds before now (value 1). */
static void
put_series(struct buf *raw, const char *name, const int *seconds_ago, size_t n)
{
        struct label l = {VIEW_LIT("__name__"), view_of(name)};
        struct encode_sample samples[8];
        struct buf labels = BUF_INIT(1000);

        for (size_t i = 0; i < n; i++)
                samples[i] = (struct encode_sample){
                    now_ms - 1000 * (int64_t)seconds_ago[i], UINT64_C(0x3ff0000000000000)};
        testing_ok(encode_labels(&l, 1, &labels, NULL), NULL);
        testing_ok(encode_series(buf_view(&labels), samples, n, raw, NULL), NULL);
        buf_release(&labels);
}

/* A request as it should be, around this message. */
static unsigned
send_raw(struct receive_book *b, const struct buf *raw, const char *tenant, struct err *e)
{
        struct buf packed = BUF_INIT((size_t)128 << 20);
        struct receive_request r = {.content_encoding = "snappy",
            .content_type = "application/x-protobuf",
            .version = "0.1.0",
            .user_agent = "test/1",
            .tenant = tenant,
            .now_ms = now_ms};
        unsigned status;

        testing_ok(snappy_pack(buf_view(raw), &packed, NULL), NULL);
        r.body = buf_view(&packed);
        status = receive_check(b, &r, &result, e);
        buf_release(&packed);
        return status;
}

static unsigned
send_one(struct receive_book *b, const char *name, const int *seconds_ago, size_t n)
{
        struct buf raw = BUF_INIT(1 << 16);
        struct err e = ERR_INIT;
        unsigned status;

        put_series(&raw, name, seconds_ago, n);
        status = send_raw(b, &raw, NULL, &e);
        assert_int_equal(status == 204, e.code == ERR_NONE);
        buf_release(&raw);
        return status;
}

static void
test_headers(void **state)
{
        static const struct {
                const char *name;
                const char *headers[4]; /* encoding, type, version, user agent */
                unsigned want;
                const char *words;
        } cases[] = {
            {"sound", {"snappy", "application/x-protobuf", "0.1.0", "x/1"}, 204, ""},
            {"with the message's name",
                {"snappy", "application/x-protobuf;proto=prometheus.WriteRequest", "0.1.0", "x/1"},
                204, ""},
            {"no encoding", {NULL, "application/x-protobuf", "0.1.0", "x/1"}, 415,
                "Content-Encoding"},
            {"gzip", {"gzip", "application/x-protobuf", "0.1.0", "x/1"}, 415,
                "Content-Encoding is \"gzip\""},
            {"steering a terminal", {"\033[2J\xff", "application/x-protobuf", "0.1.0", "x/1"}, 415,
                "Content-Encoding is \"?[2J?\""},
            {"no type", {"snappy", NULL, "0.1.0", "x/1"}, 415, "Content-Type"},
            {"json", {"snappy", "application/json", "0.1.0", "x/1"}, 415, "application/json"},
            {"longer type", {"snappy", "application/x-protobuffer", "0.1.0", "x/1"}, 415,
                "Content-Type"},
            {"2.0",
                {"snappy", "application/x-protobuf;proto=io.prometheus.write.v2.Request", "2.0.0",
                    "x/1"},
                204, ""},
            {"2.0's type with 1.0's version",
                {"snappy", "application/x-protobuf;proto=io.prometheus.write.v2.Request", "0.1.0",
                    "x/1"},
                400, "want \"2.0.0\""},
            {"a message that nobody knows",
                {"snappy", "application/x-protobuf;proto=io.prometheus.write.v3.Request", "3.0.0",
                    "x/1"},
                415, "v3"},
            {"no version", {"snappy", "application/x-protobuf", NULL, "x/1"}, 400,
                "Remote-Write-Version"},
            {"another version", {"snappy", "application/x-protobuf", "2.0.0", "x/1"}, 400, "2.0.0"},
            {"no user agent", {"snappy", "application/x-protobuf", "0.1.0", NULL}, 400,
                "User-Agent"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct receive_request r = {.content_encoding = cases[i].headers[0],
                    .content_type = cases[i].headers[1],
                    .version = cases[i].headers[2],
                    .user_agent = cases[i].headers[3],
                    .body = VIEW_LIT("\0"), /* snappy for nothing: an empty WriteRequest */
                    .now_ms = now_ms};
                struct receive_book *b = NULL;
                struct err e = ERR_INIT;
                unsigned got;

                testing_ok(receive_book_new(&b, &e), &e);
                got = receive_check(b, &r, &result, &e);
                if (got != cases[i].want || strstr(e.msg, cases[i].words) == NULL)
                        fail_msg("%s: %u (%s)", cases[i].name, got, e.msg);
                assert_int_equal(receive_totals(b)->faults, got != 204);
                assert_int_equal(receive_totals(b)->refused, got != 204);
                assert_int_equal(receive_totals(b)->requests, 1);
                receive_book_free(b);
        }
        receive_book_free(NULL);
}

static void
test_order_across_requests(void **state)
{
        struct receive_book *b = NULL;
        const struct receive_totals *t;

        (void)state;
        testing_ok(receive_book_new(&b, NULL), NULL);
        t = receive_totals(b);
        assert_int_equal(send_one(b, "a", (const int[]){30, 15}, 2), 204);
        assert_int_equal(t->samples, 2);
        assert_int_equal(t->newest_ms, now_ms - 15000);
        /* the last sample once more is no fault; the two together are, as they are to Prometheus */
        assert_int_equal(send_one(b, "a", (const int[]){15}, 1), 204);
        assert_int_equal(t->repeated, 1);
        assert_int_equal(send_one(b, "a", (const int[]){30, 15}, 2), 400);
        assert_non_null(strstr(t->last_fault, "older than the last one of its series: a{}"));
        assert_int_equal(send_one(b, "a", (const int[]){15, 0}, 2), 204);
        assert_int_equal(t->samples, 3);
        assert_int_equal(t->repeated, 2);
        assert_int_equal(send_one(b, "a", (const int[]){5}, 1), 400);
        /* another series is another matter */
        assert_int_equal(send_one(b, "b", (const int[]){60}, 1), 204);
        assert_int_equal(t->series, 2);
        assert_int_equal(t->samples, 4);
        assert_int_equal(t->faults, 2);
        assert_int_equal(t->refused, 2);
        receive_book_free(b);
}

static void
test_faults_of_samples(void **state)
{
        struct receive_book *b = NULL;
        struct buf raw = BUF_INIT(1 << 16);
        struct label l = {VIEW_LIT("__name__"), VIEW_LIT("a")};
        struct encode_sample s = {now_ms, 5};
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(receive_book_new(&b, NULL), NULL);
        assert_int_equal(send_one(b, "a", (const int[]){0}, 1), 204);
        testing_ok(encode_labels(&l, 1, &raw, NULL), NULL);
        {
                struct buf labels = BUF_INIT(100);

                testing_ok(buf_append(&labels, raw.ptr, raw.len, NULL), NULL);
                buf_reset(&raw);
                testing_ok(encode_series(buf_view(&labels), &s, 1, &raw, NULL), NULL);
                buf_release(&labels);
        }
        assert_int_equal(send_raw(b, &raw, NULL, &e), 400);
        assert_non_null(strstr(e.msg, "two values of a series at one time"));
        assert_int_equal(send_one(b, "c", (const int[]){-590}, 1), 204);
        assert_int_equal(send_one(b, "c", (const int[]){-610}, 1), 400);
        assert_non_null(strstr(receive_totals(b)->last_fault, "in the future"));
        receive_book_free(b);
        buf_release(&raw);
}

static int
count_sound(void *arg, const struct decode_series *s, struct err *e)
{
        (void)e;
        assert_null(s->fault);
        *(unsigned *)arg += 1;
        return 0;
}

/* One bad series of three: the others are taken, the answer is 400 and names the first fault. */
static void
test_sound_series_are_kept(void **state)
{
        struct receive_book *b = NULL;
        struct buf raw = BUF_INIT(1 << 16);
        struct buf packed = BUF_INIT(1 << 16);
        struct err e = ERR_INIT;
        unsigned sound = 0;
        struct receive_request r = {"snappy", "application/x-protobuf", "0.1.0", "x/1", "t",
            {NULL, 0}, now_ms, count_sound, &sound};

        (void)state;
        testing_ok(receive_book_new(&b, NULL), NULL);
        put_series(&raw, "a", (const int[]){1}, 1);
        put_series(&raw, "", (const int[]){1}, 1);
        put_series(&raw, "b", (const int[]){1, 2}, 2);
        put_series(&raw, "c", (const int[]){2, 1}, 2);
        testing_ok(snappy_pack(buf_view(&raw), &packed, NULL), NULL);
        r.body = buf_view(&packed);
        assert_int_equal(receive_check(b, &r, &result, &e), 400);
        assert_non_null(strstr(e.msg, "label without a value"));
        assert_int_equal(sound, 2);
        assert_int_equal(receive_totals(b)->samples, 3);
        assert_int_equal(receive_totals(b)->time_series, 4);
        assert_int_equal(receive_totals(b)->faults, 2);
        assert_int_equal(receive_totals(b)->refused, 1);
        assert_int_equal(receive_totals(b)->bytes, packed.len);
        assert_int_equal(receive_totals(b)->bytes_raw, raw.len);
        receive_book_free(b);
        buf_release(&raw);
        buf_release(&packed);
}

/* The answer to a 2.0 request says what was taken, whatever the status. */
static void
test_written_samples(void **state)
{
        static const char raw[] = "\x22\x00\x22\x08__name__\x22\x01\x61\x22\x01\x62"
                                  "\x2a\x08\x0a\x02\x01\x02\x12\x02\x10\x05"
                                  "\x2a\x08\x0a\x02\x01\x09\x12\x02\x10\x05"
                                  "\x2a\x0c\x0a\x02\x01\x03\x12\x02\x10\x05\x12\x02\x10\x06";
        struct receive_book *b = NULL;
        struct buf packed = BUF_INIT(1 << 16);
        struct err e = ERR_INIT;
        struct receive_request r = {"snappy",
            "application/x-protobuf;proto=io.prometheus.write.v2.Request", "2.0.0", "x/1", NULL,
            {NULL, 0}, now_ms, NULL, NULL};

        (void)state;
        testing_ok(receive_book_new(&b, NULL), NULL);
        testing_ok(snappy_pack((struct view){raw, sizeof(raw) - 1}, &packed, NULL), NULL);
        r.body = buf_view(&packed);
        assert_int_equal(receive_check(b, &r, &result, &e), 400);
        assert_non_null(strstr(e.msg, "reference to a symbol that is not there"));
        assert_true(result.says_written);
        assert_int_equal(result.written, 3);
        assert_int_equal(receive_totals(b)->requests_2, 1);
        assert_int_equal(send_one(b, "c", (const int[]){1}, 1), 204);
        assert_false(result.says_written);
        assert_int_equal(receive_totals(b)->requests_2, 1);
        receive_book_free(b);
        buf_release(&packed);
}

static void
test_damaged_bodies(void **state)
{
        static const struct {
                const char *name;
                struct view body;
                unsigned want;
        } cases[] = {
            {"no snappy", {"hello", 5}, 400},
            {"no message", {"\x02\x04\x0a\xff", 4}, 400},
            {"too large", {"\x80\x80\x80\x80\x01", 5}, 413},
            {"empty", {"", 0}, 400},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct receive_book *b = NULL;
                struct err e = ERR_INIT;
                struct receive_request r = {"snappy", "application/x-protobuf", "0.1.0", "x/1",
                    NULL, cases[i].body, now_ms, NULL, NULL};
                unsigned got;

                testing_ok(receive_book_new(&b, NULL), NULL);
                got = receive_check(b, &r, &result, &e);
                if (got != cases[i].want)
                        fail_msg("%s: %u", cases[i].name, got);
                assert_string_equal(receive_totals(b)->last_fault, e.msg);
                receive_book_free(b);
        }
}

static void
test_tenants_are_bounded(void **state)
{
        struct receive_book *b = NULL;
        struct buf raw = BUF_INIT(1 << 16);
        const struct receive_totals *t;
        char name[200];

        (void)state;
        testing_ok(receive_book_new(&b, NULL), NULL);
        t = receive_totals(b);
        put_series(&raw, "a", (const int[]){1}, 1);
        for (unsigned i = 0; i < 20; i++) {
                struct err e = ERR_INIT;

                (void)snprintf(name, sizeof(name), "tenant-%u", i);
                assert_int_equal(send_raw(b, &raw, name, &e), 204);
        }
        assert_int_equal(t->n_tenants, RECEIVE_TENANTS);
        assert_string_equal(t->tenants[0].name, "tenant-0");
        assert_string_equal(t->tenants[RECEIVE_TENANTS - 1].name, "(others)");
        assert_int_equal(t->tenants[RECEIVE_TENANTS - 1].requests, 5);
        /* the same series of different tenants is not the same, whoever is counted apart */
        assert_int_equal(t->samples, 20);
        assert_int_equal(t->repeated, 0);
        assert_int_equal(t->series, 20);
        receive_book_free(b);
        buf_release(&raw);
}

/* Many series: the table grows, and beyond its bound series are counted but not remembered. */
static void
test_series_are_bounded(void **state)
{
        enum { PER_REQUEST = 65536 };
        struct receive_book *b = NULL;
        struct buf raw = BUF_INIT((size_t)64 << 20);
        const struct receive_totals *t;
        unsigned sent = 0;

        (void)state;
        testing_ok(receive_book_new(&b, NULL), NULL);
        t = receive_totals(b);
        while (sent < RECEIVE_MAX_SERIES + PER_REQUEST) {
                struct err e = ERR_INIT;

                buf_reset(&raw);
                for (unsigned i = 0; i < PER_REQUEST; i++, sent++) {
                        char name[32];

                        (void)snprintf(name, sizeof(name), "series_%u", sent);
                        put_series(&raw, name, (const int[]){1}, 1);
                }
                assert_int_equal(send_raw(b, &raw, NULL, &e), 204);
        }
        assert_int_equal(t->series, RECEIVE_MAX_SERIES);
        assert_int_equal(t->series_beyond, PER_REQUEST);
        assert_int_equal(t->samples, sent);
        assert_int_equal(send_one(b, "series_0", (const int[]){2}, 1), 400);
        receive_book_free(b);
        buf_release(&raw);
}

static void
test_turned_away(void **state)
{
        struct receive_book *b = NULL;
        struct receive_request r = {.body = VIEW_LIT("\x05xxxx"), .now_ms = now_ms};

        (void)state;
        testing_ok(receive_book_new(&b, NULL), NULL);
        receive_turn_away(b, &r);
        assert_int_equal(receive_totals(b)->requests, 1);
        assert_int_equal(receive_totals(b)->turned_away, 1);
        assert_int_equal(receive_totals(b)->faults, 0);
        receive_book_free(b);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_headers),
            cmocka_unit_test(test_order_across_requests),
            cmocka_unit_test(test_faults_of_samples),
            cmocka_unit_test(test_sound_series_are_kept),
            cmocka_unit_test(test_written_samples),
            cmocka_unit_test(test_damaged_bodies),
            cmocka_unit_test(test_tenants_are_bounded),
            cmocka_unit_test(test_series_are_bounded),
            cmocka_unit_test(test_turned_away),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
