/*
 * What the rows of config_keys_web.c fill: the sections of a web configuration as written. Used by
 * agent/web_config.c only.
 */
#ifndef AGENT_WEB_CONFIG_VALUES_H
#define AGENT_WEB_CONFIG_VALUES_H

#include "agent/config_keys.h"

#include <stdbool.h>
#include <stdint.h>

struct yaml_node;

struct web_tls_values {
        const struct yaml_node *node;
        const char *cert;
        const char *cert_file;
        const char *key;
        const char *key_file;
        const char *client_ca;
        const char *client_ca_file;
        const char *client_auth_type;
        const char *min_version;
        const char *max_version;
        const struct yaml_node *client_allowed_sans;
        const struct yaml_node *cipher_suites;
        const struct yaml_node *curve_preferences;
        bool prefer_server_cipher_suites;
};

struct web_http_values {
        const struct yaml_node *node;
        const struct yaml_node *headers;
        bool http2;
};

struct web_rate_values {
        const struct yaml_node *node;
        const char *interval;
        int64_t burst;
};

struct web_values {
        const struct yaml_node *node;
        struct web_tls_values tls;
        struct web_http_values http;
        struct web_rate_values rate;
        const struct yaml_node *users;
};

extern const struct config_section web_config_section;

#endif
