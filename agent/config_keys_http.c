/*
 * The rows of config_keys.h about HTTP clients and sending: remote_write and what a job and an
 * endpoint have in common.
 */
#include "agent/config_keys.h"
#include "agent/config_sections.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct config_key basic_auth_keys[] = {
    {"username", CONFIG_STRING, CONFIG_USED, offsetof(struct config_basic_auth, username), NULL,
        NULL, NULL, NULL, "The user's name."},
    {"username_file", CONFIG_PATH, CONFIG_USED, offsetof(struct config_basic_auth, username_file),
        NULL, NULL, NULL, NULL, "A file that holds it; read at every request."},
    {"username_ref", CONFIG_STRING, CONFIG_REFUSED,
        offsetof(struct config_basic_auth, username_ref), NULL, NULL, NULL, NULL,
        "A secret store has no part in an agent; use username_file."},
    {"password", CONFIG_SECRET, CONFIG_USED, offsetof(struct config_basic_auth, password), NULL,
        NULL, NULL, NULL, "The password."},
    {"password_file", CONFIG_PATH, CONFIG_USED, offsetof(struct config_basic_auth, password_file),
        NULL, NULL, NULL, NULL, "A file that holds it; read at every request."},
    {"password_ref", CONFIG_STRING, CONFIG_REFUSED,
        offsetof(struct config_basic_auth, password_ref), NULL, NULL, NULL, NULL,
        "A secret store has no part in an agent; use password_file."},
};

const struct config_section config_basic_auth_section = {"basic_auth", "config.plain", NULL,
    basic_auth_keys, COUNT(basic_auth_keys), {{NULL, 0}}, "A user name and a password."};

static const struct config_key authorization_keys[] = {
    {"type", CONFIG_STRING, CONFIG_USED, offsetof(struct config_authorization, type), "Bearer",
        NULL, NULL, NULL, "What stands before the credentials in the Authorization header."},
    {"credentials", CONFIG_SECRET, CONFIG_USED, offsetof(struct config_authorization, credentials),
        NULL, NULL, NULL, NULL, "The credentials."},
    {"credentials_file", CONFIG_PATH, CONFIG_USED,
        offsetof(struct config_authorization, credentials_file), NULL, NULL, NULL, NULL,
        "A file that holds them; read at every request."},
    {"credentials_ref", CONFIG_STRING, CONFIG_REFUSED,
        offsetof(struct config_authorization, credentials_ref), NULL, NULL, NULL, NULL,
        "A secret store has no part in an agent; use credentials_file."},
};

const struct config_section config_authorization_section = {"authorization", "config.Authorization",
    NULL, authorization_keys, COUNT(authorization_keys), {{NULL, 0}}, "An Authorization header."};

static const struct config_key tls_keys[] = {
    {"ca_file", CONFIG_PATH, CONFIG_USED, offsetof(struct config_tls, ca_file), NULL, NULL, NULL,
        NULL, "Certificates of the authorities that may have signed the server's."},
    {"ca", CONFIG_STRING, CONFIG_USED, offsetof(struct config_tls, ca), NULL, NULL, NULL, NULL,
        "The same as PEM text."},
    {"ca_ref", CONFIG_STRING, CONFIG_REFUSED, offsetof(struct config_tls, ca_ref), NULL, NULL, NULL,
        NULL, "A secret store has no part in an agent; use ca_file."},
    {"cert_file", CONFIG_PATH, CONFIG_USED, offsetof(struct config_tls, cert_file), NULL, NULL,
        NULL, NULL, "The client's certificate; read again when the file changes."},
    {"cert", CONFIG_STRING, CONFIG_USED, offsetof(struct config_tls, cert), NULL, NULL, NULL, NULL,
        "The same as PEM text."},
    {"cert_ref", CONFIG_STRING, CONFIG_REFUSED, offsetof(struct config_tls, cert_ref), NULL, NULL,
        NULL, NULL, "A secret store has no part in an agent; use cert_file."},
    {"key_file", CONFIG_PATH, CONFIG_USED, offsetof(struct config_tls, key_file), NULL, NULL, NULL,
        NULL, "The key of the client's certificate."},
    {"key", CONFIG_SECRET, CONFIG_USED, offsetof(struct config_tls, key), NULL, NULL, NULL, NULL,
        "The same as PEM text."},
    {"key_ref", CONFIG_STRING, CONFIG_REFUSED, offsetof(struct config_tls, key_ref), NULL, NULL,
        NULL, NULL, "A secret store has no part in an agent; use key_file."},
    {"server_name", CONFIG_STRING, CONFIG_USED, offsetof(struct config_tls, server_name), NULL,
        NULL, NULL, NULL, "The name to expect in the server's certificate instead of the URL's."},
    {"insecure_skip_verify", CONFIG_BOOL, CONFIG_USED,
        offsetof(struct config_tls, insecure_skip_verify), "false", NULL, NULL, NULL,
        "Take any certificate. For trials only."},
    {"min_version", CONFIG_STRING, CONFIG_USED, offsetof(struct config_tls, min_version), NULL,
        NULL, NULL, NULL,
        "TLS10, TLS11, TLS12 or TLS13. When left out: TLS13 for remote_write, TLS12 for scrapes."},
    {"max_version", CONFIG_STRING, CONFIG_USED, offsetof(struct config_tls, max_version), NULL,
        NULL, NULL, NULL, "The same names; no bound when left out."},
};

const struct config_section config_tls_section = {"tls_config", "config.plain", NULL, tls_keys,
    COUNT(tls_keys), {{NULL, 0}}, "How a server is checked, and what is shown to it."};

static const struct config_key header_keys[] = {
    {"values", CONFIG_STRINGS, CONFIG_USED, offsetof(struct config_header, values), NULL, NULL,
        NULL, NULL,
        "Values of the header. None is shown with the configuration, whatever the name."},
    {"secrets", CONFIG_STRINGS, CONFIG_USED, offsetof(struct config_header, secrets), NULL, NULL,
        NULL, NULL, "The same."},
    {"files", CONFIG_STRINGS, CONFIG_USED, offsetof(struct config_header, files), NULL, NULL, NULL,
        NULL, "Files that hold values, one each; read at every request."},
};

const struct config_section config_header_section = {"http_headers", "config.Header", NULL,
    header_keys, COUNT(header_keys), {{NULL, 0}}, "A map of header names to these."};

static const struct config_key proxy_keys[] = {
    {"proxy_url", CONFIG_URL, CONFIG_USED, offsetof(struct config_proxy, proxy_url), NULL, NULL,
        NULL, NULL, "The proxy that requests go through: http, https, socks5 or socks5h."},
    {"no_proxy", CONFIG_STRING, CONFIG_USED, offsetof(struct config_proxy, no_proxy), NULL, NULL,
        NULL, NULL,
        "Hosts that need none, with commas between: names, .names, addresses, networks, *; a port "
        "may follow."},
    {"proxy_from_environment", CONFIG_BOOL, CONFIG_USED,
        offsetof(struct config_proxy, proxy_from_environment), "false", NULL, NULL, NULL,
        "The proxy that HTTPS_PROXY or HTTP_PROXY names, but for hosts of NO_PROXY; the "
        "environment has no say otherwise."},
    {"proxy_connect_header", CONFIG_LISTS, CONFIG_USED,
        offsetof(struct config_proxy, proxy_connect_header), NULL, NULL, NULL, NULL,
        "Headers of CONNECT requests, which https makes of a proxy. Values are masked when the "
        "configuration is shown."},
};

const struct config_section config_proxy_section = {"proxy keys", "config.plain", NULL, proxy_keys,
    COUNT(proxy_keys), {{NULL, 0}}, "They stand among the HTTP client keys."};

static const struct config_key oauth2_keys[] = {
    {"client_id", CONFIG_STRING, CONFIG_USED, offsetof(struct config_oauth2, client_id), NULL, NULL,
        NULL, NULL, "Required."},
    {"client_secret", CONFIG_SECRET, CONFIG_USED, offsetof(struct config_oauth2, client_secret),
        NULL, NULL, NULL, NULL, "The client's secret."},
    {"client_secret_file", CONFIG_PATH, CONFIG_USED,
        offsetof(struct config_oauth2, client_secret_file), NULL, NULL, NULL, NULL,
        "A file that holds it; a token is given up when it changes."},
    {"client_secret_ref", CONFIG_STRING, CONFIG_REFUSED,
        offsetof(struct config_oauth2, client_secret_ref), NULL, NULL, NULL, NULL,
        "A secret store has no part in an agent; use client_secret_file."},
    {"client_certificate_key_id", CONFIG_STRING, CONFIG_USED,
        offsetof(struct config_oauth2, client_certificate_key_id), NULL, NULL, NULL, NULL,
        "The id of the JWT's key (kid)."},
    {"client_certificate_key", CONFIG_SECRET, CONFIG_USED,
        offsetof(struct config_oauth2, client_certificate_key), NULL, NULL, NULL, NULL,
        "The RSA key that signs the JWT, PEM text."},
    {"client_certificate_key_file", CONFIG_PATH, CONFIG_USED,
        offsetof(struct config_oauth2, client_certificate_key_file), NULL, NULL, NULL, NULL,
        "A file that holds it; a token is given up when it changes."},
    {"client_certificate_key_ref", CONFIG_STRING, CONFIG_REFUSED,
        offsetof(struct config_oauth2, client_certificate_key_ref), NULL, NULL, NULL, NULL,
        "A secret store has no part in an agent; use client_certificate_key_file."},
    {"grant_type", CONFIG_STRING, CONFIG_USED, offsetof(struct config_oauth2, grant_type), NULL,
        NULL, NULL, NULL,
        "client_credentials (the default), or urn:ietf:params:oauth:grant-type:jwt-bearer: a token "
        "for a signed JWT instead of a secret."},
    {"signature_algorithm", CONFIG_STRING, CONFIG_USED,
        offsetof(struct config_oauth2, signature_algorithm), NULL, NULL, NULL, NULL,
        "Of the JWT: RS256 (the default), RS384 or RS512."},
    {"iss", CONFIG_STRING, CONFIG_USED, offsetof(struct config_oauth2, iss), NULL, NULL, NULL, NULL,
        "Issuer of the JWT; client_id when left out."},
    {"audience", CONFIG_STRING, CONFIG_USED, offsetof(struct config_oauth2, audience), NULL, NULL,
        NULL, NULL, "Audience of the JWT; token_url when left out."},
    {"claims", CONFIG_ANY, CONFIG_USED, offsetof(struct config_oauth2, claims), NULL, NULL, NULL,
        NULL, "A map of more claims of the JWT; they win over those that are made here."},
    {"scopes", CONFIG_STRINGS, CONFIG_USED, offsetof(struct config_oauth2, scopes), NULL, NULL,
        NULL, NULL, "What the token is to be good for."},
    {"token_url", CONFIG_URL, CONFIG_USED, offsetof(struct config_oauth2, token_url), NULL, NULL,
        NULL, NULL, "Required."},
    {"endpoint_params", CONFIG_MAP, CONFIG_USED, offsetof(struct config_oauth2, endpoint_params),
        NULL, NULL, NULL, NULL,
        "More parameters of the token's request. Values are masked when the configuration is "
        "shown."},
    {"tls_config", CONFIG_SECTION, CONFIG_USED, offsetof(struct config_oauth2, tls), NULL, NULL,
        NULL, &config_tls_section, "TLS of the token's request."},
};

const struct config_section config_oauth2_section = {"oauth2", "config.plain", NULL, oauth2_keys,
    COUNT(oauth2_keys), {{&config_proxy_section, offsetof(struct config_oauth2, proxy)}, {NULL, 0}},
    "A token from an OAuth 2.0 server, asked for when the first request needs "
    "it, kept until ten seconds before it expires, given up when a server answers 401."};

static const struct config_key http_keys[] = {
    {"basic_auth", CONFIG_SECTION, CONFIG_USED, offsetof(struct config_http, basic_auth), NULL,
        NULL, NULL, &config_basic_auth_section, "A user name and a password."},
    {"authorization", CONFIG_SECTION, CONFIG_USED, offsetof(struct config_http, authorization),
        NULL, NULL, NULL, &config_authorization_section, "An Authorization header."},
    {"bearer_token", CONFIG_SECRET, CONFIG_USED, offsetof(struct config_http, bearer_token), NULL,
        NULL, NULL, NULL, "Old form of authorization.credentials."},
    {"bearer_token_file", CONFIG_PATH, CONFIG_USED, offsetof(struct config_http, bearer_token_file),
        NULL, NULL, NULL, NULL, "Old form of authorization.credentials_file."},
    {"tls_config", CONFIG_SECTION, CONFIG_USED, offsetof(struct config_http, tls), NULL, NULL, NULL,
        &config_tls_section, "How the server is checked, and what is shown to it."},
    {"follow_redirects", CONFIG_BOOL, CONFIG_USED, offsetof(struct config_http, follow_redirects),
        "true", NULL, NULL, NULL, "Redirects are followed, at most ten, to http and https only."},
    {"enable_http2", CONFIG_BOOL, CONFIG_USED, offsetof(struct config_http, enable_http2), "true",
        NULL, NULL, NULL, "HTTP/2 may be used when the server offers it."},
    {"http_headers", CONFIG_ANY, CONFIG_USED, offsetof(struct config_http, http_headers), NULL,
        NULL, NULL, &config_header_section, "More headers of every request."},
    {"oauth2", CONFIG_SECTION, CONFIG_USED, offsetof(struct config_http, oauth2), NULL, NULL, NULL,
        &config_oauth2_section, "A token fetched from an OAuth 2.0 server."},
};

const struct config_section config_http_section = {"HTTP client keys", "config.plain", NULL,
    http_keys, COUNT(http_keys),
    {{&config_proxy_section, offsetof(struct config_http, proxy)}, {NULL, 0}},
    "They may stand in a job of scrape_configs and in an entry of remote_write."};

static const struct config_key queue_keys[] = {
    {"batch_send_deadline", CONFIG_DURATION, CONFIG_USED,
        offsetof(struct config_queue, batch_send_deadline_ms), "30s", NULL, NULL, NULL,
        "Time from one batch to the next. Longer batches cost less of the uplink per sample. "
        "Prometheus has 5s."},
    {"max_samples_per_send", CONFIG_INT, CONFIG_USED,
        offsetof(struct config_queue, max_samples_per_send), "20000", NULL, NULL, NULL,
        "The most samples in a request; requests also adapt to the link. Prometheus has 2000."},
    {"max_shards", CONFIG_INT, CONFIG_USED, offsetof(struct config_queue, max_shards), "50", NULL,
        NULL, NULL, "The most requests in flight; more than 4 are never used."},
    {"min_backoff", CONFIG_DURATION, CONFIG_USED, offsetof(struct config_queue, min_backoff_ms),
        "1s", NULL, NULL, NULL, "First delay after a failed request. Prometheus has 30ms."},
    {"max_backoff", CONFIG_DURATION, CONFIG_USED, offsetof(struct config_queue, max_backoff_ms),
        "5m", NULL, NULL, NULL, "Longest delay. Prometheus has 5s."},
    {"retry_on_http_429", CONFIG_BOOL, CONFIG_USED,
        offsetof(struct config_queue, retry_on_http_429), "true", NULL, NULL, NULL,
        "A receiver that asks to slow down gets the samples again later; false drops them. "
        "Prometheus has false."},
    {"sample_age_limit", CONFIG_DURATION, CONFIG_USED,
        offsetof(struct config_queue, sample_age_limit_ms), "0s", NULL, NULL, NULL,
        "Older samples are not sent, but counted lost. 0s: none."},
    {"capacity", CONFIG_INT, CONFIG_IGNORED_WARN, offsetof(struct config_queue, capacity), "10000",
        NULL, NULL, NULL, "There is no queue in memory: the WAL is the queue."},
    {"min_shards", CONFIG_INT, CONFIG_IGNORED_WARN, offsetof(struct config_queue, min_shards), "1",
        NULL, NULL, NULL, "Requests in flight follow from the backlog."},
};

const struct config_section config_queue_section = {"queue_config", "config.QueueConfig", NULL,
    queue_keys, COUNT(queue_keys), {{NULL, 0}}, "How batches are made and tried again."};

static const struct config_key metadata_keys[] = {
    {"send", CONFIG_BOOL, CONFIG_USED, CONFIG_NOWHERE, "true", NULL, NULL, NULL,
        "Metadata (type, help, unit) is not sent."},
    {"send_interval", CONFIG_DURATION, CONFIG_USED, CONFIG_NOWHERE, "1m", NULL, NULL, NULL,
        "No effect."},
    {"max_samples_per_send", CONFIG_INT, CONFIG_USED, CONFIG_NOWHERE, "2000", NULL, NULL, NULL,
        "No effect."},
};

const struct config_section config_metadata_section = {"metadata_config", "config.MetadataConfig",
    NULL, metadata_keys, COUNT(metadata_keys), {{NULL, 0}}, "Taken, but metadata is not sent."};

static const struct config_key remote_keys[] = {
    {"url", CONFIG_URL, CONFIG_USED, offsetof(struct config_remote, url), NULL, NULL, NULL, NULL,
        "Required: where requests go."},
    {"name", CONFIG_STRING, CONFIG_USED, offsetof(struct config_remote, name), NULL, NULL, NULL,
        NULL,
        "Unique; what the WAL knows the endpoint by, so that a changed URL loses nothing. Left "
        "out: the URL without user and query."},
    {"remote_timeout", CONFIG_DURATION, CONFIG_USED,
        offsetof(struct config_remote, remote_timeout_ms), "30s", NULL, NULL, NULL,
        "When a request is given up."},
    {"headers", CONFIG_MAP, CONFIG_USED, offsetof(struct config_remote, headers), NULL, NULL, NULL,
        NULL,
        "More headers; one named like agent.tenant_header takes its place. Values are "
        "masked when the configuration is shown."},
    {"write_relabel_configs", CONFIG_SECTIONS, CONFIG_USED,
        offsetof(struct config_remote, write_relabel_configs), NULL, NULL, NULL,
        &config_relabel_section, "Rules on the labels of samples, external labels included."},
    {"queue_config", CONFIG_SECTION, CONFIG_USED, offsetof(struct config_remote, queue), NULL, NULL,
        NULL, &config_queue_section, "How batches are made and tried again."},
    {"metadata_config", CONFIG_SECTION, CONFIG_IGNORED, CONFIG_NOWHERE, NULL, NULL, NULL,
        &config_metadata_section, "Metadata is not sent."},
    {"protobuf_message", CONFIG_STRING, CONFIG_USED,
        offsetof(struct config_remote, protobuf_message), "prometheus.WriteRequest", NULL, NULL,
        NULL,
        "Remote Write 1.0; io.prometheus.write.v2.Request is 2.0, which takes half the bytes. A "
        "receiver that turns out not to take it gets 1.0 instead; it is asked again after a day, "
        "a restart or a reload."},
    {"send_exemplars", CONFIG_BOOL, CONFIG_NO_EFFECT, CONFIG_NOWHERE, "false", NULL, NULL, NULL,
        "Exemplars on a page are passed over and counted; samples are sent all the same."},
    {"send_native_histograms", CONFIG_BOOL, CONFIG_NO_EFFECT, CONFIG_NOWHERE, "false", NULL, NULL,
        NULL,
        "Pages are asked for in the text formats, which have no native histograms; classic ones "
        "are "
        "sent."},
    {"convert_nhcb_to_classic", CONFIG_BOOL, CONFIG_NO_EFFECT, CONFIG_NOWHERE, "false", NULL, NULL,
        NULL, "Classic histograms are sent as they are."},
    {"round_robin_dns", CONFIG_BOOL, CONFIG_USED, offsetof(struct config_remote, round_robin_dns),
        "false", NULL, NULL, NULL, "Each connection goes to any of the name's addresses."},
    {"failed_request_logging", CONFIG_BOOL, CONFIG_NO_EFFECT, CONFIG_NOWHERE, "false", NULL, NULL,
        NULL, "A failing endpoint is always logged, when it begins and when it ends."},
    {"sigv4", CONFIG_SECTION, CONFIG_USED, offsetof(struct config_remote, sigv4), NULL, NULL, NULL,
        &config_sigv4_section, "Requests are signed for AWS."},
    {"azuread", CONFIG_SECTION, CONFIG_USED, offsetof(struct config_remote, azuread), NULL, NULL,
        NULL, &config_azuread_section, "A token of Microsoft Entra ID."},
    {"google_iam", CONFIG_SECTION, CONFIG_USED, offsetof(struct config_remote, google_iam), NULL,
        NULL, NULL, &config_google_iam_section, "A token of Google Cloud."},
};

const struct config_section config_remote_section = {"remote_write", "config.plain",
    "[]*config.RemoteWriteConfig", remote_keys, COUNT(remote_keys),
    {{&config_http_section, offsetof(struct config_remote, http)}, {NULL, 0}},
    "A list of endpoints."};
