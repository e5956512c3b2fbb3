/*
 * The rows of config_keys.h about the file of --web.config.file, which is a file of its own: what
 * secures the agent's HTTP endpoints. Source: exporter-toolkit, docs/web-configuration.md.
 */
#include "agent/web_config_values.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct config_key tls_keys[] = {
    {"cert_file", CONFIG_PATH, CONFIG_USED, offsetof(struct web_tls_values, cert_file), NULL, NULL,
        NULL, NULL, "The certificate, with those between it and its authority behind it (PEM)."},
    {"key_file", CONFIG_PATH, CONFIG_USED, offsetof(struct web_tls_values, key_file), NULL, NULL,
        NULL, NULL, "The certificate's key (PEM, not encrypted)."},
    {"cert", CONFIG_STRING, CONFIG_USED, offsetof(struct web_tls_values, cert), NULL, NULL, NULL,
        NULL, "The certificate as text; cert_file wins."},
    {"key", CONFIG_SECRET, CONFIG_USED, offsetof(struct web_tls_values, key), NULL, NULL, NULL,
        NULL, "The key as text; key_file wins."},
    {"client_ca_file", CONFIG_PATH, CONFIG_USED, offsetof(struct web_tls_values, client_ca_file),
        NULL, NULL, NULL, NULL, "Certificates of the authorities that clients' must be from."},
    {"client_ca", CONFIG_STRING, CONFIG_USED, offsetof(struct web_tls_values, client_ca), NULL,
        NULL, NULL, NULL, "The same as text; client_ca_file wins."},
    {"client_auth_type", CONFIG_STRING, CONFIG_USED,
        offsetof(struct web_tls_values, client_auth_type), NULL, NULL, NULL, NULL,
        "NoClientCert, RequestClientCert, RequireAnyClientCert (or RequireClientCert), "
        "VerifyClientCertIfGiven or RequireAndVerifyClientCert, the one that is safe."},
    {"client_allowed_sans", CONFIG_STRINGS, CONFIG_USED,
        offsetof(struct web_tls_values, client_allowed_sans), NULL, NULL, NULL, NULL,
        "A client's certificate must have one of these names (DNS, IP, e-mail or URI)."},
    {"min_version", CONFIG_STRING, CONFIG_USED, offsetof(struct web_tls_values, min_version), NULL,
        NULL, NULL, NULL, "TLS10, TLS11, TLS12 or TLS13 (TLS12)."},
    {"max_version", CONFIG_STRING, CONFIG_USED, offsetof(struct web_tls_values, max_version), NULL,
        NULL, NULL, NULL, "The same (TLS13)."},
    {"cipher_suites", CONFIG_STRINGS, CONFIG_USED, offsetof(struct web_tls_values, cipher_suites),
        NULL, NULL, NULL, NULL,
        "By Go's names; of TLS 1.3 all are taken always. Their order has no effect."},
    {"prefer_server_cipher_suites", CONFIG_BOOL, CONFIG_USED,
        offsetof(struct web_tls_values, prefer_server_cipher_suites), "true", NULL, NULL, NULL,
        "Taken; it has no effect, as in Prometheus."},
    {"curve_preferences", CONFIG_STRINGS, CONFIG_USED,
        offsetof(struct web_tls_values, curve_preferences), NULL, NULL, NULL, NULL,
        "CurveP256, CurveP384, CurveP521, X25519, the preferred one first."},
};

static const struct config_section tls_section = {"tls_server_config", "web.TLSConfig", NULL,
    tls_keys, COUNT(tls_keys), {{NULL, 0}}, "TLS of the HTTP endpoints."};

static const struct config_key http_keys[] = {
    {"http2", CONFIG_BOOL, CONFIG_USED, offsetof(struct web_http_values, http2), "true", NULL, NULL,
        NULL, "Taken; the endpoints speak HTTP/1.1 only."},
    {"headers", CONFIG_MAP, CONFIG_USED, offsetof(struct web_http_values, headers), NULL, NULL,
        NULL, NULL,
        "Headers of every answer: Content-Security-Policy, Strict-Transport-Security, "
        "X-Content-Type-Options, X-Frame-Options, X-XSS-Protection."},
};

static const struct config_section http_section = {"http_server_config", "web.HTTPConfig", NULL,
    http_keys, COUNT(http_keys), {{NULL, 0}}, "What every answer has."};

static const struct config_key rate_keys[] = {
    {"interval", CONFIG_STRING, CONFIG_USED, offsetof(struct web_rate_values, interval), NULL, NULL,
        NULL, NULL, "The time after which one more request is let in. 0: no limit."},
    {"burst", CONFIG_INT, CONFIG_USED, offsetof(struct web_rate_values, burst), "0", NULL, NULL,
        NULL, "How many may come at once."},
};

static const struct config_section rate_section = {"rate_limit", "web.RateLimiterConfig", NULL,
    rate_keys, COUNT(rate_keys), {{NULL, 0}}, "How often requests are let in; 429 to others."};

static const struct config_key web_keys[] = {
    {"tls_server_config", CONFIG_SECTION, CONFIG_USED, offsetof(struct web_values, tls), NULL, NULL,
        NULL, &tls_section, "TLS of the HTTP endpoints."},
    {"http_server_config", CONFIG_SECTION, CONFIG_USED, offsetof(struct web_values, http), NULL,
        NULL, NULL, &http_section, "What every answer has."},
    {"basic_auth_users", CONFIG_MAP, CONFIG_USED, offsetof(struct web_values, users), NULL, NULL,
        NULL, NULL, "Who may ask: names, and their passwords' bcrypt hashes."},
    {"rate_limit", CONFIG_SECTION, CONFIG_USED, offsetof(struct web_values, rate), NULL, NULL, NULL,
        &rate_section, "How often requests are let in."},
};

const struct config_section web_config_section = {"", "web.Config", NULL, web_keys, COUNT(web_keys),
    {{NULL, 0}}, "The file of --web.config.file."};
