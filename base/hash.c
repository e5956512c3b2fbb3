#include "base/hash.h"

#include "base/err.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>
#define XXH_STATIC_LINKING_ONLY
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { SECRET_BYTES = 192 };

/* written once by hash_setup, before threads start */
static unsigned char hash_secret[SECRET_BYTES];
static uint64_t hash_seed;
static bool hash_has_secret;

int
hash_setup(struct err *e)
{
        unsigned char random[64];

        if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
                return err_sys(e, errno, "cannot read random bytes for the hash secret");
        XXH3_generateSecret(hash_secret, sizeof(hash_secret), random, sizeof(random));
        memcpy(&hash_seed, random, sizeof(hash_seed));
        hash_has_secret = true;
        return 0;
}

uint64_t
hash_seeded(const void *p, size_t n)
{
        if (!hash_has_secret)
                return XXH3_64bits(p, n);
        return XXH3_64bits_withSecretandSeed(p, n, hash_secret, sizeof(hash_secret), hash_seed);
}

uint64_t
hash_stable(const void *p, size_t n, uint64_t seed)
{
        return XXH3_64bits_withSeed(p, n, seed);
}

uint32_t
hash_checksum(const void *p, size_t n)
{
        return (uint32_t)XXH3_64bits(p, n);
}

int
hash_md5_mod_source(struct view v, uint64_t *out, struct err *e)
{
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned int len = 0;
        uint64_t n = 0;

        if (EVP_Digest(v.p, v.n, digest, &len, EVP_md5(), NULL) != 1 || len != 16)
                return err_set(e, ERR_SYS, "OpenSSL cannot compute MD5, which hashmod needs");
        for (int i = 8; i < 16; i++)
                n = n << 8 | digest[i];
        *out = n;
        return 0;
}
