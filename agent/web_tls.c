/*
 * The suites of TLS 1.3 cannot be chosen, those of 1.2 and before can, but GnuTLS has one list of
 * ciphers for both. So there are two lists: the first finds the version, and once it is known to be
 * 1.2 or less, the second takes its place before a suite is picked.
 */
#include "agent/web_tls.h"

#include "agent/web_config.h"
#include "base/buf.h"
#include "base/err.h"

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { PRIORITY_MAX = 2048, SAN_MAX = 1024 };

struct web_tls {
        unsigned references;
        gnutls_certificate_credentials_t credentials;
        gnutls_priority_t first; /* until the version is known */
        gnutls_priority_t old; /* of TLS 1.2 and before; NULL: none of its suites is taken */
        enum web_client_auth client_auth;
        bool checks_sans;
        char **sans; /* owned */
        size_t n_sans;
};

/* ---- what is spoken ---- */

static int
put_versions(const struct web_config *c, struct buf *out)
{
        int rc = buf_puts(out, "NORMAL:-VERS-ALL", NULL);

        for (unsigned v = c->min_version; rc == 0 && v <= c->max_version; v++)
                rc = buf_printf(out, NULL, ":+VERS-TLS1.%u", v - 10);
        return rc;
}

static int
put_groups(const struct web_config *c, struct buf *out)
{
        static const char *const names[] = {[WEB_CURVE_P256] = "SECP256R1",
            [WEB_CURVE_P384] = "SECP384R1",
            [WEB_CURVE_P521] = "SECP521R1",
            [WEB_CURVE_X25519] = "X25519"};
        static const enum web_curve all[] = {
            WEB_CURVE_X25519, WEB_CURVE_P256, WEB_CURVE_P384, WEB_CURVE_P521};
        const enum web_curve *v = c->n_curves > 0 ? c->curves : all;
        size_t n = c->n_curves > 0 ? c->n_curves : sizeof(all) / sizeof(all[0]);
        int rc = buf_puts(out, ":-GROUP-ALL", NULL);

        for (size_t i = 0; rc == 0 && i < n; i++)
                rc = buf_printf(out, NULL, ":+GROUP-%s", names[v[i]]);
        return rc;
}

/* The suites are those of one kind of key, that of the certificate. */
static int
put_ciphers(unsigned ciphers, bool rsa, struct buf *out)
{
        static const struct {
                const char *name;
                unsigned rsa;
                unsigned ecdsa;
        } table[] = {{"AES-128-GCM", WEB_CIPHER_RSA_AES128_GCM, WEB_CIPHER_ECDSA_AES128_GCM},
            {"AES-256-GCM", WEB_CIPHER_RSA_AES256_GCM, WEB_CIPHER_ECDSA_AES256_GCM},
            {"CHACHA20-POLY1305", WEB_CIPHER_RSA_CHACHA20, WEB_CIPHER_ECDSA_CHACHA20},
            {"AES-128-CBC", WEB_CIPHER_RSA_AES128_CBC, WEB_CIPHER_ECDSA_AES128_CBC},
            {"AES-256-CBC", WEB_CIPHER_RSA_AES256_CBC, WEB_CIPHER_ECDSA_AES256_CBC}};
        int rc = buf_puts(
            out, ":-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-MAC-ALL:+AEAD:+SHA1:-CIPHER-ALL", NULL);

        for (size_t i = 0; rc == 0 && i < sizeof(table) / sizeof(table[0]); i++) {
                if ((ciphers & (rsa ? table[i].rsa : table[i].ecdsa)) != 0)
                        rc = buf_printf(out, NULL, ":+%s", table[i].name);
        }
        return rc;
}

static int
make_priority(const struct web_config *c, unsigned ciphers, bool rsa, gnutls_priority_t *out)
{
        struct buf text = BUF_INIT(PRIORITY_MAX);
        int rc = put_versions(c, &text);

        if (rc == 0)
                rc = put_ciphers(ciphers, rsa, &text);
        if (rc == 0)
                rc = put_groups(c, &text);
        if (rc == 0)
                rc = buf_puts(&text, ":%SERVER_PRECEDENCE", NULL);
        if (rc == 0)
                rc = buf_putc(&text, '\0', NULL);
        rc = rc == 0 ? gnutls_priority_init(out, text.ptr, NULL) : GNUTLS_E_MEMORY_ERROR;
        buf_release(&text);
        return rc;
}

/* Called when the client's first message has been read. */
static int
on_client_hello(gnutls_session_t session)
{
        const struct web_tls *t = gnutls_session_get_ptr(session);

        if (gnutls_protocol_get_version(session) >= GNUTLS_TLS1_3)
                return 0;
        if (t->old == NULL)
                return GNUTLS_E_NO_CIPHER_SUITES;
        return gnutls_priority_set(session, t->old);
}

/* ---- who may connect ---- */

/* As Prometheus prints it before it compares. */
static size_t
san_text(int type, const char *value, size_t n, char out[SAN_MAX])
{
        if (type == GNUTLS_SAN_IPADDRESS) {
                int family = n == 4 ? AF_INET : AF_INET6;

                if ((n != 4 && n != 16) || inet_ntop(family, value, out, SAN_MAX) == NULL)
                        return 0;
                return strlen(out);
        }
        if (type != GNUTLS_SAN_DNSNAME && type != GNUTLS_SAN_RFC822NAME && type != GNUTLS_SAN_URI)
                return 0;
        memcpy(out, value, n);
        return n;
}

static bool
is_allowed(const struct web_tls *t, gnutls_x509_crt_t crt)
{
        for (unsigned i = 0;; i++) {
                char value[SAN_MAX];
                char text[SAN_MAX];
                size_t n = sizeof(value);
                int type = gnutls_x509_crt_get_subject_alt_name(crt, i, value, &n, NULL);
                size_t text_n;

                if (type == GNUTLS_E_SHORT_MEMORY_BUFFER)
                        continue; /* longer than any that is allowed */
                if (type < 0)
                        return false; /* the last one was before it */
                text_n = san_text(type, value, n, text);
                for (size_t k = 0; text_n > 0 && k < t->n_sans; k++) {
                        if (view_is((struct view){text, text_n}, t->sans[k]))
                                return true;
                }
        }
}

static int
check_names(const struct web_tls *t, const gnutls_datum_t *der)
{
        gnutls_x509_crt_t crt;
        bool allowed;

        if (gnutls_x509_crt_init(&crt) < 0)
                return GNUTLS_E_MEMORY_ERROR;
        allowed = gnutls_x509_crt_import(crt, der, GNUTLS_X509_FMT_DER) >= 0 && is_allowed(t, crt);
        gnutls_x509_crt_deinit(crt);
        return allowed ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

/* Called with the client's certificate, or none, before the handshake is over. */
static int
on_certificate(gnutls_session_t session)
{
        const struct web_tls *t = gnutls_session_get_ptr(session);
        gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
            .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT}; /* only read */
        unsigned n = 0;
        unsigned status = 0;
        const gnutls_datum_t *certificates = gnutls_certificate_get_peers(session, &n);

        if (t->client_auth == WEB_CLIENT_NONE)
                return 0;
        if (certificates == NULL || n == 0)
                return t->client_auth == WEB_CLIENT_REQUIRE_ANY ||
                        t->client_auth == WEB_CLIENT_REQUIRE_AND_VERIFY
                    ? GNUTLS_E_NO_CERTIFICATE_FOUND
                    : 0;
        if (t->client_auth >= WEB_CLIENT_VERIFY_IF_GIVEN &&
            (gnutls_certificate_verify_peers(session, &purpose, 1, &status) < 0 || status != 0))
                return GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
        return t->checks_sans ? check_names(t, &certificates[0]) : 0;
}

int
web_tls_begin(struct web_tls *t, void *session, struct err *e)
{
        static const gnutls_datum_t protocol = {(unsigned char *)(uintptr_t) "http/1.1", 8};
        gnutls_session_t s = session;
        int rc = gnutls_priority_set(s, t->first);

        if (rc >= 0)
                rc = gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, t->credentials);
        if (rc >= 0)
                rc = gnutls_alpn_set_protocols(s, &protocol, 1, 0);
        if (rc < 0)
                return err_set(e, ERR_SYS, "cannot set up TLS: %s", gnutls_strerror(rc));
        /* libmicrohttpd looks at its own pointer for pre-shared keys only, which are not used */
        gnutls_session_set_ptr(s, t);
        gnutls_handshake_set_post_client_hello_function(s, on_client_hello);
        gnutls_session_set_verify_function(s, on_certificate);
        if (t->client_auth != WEB_CLIENT_NONE)
                gnutls_certificate_server_set_request(s,
                    t->client_auth == WEB_CLIENT_REQUIRE_ANY ||
                            t->client_auth == WEB_CLIENT_REQUIRE_AND_VERIFY
                        ? GNUTLS_CERT_REQUIRE
                        : GNUTLS_CERT_REQUEST);
        return 0;
}

const char *
web_tls_protocol(void *session)
{
        return gnutls_protocol_get_name(gnutls_protocol_get_version(session));
}

/* ---- made of a configuration ---- */

static gnutls_datum_t
datum_of(struct view text)
{
        return (gnutls_datum_t){
            (unsigned char *)(uintptr_t)text.p, (unsigned)text.n}; /* it is only read */
}

static int
take_pair(struct web_tls *t, const struct web_config *c, struct err *e)
{
        gnutls_datum_t cert = datum_of(c->cert.text);
        gnutls_datum_t key = datum_of(c->key.text);
        int rc = gnutls_certificate_set_x509_key_mem2(
            t->credentials, &cert, &key, GNUTLS_X509_FMT_PEM, NULL, 0);

        return rc < 0 ? err_set(e, ERR_CONFIG, "the certificate and its key cannot be used: %s",
                            gnutls_strerror(rc))
                      : 0;
}

/* Without authorities of its own a server verifies by those of the system, as Go does. */
static int
take_authorities(struct web_tls *t, const struct web_config *c, struct err *e)
{
        gnutls_datum_t pem = datum_of(c->client_ca.text);
        bool given = c->client_ca.file != NULL || c->client_ca.text.n > 0;
        int n = 0;

        if (given)
                n = gnutls_certificate_set_x509_trust_mem(
                    t->credentials, &pem, GNUTLS_X509_FMT_PEM);
        else if (c->client_auth >= WEB_CLIENT_VERIFY_IF_GIVEN)
                (void)gnutls_certificate_set_x509_system_trust(t->credentials);
        if (given && n <= 0)
                return err_set(e, ERR_CONFIG, "the client's authorities hold no certificate%s%s",
                    n < 0 ? ": " : "", n < 0 ? gnutls_strerror(n) : "");
        return 0;
}

static int
take_sans(struct web_tls *t, const struct web_config *c, struct err *e)
{
        t->checks_sans = c->checks_sans;
        t->sans = calloc(c->n_client_sans > 0 ? c->n_client_sans : 1, sizeof(*t->sans));
        if (t->sans == NULL)
                return err_nomem(e, "TLS");
        for (size_t i = 0; i < c->n_client_sans; i++) {
                t->sans[i] = strdup(c->client_sans[i]);
                if (t->sans[i] == NULL)
                        return err_nomem(e, "TLS");
                t->n_sans = i + 1;
        }
        return 0;
}

/* The kind of the certificate's key: that of an EdDSA one counts as ECDSA. */
static bool
key_is_rsa(const struct web_tls *t)
{
        gnutls_x509_crt_t *chain = NULL;
        unsigned n = 0;
        bool rsa = false;

        if (gnutls_certificate_get_x509_crt(t->credentials, 0, &chain, &n) < 0)
                return false;
        if (n > 0) {
                int kind = gnutls_x509_crt_get_pk_algorithm(chain[0], NULL);

                rsa = kind == GNUTLS_PK_RSA || kind == GNUTLS_PK_RSA_PSS;
        }
        for (unsigned i = 0; i < n; i++)
                gnutls_x509_crt_deinit(chain[i]);
        gnutls_free(chain);
        return rsa;
}

static int
take_priorities(struct web_tls *t, const struct web_config *c, struct err *e)
{
        bool rsa = key_is_rsa(t);
        int rc = make_priority(c, WEB_CIPHERS_ALL, rsa, &t->first);

        if (rc >= 0 && (c->ciphers & (rsa ? WEB_CIPHERS_RSA : WEB_CIPHERS_ECDSA)) != 0)
                rc = make_priority(c, c->ciphers, rsa, &t->old);
        return rc < 0 ? err_set(e, ERR_SYS, "cannot set up TLS: %s", gnutls_strerror(rc)) : 0;
}

int
web_tls_new(const struct web_config *c, struct web_tls **out, const struct web_pem **out_what,
    struct err *e)
{
        struct web_tls *t = calloc(1, sizeof(*t));
        int rc;

        if (t == NULL)
                return err_nomem(e, "TLS");
        t->references = 1;
        t->client_auth = c->client_auth;
        rc = gnutls_certificate_allocate_credentials(&t->credentials) < 0 ? err_nomem(e, "TLS") : 0;
        *out_what = &c->cert;
        if (rc == 0)
                rc = take_pair(t, c, e);
        if (rc == 0) {
                *out_what = &c->client_ca;
                rc = take_authorities(t, c, e);
        }
        if (rc == 0)
                rc = take_sans(t, c, e);
        if (rc == 0)
                rc = take_priorities(t, c, e);
        if (rc == 0)
                *out = t;
        else
                web_tls_unref(t);
        return rc;
}

struct web_tls *
web_tls_ref(struct web_tls *t)
{
        t->references++;
        return t;
}

void
web_tls_unref(struct web_tls *t)
{
        if (t == NULL || --t->references > 0)
                return;
        gnutls_certificate_free_credentials(t->credentials);
        if (t->first != NULL)
                gnutls_priority_deinit(t->first);
        if (t->old != NULL)
                gnutls_priority_deinit(t->old);
        for (size_t i = 0; i < t->n_sans; i++)
                free(t->sans[i]);
        free(t->sans);
        free(t);
}
