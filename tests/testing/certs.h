/*
 * Certificates made on the spot, for tests of TLS. Everything asserts.
 */
#ifndef TESTING_CERTS_H
#define TESTING_CERTS_H

struct testing_ca;

struct testing_ca *testing_ca_new(const char *common_name);
void testing_ca_free(struct testing_ca *ca);
/* Writes the authority's own certificate. */
void testing_ca_write(const struct testing_ca *ca, const char *path);
/*
 * Issues a certificate for a name ("DNS:a.example,IP:127.0.0.1") that ends `seconds` from now and
 * writes certificate and key as PEM files.
 */
void testing_ca_issue(const struct testing_ca *ca, const char *names, long seconds,
    const char *cert_path, const char *key_path);

#endif
