/*
 * Hashes. hash_seeded is for identities inside one process (raw series text): keyed by a secret
 * made once from getrandom, so that a page cannot be made to collide (DESIGN, M7). hash_stable is
 * the same on every machine and in every run: for what is kept on disk and for scrape offsets.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/view.h"

#include <stdint.h>

struct err;

/* Makes the secret; once, before threads start. Without it hash_seeded uses XXH3's own. */
int hash_setup(struct err *e);

/* XXH3, 64 bit, with the process's secret. */
uint64_t hash_seeded(const void *p, size_t n);
/* XXH3, 64 bit, with the seed given. */
uint64_t hash_stable(const void *p, size_t n, uint64_t seed);
/* XXH32-wide checksum of stored bytes (the low half of XXH3). */
uint32_t hash_checksum(const void *p, size_t n);

/* MD5 as relabeling's hashmod wants it: bytes 8..15 of the digest as a big-endian number. */
int hash_md5_mod_source(struct view v, uint64_t *out, struct err *e);

#endif
