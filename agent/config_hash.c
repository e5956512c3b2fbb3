/*
 * What of a job makes its targets other targets at a reload: one hash over what the series depend
 * on, one over what the requests depend on (scrape/job.h). And what makes a discovery section
 * another one.
 */
#include "agent/config_parts.h"
#include "base/hash.h"
#include "scrape/job.h"

static void
fold_bytes(uint64_t *hash, const void *p, size_t n)
{
        *hash = hash_stable(p, n, *hash + 1);
}

static void
fold_number(uint64_t *hash, uint64_t n)
{
        fold_bytes(hash, &n, sizeof(n));
}

/* NULL and "" differ. */
static void
fold_text(uint64_t *hash, const char *s)
{
        fold_number(hash, s != NULL);
        if (s != NULL)
                fold_bytes(hash, s, strlen(s));
}

static void
fold_headers(uint64_t *hash, const struct http_header *headers, size_t n)
{
        fold_number(hash, n);
        for (size_t i = 0; i < n; i++) {
                fold_text(hash, headers[i].name);
                fold_text(hash, headers[i].value);
                fold_text(hash, headers[i].file);
        }
}

static void
fold_proxy(uint64_t *hash, const struct http_proxy_options *o)
{
        fold_text(hash, o->url);
        fold_text(hash, o->no_proxy);
        fold_number(hash, o->from_environment);
        fold_headers(hash, o->connect_headers, o->n_connect_headers);
}

static void
fold_http(uint64_t *hash, const struct http_options *o)
{
        const char *const texts[] = {o->username, o->username_file, o->password, o->password_file,
            o->auth_type, o->credentials, o->credentials_file, o->ca, o->ca_file, o->cert,
            o->cert_file, o->key, o->key_file, o->server_name};

        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
                fold_text(hash, texts[i]);
        fold_number(hash, o->insecure_skip_verify);
        fold_number(hash, (uint64_t)o->min_version);
        fold_number(hash, (uint64_t)o->max_version);
        fold_number(hash, o->follow_redirects);
        fold_number(hash, o->enable_http2);
        fold_headers(hash, o->headers, o->n_headers);
        fold_proxy(hash, &o->proxy);
}

static void
fold_jwt(uint64_t *hash, const struct http_jwt_options *o)
{
        fold_number(hash, o != NULL);
        if (o == NULL)
                return;
        fold_text(hash, o->key);
        fold_text(hash, o->key_file);
        fold_text(hash, o->key_id);
        fold_text(hash, o->algorithm);
        fold_text(hash, o->issuer);
        fold_text(hash, o->audience);
        fold_text(hash, o->claims);
}

static void
fold_oauth2(uint64_t *hash, const struct http_oauth2_options *o)
{
        fold_number(hash, o != NULL);
        if (o == NULL)
                return;
        fold_text(hash, o->client_id);
        fold_text(hash, o->client_secret);
        fold_text(hash, o->client_secret_file);
        fold_text(hash, o->token_url);
        fold_text(hash, o->scope);
        fold_headers(hash, o->params, o->n_params);
        fold_http(hash, o->http);
        fold_jwt(hash, o->jwt);
}

static void
fold_client(uint64_t *hash, const struct http_options *o)
{
        fold_http(hash, o);
        fold_oauth2(hash, o->oauth2);
}

void
config_hash_job(struct scrape_job *job, uint64_t rules)
{
        const uint64_t series[] = {rules, job->honor_labels, job->honor_timestamps,
            job->track_timestamps_staleness, (uint64_t)job->name_scheme, job->label_limit,
            job->label_name_length_limit, job->label_value_length_limit, job->extra_scrape_metrics};
        const uint64_t request[] = {(uint64_t)job->timeout_ms, job->enable_compression,
            (uint64_t)job->fallback, job->body_size_limit, job->sample_limit};

        job->series_hash = 0;
        fold_bytes(&job->series_hash, series, sizeof(series));
        job->request_hash = 0;
        fold_bytes(&job->request_hash, request, sizeof(request));
        fold_bytes(
            &job->request_hash, job->protocols.v, job->protocols.n * sizeof(*job->protocols.v));
        fold_text(&job->request_hash, job->escaping);
        fold_text(&job->request_hash, job->failure_log_file);
        fold_client(&job->request_hash, &job->http);
}

void
config_hash_http_sd(struct http_sd *sd)
{
        sd->key.identity = 0;
        fold_text(&sd->key.identity, sd->url);
        sd->key.hash = sd->key.identity;
        fold_number(&sd->key.hash, (uint64_t)sd->refresh_interval_ms);
        fold_client(&sd->key.hash, &sd->http);
}

void
config_hash_dns_sd(struct dns_sd *sd, const char *servers)
{
        sd->key.identity = 0;
        fold_number(&sd->key.identity, (uint64_t)sd->type);
        fold_number(&sd->key.identity, (uint64_t)sd->port);
        for (size_t i = 0; i < sd->n_names; i++)
                fold_text(&sd->key.identity, sd->names[i]);
        sd->key.hash = sd->key.identity;
        fold_number(&sd->key.hash, (uint64_t)sd->refresh_interval_ms);
        fold_text(&sd->key.hash, servers);
}

/* Which API server, and how it is talked to. */
static uint64_t
hash_server(const struct kubernetes_sd *sd)
{
        uint64_t hash = 0;

        fold_text(&hash, sd->api_server);
        fold_text(&hash, sd->kubeconfig_file);
        fold_client(&hash, &sd->http);
        return hash;
}

void
config_hash_kubernetes_sd(struct kubernetes_sd *sd)
{
        const uint64_t flags[] = {(uint64_t)sd->role, sd->own_namespace, sd->attach_node,
            sd->attach_namespace, sd->attach_deployment, sd->attach_job, sd->attach_cronjob,
            sd->n_namespaces};

        sd->server = hash_server(sd);
        sd->key.identity = 0;
        fold_text(&sd->key.identity, sd->api_server);
        fold_text(&sd->key.identity, sd->kubeconfig_file);
        fold_bytes(&sd->key.identity, flags, sizeof(flags));
        for (size_t i = 0; i < sd->n_namespaces; i++)
                fold_text(&sd->key.identity, sd->namespaces[i]);
        for (size_t i = 0; i < KUBERNETES_ROLES; i++) {
                fold_text(&sd->key.identity, sd->selectors[i].label);
                fold_text(&sd->key.identity, sd->selectors[i].field);
        }
        sd->key.hash = sd->key.identity;
        fold_number(&sd->key.hash, sd->server);
}
