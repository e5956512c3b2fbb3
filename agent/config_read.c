#include "agent/config_read.h"

#include "agent/config_report.h"
#include "agent/config_set.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/yaml.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_MAX = 4096, PATH_MAX_BYTES = 8192 };

static void
add_message(struct config_reader *r, enum config_severity severity, enum config_stage stage,
    const struct yaml_node *at, const char *text)
{
        struct config_place place = {r->file, 0, 0};

        if (at != NULL) {
                place.line = at->line;
                place.column = at->column;
        }
        if (config_report_add(r->report, severity, stage, place, text) < 0)
                r->rc = ERR_NOMEM;
}

void
config_fail(struct config_reader *r, enum config_stage stage, const struct yaml_node *at,
    const char *format, ...)
{
        char text[TEXT_MAX];
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        add_message(r, CONFIG_ERROR, stage, at, text);
}

void
config_say(struct config_reader *r, enum config_severity severity, const struct yaml_node *at,
    const char *format, ...)
{
        char text[TEXT_MAX];
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        add_message(r, severity, CONFIG_STAGE_VALUE, at, text);
}

const char *
config_copy(struct config_reader *r, struct view text)
{
        const char *copy = arena_strndup(r->arena, text.p, text.n);

        if (copy != NULL)
                return copy;
        r->rc = ERR_NOMEM;
        return "";
}

void *
config_array(struct config_reader *r, size_t n, size_t size)
{
        void *array;

        if (n == 0)
                return NULL;
        array = arena_calloc(r->arena, n, size);
        if (array == NULL)
                r->rc = ERR_NOMEM;
        return array;
}

const char *
config_path(struct config_reader *r, const char *name)
{
        struct buf path = BUF_INIT(PATH_MAX_BYTES);
        const char *joined = "";

        if (name[0] == '\0' || name[0] == '/')
                return name;
        if (buf_printf(&path, NULL, "%s/%s", r->folder, name) == 0)
                joined = config_copy(r, buf_view(&path));
        else
                config_fail(
                    r, CONFIG_STAGE_VALUE, NULL, "the path of \"%.64s…\" is too long", name);
        buf_release(&path);
        return joined;
}

void
config_look_at_file(struct config_reader *r, const struct yaml_node *at, const char *path)
{
        struct stat s;
        int errnum = 0;

        if (r->env == NULL || !r->env->look_at_files || path[0] == '\0')
                return;
        if (access(path, R_OK) != 0 || stat(path, &s) != 0)
                errnum = errno;
        else if (S_ISDIR(s.st_mode))
                errnum = EISDIR;
        if (errnum != 0)
                config_say(r, CONFIG_WARNING, at,
                    "\"%s\" cannot be read (%s): what needs it will fail until it can", path,
                    strerror(errnum));
}

/* Is this the value that Prometheus takes when nothing is written? */
static bool
is_default(const struct config_key *key, const struct yaml_node *node)
{
        bool value = false;

        if (node->kind == YAML_LIST)
                return node->n_items == 0;
        if (node->kind == YAML_MAP)
                return node->n_entries == 0 &&
                    key->type == CONFIG_LISTS; /* others are switched on by {} */
        if (node->kind == YAML_NULL)
                return true;
        if (key->type == CONFIG_BOOL)
                return !yaml_node_bool(node, &value) || !value; /* no boolean: told already */
        if (key->type == CONFIG_SECTION || key->type == CONFIG_SECTIONS)
                return true; /* of the wrong type: told already */
        return view_is(node->text, key->fallback != NULL ? key->fallback : "");
}

/* The help is a sentence; in a message it goes on. */
static void
say_ignored(struct config_reader *r, enum config_severity severity, const struct yaml_node *at,
    const struct config_key *key)
{
        size_t n = strlen(key->help);

        config_say(r, severity, at, "%s has no effect here: %c%.*s", key->name,
            tolower((unsigned char)key->help[0]), (int)n - 2, key->help + 1);
}

static void
judge_support(struct config_reader *r, const struct config_key *key, const struct yaml_node *at,
    const struct yaml_node *node)
{
        if (key->support == CONFIG_REFUSED && !is_default(key, node))
                config_fail(r, CONFIG_STAGE_LATER, at, "%s is not supported: %c%.*s", key->name,
                    tolower((unsigned char)key->help[0]), (int)strlen(key->help) - 2,
                    key->help + 1);
        if (key->support == CONFIG_NO_EFFECT && !is_default(key, node))
                say_ignored(r, CONFIG_WARNING, at, key);
        if (key->support == CONFIG_IGNORED && node->kind != YAML_NULL)
                say_ignored(r, CONFIG_NOTE, at, key);
        if (key->support == CONFIG_IGNORED_WARN && node->kind != YAML_NULL)
                say_ignored(r, CONFIG_WARNING, at, key);
}

/* Other discoveries of Prometheus: known by name, so that nobody looks for a typing mistake. */
static bool
is_other_discovery(struct view name)
{
        static const char *const names[] = {"aws", "azure", "consul", "digitalocean", "docker",
            "dockerswarm", "ec2", "ecs", "elasticache", "eureka", "gce", "hetzner", "ionos", "kuma",
            "lightsail", "linode", "marathon", "msk", "nerve", "nomad", "oci", "openstack",
            "outscale", "ovhcloud", "puppetdb", "rds", "scaleway", "serverset", "stackit", "triton",
            "uyuni", "vultr"};
        const struct view suffix = VIEW_LIT("_sd_configs");

        if (name.n <= suffix.n ||
            !view_eq((struct view){name.p + name.n - suffix.n, suffix.n}, suffix))
                return false;
        name.n -= suffix.n;
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                if (view_is(name, names[i]))
                        return true;
        }
        return false;
}

static void
fail_unknown(
    struct config_reader *r, const struct config_section *section, const struct yaml_node *key)
{
        const char *near = config_key_nearest(section, key->text.p);

        if (section == &config_job_section && is_other_discovery(key->text))
                config_fail(r, CONFIG_STAGE_LATER, key,
                    "field %s not found in type %s; this discovery is not supported: let a program "
                    "that has it write a file for file_sd_configs or answer http_sd_configs",
                    key->text.p, section->go_type);
        else if (near != NULL)
                config_fail(r, CONFIG_STAGE_SHAPE, key,
                    "field %s not found in type %s; did you mean \"%s\"?", key->text.p,
                    section->go_type, near);
        else
                config_fail(r, CONFIG_STAGE_SHAPE, key,
                    "field %s not found in type %s; expected a key of %s", key->text.p,
                    section->go_type, section->name[0] != '\0' ? section->name : "the top level");
}

static bool
is_empty(const struct yaml_node *node)
{
        return node->kind == YAML_NULL || (node->kind == YAML_LIST && node->n_items == 0);
}

/* Room for one value of any type, for keys whose value is not kept. */
union any_value {
        bool b;
        uint64_t u;
        int64_t i;
        double d;
        const char *s;
        const struct yaml_node *node;
};

static void
read_entry(struct config_reader *r, const struct config_section *section,
    const struct yaml_entry *entry, void *values)
{
        size_t offset = CONFIG_NOWHERE;
        const struct config_key *key;
        union any_value nowhere = {0};
        void *out = &nowhere;

        if (entry->key->kind == YAML_LIST || entry->key->kind == YAML_MAP) {
                config_fail_type(r, section->name, entry->key, "string", "keys that are texts");
                return;
        }
        key = config_key_find(section, entry->key->text.p, &offset);
        if (key == NULL && section == &config_job_section && is_empty(entry->value) &&
            is_other_discovery(entry->key->text))
                return; /* finds nothing */
        if (key == NULL) {
                fail_unknown(r, section, entry->key);
                return;
        }
        if (entry->duplicate) {
                config_fail(r, CONFIG_STAGE_SHAPE, entry->key, "field %s already set in type %s",
                    key->name, section->go_type);
                return;
        }
        if (values != NULL && offset != CONFIG_NOWHERE)
                out = (char *)values + offset;
        else if (key->type == CONFIG_SECTION)
                out = NULL;
        config_set_value(r, key, entry->value, out);
        judge_support(r, key, entry->key, entry->value);
}

static void
set_fallbacks(struct config_reader *r, const struct config_section *section, void *values)
{
        for (size_t i = 0; i < section->n_keys; i++) {
                if (section->keys[i].offset != CONFIG_NOWHERE)
                        config_set_fallback(
                            r, &section->keys[i], (char *)values + section->keys[i].offset);
        }
        for (size_t i = 0; i < sizeof(section->inlined) / sizeof(section->inlined[0]); i++) {
                const struct config_inlined *in = &section->inlined[i];

                if (in->section != NULL)
                        set_fallbacks(r, in->section, (char *)values + in->offset);
        }
}

/* Does the section hold a secret? Then a scalar in its place may be one. */
static bool
holds_secret(const struct config_section *section)
{
        for (size_t i = 0; i < section->n_keys; i++) {
                if (section->keys[i].type == CONFIG_SECRET)
                        return true;
        }
        return false;
}

/* Every section's struct begins with its node. */
static void
set_node(const struct config_section *section, const struct yaml_node *node, void *values)
{
        *(const struct yaml_node **)values = node;
        for (size_t i = 0; i < sizeof(section->inlined) / sizeof(section->inlined[0]); i++) {
                const struct config_inlined *in = &section->inlined[i];

                if (in->section != NULL)
                        set_node(in->section, node, (char *)values + in->offset);
        }
}

void
config_read_section(struct config_reader *r, const struct config_section *section,
    const struct yaml_node *node, void *values)
{
        if (values != NULL)
                set_fallbacks(r, section, values);
        if (node == NULL || node->kind == YAML_NULL)
                return;
        if (node->kind != YAML_MAP) {
                struct yaml_node shown = *node;

                if (node->kind == YAML_SCALAR && holds_secret(section))
                        shown.text = VIEW_LIT("...");
                config_fail_type(r, section->name[0] != '\0' ? section->name : "the file", &shown,
                    section->go_type, "a map of keys");
                return;
        }
        if (values != NULL)
                set_node(section, node, values);
        for (size_t i = 0; i < node->n_entries; i++)
                read_entry(r, section, &node->entries[i], values);
}
