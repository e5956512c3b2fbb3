#include "base/credentials/jwt.h"

#include "tests/testing/testing.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

static EVP_PKEY *key;
static char pem[8192];

static int
make_key(void **state)
{
        BIO *bio = BIO_new(BIO_s_mem());
        int n;

        (void)state;
        key = EVP_RSA_gen(2048);
        assert_non_null(key);
        assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
        n = BIO_read(bio, pem, sizeof(pem) - 1);
        pem[n] = '\0';
        (void)BIO_free(bio);
        return 0;
}

static int
free_key(void **state)
{
        (void)state;
        EVP_PKEY_free(key);
        return 0;
}

/* base64url by OpenSSL's base64. */
static int
decode(struct view v, unsigned char *out)
{
        char text[4096];
        int n;

        assert_true(v.n + 4 < sizeof(text));
        for (size_t i = 0; i < v.n; i++)
                text[i] = (char)(v.p[i] == '-' ? '+' : v.p[i] == '_' ? '/' : v.p[i]);
        while (v.n % 4 != 0)
                text[v.n++] = '=';
        n = EVP_DecodeBlock(out, (unsigned char *)text, (int)v.n);
        assert_true(n >= 0);
        return n - (v.n > 0 && text[v.n - 1] == '=') - (v.n > 1 && text[v.n - 2] == '=');
}

static json_t *
part(const char *from, const char *end)
{
        unsigned char text[4096];
        int n = decode((struct view){from, (size_t)(end - from)}, text);
        json_t *json = json_loadb((char *)text, (size_t)n, 0, NULL);

        assert_non_null(json);
        return json;
}

static void
assert_text(const json_t *map, const char *name, const char *want)
{
        const char *got = json_string_value(json_object_get(map, name));

        if (want == NULL)
                assert_null(json_object_get(map, name));
        else
                assert_string_equal(got != NULL ? got : "(none)", want);
}

static void
verify(const struct buf *token, const char *dot, const EVP_MD *digest)
{
        unsigned char signature[1024];
        int n = decode(view_of(dot + 1), signature);
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();

        assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, digest, NULL, key), 1);
        assert_int_equal(EVP_DigestVerify(ctx, signature, (size_t)n,
                             (const unsigned char *)token->ptr, (size_t)(dot - token->ptr)),
            1);
        EVP_MD_CTX_free(ctx);
}

static void
tokens_are_signed(void **state)
{
        static const char *const names[] = {"RS256", "RS384", "RS512"};
        const EVP_MD *const digests[] = {EVP_sha256(), EVP_sha384(), EVP_sha512()};

        (void)state;
        for (int i = 0; i < 3; i++) {
                const struct jwt_claims c = {.algorithm = i == 0 ? NULL : names[i],
                    .key_id = i == 0 ? "k1" : NULL,
                    .issuer = "me",
                    .audience = "https://a/token",
                    .scope = i == 0 ? "a b" : NULL,
                    .now_s = 1000,
                    .seconds = 600,
                    .with_id = i == 0,
                    .more = i == 0 ? "{\"aud\":[\"x\"],\"n\":1}" : NULL};
                struct buf token = BUF_INIT(1 << 16);
                struct err e = ERR_INIT;
                const char *first;
                const char *second;
                json_t *head;
                json_t *body;

                testing_ok(jwt_sign(&c, pem, &token, &e), &e);
                first = strchr(token.ptr, '.');
                second = strchr(first + 1, '.');
                head = part(token.ptr, first);
                body = part(first + 1, second);
                assert_text(head, "alg", names[i]);
                assert_text(head, "typ", "JWT");
                assert_text(head, "kid", c.key_id);
                assert_text(body, "iss", "me");
                assert_text(body, "scope", c.scope);
                assert_text(body, "sub", NULL);
                assert_int_equal(json_integer_value(json_object_get(body, "iat")), 1000);
                assert_int_equal(json_integer_value(json_object_get(body, "exp")), 1600);
                assert_int_equal(json_is_array(json_object_get(body, "aud")), i == 0);
                assert_int_equal(json_string_length(json_object_get(body, "jti")), i == 0 ? 36 : 0);
                verify(&token, second, digests[i]);
                json_decref(head);
                json_decref(body);
                buf_release(&token);
        }
}

static void
keys_that_do_not_sign(void **state)
{
        static const char *const keys[] = {"", "hush",
            "-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----\n",
            /* of an elliptic curve */
            "-----BEGIN PRIVATE KEY-----\n"
            "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
            "-----END PRIVATE KEY-----\n"};
        const struct jwt_claims c = {.issuer = "me"};

        (void)state;
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
                struct buf token = BUF_INIT(1 << 16);
                struct err e = ERR_INIT;

                assert_int_equal(jwt_sign(&c, keys[i], &token, &e), ERR_CONFIG);
                assert_null(strstr(e.msg, "hush"));
                buf_release(&token);
        }
}

static void
keys_from_files(void **state)
{
        struct buf out = BUF_INIT(64);
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(jwt_read_key("k", "a\nb", NULL, &out, &e), &e);
        assert_string_equal(out.ptr, "a\nb");
        assert_int_equal(jwt_read_key("the key", NULL, "/no/such", &out, &e), ERR_CONFIG);
        assert_non_null(strstr(e.msg, "the key: "));
        buf_release(&out);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(tokens_are_signed),
            cmocka_unit_test(keys_that_do_not_sign),
            cmocka_unit_test(keys_from_files),
        };

        return cmocka_run_group_tests(tests, make_key, free_key);
}
