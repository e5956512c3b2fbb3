/*
 * Compression: the only users of zlib, zstd and snappy. Contexts are for one thread at a time.
 */
#ifndef BASE_COMPRESS_H
#define BASE_COMPRESS_H

#include "base/buf.h"
#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* ---- gzip, streaming, several members allowed ---- */

struct gunzip;

/* Called with pieces of decompressed bytes, valid during the call; an error ends the feeding. */
typedef int (*gunzip_sink)(void *arg, const char *p, size_t n, struct err *e);

int gunzip_new(struct gunzip **out, struct err *e);
void gunzip_free(struct gunzip *g);
/* For the next body. */
void gunzip_reset(struct gunzip *g);
int gunzip_feed(
    struct gunzip *g, const char *p, size_t n, gunzip_sink sink, void *arg, struct err *e);
/* ERR_PARSE when the body ended inside a member. */
int gunzip_finish(const struct gunzip *g, struct err *e);

/* ---- the other way: one member, some 64 KiB of memory ---- */

struct gzip;

int gzip_new(struct gzip **out, struct err *e);
void gzip_free(struct gzip *g);
/* Appends what can be told of v so far, perhaps nothing; with last all of it and the end.
 * ERR_LIMIT: it would pass out's bound; nothing may be fed after that. */
int gzip_feed(struct gzip *g, struct view v, bool last, struct buf *out, struct err *e);

/* ---- zstd, one small frame at a time; magicless, no content size, no checksum ---- */

struct zstd_packer;
struct zstd_unpacker;

int zstd_packer_new(int level, struct zstd_packer **out, struct err *e);
void zstd_packer_free(struct zstd_packer *z);
size_t zstd_packer_memory(const struct zstd_packer *z); /* it grows with the largest input */
/* Bytes written to dst, 0 when they do not fit into cap. */
size_t zstd_pack(struct zstd_packer *z, const void *src, size_t n, void *dst, size_t cap);

int zstd_unpacker_new(struct zstd_unpacker **out, struct err *e);
void zstd_unpacker_free(struct zstd_unpacker *z);
size_t zstd_unpacker_memory(const struct zstd_unpacker *z);
/* Writes exactly `want` bytes to dst, else ERR_CORRUPT. */
int zstd_unpack(
    struct zstd_unpacker *z, const void *src, size_t n, void *dst, size_t want, struct err *e);

/* ---- snappy, block format ---- */

/* The most bytes that n bytes can become. */
size_t snappy_bound(size_t n);
/* Appends the compressed form of v; out's bound must leave room for snappy_bound(v.n). ERR_LIMIT.
 */
int snappy_pack(struct view v, struct buf *out, struct err *e);
/* Appends the decompressed form; ERR_LIMIT when it would pass out's bound, ERR_PARSE when damaged.
 */
int snappy_unpack(struct view v, struct buf *out, struct err *e);

#endif
