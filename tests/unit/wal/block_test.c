#include "wal/block.h"

#include "base/compress.h"
#include "tests/testing/pages.h"
#include "tests/testing/testing.h"
#include "wal/column.h"
#include "wal/envelope.h"
#include "wal/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct codecs {
        struct zstd_packer *packer;
        struct zstd_unpacker *unpacker;
};

static int
setup(void **state)
{
        static struct codecs c;

        testing_ok(zstd_packer_new(1, &c.packer, NULL), NULL);
        testing_ok(zstd_unpacker_new(&c.unpacker, NULL), NULL);
        *state = &c;
        return 0;
}

static int
teardown(void **state)
{
        struct codecs *c = *state;

        zstd_packer_free(c->packer);
        zstd_unpacker_free(c->unpacker);
        return 0;
}

static bool
record_eq(const struct block_record *a, const struct block_record *b)
{
        return a->target == b->target && a->chunk == b->chunk && a->keyframe == b->keyframe &&
            a->time_ms == b->time_ms && a->first == b->first && a->slots == b->slots &&
            a->samples == b->samples && a->length == b->length;
}

/* What was added to the block under way. */
struct added {
        struct block_record records[BLOCK_MAX_RECORDS];
        struct buf bytes;
        unsigned n;
        uint32_t samples;
};

/* Finishes the block and holds what can be read of it against what was added. */
static void
finish_and_compare(const struct codecs *c, struct block_builder *b, size_t size, struct added *a)
{
        static struct block_record records[BLOCK_MAX_RECORDS];
        struct block_head head = {
            .seq = UINT64_C(0x8000000000000001), .samples_before = 12345, .barrier = a->n % 2 == 1};
        struct block_head back;
        uint8_t *bytes = malloc(size + 1);
        struct view v = {(const char *)bytes, size};
        struct buf payload = BUF_INIT(BLOCK_MAX_PAYLOAD + 1);
        struct err e = ERR_INIT;

        assert_non_null(bytes);
        bytes[size] = 0x55;
        assert_int_equal(block_builder_samples(b), a->samples);
        assert_true(block_builder_used(b) <= size);
        block_builder_finish(b, &head, bytes);
        assert_int_equal(bytes[size], 0x55);
        assert_true(block_builder_empty(b));
        assert_int_equal(block_builder_samples(b), 0);
        testing_ok(block_read_head(v, true, &back, &e), &e);
        assert_int_equal(back.seq, head.seq);
        assert_int_equal(back.samples_before, head.samples_before);
        assert_int_equal(back.barrier, head.barrier);
        assert_int_equal(back.samples, a->samples);
        assert_int_equal(back.records, a->n);
        assert_int_equal(back.payload, a->bytes.len);
        testing_ok(block_read_directory(v, records, back.records, &e), &e);
        if (back.records > 0)
                assert_int_equal(
                    block_read_directory(v, records, back.records - 1U, &e), ERR_LIMIT);
        testing_ok(block_read_payload(v, c->unpacker, &payload, &e), &e);
        assert_int_equal(payload.len, a->bytes.len);
        for (unsigned i = 0, offset = 0; i < a->n; offset += records[i].length, i++) {
                assert_true(record_eq(&records[i], &a->records[i]));
                assert_int_equal(records[i].offset, offset);
        }
        if (payload.len > 0)
                assert_memory_equal(payload.ptr, a->bytes.ptr, payload.len);
        buf_release(&payload);
        buf_reset(&a->bytes);
        a->n = 0;
        a->samples = 0;
        free(bytes);
}

/* Adds a record; when the block is full, compares it and begins the next. True: a new block. */
static bool
add(const struct codecs *c, struct block_builder *b, size_t size, struct added *a,
    struct block_record *r, struct view bytes)
{
        struct err e = ERR_INIT;
        int rc = block_builder_add(b, r, bytes, c->packer, &e);
        bool full = rc == ERR_LIMIT;

        if (full) {
                finish_and_compare(c, b, size, a);
                rc = block_builder_add(b, r, bytes, c->packer, &e);
        }
        testing_ok(rc, &e);
        r->length = (uint32_t)bytes.n;
        a->records[a->n++] = *r;
        a->samples += r->samples;
        testing_ok(buf_append(&a->bytes, bytes.p, bytes.n, NULL), NULL);
        return full;
}

static struct block_record
any_record(struct testing_random *r)
{
        unsigned shift = (unsigned)testing_random_below(r, 64);
        struct block_record record = {
            .target = testing_random(r) >> shift,
            .chunk = testing_random(r) >> shift,
            .keyframe = testing_random(r) >> shift,
            .time_ms = (int64_t)(testing_random(r) >> shift),
            .first = (uint16_t)testing_random_below(r, CHUNK_SLOTS),
            .samples = (uint16_t)testing_random(r),
        };

        record.slots = (uint16_t)(1 + testing_random_below(r, CHUNK_SLOTS - record.first));
        return record;
}

static void
test_any_records_come_back(void **state)
{
        static const size_t sizes[] = {BLOCK_MIN_SIZE, 16368, BLOCK_MAX_SIZE};
        const uint64_t seed = 99;
        static struct added a = {.bytes = BUF_INIT(1 << 20)};

        printf("seed %llu\n", (unsigned long long)seed);
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
                struct testing_random r = {seed};
                struct block_builder *b = NULL;
                unsigned blocks = 0;

                testing_ok(block_builder_new(sizes[i], &b, NULL), NULL);
                finish_and_compare(*state, b, sizes[i], &a); /* an empty one */
                while (blocks < 100) {
                        char bytes[RECORD_MAX_BYTES];
                        struct block_record record = any_record(&r);
                        size_t n = testing_random_below(
                            &r, testing_random_below(&r, 2) == 0 ? 100 : RECORD_MAX_BYTES + 1);
                        uint64_t range = 1 + testing_random_below(&r, 256);

                        for (size_t k = 0; k < n; k++)
                                bytes[k] = (char)testing_random_below(&r, range);
                        blocks +=
                            add(*state, b, sizes[i], &a, &record, (struct view){bytes, n}) ? 1 : 0;
                }
                finish_and_compare(*state, b, sizes[i], &a);
                block_builder_free(b);
        }
        buf_release(&a.bytes);
        block_builder_free(NULL);
}

/* The worst record and the worst directory entry fit a block of a 4 KiB page. */
static void
test_worst_record_fits_an_empty_block(void **state)
{
        const struct codecs *c = *state;
        struct testing_random r = {1};
        struct block_record record = {UINT64_MAX / 2 + 1, UINT64_MAX / 2 + 1, UINT64_MAX / 2 + 1,
            INT64_MIN, 1023, 1, UINT16_MAX, 0, 0, 0};
        static struct added a = {.bytes = BUF_INIT(1 << 20)};
        struct block_builder *b = NULL;
        char bytes[RECORD_MAX_BYTES];

        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (char)testing_random(&r);
        testing_ok(block_builder_new(BLOCK_MIN_SIZE, &b, NULL), NULL);
        for (unsigned i = 0; i < 3; i++)
                (void)add(
                    *state, b, BLOCK_MIN_SIZE, &a, &record, (struct view){bytes, sizeof(bytes)});
        assert_int_equal(a.n, 1);
        /* two fit where two pages are one block, but four do not */
        finish_and_compare(c, b, BLOCK_MIN_SIZE, &a);
        block_builder_free(b);
        buf_release(&a.bytes);
}

/* Records without bytes to speak of: the count of records is what ends the block. */
static void
test_records_are_bounded(void **state)
{
        static struct added a = {.bytes = BUF_INIT(1 << 20)};
        struct block_builder *b = NULL;
        struct block_record record = {.slots = 1, .samples = 1};
        unsigned most = 0;

        testing_ok(block_builder_new(BLOCK_MAX_SIZE, &b, NULL), NULL);
        for (unsigned i = 0; i < 2000; i++) {
                (void)add(*state, b, BLOCK_MAX_SIZE, &a, &record, (struct view){"", 0});
                most = a.n > most ? a.n : most;
        }
        assert_int_equal(most, BLOCK_MAX_RECORDS);
        finish_and_compare(*state, b, BLOCK_MAX_SIZE, &a);
        block_builder_free(b);
        buf_release(&a.bytes);
}

static void
test_damage_is_found(void **state)
{
        const struct codecs *c = *state;
        uint8_t bytes[BLOCK_MIN_SIZE];
        struct view v = {(const char *)bytes, sizeof(bytes)};
        struct block_head head = {.seq = 1};
        struct block_record record = {.slots = 4, .samples = 4, .chunk = 9};
        struct block_record back[8];
        struct buf payload = BUF_INIT(BLOCK_MAX_PAYLOAD + 1);
        struct block_builder *b = NULL;

        testing_ok(block_builder_new(sizeof(bytes), &b, NULL), NULL);
        for (unsigned i = 0; i < 8; i++)
                testing_ok(
                    block_builder_add(b, &record, VIEW_LIT("\0\x01\0\x83"), c->packer, NULL), NULL);
        block_builder_finish(b, &head, bytes);
        for (size_t i = 0; i < sizeof(bytes); i++) {
                bytes[i] ^= 0x40;
                assert_int_equal(block_read_head(v, true, &head, NULL), ERR_CORRUPT);
                bytes[i] ^= 0x40;
        }
        /* whatever the bytes of head and directory are, reading stays in bounds and may refuse */
        for (size_t i = ENVELOPE_BYTES; i < 200; i++) {
                for (unsigned bit = 0; bit < 8; bit++) {
                        bytes[i] ^= (uint8_t)(1U << bit);
                        envelope_seal(bytes, sizeof(bytes), ENVELOPE_BLOCK);
                        (void)block_read_directory(v, back, 8, NULL);
                        (void)block_read_payload(v, c->unpacker, &payload, NULL);
                        bytes[i] ^= (uint8_t)(1U << bit);
                }
        }
        bytes[47]++; /* the version */
        envelope_seal(bytes, sizeof(bytes), ENVELOPE_BLOCK);
        assert_int_equal(block_read_head(v, true, &head, NULL), ERR_CORRUPT);
        bytes[47]--;
        bytes[28]++; /* samples: head and directory differ */
        envelope_seal(bytes, sizeof(bytes), ENVELOPE_BLOCK);
        testing_ok(block_read_head(v, true, &head, NULL), NULL);
        assert_int_equal(block_read_directory(v, back, 8, NULL), ERR_CORRUPT);
        bytes[28]--;
        bytes[32]++; /* a byte of payload that no record has: one of the zeros behind */
        envelope_seal(bytes, sizeof(bytes), ENVELOPE_BLOCK);
        testing_ok(block_read_head(v, true, &head, NULL), NULL);
        assert_int_equal(block_read_directory(v, back, 8, NULL), ERR_CORRUPT);
        bytes[32]--;
        bytes[36] = 33; /* more payload in the frame than there is */
        envelope_seal(bytes, sizeof(bytes), ENVELOPE_BLOCK);
        assert_int_equal(block_read_head(v, true, &head, NULL), ERR_CORRUPT);
        block_builder_free(b);
        buf_release(&payload);
}

/* The same column with other counts: what another machine has, and what repeats nothing. */
static void
other_machine(const uint64_t *keyframe, const uint64_t *column, unsigned slots, uint64_t *out,
    struct testing_random *r)
{
        for (unsigned i = 0; i < slots; i++) {
                double d;

                memcpy(&d, &column[i], sizeof(d));
                if (keyframe[i] != column[i] && d > 1000)
                        d += (double)testing_random_below(r, 1000);
                else if (keyframe[i] != column[i] && d < 0.1)
                        d = (double)testing_random_below(r, 100000) / 1e9;
                memcpy(&out[i], &d, sizeof(d));
        }
}

/* Scrapes of many node-exporters, as one site's log has them. */
struct site {
        unsigned slots_per_record; /* node-exporter's page is cut into such records */
        size_t size;
        double fill; /* at least */
        double packs; /* compressions per block, at most */
};

static void
fill_blocks(const struct codecs *c, const struct site *site, uint64_t columns[][CHUNK_SLOTS],
    unsigned slots)
{
        static struct added a = {.bytes = BUF_INIT(1 << 20)};
        struct block_builder *b = NULL;
        struct testing_random random = {17};
        struct buf bytes = BUF_INIT(1 << 20);
        size_t used = 0;
        size_t before = 0;
        unsigned blocks = 0;
        unsigned long samples = 0;

        testing_ok(block_builder_new(site->size, &b, NULL), NULL);
        for (unsigned n = 0; n < 2000; n++) {
                unsigned page = n % 11;
                uint64_t column[CHUNK_SLOTS];
                struct block_record r = {.target = 3 + n % 40,
                    .keyframe = 900 + n % 40,
                    .time_ms = 1763911234000 + (int64_t)(n / 40) * 15000 + n * 37 % 5000};
                struct record_input in = {
                    columns[page / 2], slots, column, 0, 0, r.time_ms, NULL, 0};

                other_machine(columns[page / 2], columns[page + 1], slots, column, &random);
                for (unsigned first = 0; first < slots; first += r.slots) {
                        unsigned covered;
                        unsigned count;
                        size_t extras;

                        in.first = first;
                        in.slots = slots - first < site->slots_per_record ? slots - first
                                                                          : site->slots_per_record;
                        buf_reset(&bytes);
                        testing_ok(
                            record_encode(&in, &bytes, &covered, &count, &extras, NULL), NULL);
                        r.chunk = 100 + n % 40 * 10 + first / site->slots_per_record;
                        r.first = (uint16_t)first;
                        r.slots = (uint16_t)covered;
                        r.samples = (uint16_t)count;
                        if (add(c, b, site->size, &a, &r, buf_view(&bytes))) {
                                used += before;
                                blocks++;
                        }
                        before = block_builder_used(b);
                        samples += blocks > 0 ? 0 : count;
                }
        }
        printf("blocks of %zu, records of %u: %.1f %% full, %.1f compressions each, %lu samples in "
               "the first\n",
            site->size, site->slots_per_record, 100.0 * (double)used / blocks / (double)site->size,
            (double)block_builder_packs(b) / blocks, samples);
        assert_true((double)used / blocks / (double)site->size >= site->fill);
        assert_true((double)block_builder_packs(b) / blocks <= site->packs);
        finish_and_compare(c, b, site->size, &a);
        block_builder_free(b);
        buf_release(&a.bytes);
        buf_release(&bytes);
}

static void
test_real_pages_fill_blocks(void **state)
{
        static const struct site sites[] = {
            {1024, BLOCK_MIN_SIZE, 0.9, 2.5},
            {100, BLOCK_MIN_SIZE, 0.9, 3.5},
            {20, BLOCK_MIN_SIZE, 0.9, 3.5},
            {1024, 16368, 0.9, 3.5},
            {1024, BLOCK_MAX_SIZE, 0.9, 4},
        };
        static uint64_t columns[TESTING_NODE_PAGES][CHUNK_SLOTS];
        size_t slots = 0;

        for (unsigned i = 0; i < TESTING_NODE_PAGES; i++) {
                struct testing_page page;

                testing_page_node(&page, i + 1, "node-1:9100");
                slots = testing_page_column(&page, 0, columns[i], CHUNK_SLOTS);
                testing_page_release(&page);
        }
        for (size_t i = 0; i < sizeof(sites) / sizeof(sites[0]); i++)
                fill_blocks(*state, &sites[i], columns, (unsigned)slots);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_any_records_come_back),
            cmocka_unit_test(test_worst_record_fits_an_empty_block),
            cmocka_unit_test(test_records_are_bounded),
            cmocka_unit_test(test_damage_is_found),
            cmocka_unit_test(test_real_pages_fill_blocks),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
