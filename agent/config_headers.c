/*
 * Headers of one's own: `headers` of remote_write and `http_headers` of any HTTP client. What the
 * protocol itself sets may not be changed (Prometheus config/config.go, common config/headers.go).
 */
#include "agent/config_parts.h"
#include "agent/config_set.h"
#include "agent/config_values.h"
#include "base/buf.h"
#include "base/http.h"
#include "base/yaml.h"

#include <strings.h>

enum { NAME_MAX_BYTES = 256, HEADERS_MAX = 100 };

/* Shown instead of any header's value, of `values`, too: a name does not tell what is secret. */
static const char secret[] = "<secret>";

static const char *const reserved[] = {"host", "content-encoding", "content-length", "content-type",
    "user-agent", "connection", "keep-alive", "proxy-authenticate", "proxy-authorization",
    "www-authenticate", "accept-encoding", "x-prometheus-remote-write-version",
    "x-prometheus-remote-read-version", "x-amz-date", "x-amz-security-token",
    "x-amz-content-sha256"};

bool
config_header_reserved(struct view name)
{
        for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
                if (config_same_name(name, view_of(reserved[i])))
                        return true;
        }
        return false;
}

static bool
name_valid(struct config_reader *r, const struct yaml_node *name)
{
        if (name->text.n <= NAME_MAX_BYTES && config_header_name_valid(name->text))
                return true;
        config_fail(
            r, CONFIG_STAGE_VALUE, name, "\"%.64s\" is not a valid header name", name->text.p);
        return false;
}

/* h without its name, which is told by the node. */
static void
put_header(struct config_reader *r, struct http_options *out, const struct yaml_node *name,
    struct http_header h)
{
        struct http_header *larger;

        if (out->n_headers == HEADERS_MAX) {
                config_fail(r, CONFIG_STAGE_VALUE, name, "more than %d headers", HEADERS_MAX);
                return;
        }
        larger = config_array(r, out->n_headers + 1, sizeof(*larger));
        if (larger == NULL)
                return;
        for (size_t i = 0; i < out->n_headers; i++)
                larger[i] = out->headers[i];
        h.name = config_copy(r, name->text);
        larger[out->n_headers] = h;
        out->headers = larger;
        out->n_headers++;
}

static void
add_header(struct config_reader *r, struct http_options *out, const struct yaml_node *name,
    const struct yaml_node *value)
{
        struct view text = config_text(r, "headers", value);

        if (!config_header_value_valid(text)) {
                config_fail(r, CONFIG_STAGE_VALUE, value,
                    "the value of header %.64s holds a control character", name->text.p);
                return;
        }
        put_header(r, out, name, (struct http_header){.value = config_copy(r, text)});
}

static void
read_plain(struct config_reader *r, const struct yaml_entry *entry, struct http_options *out)
{
        struct view name = entry->key->text;

        if (entry->repeated)
                return; /* told already */
        if (config_same_name(name, VIEW_LIT("authorization")))
                config_fail(r, CONFIG_STAGE_VALUE, entry->key,
                    "authorization header must be changed via the basic_auth, authorization, "
                    "oauth2, sigv4, azuread or google_iam parameter");
        else if (config_header_reserved(name))
                config_fail(r, CONFIG_STAGE_VALUE, entry->key,
                    "%.64s is a reserved header. It must not be changed", name.p);
        else if (name_valid(r, entry->key))
                add_header(r, out, entry->key, entry->value);
        entry->value->mask = secret;
}

static void
mask_list(const struct yaml_node *list)
{
        for (size_t i = 0; list != NULL && i < list->n_items; i++)
                list->items[i]->mask = secret;
}

static void
add_list(struct config_reader *r, struct http_options *out, const struct yaml_node *name,
    const struct yaml_node *list)
{
        for (size_t i = 0; list != NULL && i < list->n_items; i++)
                add_header(r, out, name, list->items[i]);
}

static void
add_files(struct config_reader *r, struct http_options *out, const struct yaml_node *name,
    const struct yaml_node *list)
{
        size_t n = 0;
        const char **files = config_strings(r, "files", list, &n);

        for (size_t i = 0; i < n; i++) {
                struct http_header header = {.file = config_path(r, files[i])};

                config_look_at_file(r, list->items[i], header.file);
                put_header(r, out, name, header);
        }
}

static void
read_full(struct config_reader *r, const struct yaml_entry *entry, struct http_options *out)
{
        struct view name = entry->key->text;
        struct config_header header = {0};
        struct buf canonical = BUF_INIT(NAME_MAX_BYTES);

        config_read_section(r, &config_header_section, entry->value, &header);
        mask_list(header.values);
        mask_list(header.secrets);
        if (entry->repeated) {
                config_fail(
                    r, CONFIG_STAGE_SHAPE, entry->key, "key \"%.64s\" already set in map", name.p);
        } else if (config_header_reserved(name) ||
            config_same_name(name, VIEW_LIT("authorization")) ||
            config_same_name(name, VIEW_LIT("x-prometheus-scrape-timeout-seconds"))) {
                (void)config_header_canonical(name, &canonical, NULL);
                config_fail(r, CONFIG_STAGE_VALUE, entry->key,
                    "setting header \"%.*s\" is not allowed", (int)canonical.len, canonical.ptr);
        } else if (name_valid(r, entry->key)) {
                add_list(r, out, entry->key, header.values);
                add_list(r, out, entry->key, header.secrets);
                add_files(r, out, entry->key, header.files);
        }
        buf_release(&canonical);
}

void
config_headers(struct config_reader *r, const struct yaml_node *headers,
    const struct yaml_node *http_headers, struct http_options *out)
{
        for (size_t i = 0; headers != NULL && i < headers->n_entries; i++)
                read_plain(r, &headers->entries[i], out);
        if (http_headers == NULL)
                return;
        if (http_headers->kind != YAML_MAP) {
                config_fail_type(
                    r, "http_headers", http_headers, "config.Headers", "a map of header names");
                return;
        }
        for (size_t i = 0; i < http_headers->n_entries; i++)
                read_full(r, &http_headers->entries[i], out);
}

void
config_connect_headers(
    struct config_reader *r, const struct yaml_node *map, struct http_proxy_options *out)
{
        struct http_options headers = {.n_headers = 0};

        for (size_t i = 0; map != NULL && i < map->n_entries; i++) {
                const struct yaml_entry *entry = &map->entries[i];

                if (entry->value->kind == YAML_LIST)
                        mask_list(entry->value);
                if (!entry->repeated && name_valid(r, entry->key))
                        add_list(r, &headers, entry->key, entry->value);
        }
        out->connect_headers = headers.headers;
        out->n_connect_headers = headers.n_headers;
}
