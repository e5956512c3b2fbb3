#include "base/credentials/jwt.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- parts ---- */

/* base64url, without padding. */
static int
put_base64(struct buf *out, const void *p, size_t n, struct err *e)
{
        static const char digits[] =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        const unsigned char *b = p;
        uint32_t bits = 0;
        unsigned held = 0;
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < n; i++) {
                bits = bits << 8 | b[i];
                for (held += 8; rc == 0 && held >= 6; held -= 6)
                        rc = buf_putc(out, digits[bits >> (held - 6) & 63], e);
        }
        return rc == 0 && held > 0 ? buf_putc(out, digits[bits << (6 - held) & 63], e) : rc;
}

static int
put_json(struct buf *out, const json_t *json, struct err *e)
{
        char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
        int rc = text != NULL ? put_base64(out, text, strlen(text), e)
                              : err_nomem(e, "a JSON Web Token");

        free(text);
        return rc;
}

static int
set_text(json_t *map, const char *name, const char *value)
{
        return value != NULL ? json_object_set_new(map, name, json_string(value)) : 0;
}

/* A random UUID (RFC 9562, version 4). */
static int
set_id(json_t *map)
{
        unsigned char r[16];
        char text[40];
        size_t n = 0;

        if (RAND_bytes(r, sizeof(r)) != 1)
                return -1;
        r[6] = (unsigned char)((r[6] & 0x0f) | 0x40);
        r[8] = (unsigned char)((r[8] & 0x3f) | 0x80);
        for (size_t i = 0; i < sizeof(r); i++)
                n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%02x",
                    i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", r[i]);
        return set_text(map, "jti", text);
}

static int
put_header(const struct jwt_claims *c, const char *algorithm, struct buf *out, struct err *e)
{
        json_t *map = json_object();
        int rc = set_text(map, "alg", algorithm);

        rc |= set_text(map, "typ", "JWT");
        rc |= set_text(map, "kid", c->key_id);
        rc = rc == 0 ? put_json(out, map, e) : err_nomem(e, "a JSON Web Token");
        json_decref(map);
        return rc;
}

static int
put_claims(const struct jwt_claims *c, struct buf *out, struct err *e)
{
        json_t *map = json_object();
        json_t *more = c->more != NULL ? json_loads(c->more, 0, NULL) : NULL;
        int rc = set_text(map, "iss", c->issuer);

        rc |= set_text(map, "sub", c->subject);
        rc |= set_text(map, "aud", c->audience);
        rc |= set_text(map, "scope", c->scope);
        rc |= json_object_set_new(map, "iat", json_integer(c->now_s));
        rc |= json_object_set_new(map, "exp", json_integer(c->now_s + c->seconds));
        if (c->with_id)
                rc |= set_id(map);
        if (more != NULL)
                rc |= json_object_update(map, more);
        rc = rc == 0 ? put_json(out, map, e) : err_nomem(e, "a JSON Web Token");
        json_decref(map);
        json_decref(more);
        return rc;
}

/* ---- the signature ---- */

/* A key with a password is refused: nobody is there to be asked for it. */
static int
no_password(char *out, int size, int writing, void *arg)
{
        (void)out;
        (void)size;
        (void)writing;
        (void)arg;
        return -1;
}

static EVP_PKEY *
read_key(const char *text)
{
        BIO *bio = BIO_new_mem_buf(text, -1);
        EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;

        (void)BIO_free(bio);
        if (key != NULL && EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
                EVP_PKEY_free(key);
                key = NULL;
        }
        return key;
}

static const EVP_MD *
digest_of(const char *algorithm)
{
        if (strcmp(algorithm, "RS384") == 0)
                return EVP_sha384();
        return strcmp(algorithm, "RS512") == 0 ? EVP_sha512() : EVP_sha256();
}

static int
put_signature(EVP_PKEY *key, const char *algorithm, struct buf *out, struct err *e)
{
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        const unsigned char *text = (const unsigned char *)out->ptr;
        unsigned char *signature = NULL;
        size_t n = 0;
        int rc = ERR_NOMEM;

        if (ctx != NULL && EVP_DigestSignInit(ctx, NULL, digest_of(algorithm), NULL, key) == 1 &&
            EVP_DigestSign(ctx, NULL, &n, text, out->len) == 1)
                signature = malloc(n > 0 ? n : 1);
        if (signature != NULL && EVP_DigestSign(ctx, signature, &n, text, out->len) == 1)
                rc = buf_putc(out, '.', e);
        else
                rc = err_set(e, ERR_CONFIG, "the key does not sign");
        if (rc == 0)
                rc = put_base64(out, signature, n, e);
        free(signature);
        EVP_MD_CTX_free(ctx);
        return rc;
}

int
jwt_sign(const struct jwt_claims *c, const char *key, struct buf *out, struct err *e)
{
        const char *algorithm = c->algorithm != NULL ? c->algorithm : "RS256";
        EVP_PKEY *pkey = read_key(key);
        int rc;

        if (pkey == NULL)
                return err_set(e, ERR_CONFIG, "the key is no RSA key in PEM, or it has a password");
        rc = put_header(c, algorithm, out, e);
        if (rc == 0)
                rc = buf_putc(out, '.', e);
        if (rc == 0)
                rc = put_claims(c, out, e);
        if (rc == 0)
                rc = put_signature(pkey, algorithm, out, e);
        EVP_PKEY_free(pkey);
        return rc == 0 ? buf_putc(out, '\0', e) : rc;
}

int
jwt_read_key(const char *what, const char *text, const char *path, struct buf *out, struct err *e)
{
        int rc = 0;

        if (text != NULL)
                rc = buf_puts(out, text, e);
        else if (path != NULL)
                rc = file_read(path, out, e);
        if (rc < 0) {
                (void)err_prefix(e, "%s", what);
                if (e != NULL)
                        e->code = ERR_CONFIG;
                return ERR_CONFIG;
        }
        return buf_putc(out, '\0', e);
}
