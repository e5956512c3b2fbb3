#include "wal/record.h"

#include "base/compress.h"
#include "tests/testing/pages.h"
#include "tests/testing/testing.h"
#include "wal/column.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXTRAS_CAP = 4096 };

struct decoded {
        struct record_extra extras[EXTRAS_CAP];
        size_t n;
};

static int
take_extra(void *arg, const struct record_extra *x, struct err *e)
{
        struct decoded *d = arg;

        (void)e;
        assert_true(d->n < EXTRAS_CAP);
        d->extras[d->n++] = *x;
        return 0;
}

static struct record_decode_input
decode_input(const struct record_input *in, const struct buf *bytes, unsigned slots)
{
        return (struct record_decode_input){.bytes = buf_view(bytes),
            .keyframe = in->keyframe,
            .keyframe_slots = in->keyframe_slots,
            .first = in->first,
            .slots = slots,
            .time_ms = in->time_ms};
}

/*
 * Encodes the whole range as one or more records and decodes them again; everything must come
 * back. Returns the bytes of all records.
 */
static size_t
round_trip(const struct record_input *whole)
{
        static struct decoded d; /* large */
        struct record_input in = *whole;
        struct buf bytes = BUF_INIT(RECORD_MAX_BYTES);
        uint64_t column[CHUNK_SLOTS];
        uint64_t left[CHUNK_SLOTS]; /* what is still to be encoded */
        uint64_t back[CHUNK_SLOTS];
        uint64_t seen[CHUNK_SLOTS];
        unsigned end = in.first + in.slots;
        unsigned total = 0;
        unsigned want_total = (unsigned)in.n_extras;
        size_t size = 0;
        struct err e = ERR_INIT;

        d.n = 0;
        memcpy(left, in.column, end * sizeof(*left));
        memcpy(column, left, sizeof(column[0]) * end);
        in.column = left;
        for (unsigned i = in.first; i < end; i++)
                want_total += column[i] != COLUMN_ABSENT;
        for (unsigned i = 0; i < CHUNK_SLOTS; i++)
                seen[i] = COLUMN_ABSENT;
        while (in.first < end) {
                unsigned used;
                unsigned samples;
                size_t extras;
                struct record_decode_input out;

                buf_reset(&bytes);
                testing_ok(record_encode(&in, &bytes, &used, &samples, &extras, &e), &e);
                assert_true(bytes.len <= RECORD_MAX_BYTES);
                out = decode_input(&in, &bytes, used > 0 ? used : 1);
                out.extra = take_extra;
                out.arg = &d;
                testing_ok(record_decode(&out, back, &e), &e);
                for (unsigned i = in.first; i < in.first + out.slots; i++) {
                        if (seen[i] == COLUMN_ABSENT)
                                seen[i] = back[i];
                }
                total += samples;
                size += bytes.len;
                in.extras += extras;
                in.n_extras -= extras;
                if (used == 0)
                        left[in.first] = COLUMN_ABSENT;
                in.first += used;
                in.slots -= used;
        }
        assert_int_equal(total, want_total);
        assert_memory_equal(
            seen + whole->first, column + whole->first, whole->slots * sizeof(*seen));
        assert_int_equal(in.n_extras, 0);
        assert_int_equal(d.n, whole->n_extras);
        for (size_t i = 0; i < d.n; i++) {
                assert_int_equal(d.extras[i].slot, whole->extras[i].slot);
                assert_int_equal(d.extras[i].time_ms, whole->extras[i].time_ms);
                assert_int_equal(d.extras[i].bits, whole->extras[i].bits);
        }
        buf_release(&bytes);
        return size;
}

static void
test_runs_are_short(void **state)
{
        uint64_t keyframe[CHUNK_SLOTS];
        uint64_t column[CHUNK_SLOTS];
        struct record_input in = {keyframe, CHUNK_SLOTS, column, 0, CHUNK_SLOTS, 1000, NULL, 0};

        (void)state;
        for (unsigned i = 0; i < CHUNK_SLOTS; i++)
                column[i] = keyframe[i] = i;
        assert_int_equal(round_trip(&in), 3 + 8); /* the head and eight runs of 128 */
        for (unsigned i = 0; i < CHUNK_SLOTS; i++)
                column[i] = COLUMN_ABSENT;
        assert_int_equal(round_trip(&in), 3 + 16);
        column[500] = COLUMN_STALE;
        assert_int_equal(round_trip(&in), 3 + 8 + 1 + 9);
        /* without a keyframe, absent is what it was */
        in.keyframe_slots = 0;
        in.keyframe = NULL;
        assert_int_equal(round_trip(&in), 3 + 4 + 1 + 5);
        in.first = 500;
        in.slots = 1;
        assert_int_equal(round_trip(&in), 3 + 1);
}

static void
test_keyframe_shorter_than_the_chunk(void **state)
{
        uint64_t keyframe[CHUNK_SLOTS];
        uint64_t column[CHUNK_SLOTS];
        struct record_input in = {keyframe, 0, column, 0, 300, 1000, NULL, 0};

        (void)state;
        for (unsigned i = 0; i < CHUNK_SLOTS; i++)
                column[i] = keyframe[i] = UINT64_C(0x4059000000000000); /* 100 */
        for (in.keyframe_slots = 0; in.keyframe_slots <= 400; in.keyframe_slots += 50)
                (void)round_trip(&in);
        in.keyframe_slots = 150;
        for (unsigned i = 0; i < CHUNK_SLOTS; i += 3)
                column[i] = COLUMN_ABSENT;
        (void)round_trip(&in);
}

/* A chunk that nothing shrinks is split, and each part fits. */
static void
test_incompressible_is_split(void **state)
{
        struct testing_random r = {3};
        uint64_t keyframe[CHUNK_SLOTS];
        uint64_t column[CHUNK_SLOTS];
        struct record_input in = {keyframe, CHUNK_SLOTS, column, 0, CHUNK_SLOTS, 1000, NULL, 0};
        struct buf bytes = BUF_INIT(RECORD_MAX_BYTES);
        unsigned used;
        unsigned samples;
        size_t extras;

        (void)state;
        for (unsigned i = 0; i < CHUNK_SLOTS; i++) {
                keyframe[i] = testing_random(&r);
                column[i] = testing_random(&r);
        }
        testing_ok(record_encode(&in, &bytes, &used, &samples, &extras, NULL), NULL);
        assert_true(used < CHUNK_SLOTS && used > 300);
        assert_int_equal(samples, used);
        assert_true(bytes.len > RECORD_MAX_BYTES - 64);
        (void)round_trip(&in);
        buf_release(&bytes);
}

/* A buffer that is full already keeps what it has. */
static void
test_full_buffer(void **state)
{
        uint64_t column[2] = {0, 0};
        struct record_input in = {NULL, 0, column, 0, 2, 1000, NULL, 0};
        struct buf bytes = BUF_INIT(RECORD_MAX_BYTES);
        struct err e = ERR_INIT;
        unsigned used = 77;
        unsigned samples;
        size_t extras;

        (void)state;
        testing_ok(buf_puts(&bytes, "before", NULL), NULL);
        assert_int_equal(record_encode(&in, &bytes, &used, &samples, &extras, &e), ERR_LIMIT);
        assert_int_equal(used, 77);
        assert_int_equal(bytes.len, 6);
        buf_release(&bytes);
}

static uint64_t
any_value(struct testing_random *r, uint64_t keyframe)
{
        switch (testing_random_below(r, 10)) {
        case 0:
                return testing_random(r);
        case 1:
                return COLUMN_ABSENT;
        case 2:
                return testing_random_below(r, 8) == 0 ? COLUMN_STALE : keyframe;
        case 3: {
                double d = (double)testing_random_below(r, 1000000) / 1000;
                uint64_t bits;

                memcpy(&bits, &d, sizeof(bits));
                return bits;
        }
        case 4: {
                double d = (double)testing_random_below(r, 1000000);
                uint64_t bits;

                memcpy(&bits, &d, sizeof(bits));
                return bits;
        }
        default:
                return keyframe;
        }
}

static void
test_any_chunk_comes_back(void **state)
{
        const uint64_t seed = 7;
        struct testing_random r = {seed};
        uint64_t keyframe[CHUNK_SLOTS];
        uint64_t column[CHUNK_SLOTS];
        static struct record_extra extras[EXTRAS_CAP];

        (void)state;
        printf("seed %llu\n", (unsigned long long)seed);
        for (unsigned n = 0; n < 1000; n++) {
                struct record_input in = {.keyframe = keyframe, .column = column};
                unsigned extra_odds = n % 4 == 0 ? 3 : 0;

                in.time_ms = (int64_t)testing_random(&r);
                in.first = (unsigned)testing_random_below(&r, CHUNK_SLOTS);
                in.slots = 1 + (unsigned)testing_random_below(&r, CHUNK_SLOTS - in.first);
                in.keyframe_slots = (unsigned)testing_random_below(&r, CHUNK_SLOTS + 1);
                in.extras = extras;
                for (unsigned i = 0; i < CHUNK_SLOTS; i++) {
                        keyframe[i] = any_value(&r, 0);
                        if (keyframe[i] == COLUMN_STALE)
                                keyframe[i] = COLUMN_ABSENT;
                        column[i] = any_value(&r, keyframe[i]);
                }
                for (unsigned i = in.first; extra_odds > 0 && i < in.first + in.slots; i++) {
                        while (
                            in.n_extras < EXTRAS_CAP && testing_random_below(&r, extra_odds) == 0) {
                                struct record_extra *x = &extras[in.n_extras++];

                                x->slot = (uint16_t)i;
                                x->bits = testing_random(&r);
                                x->time_ms = in.time_ms ^ (int64_t)testing_random_below(&r, 20000);
                        }
                }
                (void)round_trip(&in);
        }
}

/* One series with more samples on the page than a record holds. */
static void
test_extras_of_one_slot_in_several_records(void **state)
{
        struct testing_random r = {9};
        uint64_t column[4] = {0, 1, UINT64_C(0x4059000000000000), COLUMN_ABSENT};
        static struct record_extra extras[EXTRAS_CAP];
        struct record_input in = {NULL, 0, column, 1, 3, 5000, extras, 2000};
        struct buf bytes = BUF_INIT(RECORD_MAX_BYTES);
        unsigned used;
        unsigned samples;
        size_t n;

        (void)state;
        for (size_t i = 0; i < 2000; i++) {
                extras[i].slot = 2;
                extras[i].time_ms = (int64_t)i;
                extras[i].bits = testing_random(&r);
        }
        /* slot 1 goes first, alone; then slot 2 takes several */
        testing_ok(record_encode(&in, &bytes, &used, &samples, &n, NULL), NULL);
        assert_int_equal(used, 1);
        assert_int_equal(n, 0);
        assert_int_equal(samples, 1);
        in.first = 2;
        in.slots = 2;
        testing_ok(buf_append(&bytes, "", 0, NULL), NULL);
        buf_reset(&bytes);
        testing_ok(record_encode(&in, &bytes, &used, &samples, &n, NULL), NULL);
        assert_int_equal(used, 0);
        assert_true(n > 200);
        assert_int_equal(samples, n + 1);
        in.first = 1;
        in.slots = 3;
        (void)round_trip(&in);
        buf_release(&bytes);
}

static void
test_damaged_records(void **state)
{
        static const struct {
                const char *name;
                const char *bytes;
                size_t n;
        } cases[] = {
            {"empty", "", 0},
            {"head cut short", "\0\x01", 2},
            {"unknown flag", "\x02\x01\x00\x83", 4},
            {"tags cut short", "\x00\x02\x00\x83", 4},
            {"a slot too few", "\x00\x01\x00\x82", 4},
            {"a slot too many", "\x00\x01\x00\x84", 4},
            {"absent run too long", "\x00\x01\x00\x44", 4},
            {"unknown tag", "\x00\x02\x00\x0e\x82", 5},
            {"last unknown tag", "\x00\x02\x00\x3f\x82", 5},
            {"value missing", "\x00\x02\x00\x82\x04", 5},
            {"value without end", "\x00\x02\x00\x82\x04\x80", 6},
            {"bytes behind", "\x00\x01\x00\x83\x00", 5},
            {"extras missing", "\x01\x01\x00\x83", 4},
            {"no extras", "\x01\x01\x00\x83\x00", 5},
            {"fewer extras than said", "\x01\x01\x00\x83\x02\x00\x00\x00", 8},
            {"extra beyond the range", "\x01\x01\x00\x83\x01\x04\x00\x00", 8},
            {"extra with an unknown tag", "\x01\x01\x00\x83\x01\x00\x00\x20", 8},
            {"bytes behind the extras", "\x01\x01\x00\x83\x01\x00\x00\x00\x00", 9},
        };
        uint64_t keyframe[14] = {0};
        uint64_t column[14];
        struct record_decode_input in = {
            .keyframe = keyframe, .keyframe_slots = 14, .first = 10, .slots = 4};
        struct err e = ERR_INIT;

        (void)state;
        in.bytes = (struct view){"\x00\x01\x00\x83", 4}; /* the sound one */
        testing_ok(record_decode(&in, column, &e), &e);
        in.bytes = (struct view){"\x01\x01\x00\x83\x01\x03\x00\x00", 8};
        testing_ok(record_decode(&in, column, &e), &e);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                in.bytes = (struct view){cases[i].bytes, cases[i].n};
                if (record_decode(&in, column, &e) != ERR_CORRUPT)
                        fail_msg("%s is taken", cases[i].name);
        }
}

static int
refuse_extra(void *arg, const struct record_extra *x, struct err *e)
{
        (void)arg;
        (void)x;
        return err_set(e, ERR_REFUSED, "no");
}

static void
test_extra_sink_may_refuse(void **state)
{
        uint64_t column[1];
        struct record_decode_input in = {
            .bytes = {"\x01\x01\x00\x80\x01\x00\x00\x00", 8}, .slots = 1, .extra = refuse_extra};

        (void)state;
        assert_int_equal(record_decode(&in, column, NULL), ERR_REFUSED);
}

/* Real pages: all distances come back, and the bytes per sample are what we promise. */
static void
test_real_pages(void **state)
{
        static uint64_t columns[TESTING_NODE_PAGES][CHUNK_SLOTS];
        struct zstd_packer *z = NULL;
        struct buf bytes = BUF_INIT(1 << 20);
        size_t slots = 0;

        (void)state;
        testing_ok(zstd_packer_new(1, &z, NULL), NULL);
        for (unsigned i = 0; i < TESTING_NODE_PAGES; i++) {
                struct testing_page page;

                testing_page_node(&page, i + 1, "node-1:9100");
                slots = testing_page_column(&page, 0, columns[i], CHUNK_SLOTS);
                testing_page_release(&page);
        }
        for (unsigned distance = 1; distance < TESTING_NODE_PAGES; distance += 5) {
                char packed[8192];
                size_t raw = 0;
                size_t alone = 0;
                size_t together = 0;
                unsigned n = TESTING_NODE_PAGES - distance;

                buf_reset(&bytes);
                for (unsigned i = 0; i < n; i++) {
                        struct record_input in = {columns[i], (unsigned)slots,
                            columns[i + distance], 0, (unsigned)slots, 15000, NULL, 0};
                        unsigned used;
                        unsigned samples;
                        size_t extras;
                        size_t from = bytes.len;

                        raw += round_trip(&in);
                        testing_ok(
                            record_encode(&in, &bytes, &used, &samples, &extras, NULL), NULL);
                        assert_int_equal(used, slots);
                        alone += zstd_pack(
                            z, bytes.ptr + from, bytes.len - from, packed, sizeof(packed));
                        if (i % 8 == 7 || i + 1 == n) {
                                together +=
                                    zstd_pack(z, bytes.ptr, bytes.len, packed, sizeof(packed));
                                buf_reset(&bytes);
                        }
                }
                printf("distance %2u: raw %.2f, each packed alone %.2f, eight together %.2f bytes "
                       "per sample\n",
                    distance, (double)raw / (double)(n * slots),
                    (double)alone / (double)(n * slots), (double)together / (double)(n * slots));
                assert_true(alone < n * slots * 105 / 100);
        }
        zstd_packer_free(z);
        buf_release(&bytes);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_runs_are_short),
            cmocka_unit_test(test_keyframe_shorter_than_the_chunk),
            cmocka_unit_test(test_incompressible_is_split),
            cmocka_unit_test(test_full_buffer),
            cmocka_unit_test(test_any_chunk_comes_back),
            cmocka_unit_test(test_extras_of_one_slot_in_several_records),
            cmocka_unit_test(test_damaged_records),
            cmocka_unit_test(test_extra_sink_may_refuse),
            cmocka_unit_test(test_real_pages),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
