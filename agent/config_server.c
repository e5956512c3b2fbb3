/*
 * The sections of a full server: storage, tracing, otlp and runtime have no effect in an agent, but
 * a mistake in one is told, as Prometheus tells it (config/config.go).
 */
#include "agent/config_keys.h"
#include "agent/config_parts.h"
#include "agent/config_values.h"
#include "base/yaml.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
/* A key that nobody reads: its value must be of its type. */
#define IDLE_KEY(name, type) \
        { \
                name, type, CONFIG_USED, CONFIG_NOWHERE, NULL, NULL, NULL, NULL, "." \
        }
#define IDLE_SECTION(name, section) \
        { \
                name, CONFIG_SECTION, CONFIG_USED, CONFIG_NOWHERE, NULL, NULL, NULL, section, "." \
        }

static const struct config_key retention_keys[] = {IDLE_KEY("time", CONFIG_DURATION),
    IDLE_KEY("size", CONFIG_SIZE), IDLE_KEY("percentage", CONFIG_FLOAT)};
static const struct config_section retention = {
    "retention", "config.plain", NULL, retention_keys, COUNT(retention_keys), {{NULL, 0}}, "."};

static const struct config_key encoding_keys[] = {IDLE_KEY("floats", CONFIG_STRING)};
static const struct config_section encoding = {"chunk_encoding", "config.ChunkEncodingConfig", NULL,
    encoding_keys, COUNT(encoding_keys), {{NULL, 0}}, "."};

static const struct config_key tsdb_keys[] = {IDLE_KEY("out_of_order_time_window", CONFIG_DURATION),
    IDLE_KEY("stale_series_compaction_threshold", CONFIG_FLOAT),
    IDLE_SECTION("chunk_encoding", &encoding), IDLE_SECTION("retention", &retention)};
static const struct config_section tsdb = {
    "tsdb", "config.plain", NULL, tsdb_keys, COUNT(tsdb_keys), {{NULL, 0}}, "."};

static const struct config_key exemplars_keys[] = {IDLE_KEY("max_exemplars", CONFIG_INT)};
static const struct config_section exemplars = {"exemplars", "config.ExemplarsConfig", NULL,
    exemplars_keys, COUNT(exemplars_keys), {{NULL, 0}}, "."};

static const struct config_key storage_keys[] = {
    IDLE_SECTION("tsdb", &tsdb), IDLE_SECTION("exemplars", &exemplars)};
const struct config_section config_storage_section = {"storage", "config.StorageConfig", NULL,
    storage_keys, COUNT(storage_keys), {{NULL, 0}}, "Of a full server."};

static const struct config_key tracing_keys[] = {IDLE_KEY("client_type", CONFIG_STRING),
    IDLE_KEY("endpoint", CONFIG_STRING), IDLE_KEY("sampling_fraction", CONFIG_FLOAT),
    IDLE_KEY("insecure", CONFIG_BOOL), IDLE_SECTION("tls_config", &config_tls_section),
    IDLE_KEY("headers", CONFIG_MAP), IDLE_KEY("compression", CONFIG_STRING),
    IDLE_KEY("timeout", CONFIG_DURATION)};
const struct config_section config_tracing_section = {"tracing", "config.plain", NULL, tracing_keys,
    COUNT(tracing_keys), {{NULL, 0}}, "Of a full server."};

static const struct config_key otlp_keys[] = {
    IDLE_KEY("promote_all_resource_attributes", CONFIG_BOOL),
    IDLE_KEY("promote_resource_attributes", CONFIG_STRINGS),
    IDLE_KEY("ignore_resource_attributes", CONFIG_STRINGS),
    IDLE_KEY("translation_strategy", CONFIG_STRING),
    IDLE_KEY("keep_identifying_resource_attributes", CONFIG_BOOL),
    IDLE_KEY("convert_histograms_to_nhcb", CONFIG_BOOL),
    IDLE_KEY("promote_scope_metadata", CONFIG_BOOL),
    IDLE_KEY("label_name_underscore_sanitization", CONFIG_BOOL),
    IDLE_KEY("label_name_preserve_multiple_underscores", CONFIG_BOOL)};
const struct config_section config_otlp_section = {
    "otlp", "config.plain", NULL, otlp_keys, COUNT(otlp_keys), {{NULL, 0}}, "Of a full server."};

static const struct config_key runtime_keys[] = {IDLE_KEY("gogc", CONFIG_INT)};
const struct config_section config_runtime_section = {"runtime", "config.RuntimeConfig", NULL,
    runtime_keys, COUNT(runtime_keys), {{NULL, 0}}, "Of a full server."};

/* ---- values ---- */

static struct view
text_of(const struct yaml_node *map, const char *key)
{
        const struct yaml_node *v = yaml_node_get(map, key);

        return v != NULL && v->kind == YAML_SCALAR ? v->text : VIEW_LIT("");
}

/* The value of a key when it is none of the words, which end with NULL; else NULL. */
static const struct yaml_node *
find_odd(const struct yaml_node *map, const char *key, const char *const *words)
{
        const struct yaml_node *at = yaml_node_get(map, key);

        if (at == NULL || at->kind != YAML_SCALAR)
                return NULL;
        for (size_t i = 0; words[i] != NULL; i++) {
                if (view_is(at->text, words[i]))
                        return NULL;
        }
        return at;
}

static void
check_tracing_headers(struct config_reader *r, const struct yaml_node *headers)
{
        for (size_t i = 0; headers != NULL && i < headers->n_entries; i++) {
                const struct yaml_node *key = headers->entries[i].key;

                headers->entries[i].value->mask = "<secret>";
                if (config_same_name(key->text, VIEW_LIT("authorization")))
                        config_fail(r, CONFIG_STAGE_VALUE, key,
                            "custom authorization header configuration is not yet supported");
                else if (config_header_reserved(key->text))
                        config_fail(r, CONFIG_STAGE_VALUE, key,
                            "%.64s is a reserved header. It must not be changed", key->text.p);
        }
}

static void
check_tracing(struct config_reader *r, const struct yaml_node *map)
{
        static const char *const clients[] = {"http", "grpc", NULL};
        static const char *const compressions[] = {"gzip", "", NULL};
        const struct yaml_node *client = find_odd(map, "client_type", clients);
        const struct yaml_node *compression = find_odd(map, "compression", compressions);

        if (map == NULL || map->kind != YAML_MAP)
                return;
        if (client != NULL)
                config_fail(r, CONFIG_STAGE_VALUE, client,
                    "expected tracing client type to be to be http or grpc, but got %.64s",
                    client->text.p);
        check_tracing_headers(r, yaml_node_get(map, "headers"));
        if (text_of(map, "endpoint").n == 0)
                config_fail(r, CONFIG_STAGE_VALUE, map, "tracing endpoint must be set");
        if (compression != NULL)
                config_fail(r, CONFIG_STAGE_VALUE, compression,
                    "invalid compression type %.64s provided, valid options: gzip",
                    compression->text.p);
}

static struct view
trimmed(struct view v)
{
        while (v.n > 0 && strchr(" \t\r\n\v\f", v.p[0]) != NULL)
                v = (struct view){v.p + 1, v.n - 1};
        while (v.n > 0 && strchr(" \t\r\n\v\f", v.p[v.n - 1]) != NULL)
                v.n--;
        return v;
}

static void
check_attributes(struct config_reader *r, const struct yaml_node *list, const char *adjective)
{
        for (size_t i = 0; list != NULL && i < list->n_items; i++) {
                struct view name = trimmed(list->items[i]->text);

                if (name.n == 0)
                        config_fail(r, CONFIG_STAGE_VALUE, list->items[i],
                            "empty %s OTel resource attribute", adjective);
                for (size_t k = 0; k < i && name.n > 0; k++) {
                        if (!view_eq(trimmed(list->items[k]->text), name))
                                continue;
                        config_fail(r, CONFIG_STAGE_VALUE, list->items[i],
                            "duplicated %s OTel resource attribute \"%.*s\"", adjective,
                            (int)name.n, name.p);
                        break;
                }
        }
}

static void
check_otlp(struct config_reader *r, const struct yaml_node *map, enum name_scheme scheme)
{
        static const char *const strategies[] = {"UnderscoreEscapingWithSuffixes",
            "UnderscoreEscapingWithoutSuffixes", "NoTranslation", "NoUTF8EscapingWithSuffixes", "",
            NULL};
        const struct yaml_node *promoted = yaml_node_get(map, "promote_resource_attributes");
        const struct yaml_node *ignored = yaml_node_get(map, "ignore_resource_attributes");
        const struct yaml_node *all = yaml_node_get(map, "promote_all_resource_attributes");
        const struct yaml_node *odd = find_odd(map, "translation_strategy", strategies);
        struct view strategy = text_of(map, "translation_strategy");
        bool promote_all = false;

        if (odd != NULL)
                config_fail(r, CONFIG_STAGE_VALUE, odd,
                    "unsupported OTLP translation strategy \"%.64s\"; translation_strategy expects "
                    "%s, %s, %s or %s",
                    odd->text.p, strategies[0], strategies[1], strategies[2], strategies[3]);
        if (odd == NULL && scheme == NAME_LEGACY && strategy.n > 2 &&
            memcmp(strategy.p, "No", 2) == 0)
                config_fail(r, CONFIG_STAGE_VALUE, map,
                    "OTLP translation strategy \"%s\" is not allowed when UTF8 is disabled",
                    strategy.p);
        if (all != NULL && all->kind == YAML_SCALAR)
                (void)yaml_node_bool(all, &promote_all);
        if (promote_all && promoted != NULL && promoted->n_items > 0)
                config_fail(r, CONFIG_STAGE_VALUE, promoted,
                    "'promote_all_resource_attributes' and 'promote_resource_attributes' cannot be "
                    "configured simultaneously");
        if (!promote_all && ignored != NULL && ignored->n_items > 0)
                config_fail(r, CONFIG_STAGE_VALUE, ignored,
                    "'ignore_resource_attributes' cannot be configured unless "
                    "'promote_all_resource_attributes' is true");
        check_attributes(r, promoted, "promoted");
        check_attributes(r, ignored, "ignored");
}

static void
check_storage(struct config_reader *r, const struct yaml_node *map)
{
        static const char *const encodings[] = {"xor", "xor2", "", NULL};
        const struct yaml_node *db = yaml_node_get(map, "tsdb");
        const struct yaml_node *kept = yaml_node_get(db, "retention");
        const struct yaml_node *part = yaml_node_get(kept, "percentage");
        const struct yaml_node *odd =
            find_odd(yaml_node_get(db, "chunk_encoding"), "floats", encodings);
        struct view size = text_of(kept, "size");
        double percentage = 0;

        if (odd != NULL)
                config_fail(r, CONFIG_STAGE_VALUE, odd,
                    "'storage.tsdb.chunk_encoding.floats' must be 'xor' or 'xor2', or the field "
                    "must be omitted entirely, got \"%.64s\"",
                    odd->text.p);
        if (part != NULL && yaml_node_float(part, &percentage) &&
            !(percentage >= 0 && percentage <= 100))
                config_fail(r, CONFIG_STAGE_VALUE, part,
                    "'storage.tsdb.retention.percentage' must be in the range [0, 100]");
        if (size.n > 1 && size.p[0] == '-' && !view_is(size, "-0"))
                config_fail(r, CONFIG_STAGE_VALUE, kept,
                    "'storage.tsdb.retention.size' must be greater than or equal to 0, got %s",
                    size.p);
}

void
config_server(struct config_reader *r, const struct config_top *top)
{
        check_storage(r, yaml_node_get(top->node, "storage"));
        check_tracing(r, yaml_node_get(top->node, "tracing"));
        check_otlp(r, yaml_node_get(top->node, "otlp"), top->global.scheme);
}
