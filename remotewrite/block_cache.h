/*
 * The blocks that were read last, decompressed: the records of neighbouring chunks lie in the same
 * blocks, so each block is read once or twice per window instead of once per record. Least recently
 * used go first; bounded in bytes.
 *
 * One thread. Memory is accounted under MEMORY_SEND.
 */
#ifndef REMOTEWRITE_BLOCK_CACHE_H
#define REMOTEWRITE_BLOCK_CACHE_H

#include "base/view.h"
#include "wal/block.h"

#include <stdint.h>

struct block_cache;
struct err;
struct wal;

enum { BLOCK_CACHE_BYTES = 384 << 10, BLOCK_CACHE_BLOCKS = 64 };

int block_cache_new(struct wal *wal, struct block_cache **out, struct err *e);
void block_cache_free(struct block_cache *c);
/* Gives the blocks' memory back. */
void block_cache_reset(struct block_cache *c);
/*
 * One record of a block: its directory entry and its bytes, valid until the next call.
 * ERR_NOTFOUND: the block was trimmed meanwhile; ERR_CORRUPT.
 */
int block_cache_record(struct block_cache *c, uint64_t seq, unsigned index,
    struct block_record *out, struct view *out_bytes, struct err *e);

#endif
