#include "wal/layout.h"

#include "base/compress.h"
#include "tests/testing/pages.h"
#include "tests/testing/testing.h"
#include "wal/column.h"
#include "wal/envelope.h"
#include "wal/layout_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LABELS_CAP = 300 };

struct codecs {
        struct zstd_packer *packer;
        struct zstd_unpacker *unpacker;
        struct layout_builder *builder;
};

static int
setup(void **state)
{
        static struct codecs c;

        testing_ok(zstd_packer_new(1, &c.packer, NULL), NULL);
        testing_ok(zstd_unpacker_new(&c.unpacker, NULL), NULL);
        testing_ok(layout_builder_new(&c.builder, NULL), NULL);
        *state = &c;
        return 0;
}

static int
teardown(void **state)
{
        struct codecs *c = *state;

        zstd_packer_free(c->packer);
        zstd_unpacker_free(c->unpacker);
        layout_builder_free(c->builder);
        return 0;
}

static void
compare_set(const struct layout_part *part, unsigned i, const struct labels *want)
{
        struct label got[LABELS_CAP];
        size_t n = layout_part_labels(part, i, got, LABELS_CAP);

        assert_int_equal(n, want->n);
        assert_true(n <= layout_part_max_labels(part));
        for (size_t k = 0; k < n; k++) {
                assert_true(view_eq(got[k].name, want->v[k].name));
                assert_true(view_eq(got[k].value, want->v[k].value));
        }
}

/* Sets of one shape must have the same names. */
static void
compare_shapes(const struct layout_part *part, unsigned n)
{
        for (unsigned i = 0; i < n; i++) {
                uint32_t shape = layout_part_shape(part, i);
                struct label a[LABELS_CAP];
                struct label b[LABELS_CAP];
                unsigned first = 0;
                size_t labels = layout_part_labels(part, i, a, LABELS_CAP);

                assert_true(shape < layout_part_shapes(part));
                while (layout_part_shape(part, first) != shape)
                        first++;
                assert_int_equal(layout_part_labels(part, first, b, LABELS_CAP), labels);
                for (size_t k = 0; k < labels; k++)
                        assert_true(view_eq(a[k].name, b[k].name));
        }
}

/* Encodes the label sets of these series and compares what comes back. Returns the bytes. */
static size_t
round_trip(struct codecs *c, const struct testing_series *series, unsigned n, unsigned first)
{
        struct layout_head head = {UINT64_C(1) << 40, 7, first, n};
        struct layout_part *part = NULL;
        struct buf out = BUF_INIT(8 << 20);
        struct err e = ERR_INIT;
        struct label one[1] = {{{"x", 1}, {"y", 1}}};
        size_t bytes;

        layout_builder_reset(c->builder);
        for (unsigned i = 0; i < n; i++)
                testing_ok(
                    layout_builder_add(c->builder, series[i].labels.v, series[i].labels.n, &e), &e);
        assert_int_equal(layout_builder_count(c->builder), n);
        testing_ok(buf_puts(&out, "before", &e), &e);
        testing_ok(layout_builder_encode(c->builder, &head, c->packer, &out, &e), &e);
        assert_int_equal(layout_builder_count(c->builder), n);
        bytes = out.len - 6;
        testing_ok(
            layout_part_decode((struct view){out.ptr + 6, bytes}, c->unpacker, &part, &e), &e);
        assert_int_equal(layout_part_head(part)->chunk, head.chunk);
        assert_int_equal(layout_part_head(part)->target, head.target);
        assert_int_equal(layout_part_head(part)->first, head.first);
        assert_int_equal(layout_part_head(part)->slots, head.slots);
        for (unsigned i = 0; i < n; i++)
                compare_set(part, i, &series[i].labels);
        compare_shapes(part, n);
        /* too little room: what is there is filled, the need is told */
        if (series[0].labels.n > 1) {
                assert_int_equal(layout_part_labels(part, 0, one, 1), series[0].labels.n);
                assert_true(view_eq(one[0].name, series[0].labels.v[0].name));
        }
        assert_true(layout_part_bytes(part) > n);
        layout_part_free(part);
        buf_release(&out);
        return bytes;
}

static void
make_set(struct testing_series *s, struct arena *arena, const char *const *texts)
{
        labels_init(&s->labels, arena);
        for (; texts[0] != NULL; texts += 2)
                testing_ok(
                    labels_add(&s->labels, view_of(texts[0]), view_of(texts[1]), NULL), NULL);
}

static void
test_small_sets(void **state)
{
        static const char *const sets[][9] = {
            {"__name__", "up", "instance", "a:1", "job", "x"},
            {"__name__", "up", "instance", "a:1", "job", "x"},
            {"__name__", "up", "instance", "__name__", "job", "instance"},
            {NULL},
            {"__name__", "down"},
            {"__name__", "down", "zone", "up"},
            {"zone", "", "zzz", ""},
            {"__name__", "up", "instance", "a:1", "job", "x"},
            {"\xc3\xa4", "\xff\x01 not text", "b", "a long value that is shared with the next"},
            {"\xc3\xa4", "\xff\x01 not text", "b", "a long value that is shared with the last"},
            {"\xc3\xa4", "\xff\x01 not", "b", "a long value"},
        };
        enum { N = sizeof(sets) / sizeof(sets[0]) };
        struct arena arena = ARENA_INIT(1 << 20);
        struct testing_series series[N];

        for (unsigned i = 0; i < N; i++)
                make_set(&series[i], &arena, sets[i]);
        for (unsigned first = 0; first < N; first++) {
                for (unsigned n = 1; n <= N - first; n++)
                        (void)round_trip(*state, series + first, n, first);
        }
        arena_release(&arena);
}

/* A set's labels come from small and large alphabets; more than 8, more than 128 of them too. */
static void
test_any_sets_come_back(void **state)
{
        const uint64_t seed = 31;
        struct testing_random r = {seed};
        struct testing_series series[CHUNK_SLOTS];

        printf("seed %llu\n", (unsigned long long)seed);
        for (unsigned round = 0; round < 60; round++) {
                struct arena arena = ARENA_INIT((size_t)64 << 20);
                unsigned n = 1 + (unsigned)testing_random_below(&r, round % 10 == 0 ? 1024 : 50);
                unsigned first = (unsigned)testing_random_below(&r, CHUNK_SLOTS - n + 1);

                for (unsigned i = 0; i < n; i++) {
                        size_t labels = testing_random_below(&r, round % 7 == 0 ? 250 : 12);

                        labels_init(&series[i].labels, &arena);
                        for (size_t k = 0; k < labels; k++) {
                                char name[32];
                                char value[64];

                                (void)snprintf(name, sizeof(name), "label%03zu%s", k,
                                    testing_random_below(&r, 4) == 0 ? "b" : "");
                                (void)snprintf(value, sizeof(value), "%.*s%llu",
                                    (int)testing_random_below(&r, 30),
                                    "abcdefghijklmnopqrstuvwxyzabcdef",
                                    (unsigned long long)testing_random_below(
                                        &r, testing_random_below(&r, 2) == 0 ? 3 : 1000000));
                                testing_ok(
                                    labels_add(&series[i].labels, arena_view(&arena, view_of(name)),
                                        arena_view(&arena, view_of(value)), NULL),
                                    NULL);
                        }
                }
                (void)round_trip(*state, series, n, first);
                arena_release(&arena);
        }
}

static void
test_damage_is_found(void **state)
{
        static const char *const texts[] = {"__name__", "up", "instance", "a:1", NULL};
        struct codecs *c = *state;
        struct arena arena = ARENA_INIT(1 << 20);
        struct testing_series s;
        struct layout_head head = {1, 2, 0, 3};
        struct layout_part *part = NULL;
        struct buf out = BUF_INIT(1 << 20);

        make_set(&s, &arena, texts);
        layout_builder_reset(c->builder);
        for (unsigned i = 0; i < 3; i++)
                testing_ok(layout_builder_add(c->builder, s.labels.v, s.labels.n, NULL), NULL);
        testing_ok(layout_builder_encode(c->builder, &head, c->packer, &out, NULL), NULL);
        for (size_t i = 0; i < out.len; i++) {
                out.ptr[i] ^= 2;
                assert_int_equal(
                    layout_part_decode(buf_view(&out), c->unpacker, &part, NULL), ERR_CORRUPT);
                out.ptr[i] ^= 2;
                assert_int_equal(
                    layout_part_decode((struct view){out.ptr, i}, c->unpacker, &part, NULL),
                    ERR_CORRUPT);
        }
        buf_release(&out);
        arena_release(&arena);
}

/* Sealed bytes that no encoder wrote: one set {a="x"}, then with one thing wrong each. */
static void
test_bytes_from_outside(void **state)
{
/* symbols, shapes, labels, text bytes; lengths of shapes, series, tokens, lengths; the runs */
#define COUNTS \
        "\x02\x01\x01\x02" \
        "\x02\x02\x01\x04"
        static const struct {
                const char *name;
                const char *raw;
                size_t n;
                uint16_t first;
                uint16_t slots;
                uint8_t version;
                uint8_t flags;
                int want;
        } cases[] = {
#define SOUND 0, 1, 1, 0
            {"sound",
                COUNTS "\x01\x00\x00\x01\x00\x00\x01\x00\x01"
                       "ax",
                19, SOUND, 0},
            {"no slots",
                COUNTS "\x01\x00\x00\x01\x00\x00\x01\x00\x01"
                       "ax",
                19, 0, 0, 1, 0, ERR_CORRUPT},
            {"beyond the chunk",
                COUNTS "\x01\x00\x00\x01\x00\x00\x01\x00\x01"
                       "ax",
                19, 1024, 1, 1, 0, ERR_CORRUPT},
            {"another version",
                COUNTS "\x01\x00\x00\x01\x00\x00\x01\x00\x01"
                       "ax",
                19, 0, 1, 2, 0, ERR_CORRUPT},
            {"unknown flag",
                COUNTS "\x01\x00\x00\x01\x00\x00\x01\x00\x01"
                       "ax",
                19, 0, 1, 1, 2, ERR_CORRUPT},
            {"not packed",
                COUNTS "\x01\x00\x00\x01\x00\x00\x01\x00\x01"
                       "ax",
                19, 0, 1, 1, 1, ERR_CORRUPT},
            {"empty", "", 0, SOUND, ERR_CORRUPT},
            {"a run too long",
                "\x02\x01\x01\x02"
                "\x02\x02\x01\x7f\x01\x00\x00\x01\x00\x00\x01\x00\x01"
                "ax",
                19, SOUND, ERR_CORRUPT},
            {"too many symbols",
                "\x03\x01\x01\x02"
                "\x02\x02\x01\x04\x01\x00\x00\x01\x00\x00\x01\x00\x01"
                "ax",
                19, SOUND, ERR_CORRUPT},
            {"a symbol fewer",
                "\x01\x01\x01\x02"
                "\x02\x02\x01\x04\x01\x00\x00\x01\x00\x00\x01\x00\x01"
                "ax",
                19, SOUND, ERR_CORRUPT},
            {"too many labels",
                "\x02\x01\x81\x80\x40\x02"
                "\x02\x02\x01\x04\x01\x00\x00\x01\x00\x00\x01\x00\x01"
                "ax",
                21, SOUND, ERR_CORRUPT},
            {"a label fewer",
                "\x02\x01\x00\x02"
                "\x02\x02\x01\x04\x01\x00\x00\x01\x00\x00\x01\x00\x01"
                "ax",
                19, SOUND, ERR_CORRUPT},
            {"text is longer",
                "\x02\x01\x01\x03"
                "\x02\x02\x01\x04\x01\x00\x00\x01\x00\x00\x01\x00\x01"
                "ax",
                19, SOUND, ERR_CORRUPT},
            {"text is shorter",
                "\x02\x01\x01\x01"
                "\x02\x02\x01\x04\x01\x00\x00\x01\x00\x00\x01\x00\x01"
                "ax",
                19, SOUND, ERR_CORRUPT},
            {"unknown shape",
                COUNTS "\x01\x00\x01\x01\x00\x00\x01\x00\x01"
                       "ax",
                19, SOUND, ERR_CORRUPT},
            {"unknown name",
                COUNTS "\x01\x01\x00\x01\x00\x00\x01\x00\x01"
                       "ax",
                19, SOUND, ERR_CORRUPT},
            {"unknown value",
                COUNTS "\x01\x00\x00\x01\x05\x00\x01\x00\x01"
                       "ax",
                19, SOUND, ERR_CORRUPT},
            {"no value before",
                COUNTS "\x01\x00\x00\x00\x00\x00\x01\x00\x01"
                       "ax",
                19, SOUND, ERR_CORRUPT},
            {"shared with nothing",
                COUNTS "\x01\x00\x00\x01\x00\x01\x00\x00\x01"
                       "ax",
                19, SOUND, ERR_CORRUPT},
            {"text is missing",
                COUNTS "\x01\x00\x00\x01\x00\x00\x01\x00\x01"
                       "a",
                18, SOUND, ERR_CORRUPT},
            {"text is left",
                COUNTS "\x01\x00\x00\x01\x00\x00\x01\x00\x01"
                       "axx",
                20, SOUND, ERR_CORRUPT},
#undef SOUND
        };
#undef COUNTS
        struct codecs *c = *state;

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                uint8_t bytes[200] = {0};
                uint8_t *p = bytes + ENVELOPE_BYTES;
                size_t n = ENVELOPE_BYTES + LAYOUT_HEAD_BYTES + cases[i].n;
                struct layout_part *part = NULL;
                int rc;

                bytes_put_u16(p + 16, cases[i].first);
                bytes_put_u16(p + 18, cases[i].slots);
                p[20] = cases[i].version;
                p[21] = cases[i].flags;
                bytes_put_u32(p + 22, (uint32_t)cases[i].n);
                memcpy(p + LAYOUT_HEAD_BYTES, cases[i].raw, cases[i].n);
                envelope_seal(bytes, n, ENVELOPE_LAYOUT);
                rc = layout_part_decode(
                    (struct view){(const char *)bytes, n}, c->unpacker, &part, NULL);
                if (rc != cases[i].want)
                        fail_msg("%s: %d", cases[i].name, rc);
                layout_part_free(part);
        }
}

static void
test_real_pages(void **state)
{
        struct testing_page page;
        size_t bytes;

        testing_page_node(&page, 1, "node-1:9100");
        bytes = round_trip(*state, page.series, (unsigned)page.n, 0);
        printf("node-exporter: %.2f bytes per series\n", (double)bytes / (double)page.n);
        assert_true(bytes < page.n * 69 / 10);
        testing_page_release(&page);
        testing_page_kube(&page);
        bytes = 0;
        for (size_t first = 0; first < page.n; first += CHUNK_SLOTS) {
                size_t n = page.n - first < CHUNK_SLOTS ? page.n - first : CHUNK_SLOTS;

                bytes += round_trip(*state, page.series + first, (unsigned)n, 0);
        }
        printf("kube-state-metrics: %.2f bytes per series\n", (double)bytes / (double)page.n);
        assert_true(bytes < page.n * 75 / 10);
        testing_page_release(&page);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_small_sets),
            cmocka_unit_test(test_any_sets_come_back),
            cmocka_unit_test(test_damage_is_found),
            cmocka_unit_test(test_bytes_from_outside),
            cmocka_unit_test(test_real_pages),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
