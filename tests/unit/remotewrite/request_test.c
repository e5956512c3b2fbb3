#include "remotewrite/request.h"

#include "base/memory.h"
#include "remotewrite/decode.h"
#include "tests/testing/testing.h"

#include <stdio.h>
#include <string.h>

static const struct builder_bounds wide = {900000, 20000, WRITE_1};

/* Adds {__name__="<name>", object="<object>"} with n samples. */
static void
add(struct builder *b, unsigned name, unsigned object, size_t n)
{
        char names[2][32];
        struct label labels[2] = {{VIEW_LIT("__name__"), {0}}, {VIEW_LIT("object"), {0}}};
        struct buf encoded = BUF_INIT(65536);
        struct encode_sample samples[64];
        struct identity_result id = {
            .kept = true, .object = object, .kin = (uint64_t)name << 32 | object};

        (void)snprintf(names[0], sizeof(names[0]), "metric_%u", name);
        (void)snprintf(names[1], sizeof(names[1]), "o%u", object);
        labels[0].value = view_of(names[0]);
        labels[1].value = view_of(names[1]);
        for (size_t i = 0; i < n; i++)
                samples[i] = (struct encode_sample){1000 + (int64_t)i, i};
        testing_ok(encode_labels(labels, 1, &encoded, NULL), NULL);
        id.name_bytes = encoded.len;
        testing_ok(encode_labels(labels + 1, 1, &encoded, NULL), NULL);
        id.labels = buf_view(&encoded);
        testing_ok(builder_add(b, &id, samples, n, NULL), NULL);
        buf_release(&encoded);
}

/* The series of a request as "name/object name/object …". */
static int
list_series(void *arg, const struct decode_series *s, struct err *e)
{
        struct buf *text = arg;

        assert_null(s->fault);
        return buf_printf(text, e, "%.*s/%.*s ", (int)s->labels[0].value.n - 7,
            s->labels[0].value.p + 7, (int)s->labels[1].value.n, s->labels[1].value.p);
}

static struct request *
finish(struct builder *b)
{
        struct request *r = NULL;
        struct err e = ERR_INIT;

        testing_ok(builder_finish(b, &r, &e), &e);
        return r;
}

static void
objects_stand_together_and_are_sorted(void **state)
{
        struct builder *b = NULL;
        struct request *r;
        struct buf text = BUF_INIT(65536);

        (void)state;
        testing_ok(builder_new(&b, NULL), NULL);
        builder_begin(b, &wide);
        assert_true(builder_empty(b));
        for (unsigned name = 0; name < 3; name++) {
                for (unsigned object = 0; object < 3; object++)
                        add(b, name, 2 - object, 2);
        }
        builder_group_end(b);
        r = finish(b);
        testing_ok(decode_request(r->parts->body, WRITE_1, list_series, &text, NULL), NULL);
        testing_ok(buf_putc(&text, '\0', NULL), NULL);
        assert_string_equal(text.ptr, "0/o0 1/o0 2/o0 0/o1 1/o1 2/o1 0/o2 1/o2 2/o2 ");
        assert_null(r->parts->next);
        assert_ptr_equal(r->parts->request, r);
        assert_int_equal(r->parts->samples, 18);
        assert_int_equal(r->parts->series, 9);
        assert_int_equal(r->parts->oldest_ms, 1000);
        assert_int_equal(r->parts->newest_ms, 1001);
        request_free(r);
        buf_release(&text);
        builder_free(b);
}

static void
bounds_make_it_full(void **state)
{
        struct builder *b = NULL;
        struct request *r;
        unsigned n = 0;

        (void)state;
        testing_ok(builder_new(&b, NULL), NULL);
        builder_begin(b, &(struct builder_bounds){900000, 10, WRITE_1});
        for (; !builder_full(b); n++)
                add(b, 0, n, 2);
        assert_int_equal(n, 5); /* samples */
        r = finish(b);
        request_free(r);

        builder_begin(b, &(struct builder_bounds){UINT64_MAX / 2, 1 << 30, WRITE_1});
        for (n = 0; !builder_full(b); n++)
                add(b, 0, n, 64);
        assert_in_range(n, REQUEST_RAW_BYTES / 1400, REQUEST_RAW_BYTES / 800); /* raw bytes */
        r = finish(b);
        assert_in_range(r->parts->raw_bytes, REQUEST_RAW_BYTES - (10 << 10), REQUEST_RAW_BYTES);
        request_free(r);

        /* compressed bytes make parts: where a request ends does not depend on the link */
        for (uint64_t bytes = 2000; bytes < 900000; bytes *= 8) {
                unsigned parts = 0;

                builder_begin(b, &(struct builder_bounds){bytes, 5000, WRITE_1});
                for (n = 0; !builder_full(b); n++)
                        add(b, 0, n, 2);
                assert_int_equal(n, 2500);
                r = finish(b);
                for (const struct part *p = r->parts; p != NULL; p = p->next) {
                        assert_true(p->body.n <= bytes);
                        parts++;
                }
                assert_true(bytes > 100000 ? parts == 1 : bytes > 10000 || parts > 5);
                request_free(r);
        }
        builder_free(b);
}

/* The ceiling is one: seven samples of a series do not go on top of five of another. */
static void
samples_of_a_request_stay_under_the_ceiling(void **state)
{
        static const struct {
                const char *name;
                size_t per_series;
                uint64_t ceiling;
                unsigned want; /* series */
        } cases[] = {
            {"it divides", 2, 10, 5},
            {"it does not divide", 8, 50, 6},
            {"as large as a series", 8, 8, 1},
            {"one sample each", 1, 3, 3},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct builder *b = NULL;
                unsigned n = 0;

                testing_ok(builder_new(&b, NULL), NULL);
                builder_begin(b, &(struct builder_bounds){900000, cases[i].ceiling, WRITE_1});
                while (!builder_full(b) && builder_takes(b, cases[i].per_series) > 0)
                        add(b, 0, n++, cases[i].per_series);
                if (n != cases[i].want)
                        fail_msg("%s: %u series", cases[i].name, n);
                request_free(finish(b));
                builder_free(b);
        }
}

static void
series_over_the_ceiling_is_taken_in_pieces(void **state)
{
        struct builder *b = NULL;

        (void)state;
        testing_ok(builder_new(&b, NULL), NULL);
        builder_begin(b, &(struct builder_bounds){900000, 10, WRITE_1});
        assert_int_equal(builder_takes(b, 25), 10);
        add(b, 0, 0, 10);
        assert_true(builder_full(b));
        request_free(finish(b));
        builder_begin(b, &(struct builder_bounds){900000, 10, WRITE_1});
        assert_int_equal(builder_takes(b, 5), 5); /* its end, and there is room for others */
        add(b, 0, 0, 5);
        assert_false(builder_full(b));
        assert_int_equal(builder_takes(b, 25), 0);
        assert_true(builder_full(b));
        request_free(finish(b));
        builder_free(b);
}

static void
what_is_settled_has_its_place_but_is_not_sent(void **state)
{
        struct builder *b = NULL;
        struct request *r;

        (void)state;
        testing_ok(builder_new(&b, NULL), NULL);
        builder_begin(b, &(struct builder_bounds){900000, 20, WRITE_1});
        for (unsigned i = 0; i < 7; i++)
                add(b, i % 2, 10 - i, 2);
        builder_count(b, &(struct wal_ledger){.filtered = 3});
        builder_group_end(b);
        builder_forget(b);
        assert_true(builder_empty(b));
        assert_int_equal(builder_takes(b, 7), 0);
        assert_int_equal(builder_takes(b, 2), 2);
        for (unsigned i = 0; i < 3; i++)
                add(b, i, i, 2);
        assert_true(builder_full(b));
        r = finish(b);
        assert_int_equal(r->parts->series, 3);
        assert_int_equal(r->parts->samples, 6);
        assert_int_equal(r->groups, 0);
        assert_int_equal(r->tail, 6);
        assert_int_equal(r->counts.filtered, 0);
        request_free(r);
        builder_begin(b, &wide); /* nothing of it stays */
        add(b, 0, 0, 2);
        r = finish(b);
        assert_int_equal(r->parts->series, 1);
        request_free(r);
        builder_free(b);
}

static void
groups_are_accounted_to_the_request_they_end_in(void **state)
{
        struct builder *b = NULL;
        struct request *r;
        const struct wal_ledger out = {.filtered = 3, .lost = {[LOST_DAMAGED] = 4}};

        (void)state;
        testing_ok(builder_new(&b, NULL), NULL);
        builder_begin(b, &wide);
        add(b, 0, 0, 2); /* the first group ends here */
        builder_count(b, &out);
        builder_group_end(b);
        add(b, 1, 0, 5); /* the second does not */
        r = finish(b);
        assert_int_equal(r->groups, 1);
        assert_int_equal(r->tail, 5);
        assert_int_equal(r->counts.filtered, 3);
        assert_int_equal(r->counts.lost[LOST_DAMAGED], 4);
        request_free(r);

        builder_begin(b, &wide);
        add(b, 2, 0, 7);
        r = finish(b); /* in the middle of the second group */
        assert_int_equal(r->groups, 0);
        assert_int_equal(r->tail, 7);
        request_free(r);

        builder_begin(b, &wide);
        builder_count(b, &out);
        r = finish(b); /* what is left out of a group that goes on waits with it */
        assert_int_equal(r->tail, 7);
        request_free(r);

        builder_begin(b, &wide);
        builder_group_end(b);
        builder_count(b, &out); /* a group without anything to send */
        builder_group_end(b);
        r = finish(b);
        assert_int_equal(r->groups, 2);
        assert_int_equal(r->tail, 0);
        assert_null(r->parts);
        request_free(r);
        builder_free(b);
}

static void
memory_goes_back(void **state)
{
        int64_t before = memory_of(MEMORY_SEND);
        struct builder *b = NULL;

        (void)state;
        testing_ok(builder_new(&b, NULL), NULL);
        builder_begin(b, &wide);
        for (unsigned i = 0; i < 3000; i++)
                add(b, 0, i, 2);
        request_free(finish(b));
        builder_reset(b);
        assert_true(memory_of(MEMORY_SEND) - before < 2000);
        builder_begin(b, &wide); /* and it may be used again */
        add(b, 0, 0, 1);
        request_free(finish(b));
        builder_free(b);
        assert_int_equal(memory_of(MEMORY_SEND), before);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(objects_stand_together_and_are_sorted),
            cmocka_unit_test(bounds_make_it_full),
            cmocka_unit_test(samples_of_a_request_stay_under_the_ceiling),
            cmocka_unit_test(series_over_the_ceiling_is_taken_in_pieces),
            cmocka_unit_test(what_is_settled_has_its_place_but_is_not_sent),
            cmocka_unit_test(groups_are_accounted_to_the_request_they_end_in),
            cmocka_unit_test(memory_goes_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
