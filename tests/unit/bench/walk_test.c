#include "bench/walk.h"

#include "base/labels.h"
#include "remotewrite/encode.h"
#include "tests/testing/testing.h"

#include <stdlib.h>
#include <string.h>

struct seen {
        uint64_t series[8];
        int64_t times[8];
        uint64_t bits[8];
        size_t n;
        size_t metadata;
};

static void
on_sample(void *arg, uint64_t series, int64_t time_ms, uint64_t bits)
{
        struct seen *s = arg;

        s->series[s->n] = series;
        s->times[s->n] = time_ms;
        s->bits[s->n++] = bits;
}

static void
on_metadata(void *arg)
{
        struct seen *s = arg;

        s->metadata++;
}

static void
append_series(struct buf *out, const char *job, const struct encode_sample *samples, size_t n)
{
        const struct label labels[] = {
            {VIEW_LIT("__name__"), VIEW_LIT("up")},
            {VIEW_LIT("job"), view_of(job)},
        };
        struct buf encoded = BUF_INIT(1024);

        testing_ok(encode_labels(labels, 2, &encoded, NULL), NULL);
        testing_ok(encode_series(buf_view(&encoded), samples, n, out, NULL), NULL);
        buf_release(&encoded);
}

static void
samples_come_with_the_hash_of_their_series(void **state)
{
        static const struct encode_sample two[] = {{1000, 7}, {-5, 0}};
        static const char metadata[] = {0x1a, 0x02, 0x08, 0x01};
        struct buf body = BUF_INIT(4096);
        struct seen seen = {.n = 0};
        const struct walk_sink sink = {on_sample, on_metadata, &seen};

        (void)state;
        append_series(&body, "a", two, 2);
        append_series(&body, "b", two, 1);
        append_series(&body, "a", two, 1);
        testing_ok(buf_append(&body, metadata, sizeof(metadata), NULL), NULL);
        testing_ok(walk_request(buf_view(&body), &sink, NULL), NULL);
        assert_int_equal(seen.n, 4);
        assert_int_equal(seen.metadata, 1);
        assert_true(seen.series[0] == seen.series[1] && seen.series[0] == seen.series[3]);
        assert_true(seen.series[0] != seen.series[2]);
        assert_int_equal(seen.times[0], 1000);
        assert_int_equal(seen.bits[0], 7);
        assert_int_equal(seen.times[1], -5);
        buf_release(&body);
}

/* A body cut anywhere is either a shorter one or refused; nothing behind it is read. */
static void
damaged_bodies_are_refused(void **state)
{
        static const struct encode_sample one[] = {{1000, 7}};
        struct buf body = BUF_INIT(4096);
        size_t refused = 0;

        (void)state;
        append_series(&body, "a", one, 1);
        for (size_t n = 0; n < body.len; n++) {
                struct seen seen = {.n = 0};
                const struct walk_sink sink = {on_sample, on_metadata, &seen};
                char *cut = malloc(n + 1);

                memcpy(cut, body.ptr, n);
                refused += walk_request((struct view){cut, n}, &sink, NULL) == ERR_PARSE;
                free(cut);
        }
        assert_int_equal(refused, body.len - 1);
        buf_release(&body);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(samples_come_with_the_hash_of_their_series),
            cmocka_unit_test(damaged_bodies_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
