/*
 * The same reference as a manual page, in mdoc.
 */
#include "agent/config_docs.h"
#include "agent/config_keys.h"
#include "base/buf.h"
#include "base/err.h"

#include <string.h>

static const char introduction[] =
    ".\\\" Made from the tables in agent/config_keys*.c by scripts/docs.sh.\n"
    ".Dd November 23, 2026\n"
    ".Dt GLEANER.YML 5\n"
    ".Os\n"
    ".Sh NAME\n"
    ".Nm gleaner.yml\n"
    ".Nd configuration of a tenant of gleaner\n"
    ".Sh DESCRIPTION\n"
    "The file is Prometheus's own, in YAML;\n"
    ".Li wal\n"
    "and\n"
    ".Li agent\n"
    "are additions.\n"
    "It is\n"
    ".Pa /etc/gleaner/ Ns Ar tenant Ns Pa /agent.yml ,\n"
    "or what\n"
    ".Fl -config.file\n"
    "names.\n"
    ".Ic gleaner check\n"
    "names every mistake in it with its line and column, and says what a good one will do.\n"
    "Names of files are relative to the folder of the file that they stand in.\n"
    ".Pp\n"
    "A duration is 0, or numbers with the units y, w, d, h, m, s, ms, the larger first: 1h30m.\n"
    "A size is a number with B, KB, MB, GB, TB, PB, EB or KiB, MiB and so on, all powers of 1024.\n"
    "A key without effect takes any good value, for files that a Prometheus shares;\n"
    "one that is not supported is refused, unless it is empty or its default.\n";

/* Text of which no line is a request and no backslash an escape. */
static int
put_text(struct buf *out, const char *text, struct err *e)
{
        int rc = strchr(".'", text[0]) != NULL && text[0] != '\0' ? buf_puts(out, "\\&", e) : 0;

        for (; rc == 0 && *text != '\0'; text++) {
                if (*text != '`') /* Markdown's */
                        rc = *text == '\\' ? buf_puts(out, "\\e", e) : buf_putc(out, *text, e);
        }
        return rc;
}

/* "duration, default 15s, at least 1s." */
static int
put_type(struct buf *out, const struct config_key *key, struct err *e)
{
        const struct {
                const char *before;
                const char *value;
        } rows[] = {
            {", default ", key->fallback}, {", at least ", key->min}, {", at most ", key->max}};
        int rc = put_text(out, config_type_name(key->type), e);

        for (size_t i = 0; rc == 0 && i < sizeof(rows) / sizeof(rows[0]); i++) {
                if (rows[i].value == NULL)
                        continue;
                rc = buf_puts(out, rows[i].before, e);
                if (rc == 0)
                        rc = put_text(out, rows[i].value[0] != '\0' ? rows[i].value : "empty", e);
        }
        return rc == 0 ? buf_puts(out, ".\n", e) : rc;
}

static int
put_key(struct buf *out, const struct config_key *key, struct err *e)
{
        int rc = buf_printf(out, e, ".It Li %s\n", key->name);

        if (rc == 0)
                rc = put_type(out, key, e);
        if (rc == 0 && key->support == CONFIG_REFUSED)
                rc = buf_puts(out, "Not supported.\n", e);
        else if (rc == 0 && key->support != CONFIG_USED)
                rc = buf_puts(out, "No effect.\n", e);
        if (rc == 0)
                rc = put_text(out, key->help, e);
        if (rc == 0 && key->section != NULL)
                rc = buf_printf(out, e, "\nSee\n.Sx %s .", key->section->name);
        return rc == 0 ? buf_putc(out, '\n', e) : rc;
}

static int
put_section(struct buf *out, const struct config_section *section, struct err *e)
{
        int rc =
            buf_printf(out, e, ".Sh %s\n", section->name[0] != '\0' ? section->name : "Top level");

        if (rc == 0)
                rc = put_text(out, section->help, e);
        if (rc == 0)
                rc = buf_putc(out, '\n', e);
        for (size_t i = 0; rc == 0 && i < sizeof(section->inlined) / sizeof(section->inlined[0]);
             i++) {
                if (section->inlined[i].section != NULL)
                        rc = buf_printf(out, e, "Also the keys of\n.Sx %s .\n",
                            section->inlined[i].section->name);
        }
        if (rc == 0)
                rc = buf_puts(out, ".Bl -tag -width Ds\n", e);
        for (size_t i = 0; rc == 0 && i < section->n_keys; i++)
                rc = put_key(out, &section->keys[i], e);
        return rc == 0 ? buf_puts(out, ".El\n", e) : rc;
}

int
config_man_print(struct buf *out, struct err *e)
{
        int rc = buf_puts(out, introduction, e);

        for (size_t i = 0; rc == 0 && i < config_sections_count; i++)
                rc = put_section(out, config_sections[i], e);
        if (rc == 0)
                rc = buf_puts(out, ".Sh SEE ALSO\n.Xr gleaner 1\n", e);
        return rc;
}
