#include "tests/testing/certs.h"

#include "tests/testing/testing.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

struct testing_ca {
        EVP_PKEY *key;
        X509 *cert;
};

static long next_serial = 1;

static void
add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
        X509V3_CTX ctx;
        X509_EXTENSION *x;

        X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
        x = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
        assert_non_null(x);
        assert_int_equal(X509_add_ext(cert, x, -1), 1);
        X509_EXTENSION_free(x);
}

static X509 *
make_certificate(const char *common_name, EVP_PKEY *key, X509 *issuer, long seconds)
{
        X509 *cert = X509_new();
        X509_NAME *name = X509_NAME_new();

        assert_non_null(cert);
        assert_non_null(name);
        assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             (const unsigned char *)common_name, -1, -1, 0),
            1);
        assert_int_equal(X509_set_version(cert, 2), 1);
        assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), next_serial++), 1);
        assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), -3600));
        assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), seconds));
        assert_int_equal(X509_set_subject_name(cert, name), 1);
        assert_int_equal(
            X509_set_issuer_name(cert, issuer != NULL ? X509_get_subject_name(issuer) : name), 1);
        assert_int_equal(X509_set_pubkey(cert, key), 1);
        X509_NAME_free(name);
        return cert;
}

struct testing_ca *
testing_ca_new(const char *common_name)
{
        struct testing_ca *ca = calloc(1, sizeof(*ca));

        assert_non_null(ca);
        ca->key = EVP_EC_gen("P-256");
        assert_non_null(ca->key);
        ca->cert = make_certificate(common_name, ca->key, NULL, 86400);
        add_extension(ca->cert, ca->cert, NID_basic_constraints, "critical,CA:TRUE");
        add_extension(ca->cert, ca->cert, NID_subject_key_identifier, "hash");
        assert_int_not_equal(X509_sign(ca->cert, ca->key, EVP_sha256()), 0);
        return ca;
}

void
testing_ca_free(struct testing_ca *ca)
{
        EVP_PKEY_free(ca->key);
        X509_free(ca->cert);
        free(ca);
}

static void
write_certificate(X509 *cert, const char *path)
{
        FILE *f = fopen(path, "wb");

        assert_non_null(f);
        assert_int_equal(PEM_write_X509(f, cert), 1);
        assert_int_equal(fclose(f), 0);
}

void
testing_ca_write(const struct testing_ca *ca, const char *path)
{
        write_certificate(ca->cert, path);
}

void
testing_ca_issue(const struct testing_ca *ca, const char *names, long seconds,
    const char *cert_path, const char *key_path)
{
        EVP_PKEY *key = EVP_EC_gen("P-256");
        X509 *cert;
        FILE *f;

        assert_non_null(key);
        cert = make_certificate("leaf", key, ca->cert, seconds);
        add_extension(cert, ca->cert, NID_subject_alt_name, names);
        add_extension(cert, ca->cert, NID_authority_key_identifier, "keyid");
        assert_int_not_equal(X509_sign(cert, ca->key, EVP_sha256()), 0);
        write_certificate(cert, cert_path);
        f = fopen(key_path, "wb");
        assert_non_null(f);
        assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
        assert_int_equal(fclose(f), 0);
        X509_free(cert);
        EVP_PKEY_free(key);
}
