#include "bench/tally.h"

#include "tests/testing/testing.h"

#include <stdbool.h>

enum { SAMPLES = 8, INTERVAL = 1000, STALE = -1 };

static const uint64_t STALE_MARKER = 0x7ff0000000000002;

static void
faults_are_told_apart(void **state)
{
        static const struct {
                const char *name;
                int times[SAMPLES]; /* 0 ends; STALE: a marker one interval after */
                unsigned missing;
                unsigned out_of_order;
                unsigned duplicates;
                unsigned too_late;
        } cases[] = {
            {"in order", {1000, 2000, 3000}, 0, 0, 0, 0},
            {"with some jitter", {1000, 2100, 2950, 4000}, 0, 0, 0, 0},
            {"a hole", {1000, 4000}, 2, 0, 0, 0},
            {"a hole that is filled", {1000, 4000, 3000, 2000}, 0, 2, 0, 0},
            {"twice", {1000, 2000, 2000, 1000}, 0, 0, 2, 0},
            {"filled twice", {1000, 3000, 2000, 2000}, 0, 1, 1, 0},
            {"a run that ended", {1000, STALE, 90000, 91000}, 0, 0, 0, 0},
            {"older than all that is remembered", {100000, 1000}, 0, 1, 0, 1},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct tally_counts *c;
                struct tally *t = NULL;
                int time = 0;

                print_message("%s\n", cases[i].name);
                testing_ok(tally_new(INTERVAL, 10, &t, NULL), NULL);
                for (size_t k = 0; k < SAMPLES && cases[i].times[k] != 0; k++) {
                        bool stale = cases[i].times[k] == STALE;

                        time = stale ? time + INTERVAL : cases[i].times[k];
                        tally_sample(t, 1, time, stale ? STALE_MARKER : k);
                }
                c = tally_read(t);
                assert_int_equal(c->missing, cases[i].missing);
                assert_int_equal(c->out_of_order, cases[i].out_of_order);
                assert_int_equal(c->duplicates, cases[i].duplicates);
                assert_int_equal(c->too_late, cases[i].too_late);
                assert_int_equal(c->series, 1);
                tally_free(t);
        }
}

static void
series_are_followed_up_to_the_bound(void **state)
{
        struct tally *t = NULL;

        (void)state;
        testing_ok(tally_new(INTERVAL, 5000, &t, NULL), NULL);
        for (uint64_t s = 1; s <= 6000; s++)
                tally_sample(t, s * 0x9e3779b97f4a7c15U, 1000, 0);
        for (uint64_t s = 1; s <= 5000; s++)
                tally_sample(t, s * 0x9e3779b97f4a7c15U, 3000, 0);
        assert_int_equal(tally_read(t)->series, 5000);
        assert_int_equal(tally_read(t)->series_beyond, 1000);
        assert_int_equal(tally_read(t)->missing, 5000);
        assert_int_equal(tally_read(t)->samples, 11000);
        tally_free(t);
}

static void
held_samples_are_those_of_before_the_mark(void **state)
{
        struct tally *t = NULL;

        (void)state;
        testing_ok(tally_new(INTERVAL, 10, &t, NULL), NULL);
        tally_sample(t, 1, 1000, 0);
        tally_mark(t, 3000);
        tally_sample(t, 1, 2000, 0);
        tally_sample(t, 1, 3000, 0);
        assert_int_equal(tally_read(t)->held, 1);
        assert_int_equal(tally_read(t)->oldest_ms, 1000);
        assert_int_equal(tally_read(t)->newest_ms, 3000);
        tally_free(t);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(faults_are_told_apart),
            cmocka_unit_test(series_are_followed_up_to_the_bound),
            cmocka_unit_test(held_samples_are_those_of_before_the_mark),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
