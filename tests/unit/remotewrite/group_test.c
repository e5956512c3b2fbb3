#include "remotewrite/group.h"

#include "base/arena.h"
#include "base/memory.h"
#include "remotewrite/block_cache.h"
#include "remotewrite/window.h"
#include "tests/unit/remotewrite/fake_wal.h"

#include <stdio.h>

static const int64_t start = INT64_C(1700000000000);
static const struct window_bounds all = {1, 0, INT64_MAX, INT64_MAX};
static const struct group_limits no_limits = {INT64_MAX, INT64_MIN};

struct world {
        struct wal *wal;
        struct window *window;
        struct block_cache *cache;
        struct group *group;
        struct arena arena;
        struct group_series last; /* that expect() saw: its numbers */
};

static void
world_init(struct world *w)
{
        *w = (struct world){.wal = fake_wal_new(), .arena = ARENA_INIT(64 << 20)};
        testing_ok(window_new(w->wal, &w->window, NULL), NULL);
        testing_ok(block_cache_new(w->wal, &w->cache, NULL), NULL);
        testing_ok(group_new(w->wal, w->cache, &w->group, NULL), NULL);
}

static void
world_release(struct world *w)
{
        group_free(w->group);
        window_free(w->window);
        block_cache_free(w->cache);
        fake_wal_free(w->wal);
        arena_release(&w->arena);
}

/* Label sets {__name__="m", slot="<i>"} for the slots [first, first + n). */
static void
layout(struct world *w, uint64_t chunk, unsigned first, unsigned n)
{
        struct labels *sets = arena_calloc(&w->arena, n, sizeof(*sets));
        char text[16];

        assert_non_null(sets);
        for (unsigned i = 0; i < n; i++) {
                (void)snprintf(text, sizeof(text), "%u", first + i);
                labels_init(&sets[i], &w->arena);
                testing_ok(labels_add(&sets[i], VIEW_LIT("__name__"), VIEW_LIT("m"), NULL), NULL);
                testing_ok(labels_add(&sets[i], VIEW_LIT("slot"),
                               view_of(arena_strdup(&w->arena, text)), NULL),
                    NULL);
        }
        fake_layout(w->wal, chunk, first, sets, n);
}

static void
scrape(struct world *w, uint64_t chunk, uint64_t keyframe, int64_t time_ms, const uint64_t *column,
    unsigned slots)
{
        fake_scrape(w->wal,
            &(struct fake_scrape){.chunk = chunk,
                .keyframe = keyframe,
                .time_ms = time_ms,
                .column = column,
                .slots = slots});
}

static void
load(struct world *w, uint32_t number, const struct group_limits *l)
{
        struct err e = ERR_INIT;

        fake_block_end(w->wal);
        testing_ok(window_fill(w->window, &all, &e), &e);
        testing_ok(group_load(w->group, w->window, number, l, &e), &e);
}

/* The next series must be the one of this slot, with these samples. */
static void
expect(struct world *w, unsigned slot, const struct encode_sample *samples, size_t n)
{
        struct group_series s;
        char text[16];

        if (!group_next(w->group, &s))
                fail_msg("no series for slot %u", slot);
        assert_int_equal(s.slot, slot);
        assert_int_not_equal(s.shape, 0);
        w->last = s;
        (void)snprintf(text, sizeof(text), "%u", slot);
        assert_int_equal(s.n_labels, 2);
        assert_true(view_is(s.labels[0].name, "__name__"));
        assert_true(view_is(s.labels[1].value, text));
        assert_int_equal(s.n_samples, n);
        for (size_t i = 0; i < n; i++) {
                assert_int_equal(s.samples[i].time_ms, samples[i].time_ms);
                assert_int_equal(s.samples[i].bits, samples[i].bits);
        }
}

static void
expect_end(struct world *w)
{
        struct group_series s;

        assert_false(group_next(w->group, &s));
}

static void
series_have_all_their_samples_in_time_order(void **state)
{
        struct world w;
        const uint64_t key[3] = {100, 200, COLUMN_ABSENT};
        const uint64_t first[3] = {101, COLUMN_ABSENT, 300};
        const uint64_t second[3] = {102, COLUMN_STALE, 301};

        (void)state;
        world_init(&w);
        layout(&w, 5, 0, 3);
        fake_keyframe(w.wal, 9, key, 2);
        scrape(&w, 5, 9, start, first, 3);
        scrape(&w, 5, 9, start + 15000, second, 3);
        load(&w, 0, &no_limits);
        assert_int_equal(group_newest_ms(w.group), start + 15000);
        expect(&w, 0, (struct encode_sample[]){{start, 101}, {start + 15000, 102}}, 2);
        expect(&w, 1, (struct encode_sample[]){{start + 15000, COLUMN_STALE}}, 1);
        expect(&w, 2, (struct encode_sample[]){{start, 300}, {start + 15000, 301}}, 2);
        expect_end(&w);
        assert_int_equal(group_left_out(w.group)->lost[LOST_DAMAGED], 0);
        world_release(&w);
}

static void
records_split_by_slots_are_one_scrape(void **state)
{
        struct world w;
        static uint64_t column[CHUNK_SLOTS];
        struct testing_random r = {5};

        (void)state;
        world_init(&w);
        layout(&w, 5, 0, CHUNK_SLOTS);
        for (unsigned i = 0; i < CHUNK_SLOTS; i++)
                column[i] = testing_random(&r) >> 2; /* nothing to save: several records */
        scrape(&w, 5, 0, start, column, CHUNK_SLOTS);
        scrape(&w, 5, 0, start + 15000, column, CHUNK_SLOTS);
        load(&w, 0, &no_limits);
        assert_true(window_info(w.window)->records > 2);
        for (unsigned i = 0; i < CHUNK_SLOTS; i++)
                expect(&w, i,
                    (struct encode_sample[]){{start, column[i]}, {start + 15000, column[i]}}, 2);
        expect_end(&w);
        world_release(&w);
}

static void
layout_in_parts_and_two_chunks(void **state)
{
        struct world w;
        const uint64_t column[6] = {1, 2, 3, 4, 5, 6};

        (void)state;
        world_init(&w);
        layout(&w, 5, 0, 2);
        layout(&w, 6, 0, 1);
        layout(&w, 5, 2, 1);
        layout(&w, 5, 3, 3);
        scrape(&w, 6, 0, start, column, 1);
        scrape(&w, 5, 0, start, column, 6);
        load(&w, 1, &no_limits);
        for (unsigned i = 0; i < 6; i++) {
                expect(&w, i, (struct encode_sample[]){{start, i + 1}}, 1);
                /* the shapes of the parts are numbered through */
                assert_int_equal(w.last.shape, i < 2 ? 1 : i < 3 ? 2 : 3);
        }
        expect_end(&w);
        load(&w, 0, &no_limits);
        expect(&w, 0, (struct encode_sample[]){{start, 1}}, 1);
        expect_end(&w);
        world_release(&w);
}

static void
explicit_timestamps_are_merged(void **state)
{
        struct world w;
        const uint64_t column[3] = {1, COLUMN_ABSENT, 3};
        const struct record_extra extras[] = {
            {start - 500, 11, 0},
            {start, 12, 0}, /* the timestamp of the value: one of the two */
            {start + 500, 13, 0},
            {start + 7, 21, 1},
            {start + 8, 22, 1},
        };

        (void)state;
        world_init(&w);
        layout(&w, 5, 0, 3);
        fake_scrape(w.wal,
            &(struct fake_scrape){.chunk = 5,
                .time_ms = start,
                .column = column,
                .slots = 3,
                .extras = extras,
                .n_extras = 5});
        load(&w, 0, &no_limits);
        assert_int_equal(group_newest_ms(w.group), start + 500);
        expect(
            &w, 0, (struct encode_sample[]){{start - 500, 11}, {start, 1}, {start + 500, 13}}, 3);
        expect(&w, 1, (struct encode_sample[]){{start + 7, 21}, {start + 8, 22}}, 2);
        expect(&w, 2, (struct encode_sample[]){{start, 3}}, 1);
        expect_end(&w);
        assert_int_equal(group_left_out(w.group)->lost[LOST_CONFLICT], 1);
        world_release(&w);
}

static void
limits_leave_samples_out(void **state)
{
        struct world w;
        const uint64_t column[2] = {1, 2};
        const struct group_limits l = {.give_up_after_ms = start + 30000, .oldest_ms = start + 1};

        (void)state;
        world_init(&w);
        layout(&w, 5, 0, 2);
        scrape(&w, 5, 0, start, column, 2); /* too old */
        scrape(&w, 5, 0, start + 15000, column, 2);
        scrape(&w, 5, 0, start + 60000, column, 2); /* from a clock that was ahead */
        load(&w, 0, &l);
        assert_int_equal(group_newest_ms(w.group), start + 15000);
        expect(&w, 0, (struct encode_sample[]){{start + 15000, 1}}, 1);
        expect(&w, 1, (struct encode_sample[]){{start + 15000, 2}}, 1);
        expect_end(&w);
        assert_int_equal(group_left_out(w.group)->lost[LOST_AGE], 2);
        assert_int_equal(group_left_out(w.group)->lost[LOST_CLOCK], 2);
        world_release(&w);
}

/* Two scrapes against two keyframes and a layout in two parts; then something is broken. */
static void
two_scrapes(struct world *w)
{
        const uint64_t column[4] = {1, 2, 3, 4};

        world_init(w);
        layout(w, 5, 0, 2);
        layout(w, 5, 2, 2);
        fake_keyframe(w->wal, 1, column, 4);
        fake_keyframe(w->wal, 2, column, 4);
        scrape(w, 5, 1, start, column, 4);
        fake_block_end(w->wal);
        scrape(w, 5, 2, start + 15000, column, 4);
        fake_block_end(w->wal);
}

static void
missing_keyframe_costs_its_records(void **state)
{
        struct world w;

        (void)state;
        two_scrapes(&w);
        fake_keyframe_find(w.wal, 1)->damaged = true;
        load(&w, 0, &no_limits);
        for (unsigned i = 0; i < 4; i++)
                expect(&w, i, (struct encode_sample[]){{start + 15000, i + 1}}, 1);
        expect_end(&w);
        assert_int_equal(group_left_out(w.group)->lost[LOST_DAMAGED], 4);
        assert_non_null(strstr(group_damage(w.group), "keyframe 1"));
        world_release(&w);
}

static void
wrong_keyframe_is_noticed_by_the_count_at_the_latest(void **state)
{
        struct world w;

        (void)state;
        two_scrapes(&w);
        fake_keyframe_find(w.wal, 2)->slots = 2; /* the rest counts as absent */
        load(&w, 0, &no_limits);
        for (unsigned i = 0; i < 4; i++)
                expect(&w, i, (struct encode_sample[]){{start, i + 1}}, 1);
        expect_end(&w);
        assert_int_equal(group_left_out(w.group)->lost[LOST_DAMAGED], 4);
        world_release(&w);
}

static void
damaged_record_leaves_nothing_behind(void **state)
{
        struct world w;
        const uint64_t column[4] = {1, 2, 3, 4};
        const struct record_extra extra = {start + 7, 99, 1};

        (void)state;
        two_scrapes(&w);
        fake_keyframe(w.wal, 3, column, 4);
        fake_scrape(w.wal,
            &(struct fake_scrape){.chunk = 5,
                .keyframe = 3,
                .time_ms = start + 30000,
                .column = column,
                .slots = 4,
                .extras = &extra,
                .n_extras = 1});
        fake_keyframe_find(w.wal, 3)->slots = 2;
        load(&w, 0, &no_limits);
        for (unsigned i = 0; i < 4; i++)
                expect(&w, i, (struct encode_sample[]){{start, i + 1}, {start + 15000, i + 1}}, 2);
        expect_end(&w);
        assert_int_equal(group_left_out(w.group)->lost[LOST_DAMAGED], 5);
        world_release(&w);
}

static void
clock_that_stepped_back_is_put_in_order(void **state)
{
        struct world w;
        const uint64_t column[1] = {1};
        const uint64_t later[1] = {2};

        (void)state;
        world_init(&w);
        layout(&w, 5, 0, 1);
        scrape(&w, 5, 0, start + 15000, later, 1);
        scrape(&w, 5, 0, start, column, 1);
        load(&w, 0, &no_limits);
        assert_int_equal(group_newest_ms(w.group), start + 15000);
        expect(&w, 0, (struct encode_sample[]){{start, 1}, {start + 15000, 2}}, 2);
        world_release(&w);
}

static void
missing_layout_costs_the_slots(void **state)
{
        struct world w;

        (void)state;
        two_scrapes(&w);
        w.wal->parts[1].chunk = 99;
        load(&w, 0, &no_limits);
        expect(&w, 0, (struct encode_sample[]){{start, 1}, {start + 15000, 1}}, 2);
        expect(&w, 1, (struct encode_sample[]){{start, 2}, {start + 15000, 2}}, 2);
        expect_end(&w);
        assert_int_equal(group_left_out(w.group)->lost[LOST_DAMAGED], 4);
        assert_non_null(strstr(group_damage(w.group), "slot 2"));
        w.wal->parts[0].chunk = 99;
        load(&w, 0, &no_limits);
        expect_end(&w);
        assert_int_equal(group_left_out(w.group)->lost[LOST_DAMAGED], 8);
        world_release(&w);
}

static void
trimmed_block_is_not_ours_to_count_a_damaged_one_is(void **state)
{
        struct world w;
        struct err e = ERR_INIT;

        (void)state;
        two_scrapes(&w);
        testing_ok(window_fill(w.window, &all, &e), &e);
        w.wal->blocks[0].gone = true;
        w.wal->blocks[1].damaged = true;
        testing_ok(group_load(w.group, w.window, 0, &no_limits, &e), &e);
        expect_end(&w);
        assert_int_equal(group_left_out(w.group)->lost[LOST_DAMAGED], 4);
        world_release(&w);
}

static void
memory_goes_back(void **state)
{
        struct world w;
        int64_t before = memory_of(MEMORY_SEND);
        struct group_series s;

        (void)state;
        two_scrapes(&w);
        load(&w, 0, &no_limits);
        while (group_next(w.group, &s))
                continue;
        assert_true(memory_of(MEMORY_SEND) > before);
        world_release(&w);
        assert_int_equal(memory_of(MEMORY_SEND), before);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(series_have_all_their_samples_in_time_order),
            cmocka_unit_test(records_split_by_slots_are_one_scrape),
            cmocka_unit_test(layout_in_parts_and_two_chunks),
            cmocka_unit_test(explicit_timestamps_are_merged),
            cmocka_unit_test(limits_leave_samples_out),
            cmocka_unit_test(missing_keyframe_costs_its_records),
            cmocka_unit_test(wrong_keyframe_is_noticed_by_the_count_at_the_latest),
            cmocka_unit_test(damaged_record_leaves_nothing_behind),
            cmocka_unit_test(clock_that_stepped_back_is_put_in_order),
            cmocka_unit_test(missing_layout_costs_the_slots),
            cmocka_unit_test(trimmed_block_is_not_ours_to_count_a_damaged_one_is),
            cmocka_unit_test(memory_goes_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
