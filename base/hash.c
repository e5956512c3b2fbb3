#include "base/hash.h"

#include "base/err.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <sys/random.h>
#define XXH_STATIC_LINKING_ONLY
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { SECRET_BYTES = 192 };

/* Written once by hash_setup, before threads start. Random bytes are a good secret as they are:
 * XXH3_generateSecret is for those that may not be random. */
static struct {
        unsigned char secret[SECRET_BYTES];
        uint64_t seed;
} key;
static bool hash_has_secret;

int
hash_setup(struct err *e)
{
        /* up to 256 bytes come at once or not at all */
        if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key))
                return err_sys(e, errno, "cannot read random bytes for the hash secret");
        hash_has_secret = true;
        return 0;
}

uint64_t
hash_seeded(const void *p, size_t n)
{
        if (!hash_has_secret)
                return XXH3_64bits(p, n);
        return XXH3_64bits_withSecretandSeed(p, n, key.secret, sizeof(key.secret), key.seed);
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
