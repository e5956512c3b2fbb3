#include "agent/config_docs.h"

#include "base/buf.h"
#include "base/err.h"

#include <string.h>

static const char introduction[] =
    "# The configuration file\n"
    "\n"
    "Made from the tables in `agent/config_keys*.c` by `scripts/docs.sh`; `gleaner check "
    "--print-keys` prints it.\n"
    "\n"
    "The file is Prometheus's own, in YAML; `wal` and `agent` are additions. `gleaner check FILE` "
    "names every\n"
    "mistake with its line and column, and says what a good file will do. Names of files are "
    "relative to the\n"
    "folder of the file that they stand in.\n"
    "\n"
    "- *duration*: `0`, or numbers with the units y, w, d, h, m, s, ms, the larger first: `15s`, "
    "`1h30m`.\n"
    "- *size*: a number with B, KB, MB, GB, TB, PB, EB or KiB, MiB, …, all powers of 1024: "
    "`10MiB`.\n"
    "- *no effect*: any good value is taken, for files that a Prometheus shares.\n"
    "- *not supported yet*: refused, unless it is empty or its default.\n";

/* also change enum config_type */
static const char *const type_names[] = {
    [CONFIG_BOOL] = "true or false",
    [CONFIG_UINT] = "number",
    [CONFIG_INT] = "number",
    [CONFIG_FLOAT] = "number",
    [CONFIG_DURATION] = "duration",
    [CONFIG_SIZE] = "size",
    [CONFIG_STRING] = "text",
    [CONFIG_SECRET] = "secret",
    [CONFIG_PATH] = "file",
    [CONFIG_URL] = "URL",
    [CONFIG_PROTOCOL] = "text",
    [CONFIG_SECTION] = "map",
    [CONFIG_STRINGS] = "list of texts",
    [CONFIG_PROTOCOLS] = "list of texts",
    [CONFIG_MAP] = "map of texts",
    [CONFIG_LISTS] = "map of lists",
    [CONFIG_SECTIONS] = "list of maps",
    [CONFIG_LIST] = "list",
    [CONFIG_ANY] = "map",
};

const char *
config_type_name(enum config_type type)
{
        return type_names[type];
}

/* Text of a table's cell: nothing in it may end the cell or begin a tag. */
static int
put_cell(struct buf *out, const char *text, struct err *e)
{
        int rc = 0;

        for (; rc == 0 && *text != '\0'; text++) {
                if (strchr("|<>*_$", *text) != NULL)
                        rc = buf_putc(out, '\\', e);
                if (rc == 0)
                        rc = buf_putc(out, *text, e);
        }
        return rc;
}

static int
put_default(struct buf *out, const struct config_key *key, struct err *e)
{
        int rc = 0;

        if (key->fallback != NULL)
                rc = buf_printf(out, e, "`%s`", key->fallback);
        if (rc == 0 && key->min != NULL)
                rc = buf_printf(out, e, ", at least `%s`", key->min);
        if (rc == 0 && key->max != NULL)
                rc = buf_printf(out, e, ", at most `%s`", key->max);
        return rc;
}

/* Has the section a place in the reference? */
static bool
is_listed(const struct config_section *section)
{
        for (size_t i = 0; i < config_sections_count; i++) {
                if (config_sections[i] == section)
                        return true;
        }
        return false;
}

static int
put_row(struct buf *out, const struct config_key *key, struct err *e)
{
        static const char *const support[] = {
            [CONFIG_USED] = "",
            [CONFIG_IGNORED] = "No effect. ",
            [CONFIG_IGNORED_WARN] = "No effect. ",
            [CONFIG_REFUSED] = "Not supported. ",
            [CONFIG_NO_EFFECT] = "No effect. ",
        };
        int rc = buf_printf(out, e, "| `%s` | %s | ", key->name, config_type_name(key->type));

        if (rc == 0)
                rc = put_default(out, key, e);
        if (rc == 0)
                rc = buf_printf(out, e, " | %s", support[key->support]);
        if (rc == 0)
                rc = put_cell(out, key->help, e);
        if (rc == 0 && is_listed(key->section))
                rc = buf_printf(out, e, " See *%s*.", key->section->name);
        return rc == 0 ? buf_puts(out, " |\n", e) : rc;
}

static int
put_section(struct buf *out, const struct config_section *section, struct err *e)
{
        int rc = buf_printf(out, e, "\n## %s\n\n%s\n",
            section->name[0] != '\0' ? section->name : "Top level", section->help);

        for (size_t i = 0; rc == 0 && i < sizeof(section->inlined) / sizeof(section->inlined[0]);
             i++) {
                if (section->inlined[i].section != NULL)
                        rc = buf_printf(
                            out, e, "Also the *%s*.\n", section->inlined[i].section->name);
        }
        if (rc == 0)
                rc = buf_puts(
                    out, "\n| key | type | default | meaning |\n| --- | --- | --- | --- |\n", e);
        for (size_t i = 0; rc == 0 && i < section->n_keys; i++)
                rc = put_row(out, &section->keys[i], e);
        return rc;
}

int
config_docs_print(struct buf *out, struct err *e)
{
        int rc = buf_puts(out, introduction, e);

        for (size_t i = 0; rc == 0 && i < config_sections_count; i++)
                rc = put_section(out, config_sections[i], e);
        return rc;
}
