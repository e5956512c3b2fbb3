#include "agent/bcrypt.h"

#include "base/err.h"

#include <crypt.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef char *(*crypt_function)(const char *, const char *, struct crypt_data *);

enum { COST_AT = 4, SALT_AT = 7, DIGEST_AT = 29 };

static const char alphabet[] = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
static const char *const libraries[] = {"libcrypt.so.1", "libcrypt.so.2"};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static crypt_function function; /* under `once` */

static bool
is_digit(char c)
{
        return c >= '0' && c <= '9';
}

int
bcrypt_check(struct view hash, int *out_cost, struct err *e)
{
        int cost;

        if (hash.n < 4 || hash.p[0] != '$' || hash.p[1] != '2' || hash.p[3] != '$')
                return err_set(e, ERR_CONFIG,
                    "not a bcrypt hash: it begins with $2y$ (htpasswd -nBC 10 \"\" makes one)");
        if (hash.n != BCRYPT_BYTES)
                return err_set(e, ERR_CONFIG, "not a bcrypt hash: it has %zu characters, not %d",
                    hash.n, BCRYPT_BYTES);
        if (!is_digit(hash.p[COST_AT]) || !is_digit(hash.p[COST_AT + 1]) ||
            hash.p[SALT_AT - 1] != '$' || strspn(hash.p + SALT_AT, alphabet) < hash.n - SALT_AT)
                return err_set(e, ERR_CONFIG,
                    "not a bcrypt hash: after its cost come 53 of the characters ./A-Za-z0-9");
        cost = (hash.p[COST_AT] - '0') * 10 + hash.p[COST_AT + 1] - '0';
        if (cost < BCRYPT_MIN_COST || cost > BCRYPT_MAX_COST)
                return err_set(e, ERR_CONFIG, "cost %d of the bcrypt hash is outside of %d to %d",
                    cost, BCRYPT_MIN_COST, BCRYPT_MAX_COST);
        *out_cost = cost;
        return 0;
}

static void
load(void)
{
        void *found = NULL;

        for (size_t i = 0; found == NULL && i < sizeof(libraries) / sizeof(libraries[0]); i++) {
                void *library = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL);

                found = library != NULL ? dlsym(library, "crypt_r") : NULL;
        }
        memcpy(&function, &found, sizeof(function)); /* POSIX: as dlsym's result is to be taken */
}

int
bcrypt_load(struct err *e)
{
        (void)pthread_once(&once, load);
        if (function == NULL)
                return err_set(e, ERR_SYS, "basic_auth_users needs libcrypt, and there is no %s",
                    libraries[0]);
        return 0;
}

/* Every byte is looked at, wherever they differ. */
static bool
same(const char *a, const char *b, size_t n)
{
        unsigned difference = 0;

        for (size_t i = 0; i < n; i++)
                difference |= (unsigned)((unsigned char)a[i] ^ (unsigned char)b[i]);
        return difference == 0;
}

bool
bcrypt_matches(const char *hash, const char *password)
{
        struct crypt_data *data = calloc(1, sizeof(*data));
        char setting[BCRYPT_BYTES + 1];
        const char *made = NULL;
        bool matches;

        if (data != NULL && function != NULL) {
                memcpy(setting, hash, sizeof(setting));
                setting[2] = 'b';
                made = function(password, setting, data);
        }
        /* unused bits of the last character of the salt may be written differently */
        matches = made != NULL && strlen(made) == BCRYPT_BYTES &&
            same(made + DIGEST_AT, hash + DIGEST_AT, BCRYPT_BYTES - DIGEST_AT);
        if (data != NULL)
                explicit_bzero(data, sizeof(*data));
        free(data);
        return matches;
}
