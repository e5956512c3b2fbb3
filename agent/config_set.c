#include "agent/config_set.h"

#include "agent/config_read.h"
#include "agent/config_url.h"
#include "agent/config_values.h"
#include "base/buf.h"
#include "base/duration.h"
#include "base/err.h"
#include "base/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 4096, URL_TEXT_MAX = 64 << 10 };

/* What Prometheus calls a type in "cannot unmarshal … into …", and what it should have been. */
static const struct {
        const char *go;
        const char *expected;
} type_names[] = {
    [CONFIG_BOOL] = {"bool", "true or false"},
    [CONFIG_UINT] = {"uint", "a whole number, not negative"},
    [CONFIG_INT] = {"int", "a whole number"},
    [CONFIG_FLOAT] = {"float64", "a number"},
    [CONFIG_DURATION] = {"string", "a duration such as 15s, 5m or 1h30m"},
    [CONFIG_SIZE] = {"units.Base2Bytes", "a size such as 512KB or 10MiB"},
    [CONFIG_STRING] = {"string", "a text"},
    [CONFIG_SECRET] = {"string", "a text"},
    [CONFIG_PATH] = {"string", "the name of a file"},
    [CONFIG_URL] = {"string", "a URL"},
    [CONFIG_PROTOCOL] = {"config.ScrapeProtocol", "the name of a protocol"},
    [CONFIG_SECTION] = {NULL, "a map of keys"},
    [CONFIG_STRINGS] = {"[]string", "a list of texts"},
    [CONFIG_PROTOCOLS] = {"[]config.ScrapeProtocol", "a list of protocols"},
    [CONFIG_MAP] = {"map[string]string", "a map of names to texts"},
    [CONFIG_LISTS] = {"map[string][]string", "a map of names to lists of texts"},
    [CONFIG_SECTIONS] = {NULL, "a list of maps"},
    [CONFIG_LIST] = {"[]interface {}", "a list"},
    [CONFIG_ANY] = {"interface {}", "anything"},
};

/* "cannot unmarshal !!str `abc` into bool; KEY expects …". Secrets' sections show no value. */
void
config_fail_type(struct config_reader *r, const char *key, const struct yaml_node *node,
    const char *go_type, const char *expected)
{
        char value[32] = "";

        if (node->kind == YAML_SCALAR && node->text.n > 10)
                (void)snprintf(value, sizeof(value), " `%.7s...`", node->text.p);
        else if (node->kind == YAML_SCALAR)
                (void)snprintf(value, sizeof(value), " `%s`", node->text.p);
        config_fail(r, CONFIG_STAGE_SHAPE, node, "cannot unmarshal %s%s into %s; %s expects %s",
            yaml_node_tag(node), value, go_type, key, expected);
}

/* What Prometheus calls the types of a few keys. */
static const char *
go_type_of(const struct config_key *key)
{
        static const char *const names[][2] = {
            {"params", "url.Values"},
            {"source_labels", "model.LabelNames"},
            {"modulus", "uint64"},
            {"remote_read", "[]*config.RemoteReadConfig"},
            {"alertmanagers", "[]*config.AlertmanagerConfig"},
            {"alert_relabel_configs", "[]*relabel.Config"},
        };

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                if (strcmp(key->name, names[i][0]) == 0)
                        return names[i][1];
        }
        return key->type == CONFIG_SECTIONS ? key->section->go_list : type_names[key->type].go;
}

static void
fail_kind(struct config_reader *r, const struct config_key *key, const struct yaml_node *node)
{
        config_fail_type(r, key->name, node, go_type_of(key), type_names[key->type].expected);
}

static void
fail_value(struct config_reader *r, const struct config_key *key, const struct yaml_node *node,
    const char *reason)
{
        config_fail(r, CONFIG_STAGE_VALUE, node, "%s; %s expects %s", reason, key->name,
            type_names[key->type].expected);
}

struct view
config_text(struct config_reader *r, const char *key, const struct yaml_node *node)
{
        if (node->kind == YAML_LIST || node->kind == YAML_MAP) {
                config_fail_type(r, key, node, "string", "a text");
                return VIEW_LIT("");
        }
        if (node->kind == YAML_NULL)
                return VIEW_LIT("");
        return node->text;
}

static bool
is_text(struct config_reader *r, const char *key, const struct yaml_node *node)
{
        if (memchr(node->text.p, '\0', node->text.n) == NULL)
                return true;
        config_fail(
            r, CONFIG_STAGE_VALUE, node, "a byte of zero is no text; %s expects a text", key);
        return false;
}

const char **
config_strings(
    struct config_reader *r, const char *key, const struct yaml_node *list, size_t *out_n)
{
        size_t n = list != NULL ? list->n_items : 0;
        const char **v = config_array(r, n, sizeof(*v));

        *out_n = v != NULL ? n : 0;
        for (size_t i = 0; i < *out_n; i++) {
                struct view text = config_text(r, key, list->items[i]);

                v[i] = "";
                if (list->items[i]->kind != YAML_SCALAR || is_text(r, key, list->items[i]))
                        v[i] = config_copy(r, text);
        }
        return v;
}

/* A number or a string in the units of its type; false when text is none. */
static bool
parse_bound(const struct config_key *key, const char *text, double *out)
{
        int64_t ms = 0;
        int64_t bytes = 0;

        switch (key->type) {
        case CONFIG_DURATION:
                if (duration_parse(view_of(text), &ms, NULL) < 0)
                        return false;
                *out = (double)ms;
                return true;
        case CONFIG_SIZE:
                if (config_size_parse(view_of(text), &bytes, NULL) < 0)
                        return false;
                *out = (double)bytes;
                return true;
        default:
                *out = strtod(text, NULL);
                return true;
        }
}

static bool
in_bounds(struct config_reader *r, const struct config_key *key, const struct yaml_node *node,
    double value)
{
        double bound = 0;

        if (key->min != NULL && parse_bound(key, key->min, &bound) && value < bound) {
                config_fail(r, CONFIG_STAGE_VALUE, node, "%s is too small; %s expects at least %s",
                    node->text.n > 0 ? node->text.p : "nothing", key->name, key->min);
                return false;
        }
        if (key->max != NULL && parse_bound(key, key->max, &bound) && value > bound) {
                config_fail(r, CONFIG_STAGE_VALUE, node, "%s is too large; %s expects at most %s",
                    node->text.p, key->name, key->max);
                return false;
        }
        return true;
}

static void
set_bool(
    struct config_reader *r, const struct config_key *key, const struct yaml_node *node, bool *out)
{
        if (node->kind == YAML_NULL)
                *out = false;
        else if (!yaml_node_bool(node, out))
                fail_kind(r, key, node);
}

static void
set_number(
    struct config_reader *r, const struct config_key *key, const struct yaml_node *node, void *out)
{
        uint64_t u = 0;
        int64_t i = 0;
        double d = 0;
        bool good = true;

        if (key->type == CONFIG_UINT)
                good = node->kind == YAML_NULL || yaml_node_uint(node, &u);
        else if (key->type == CONFIG_INT)
                good = node->kind == YAML_NULL || yaml_node_int(node, &i);
        if (good)
                good = node->kind == YAML_NULL || yaml_node_float(node, &d);
        if (!good) {
                fail_kind(r, key, node);
                return;
        }
        if (!in_bounds(r, key, node, d))
                return;
        if (key->type == CONFIG_UINT)
                memcpy(out, &u, sizeof(u));
        else if (key->type == CONFIG_INT)
                memcpy(out, &i, sizeof(i));
        else
                memcpy(out, &d, sizeof(d));
}

/* A duration or a size. */
static void
set_quantity(
    struct config_reader *r, const struct config_key *key, const struct yaml_node *node, void *out)
{
        struct err e = ERR_INIT;
        int64_t ms = 0;
        int64_t bytes = 0;
        uint64_t size;
        int rc = 0;

        if (node->kind == YAML_LIST || node->kind == YAML_MAP) {
                fail_kind(r, key, node);
                return;
        }
        if (node->kind == YAML_SCALAR)
                rc = key->type == CONFIG_DURATION ? duration_parse(node->text, &ms, &e)
                                                  : config_size_parse(node->text, &bytes, &e);
        if (rc != 0) {
                fail_value(r, key, node, e.msg);
                return;
        }
        if (!in_bounds(r, key, node, key->type == CONFIG_DURATION ? (double)ms : (double)bytes))
                return;
        size = bytes < 0 ? CONFIG_SIZE_ENDLESS : (uint64_t)bytes;
        if (key->type == CONFIG_DURATION)
                memcpy(out, &ms, sizeof(ms));
        else
                memcpy(out, &size, sizeof(size));
}

/* A URL's password must not be shown. */
static void
mask_url(struct config_reader *r, struct yaml_node *node, const struct config_url *u)
{
        struct buf shown = BUF_INIT(URL_TEXT_MAX);

        if (!u->has_password)
                return;
        node->mask = "<secret>";
        if (config_url_put_redacted(u, &shown, NULL) == 0)
                node->mask = config_copy(r, buf_view(&shown));
        buf_release(&shown);
}

static void
set_string(
    struct config_reader *r, const struct config_key *key, struct yaml_node *node, const char **out)
{
        struct config_url u;
        struct err e = ERR_INIT;

        if (node->kind == YAML_LIST || node->kind == YAML_MAP) {
                fail_kind(r, key, node);
                return;
        }
        if (key->type == CONFIG_SECRET)
                node->mask = "<secret>";
        if (node->kind == YAML_NULL) {
                *out = "";
                return;
        }
        if (!is_text(r, key->name, node))
                return;
        if (key->type == CONFIG_URL) {
                if (config_url_parse(node->text, &u, &e) < 0)
                        fail_value(r, key, node, e.msg);
                else
                        mask_url(r, node, &u);
        }
        *out = config_copy(r, node->text);
        if (key->type != CONFIG_PATH)
                return;
        *out = config_path(r, *out);
        if (strcmp(key->name, "scrape_failure_log_file") != 0) /* which is written */
                config_look_at_file(r, node, *out);
}

/* The items of a list must be text. */
static void
check_strings(struct config_reader *r, const struct config_key *key, const struct yaml_node *node)
{
        const char *go = key->type == CONFIG_PROTOCOLS ? "config.ScrapeProtocol" : "string";

        if (node->kind != YAML_LIST && node->kind != YAML_NULL) {
                config_fail_type(r, key->name, node, "[]string", "a list of texts");
                return;
        }
        for (size_t i = 0; i < node->n_items; i++) {
                if (node->items[i]->kind == YAML_LIST || node->items[i]->kind == YAML_MAP)
                        config_fail_type(r, key->name, node->items[i], go, "a list of texts");
        }
}

/* The values of a free map must be text, or lists of text; no key may come twice. */
static void
check_map(struct config_reader *r, const struct config_key *key, const struct yaml_node *node)
{
        struct buf name = BUF_INIT(TEXT_MAX);

        for (size_t i = 0; i < node->n_entries; i++) {
                const struct yaml_entry *entry = &node->entries[i];

                (void)config_text(r, key->name, entry->key);
                if (entry->repeated) {
                        buf_reset(&name);
                        (void)config_quote(&name, entry->key->text, NULL);
                        config_fail(r, CONFIG_STAGE_SHAPE, entry->key,
                            "key %.*s already set in map", (int)name.len, name.ptr);
                }
                if (key->type == CONFIG_LISTS)
                        check_strings(r, key, entry->value);
                else
                        (void)config_text(r, key->name, entry->value);
        }
        buf_release(&name);
}

static bool
is_list_type(enum config_type type)
{
        return type == CONFIG_STRINGS || type == CONFIG_PROTOCOLS || type == CONFIG_SECTIONS ||
            type == CONFIG_LIST;
}

/* Lists and free maps: their shape is checked, the node is kept. */
static void
set_node(struct config_reader *r, const struct config_key *key, const struct yaml_node *node,
    const struct yaml_node **out)
{
        if (node->kind != YAML_NULL && key->type != CONFIG_ANY &&
            node->kind != (is_list_type(key->type) ? YAML_LIST : YAML_MAP)) {
                fail_kind(r, key, node);
                return;
        }
        if (key->type == CONFIG_STRINGS || key->type == CONFIG_PROTOCOLS)
                check_strings(r, key, node);
        else if (key->type == CONFIG_MAP || key->type == CONFIG_LISTS)
                check_map(r, key, node);
        *out = node->kind != YAML_NULL ? node : NULL;
}

void
config_set_value(
    struct config_reader *r, const struct config_key *key, struct yaml_node *node, void *out)
{
        switch (key->type) {
        case CONFIG_BOOL:
                set_bool(r, key, node, out);
                break;
        case CONFIG_UINT:
        case CONFIG_INT:
        case CONFIG_FLOAT:
                set_number(r, key, node, out);
                break;
        case CONFIG_DURATION:
        case CONFIG_SIZE:
                set_quantity(r, key, node, out);
                break;
        case CONFIG_STRING:
        case CONFIG_SECRET:
        case CONFIG_PATH:
        case CONFIG_URL:
        case CONFIG_PROTOCOL:
                set_string(r, key, node, (const char **)out);
                break;
        case CONFIG_SECTION:
                config_read_section(r, key->section, node, out);
                break;
        case CONFIG_STRINGS:
        case CONFIG_PROTOCOLS:
        case CONFIG_MAP:
        case CONFIG_LISTS:
        case CONFIG_SECTIONS:
        case CONFIG_LIST:
        case CONFIG_ANY:
                set_node(r, key, node, (const struct yaml_node **)out);
                break;
        }
}

/* The fallback of a row, as if it had been written. */
void
config_set_fallback(struct config_reader *r, const struct config_key *key, void *out)
{
        const char *text = key->fallback != NULL ? key->fallback : "";
        bool truth = strcmp(text, "true") == 0;
        double number = 0;
        uint64_t u;
        int64_t i;

        if (key->type == CONFIG_SECTION) {
                config_read_section(r, key->section, NULL, out);
                return;
        }
        if (key->type == CONFIG_BOOL) {
                memcpy(out, &truth, sizeof(truth));
                return;
        }
        if (key->type >= CONFIG_STRING) {
                if (key->type < CONFIG_SECTION)
                        memcpy(out, &text, sizeof(text));
                return;
        }
        if (key->fallback == NULL || !parse_bound(key, text, &number))
                return;
        u = (uint64_t)number;
        i = (int64_t)number;
        if (key->type == CONFIG_FLOAT)
                memcpy(out, &number, sizeof(number));
        else if (key->type == CONFIG_UINT || key->type == CONFIG_SIZE)
                memcpy(out, &u, sizeof(u));
        else
                memcpy(out, &i, sizeof(i));
}
