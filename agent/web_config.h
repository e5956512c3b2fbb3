/*
 * The file of --web.config.file: what secures the agent's own HTTP endpoints, as Prometheus reads
 * it (exporter-toolkit 0.15, web/tls_config.go and handler.go).
 *
 * Read, checked, and the files that it names are read with it. Whether the certificates are any is
 * said by web_tls.h. All memory is the configuration's; what is secret is wiped when it is freed.
 */
#ifndef AGENT_WEB_CONFIG_H
#define AGENT_WEB_CONFIG_H

#include "agent/bcrypt.h"
#include "agent/config.h"
#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum {
        WEB_FILE_MAX = 1 << 20, /* bytes of the file, and of each that it names */
        WEB_HEADERS_MAX = 5, /* as many names as there are */
        WEB_USERS_MAX = 1000,
        WEB_CURVES_MAX = 4,
};

/* also change client_auth_names[] */
enum web_client_auth {
        WEB_CLIENT_NONE,
        WEB_CLIENT_REQUEST,
        WEB_CLIENT_REQUIRE_ANY,
        WEB_CLIENT_VERIFY_IF_GIVEN,
        WEB_CLIENT_REQUIRE_AND_VERIFY,
};

/* Bits, also change cipher_names[]; those of TLS 1.3 cannot be chosen. */
enum web_cipher {
        WEB_CIPHER_TLS13 = 1 << 0,
        WEB_CIPHER_ECDSA_AES128_CBC = 1 << 1,
        WEB_CIPHER_ECDSA_AES256_CBC = 1 << 2,
        WEB_CIPHER_RSA_AES128_CBC = 1 << 3,
        WEB_CIPHER_RSA_AES256_CBC = 1 << 4,
        WEB_CIPHER_ECDSA_AES128_GCM = 1 << 5,
        WEB_CIPHER_ECDSA_AES256_GCM = 1 << 6,
        WEB_CIPHER_RSA_AES128_GCM = 1 << 7,
        WEB_CIPHER_RSA_AES256_GCM = 1 << 8,
        WEB_CIPHER_RSA_CHACHA20 = 1 << 9,
        WEB_CIPHER_ECDSA_CHACHA20 = 1 << 10,
        WEB_CIPHERS_ALL = (1 << 11) - 1,
        WEB_CIPHERS_ECDSA = 0x466, /* those of keys of this kind */
        WEB_CIPHERS_RSA = 0x398,
};

enum web_curve { WEB_CURVE_P256, WEB_CURVE_P384, WEB_CURVE_P521, WEB_CURVE_X25519 };

/* One of the PEM texts that TLS needs. */
struct web_pem {
        const char *file; /* absolute; NULL: it stands in the configuration itself */
        struct view text; /* a 0 byte stands behind it; empty: not there */
        struct config_place place; /* of what says so */
};

struct web_header {
        const char *name;
        const char *value;
};

struct web_user {
        const char *name;
        char hash[BCRYPT_BYTES + 1];
};

struct web_config {
        bool tls;
        struct web_pem cert;
        struct web_pem key;
        struct web_pem client_ca;
        enum web_client_auth client_auth;
        const char **client_sans;
        size_t n_client_sans;
        bool checks_sans; /* also an empty list does: nobody is let in then */
        unsigned min_version; /* 10 to 13, of TLS 1.x */
        unsigned max_version;
        unsigned ciphers; /* enum web_cipher */
        enum web_curve curves[WEB_CURVES_MAX];
        size_t n_curves; /* 0: all of them */
        bool http2;
        struct web_header headers[WEB_HEADERS_MAX];
        size_t n_headers;
        struct web_user *users;
        size_t n_users;
        int64_t rate_interval_ns; /* 0: no limit */
        int64_t rate_burst;
        uint64_t contents; /* of the file and those that it names */
        void *storage; /* the memory of all that */
};

/*
 * Reads the file. ERR_CONFIG: the report has every mistake, e a summary of the first; *out is
 * untouched. The report is zeroed by the caller before its first use, and released in any case.
 */
int web_config_load(
    const char *path, struct web_config **out, struct config_report *report, struct err *e);
/* The same for text that is there already; path gives the folder of relative files. */
int web_config_load_text(const char *path, struct view text, struct web_config **out,
    struct config_report *report, struct err *e);
/* Wipes and frees. NULL-safe. */
void web_config_free(struct web_config *c);

/* Do the files hold what they held when c was loaded from path? Also false when one cannot be
 * read. */
bool web_config_is_current(const struct web_config *c, const char *path);

#endif
