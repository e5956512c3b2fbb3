/*
 * The three compressors behind small interfaces. Bodies from outside go through gunzip and snappy:
 * both work with fixed memory or a bound that the caller sets. zstd is for our own small frames,
 * which carry no magic, size or checksum of their own: what stores them has these already.
 */
#define ZLIB_CONST /* zlib's next_in takes const bytes */
#define ZSTD_STATIC_LINKING_ONLY /* magicless frames */

#include "base/compress.h"

#include "base/err.h"

#include <assert.h>
#include <limits.h>
#include <snappy-c.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

enum {
        GUNZIP_OUT_BYTES = 16 << 10,
        GZIP_WINDOW = 15 + 16, /* the largest window, gzip's header expected */
        GZIP_MAGIC_1 = 0x1f,
        GZIP_OUT_WINDOW = 13 + 16, /* 8 KiB: what we send repeats itself within less */
        GZIP_OUT_LEVEL = 6,
        GZIP_OUT_TABLES = 6,
        GZIP_OUT_ROOM = 4 << 10,
        ZSTD_WINDOW_LOG = 17, /* what we pack is rarely over 128 KiB */
        ZSTD_TABLE_LOG = 12, /* larger tables take 360 KiB more and save 0.03 % at best */
        SNAPPY_MAX_RATIO = 22, /* a copy of 64 bytes takes three */
};

enum gunzip_state {
        GUNZIP_EMPTY, /* nothing came yet */
        GUNZIP_MEMBER, /* inside a member */
        GUNZIP_BETWEEN, /* a member ended: another one, zeros or the end may follow */
        GUNZIP_PADDING, /* zeros after the last member, as tape archives have them */
        GUNZIP_FAILED,
};

struct gunzip {
        z_stream stream;
        enum gunzip_state state;
        char out[GUNZIP_OUT_BYTES];
};

int
gunzip_new(struct gunzip **out, struct err *e)
{
        struct gunzip *g = calloc(1, sizeof(*g));

        if (g == NULL)
                return err_nomem(e, "decompression");
        if (inflateInit2(&g->stream, GZIP_WINDOW) != Z_OK) {
                free(g);
                return err_nomem(e, "decompression");
        }
        *out = g;
        return 0;
}

void
gunzip_free(struct gunzip *g)
{
        if (g == NULL)
                return;
        (void)inflateEnd(&g->stream);
        free(g);
}

void
gunzip_reset(struct gunzip *g)
{
        (void)inflateReset(&g->stream); /* fails only for a stream that is none */
        g->state = GUNZIP_EMPTY;
}

static int
gunzip_fail(struct gunzip *g, struct err *e, const char *why)
{
        g->state = GUNZIP_FAILED;
        return err_set(e, ERR_PARSE, "gzip body is damaged: %s", why);
}

/* Inflates what the stream was given until it is used up or the member ends. */
static int
inflate_member(struct gunzip *g, gunzip_sink sink, void *arg, struct err *e)
{
        int rc;

        do {
                size_t made;
                int z;

                g->stream.next_out = (unsigned char *)g->out;
                g->stream.avail_out = sizeof(g->out);
                z = inflate(&g->stream, Z_NO_FLUSH);
                if (z == Z_MEM_ERROR) {
                        g->state = GUNZIP_FAILED;
                        return err_nomem(e, "decompression");
                }
                if (z != Z_OK && z != Z_STREAM_END && z != Z_BUF_ERROR)
                        return gunzip_fail(
                            g, e, g->stream.msg != NULL ? g->stream.msg : "bad data");
                made = sizeof(g->out) - g->stream.avail_out;
                rc = made > 0 ? sink(arg, g->out, made, e) : 0;
                if (rc < 0) {
                        g->state = GUNZIP_FAILED;
                        return rc;
                }
                if (z == Z_STREAM_END) {
                        g->state = GUNZIP_BETWEEN;
                        return 0;
                }
                /* a full output may hide more, even when all input is taken */
        } while (g->stream.avail_in > 0 || g->stream.avail_out == 0);
        return 0;
}

/* Looks at the first byte behind a member (or of the body). */
static int
begin_member(struct gunzip *g, struct err *e)
{
        unsigned char first = *g->stream.next_in;

        if (first == 0 && g->state != GUNZIP_EMPTY) {
                g->state = GUNZIP_PADDING;
                g->stream.next_in++;
                g->stream.avail_in--;
                return 0;
        }
        if (first != GZIP_MAGIC_1 || g->state == GUNZIP_PADDING)
                return gunzip_fail(
                    g, e, g->state == GUNZIP_EMPTY ? "it is not gzip" : "garbage after its end");
        if (g->state == GUNZIP_BETWEEN)
                (void)inflateReset(&g->stream);
        g->state = GUNZIP_MEMBER;
        return 0;
}

int
gunzip_feed(struct gunzip *g, const char *p, size_t n, gunzip_sink sink, void *arg, struct err *e)
{
        while (n > 0) {
                size_t piece = n > UINT_MAX ? UINT_MAX : n;
                int rc = 0;

                g->stream.next_in = (const unsigned char *)p;
                g->stream.avail_in = (unsigned)piece;
                while (rc == 0 && g->stream.avail_in > 0) {
                        if (g->state == GUNZIP_FAILED)
                                rc = gunzip_fail(g, e, "it was refused before");
                        else if (g->state == GUNZIP_MEMBER)
                                rc = inflate_member(g, sink, arg, e);
                        else
                                rc = begin_member(g, e);
                }
                if (rc < 0)
                        return rc;
                p += piece;
                n -= piece;
        }
        return 0;
}

int
gunzip_finish(const struct gunzip *g, struct err *e)
{
        if (g->state == GUNZIP_BETWEEN || g->state == GUNZIP_PADDING)
                return 0;
        return err_set(e, ERR_PARSE, "gzip body is cut short");
}

struct gzip {
        z_stream stream;
};

int
gzip_new(struct gzip **out, struct err *e)
{
        struct gzip *g = calloc(1, sizeof(*g));

        if (g == NULL)
                return err_nomem(e, "compression");
        if (deflateInit2(&g->stream, GZIP_OUT_LEVEL, Z_DEFLATED, GZIP_OUT_WINDOW, GZIP_OUT_TABLES,
                Z_DEFAULT_STRATEGY) != Z_OK) {
                free(g);
                return err_nomem(e, "compression");
        }
        *out = g;
        return 0;
}

void
gzip_free(struct gzip *g)
{
        if (g == NULL)
                return;
        (void)deflateEnd(&g->stream);
        free(g);
}

int
gzip_feed(struct gzip *g, struct view v, bool last, struct buf *out, struct err *e)
{
        int z = Z_OK;

        assert(v.n <= UINT_MAX);
        g->stream.next_in = (const unsigned char *)v.p;
        g->stream.avail_in = (unsigned)v.n;
        do {
                int rc = buf_reserve(out, GZIP_OUT_ROOM, e);

                if (rc < 0)
                        return rc;
                g->stream.next_out = (unsigned char *)out->ptr + out->len;
                g->stream.avail_out = GZIP_OUT_ROOM;
                z = deflate(&g->stream, last ? Z_FINISH : Z_NO_FLUSH);
                assert(z != Z_STREAM_ERROR);
                out->len += GZIP_OUT_ROOM - g->stream.avail_out;
        } while (last ? z != Z_STREAM_END : g->stream.avail_out == 0);
        return 0;
}

struct zstd_packer {
        ZSTD_CCtx *ctx;
};

struct zstd_unpacker {
        ZSTD_DCtx *ctx;
};

static bool
set_packer(ZSTD_CCtx *ctx, ZSTD_cParameter parameter, int value)
{
        return !ZSTD_isError(ZSTD_CCtx_setParameter(ctx, parameter, value));
}

int
zstd_packer_new(int level, struct zstd_packer **out, struct err *e)
{
        struct zstd_packer *z = calloc(1, sizeof(*z));

        if (z == NULL)
                return err_nomem(e, "compression");
        z->ctx = ZSTD_createCCtx();
        if (z->ctx == NULL || !set_packer(z->ctx, ZSTD_c_compressionLevel, level) ||
            !set_packer(z->ctx, ZSTD_c_windowLog, ZSTD_WINDOW_LOG) ||
            !set_packer(z->ctx, ZSTD_c_hashLog, ZSTD_TABLE_LOG) ||
            !set_packer(z->ctx, ZSTD_c_chainLog, ZSTD_TABLE_LOG) ||
            !set_packer(z->ctx, ZSTD_c_format, ZSTD_f_zstd1_magicless) ||
            !set_packer(z->ctx, ZSTD_c_contentSizeFlag, 0) ||
            !set_packer(z->ctx, ZSTD_c_checksumFlag, 0) ||
            !set_packer(z->ctx, ZSTD_c_dictIDFlag, 0)) {
                zstd_packer_free(z);
                return err_nomem(e, "compression");
        }
        *out = z;
        return 0;
}

void
zstd_packer_free(struct zstd_packer *z)
{
        if (z == NULL)
                return;
        (void)ZSTD_freeCCtx(z->ctx);
        free(z);
}

size_t
zstd_packer_memory(const struct zstd_packer *z)
{
        return sizeof(*z) + ZSTD_sizeof_CCtx(z->ctx);
}

size_t
zstd_pack(struct zstd_packer *z, const void *src, size_t n, void *dst, size_t cap)
{
        size_t made = ZSTD_compress2(z->ctx, dst, cap, src, n);

        return ZSTD_isError(made) ? 0 : made;
}

int
zstd_unpacker_new(struct zstd_unpacker **out, struct err *e)
{
        struct zstd_unpacker *z = calloc(1, sizeof(*z));

        if (z == NULL)
                return err_nomem(e, "decompression");
        z->ctx = ZSTD_createDCtx();
        if (z->ctx == NULL ||
            ZSTD_isError(ZSTD_DCtx_setParameter(z->ctx, ZSTD_d_format, ZSTD_f_zstd1_magicless))) {
                zstd_unpacker_free(z);
                return err_nomem(e, "decompression");
        }
        *out = z;
        return 0;
}

void
zstd_unpacker_free(struct zstd_unpacker *z)
{
        if (z == NULL)
                return;
        (void)ZSTD_freeDCtx(z->ctx);
        free(z);
}

size_t
zstd_unpacker_memory(const struct zstd_unpacker *z)
{
        return sizeof(*z) + ZSTD_sizeof_DCtx(z->ctx);
}

int
zstd_unpack(
    struct zstd_unpacker *z, const void *src, size_t n, void *dst, size_t want, struct err *e)
{
        size_t made = ZSTD_decompressDCtx(z->ctx, dst, want, src, n);

        if (ZSTD_isError(made))
                return err_set(
                    e, ERR_CORRUPT, "compressed bytes are damaged: %s", ZSTD_getErrorName(made));
        if (made != want)
                return err_set(e, ERR_CORRUPT,
                    "compressed bytes are damaged: they hold %zu bytes instead of %zu", made, want);
        return 0;
}

size_t
snappy_bound(size_t n)
{
        return snappy_max_compressed_length(n);
}

int
snappy_pack(struct view v, struct buf *out, struct err *e)
{
        size_t made = snappy_bound(v.n);
        snappy_status status;
        int rc = buf_reserve(out, made, e);

        if (rc < 0)
                return rc;
        status = snappy_compress(v.n > 0 ? v.p : "", v.n, out->ptr + out->len, &made);
        assert(status == SNAPPY_OK); /* fails only for a buffer smaller than the bound */
        out->len += made;
        return 0;
}

int
snappy_unpack(struct view v, struct buf *out, struct err *e)
{
        size_t made;
        int rc;

        if (v.n == 0 || snappy_uncompressed_length(v.p, v.n, &made) != SNAPPY_OK)
                return err_set(e, ERR_PARSE, "body is not snappy in its block format");
        if (made > out->max - out->len)
                return err_set(
                    e, ERR_LIMIT, "body of %zu bytes would be %zu bytes decompressed", v.n, made);
        /* before memory is taken for a size that so few bytes cannot have */
        if (made / SNAPPY_MAX_RATIO > v.n)
                return err_set(
                    e, ERR_PARSE, "snappy body of %zu bytes claims to hold %zu", v.n, made);
        rc = buf_reserve(out, made > 0 ? made : 1, e);
        if (rc < 0)
                return rc;
        if (snappy_uncompress(v.p, v.n, out->ptr + out->len, &made) != SNAPPY_OK)
                return err_set(e, ERR_PARSE, "snappy body is damaged");
        out->len += made;
        return 0;
}
