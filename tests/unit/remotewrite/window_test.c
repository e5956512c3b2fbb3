#include "remotewrite/window.h"

#include "tests/unit/remotewrite/fake_wal.h"

static const int64_t start = INT64_C(1700000000000);
static const struct window_bounds all = {1, 0, INT64_MAX, INT64_MAX};

/* A scrape of a chunk with values that do not compress, and a block of its own. */
static void
put(struct wal *w, uint64_t chunk, int64_t time_ms, unsigned slots)
{
        static uint64_t column[CHUNK_SLOTS];
        const struct fake_scrape s = {
            .chunk = chunk, .time_ms = time_ms, .column = column, .slots = slots};

        for (unsigned i = 0; i < slots; i++)
                column[i] = i + 1;
        fake_scrape(w, &s);
        fake_block_end(w);
}

static const struct window_info *
fill(struct window *win, const struct window_bounds *b)
{
        struct err e = ERR_INIT;

        testing_ok(window_fill(win, b, &e), &e);
        return window_info(win);
}

static void
groups_are_in_order_of_first_appearance(void **state)
{
        static const uint64_t chunks[] = {7, 3, 7, 9, 3, 7};
        struct wal *w = fake_wal_new();
        struct window *win = NULL;
        const struct window_info *info;
        const struct window_group *g;

        (void)state;
        testing_ok(window_new(w, &win, NULL), NULL);
        for (size_t i = 0; i < 6; i++)
                put(w, chunks[i], start + (int64_t)i, 5);
        info = fill(win, &all);
        assert_int_equal(info->groups, 3);
        assert_int_equal(info->records, 6);
        assert_int_equal(info->samples, 30);
        assert_int_equal(info->first, 1);
        assert_int_equal(info->end, 7);
        assert_true(info->at_end);
        assert_int_equal(info->oldest_ms, start);
        assert_int_equal(window_group(win, 0)->chunk, 7);
        assert_int_equal(window_group(win, 1)->chunk, 3);
        assert_int_equal(window_group(win, 2)->chunk, 9);
        g = window_group(win, 0);
        assert_int_equal(g->records, 3);
        assert_int_equal(window_record(win, g->head)->block, 0);
        assert_int_equal(window_record(win, window_record(win, g->head)->next)->block, 2);
        assert_int_equal(window_record(win, g->tail)->block, 5);
        assert_int_equal(window_record(win, g->tail)->next, UINT32_MAX);
        window_free(win);
        fake_wal_free(w);
}

static void
empty_log_gives_an_empty_window(void **state)
{
        struct wal *w = fake_wal_new();
        struct window *win = NULL;
        const struct window_info *info;

        (void)state;
        testing_ok(window_new(w, &win, NULL), NULL);
        info = fill(win, &all);
        assert_int_equal(info->records, 0);
        assert_int_equal(info->end, 1);
        assert_true(info->at_end);
        window_free(win);
        fake_wal_free(w);
}

static void
barrier_stands_only_at_the_begin(void **state)
{
        struct wal *w = fake_wal_new();
        struct window *win = NULL;
        struct window_bounds b = all;

        (void)state;
        testing_ok(window_new(w, &win, NULL), NULL);
        fake_barrier(w);
        put(w, 1, start, 5);
        put(w, 1, start + 1, 5);
        fake_barrier(w);
        put(w, 2, start + 2, 5);
        assert_int_equal(fill(win, &b)->end, 3);
        assert_false(window_info(win)->at_end);
        b.from = 3;
        assert_int_equal(fill(win, &b)->end, 4);
        assert_true(window_info(win)->at_end);
        window_free(win);
        fake_wal_free(w);
}

static void
ten_minutes_of_sample_time(void **state)
{
        struct wal *w = fake_wal_new();
        struct window *win = NULL;

        (void)state;
        testing_ok(window_new(w, &win, NULL), NULL);
        for (int i = 0; i < 60; i++)
                put(w, (uint64_t)i % 3 + 1, start + i * 15000, 2);
        assert_int_equal(fill(win, &all)->records, WINDOW_SPAN_MS / 15000 + 1);
        assert_false(window_info(win)->at_end);
        window_free(win);
        fake_wal_free(w);
}

static void
records_of_one_chunk_are_bounded(void **state)
{
        struct wal *w = fake_wal_new();
        struct window *win = NULL;

        (void)state;
        testing_ok(window_new(w, &win, NULL), NULL);
        for (int i = 0; i < WINDOW_MAX_GROUP + 10; i++)
                put(w, 1, start + i * 100, 2);
        assert_int_equal(fill(win, &all)->records, WINDOW_MAX_GROUP);
        window_free(win);
        fake_wal_free(w);
}

static void
records_of_all_chunks_are_bounded(void **state)
{
        struct wal *w = fake_wal_new();
        struct window *win = NULL;
        uint64_t column[1] = {1};

        (void)state;
        testing_ok(window_new(w, &win, NULL), NULL);
        for (int i = 0; i < WINDOW_MAX_RECORDS + 1000; i++) {
                const struct fake_scrape s = {.chunk = (uint64_t)i % 3000 + 1,
                    .time_ms = start + i / 3000,
                    .column = column,
                    .slots = 1};

                fake_scrape(w, &s);
        }
        fake_block_end(w);
        assert_in_range(
            fill(win, &all)->records, WINDOW_MAX_RECORDS - BLOCK_MAX_RECORDS, WINDOW_MAX_RECORDS);
        assert_int_equal(window_info(win)->groups, 3000);
        for (uint32_t i = 0; i < 3000; i++)
                assert_int_equal(window_group(win, i)->chunk, i + 1);
        window_free(win);
        fake_wal_free(w);
}

static void
resumed_window_ends_where_it_did(void **state)
{
        struct wal *w = fake_wal_new();
        struct window *win = NULL;
        struct window_bounds b = all;

        (void)state;
        testing_ok(window_new(w, &win, NULL), NULL);
        put(w, 1, start, 2);
        put(w, 1, start + 2 * WINDOW_SPAN_MS, 2); /* as a version with other bounds made it */
        put(w, 1, start + 2 * WINDOW_SPAN_MS + 1, 2);
        b.end = 3;
        b.hold_after_ms = start;
        assert_int_equal(fill(win, &b)->records, 2);
        assert_int_equal(window_info(win)->end, 3);
        w->blocks[0].gone = true;
        assert_int_equal(fill(win, &b)->first, 2); /* tells that the begin was trimmed */
        w->blocks[1].gone = true;
        assert_int_equal(fill(win, &b)->records, 0);
        assert_int_equal(window_info(win)->end, 3);
        window_free(win);
        fake_wal_free(w);
}

static void
what_is_ahead_of_its_time_stays_outside(void **state)
{
        static const struct {
                const char *name;
                int64_t hold; /* after start */
                int64_t give_up;
                uint32_t want; /* records of three at 0, 100 and 200 */
                bool held;
        } cases[] = {
            {"nothing is known", INT64_MAX, INT64_MAX, 3, false},
            {"the third has to wait", 150, INT64_MAX, 2, true},
            {"all have to wait", -1, INT64_MAX, 0, true},
            {"later than what is given up: taken, to be counted", 150, 150, 3, false},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct wal *w = fake_wal_new();
                struct window *win = NULL;
                struct window_bounds b = {1, 0, cases[i].hold, cases[i].give_up};

                if (b.hold_after_ms != INT64_MAX)
                        b.hold_after_ms += start;
                if (b.give_up_after_ms != INT64_MAX)
                        b.give_up_after_ms += start;
                testing_ok(window_new(w, &win, NULL), NULL);
                for (int n = 0; n < 3; n++)
                        put(w, 1, start + n * 100, 2);
                if (fill(win, &b)->records != cases[i].want ||
                    window_info(win)->held != cases[i].held)
                        fail_msg("%s: %u records", cases[i].name, window_info(win)->records);
                window_free(win);
                fake_wal_free(w);
        }
}

static void
clock_a_year_ahead_does_not_end_the_window(void **state)
{
        const int64_t year = INT64_C(365) * 86400000;
        const struct window_bounds b = {1, 0, start + 60000, start + 60000};
        struct wal *w = fake_wal_new();
        struct window *win = NULL;

        (void)state;
        testing_ok(window_new(w, &win, NULL), NULL);
        put(w, 1, start, 2);
        put(w, 1, start + year, 2);
        put(w, 1, start + 1000, 2);
        assert_int_equal(fill(win, &b)->records, 3);
        assert_int_equal(window_info(win)->oldest_ms, start);
        window_free(win);
        fake_wal_free(w);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(groups_are_in_order_of_first_appearance),
            cmocka_unit_test(empty_log_gives_an_empty_window),
            cmocka_unit_test(barrier_stands_only_at_the_begin),
            cmocka_unit_test(ten_minutes_of_sample_time),
            cmocka_unit_test(records_of_one_chunk_are_bounded),
            cmocka_unit_test(records_of_all_chunks_are_bounded),
            cmocka_unit_test(resumed_window_ends_where_it_did),
            cmocka_unit_test(what_is_ahead_of_its_time_stays_outside),
            cmocka_unit_test(clock_a_year_ahead_does_not_end_the_window),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
