#include "base/compress.h"

#include "tests/testing/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct collected {
        struct buf text;
        size_t pieces;
        size_t largest;
        size_t refuse_after; /* bytes; 0: never */
};

static int
collect(void *arg, const char *p, size_t n, struct err *e)
{
        struct collected *c = arg;

        c->pieces++;
        c->largest = n > c->largest ? n : c->largest;
        if (c->refuse_after > 0 && c->text.len + n > c->refuse_after)
                return err_set(e, ERR_LIMIT, "enough");
        return buf_append(&c->text, p, n, e);
}

/* Appends one gzip member with this text to out. */
static void
put_member(struct buf *out, const char *text, size_t n)
{
        z_stream z = {0};

        assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
        testing_ok(buf_reserve(out, deflateBound(&z, n) + 32, NULL), NULL);
        z.next_in = (unsigned char *)(uintptr_t)text;
        z.avail_in = (unsigned)n;
        z.next_out = (unsigned char *)out->ptr + out->len;
        z.avail_out = (unsigned)(out->cap - out->len);
        assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
        out->len += z.total_out;
        assert_int_equal(deflateEnd(&z), Z_OK);
}

/* Feeds the body in pieces of `step` bytes; the code of the first failure, or of the end. */
static int
gunzip_all(struct gunzip *g, const struct buf *body, size_t step, struct collected *c)
{
        struct err e = ERR_INIT;

        gunzip_reset(g);
        buf_reset(&c->text);
        for (size_t i = 0; i < body->len; i += step) {
                size_t n = body->len - i < step ? body->len - i : step;
                int rc = gunzip_feed(g, body->ptr + i, n, collect, c, &e);

                if (rc < 0) {
                        assert_int_equal(rc, e.code);
                        return rc;
                }
        }
        return gunzip_finish(g, &e);
}

static void
test_gunzip_bodies(void **state)
{
        static const struct {
                const char *name;
                const char *members[3];
                const char *tail; /* behind the last member */
                size_t tail_bytes;
                size_t cut; /* bytes taken off the end */
                int want;
        } cases[] = {
            {"one member", {"hello\n"}, "", 0, 0, 0},
            {"three members", {"hello\n", "", "world\n"}, "", 0, 0, 0},
            {"zero padding", {"hello\n", "world\n"}, "\0\0\0\0\0", 5, 0, 0},
            {"garbage behind", {"hello\n"}, "xyz", 3, 0, ERR_PARSE},
            {"garbage after padding", {"hello\n"}, "\0\0x", 3, 0, ERR_PARSE},
            {"a member after padding", {"hello\n"}, "\0\x1f\x8b", 3, 0, ERR_PARSE},
            {"second member is none", {"hello\n"}, "\x1f\x8bzzzzzzzz", 10, 0, ERR_PARSE},
            {"second member just begins", {"hello\n"}, "\x1f", 1, 0, ERR_PARSE},
            {"cut in the trailer", {"hello\n"}, "", 0, 1, ERR_PARSE},
            {"cut in the data", {"hello hello hello hello\n"}, "", 0, 12, ERR_PARSE},
            {"not gzip", {NULL}, "plain text\n", 11, 0, ERR_PARSE},
            {"zeros only", {NULL}, "\0\0", 2, 0, ERR_PARSE},
            {"empty", {NULL}, "", 0, 0, ERR_PARSE},
        };
        struct gunzip *g = NULL;
        struct collected c = {.text = BUF_INIT(1 << 20)};
        struct buf body = BUF_INIT(1 << 20);
        struct buf want = BUF_INIT(1 << 20);

        (void)state;
        testing_ok(gunzip_new(&g, NULL), NULL);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                buf_reset(&body);
                buf_reset(&want);
                for (size_t m = 0; m < 3 && cases[i].members[m] != NULL; m++) {
                        put_member(&body, cases[i].members[m], strlen(cases[i].members[m]));
                        testing_ok(buf_puts(&want, cases[i].members[m], NULL), NULL);
                }
                testing_ok(buf_append(&body, cases[i].tail, cases[i].tail_bytes, NULL), NULL);
                body.len -= cases[i].cut;
                for (size_t step = 1; step <= 64; step *= 4) {
                        int rc = gunzip_all(g, &body, step, &c);

                        if (rc != cases[i].want)
                                fail_msg("%s, step %zu: %d", cases[i].name, step, rc);
                        if (rc == 0)
                                assert_true(view_eq(buf_view(&c.text), buf_view(&want)));
                }
        }
        gunzip_free(g);
        gunzip_free(NULL);
        buf_release(&c.text);
        buf_release(&body);
        buf_release(&want);
}

/* A flipped bit in the checksum is found even when the data is whole. */
static void
test_gunzip_checks_sums(void **state)
{
        struct gunzip *g = NULL;
        struct collected c = {.text = BUF_INIT(1 << 20)};
        struct buf body = BUF_INIT(1 << 20);
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(gunzip_new(&g, NULL), NULL);
        put_member(&body, "hello\n", 6);
        body.ptr[body.len - 8] ^= 1;
        assert_int_equal(gunzip_all(g, &body, body.len, &c), ERR_PARSE);
        /* and it stays refused until the next body */
        assert_int_equal(gunzip_feed(g, "x", 1, collect, &c, &e), ERR_PARSE);
        body.ptr[body.len - 8] ^= 1;
        assert_int_equal(gunzip_all(g, &body, body.len, &c), 0);
        gunzip_free(g);
        buf_release(&c.text);
        buf_release(&body);
}

/* What goes in by pieces comes out again, and a bound is kept. */
static void
test_gzip(void **state)
{
        static const struct {
                size_t bytes;
                size_t step;
                bool noise; /* that cannot be made smaller */
        } cases[] = {{0, 1, false}, {1, 1, false}, {5000, 1, false}, {300000, 40000, false},
            {300000, 300000, true}, {70000, 7, true}};

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct buf text = BUF_INIT(1 << 20);
                struct buf body = BUF_INIT(1 << 20);
                struct collected c = {.text = BUF_INIT(1 << 20)};
                struct buf small = BUF_INIT(100);
                struct gzip *g = NULL;
                struct gunzip *back = NULL;
                uint32_t x = 1;

                for (size_t k = 0; k < cases[i].bytes; k++) {
                        x = x * 1664525 + 1013904223;
                        testing_ok(
                            buf_putc(&text, (char)(cases[i].noise ? x >> 24 : k / 100), NULL),
                            NULL);
                }
                testing_ok(gzip_new(&g, NULL), NULL);
                for (size_t k = 0; k < text.len; k += cases[i].step) {
                        size_t n = text.len - k < cases[i].step ? text.len - k : cases[i].step;

                        testing_ok(
                            gzip_feed(g, (struct view){text.ptr + k, n}, false, &body, NULL), NULL);
                }
                testing_ok(gzip_feed(g, (struct view){NULL, 0}, true, &body, NULL), NULL);
                gzip_free(g);
                testing_ok(gunzip_new(&back, NULL), NULL);
                testing_ok(gunzip_all(back, &body, 1000, &c), NULL);
                assert_int_equal(c.text.len, text.len);
                assert_int_equal(text.len > 0 ? memcmp(c.text.ptr, text.ptr, text.len) : 0, 0);
                assert_true(cases[i].noise || body.len < text.len / 20 + 40);
                testing_ok(gzip_new(&g, NULL), NULL);
                assert_int_equal(gzip_feed(g, buf_view(&text), true, &small, NULL), ERR_LIMIT);
                gzip_free(g);
                gunzip_free(back);
                buf_release(&text);
                buf_release(&body);
                buf_release(&c.text);
                buf_release(&small);
        }
        gzip_free(NULL);
}

/* 8 MiB of zeros in 8 KiB come out in small pieces, and a sink that has enough ends it. */
static void
test_gunzip_streams(void **state)
{
        enum { BYTES = 8 << 20 };
        struct gunzip *g = NULL;
        struct collected c = {.text = BUF_INIT(BYTES)};
        struct buf body = BUF_INIT(2 * BYTES);
        char *zeros = calloc(1, BYTES);

        (void)state;
        assert_non_null(zeros);
        testing_ok(gunzip_new(&g, NULL), NULL);
        put_member(&body, zeros, BYTES);
        assert_int_equal(gunzip_all(g, &body, body.len, &c), 0);
        assert_int_equal(c.text.len, BYTES);
        assert_memory_equal(c.text.ptr, zeros, BYTES);
        assert_true(c.largest <= 32 << 10);
        c.refuse_after = 100000;
        c.pieces = 0;
        assert_int_equal(gunzip_all(g, &body, body.len, &c), ERR_LIMIT);
        assert_true(c.pieces <= 100000 / 1024);
        gunzip_free(g);
        free(zeros);
        buf_release(&c.text);
        buf_release(&body);
}

static void
test_zstd_round_trips(void **state)
{
        static const size_t sizes[] = {0, 1, 100, 4096, 8192, 131072, 400000};
        enum { LARGEST = 400000 };
        struct testing_random r = {1};
        struct zstd_packer *packer = NULL;
        struct zstd_unpacker *unpacker = NULL;
        uint8_t *src = malloc(LARGEST);
        uint8_t *packed = malloc(LARGEST + 4096);
        uint8_t *back = malloc(LARGEST);
        struct err e = ERR_INIT;

        (void)state;
        assert_true(src != NULL && packed != NULL && back != NULL);
        testing_ok(zstd_packer_new(3, &packer, &e), &e);
        testing_ok(zstd_unpacker_new(&unpacker, &e), &e);
        for (size_t i = 0; i < LARGEST; i++)
                src[i] = (uint8_t)testing_random_below(&r, 5);
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
                size_t n = zstd_pack(packer, src, sizes[i], packed, LARGEST + 4096);

                assert_true(n > 0);
                testing_ok(zstd_unpack(unpacker, packed, n, back, sizes[i], &e), &e);
                assert_memory_equal(back, src, sizes[i]);
                if (sizes[i] == 0)
                        continue;
                /* no magic in front: two bytes of header and the block follow */
                assert_memory_not_equal(packed, "\x28\xb5\x2f\xfd", 4);
                assert_int_equal(
                    zstd_unpack(unpacker, packed, n, back, sizes[i] - 1, &e), ERR_CORRUPT);
                assert_int_equal(
                    zstd_unpack(unpacker, packed, n - 1, back, sizes[i], &e), ERR_CORRUPT);
                if (sizes[i] < LARGEST)
                        assert_int_equal(
                            zstd_unpack(unpacker, packed, n, back, sizes[i] + 1, &e), ERR_CORRUPT);
        }
        assert_int_equal(zstd_pack(packer, src, 4096, packed, 100), 0);
        /* a refused one leaves the context usable */
        assert_true(zstd_pack(packer, src, 4096, packed, 4096) > 0);
        assert_true(zstd_packer_memory(packer) < 640 << 10);
        assert_true(zstd_unpacker_memory(unpacker) < 1 << 20);
        zstd_packer_free(packer);
        zstd_unpacker_free(unpacker);
        zstd_packer_free(NULL);
        zstd_unpacker_free(NULL);
        free(src);
        free(packed);
        free(back);
}

/* The memory that a packer of small payloads holds on to: reported, and bounded. */
static void
test_zstd_packer_is_small(void **state)
{
        struct zstd_packer *packer = NULL;
        uint8_t src[8192] = {0};
        uint8_t dst[8192];

        (void)state;
        testing_ok(zstd_packer_new(1, &packer, NULL), NULL);
        assert_true(zstd_pack(packer, src, sizeof(src), dst, sizeof(dst)) > 0);
        printf("zstd packer, level 1, 8 KiB payloads: %zu bytes\n", zstd_packer_memory(packer));
        assert_true(zstd_packer_memory(packer) < 512 << 10);
        zstd_packer_free(packer);
}

static void
test_snappy(void **state)
{
        static const struct {
                const char *name;
                const char *body;
                size_t n;
                int want;
        } bad[] = {
            {"empty", "", 0, ERR_PARSE},
            {"framed format", "\xff\x06\x00\x00sNaPpY", 10, ERR_PARSE},
            {"length without end", "\xff\xff\xff\xff\xff\xff", 6, ERR_PARSE},
            {"over the bound", "\x80\x80\x80\x80\x01", 5, ERR_LIMIT},
            {"claims too much", "\x80\x80\x10", 3, ERR_PARSE},
            {"literal cut short", "\x05\x10he", 4, ERR_PARSE},
            {"copy from before the start", "\x05\x01\x01", 3, ERR_PARSE},
        };
        struct buf packed = BUF_INIT(1 << 20);
        struct buf back = BUF_INIT(1 << 20);
        struct buf small = BUF_INIT(10);
        struct err e = ERR_INIT;
        char text[10000];

        (void)state;
        memset(text, 'a', sizeof(text));
        for (size_t n = 0; n <= sizeof(text); n += 5000) {
                buf_reset(&packed);
                buf_reset(&back);
                testing_ok(buf_puts(&back, "before", &e), &e);
                testing_ok(snappy_pack((struct view){text, n}, &packed, &e), &e);
                assert_true(packed.len <= snappy_bound(n));
                testing_ok(snappy_unpack(buf_view(&packed), &back, &e), &e);
                assert_int_equal(back.len, n + 6);
                assert_memory_equal(back.ptr, "before", 6);
                assert_memory_equal(back.ptr + 6, text, n);
        }
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                int rc;

                buf_release(&back);
                rc = snappy_unpack((struct view){bad[i].body, bad[i].n}, &back, &e);
                if (rc != bad[i].want)
                        fail_msg("%s: %d (%s)", bad[i].name, rc, e.msg);
                assert_int_equal(back.len, 0);
                assert_true(back.cap < 1000); /* no memory for what is only claimed */
        }
        assert_int_equal(snappy_pack((struct view){text, 100}, &small, &e), ERR_LIMIT);
        buf_release(&packed);
        buf_release(&back);
        buf_release(&small);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_gzip),
            cmocka_unit_test(test_gunzip_bodies),
            cmocka_unit_test(test_gunzip_checks_sums),
            cmocka_unit_test(test_gunzip_streams),
            cmocka_unit_test(test_zstd_round_trips),
            cmocka_unit_test(test_zstd_packer_is_small),
            cmocka_unit_test(test_snappy),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
