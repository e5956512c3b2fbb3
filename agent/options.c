#include "agent/options.h"

#include "base/err.h"
#include "base/nearest.h"

#include <stdio.h>
#include <string.h>

/* What stands behind the dashes, or NULL when s is an argument ("-" is one: standard input). */
static const char *
option_text(const char *s)
{
        if (s[0] != '-' || s[1] == '\0')
                return NULL;
        return s[1] == '-' ? s + 2 : s + 1;
}

static const struct option_row *
find_row(const struct option_row *rows, size_t n, struct view name)
{
        for (size_t i = 0; i < n; i++) {
                if (view_is(name, rows[i].name))
                        return &rows[i];
        }
        return NULL;
}

static struct view
option_name(const char *text)
{
        return (struct view){text, strcspn(text, "=")};
}

static int
unknown(const char *typed, const struct option_row *rows, size_t n, struct err *e)
{
        struct view name = option_name(option_text(typed));
        struct nearest best = NEAREST_INIT(name);
        int dashes = (int)(name.p - typed);
        int shown = dashes + (int)(name.n < 64 ? name.n : 64);

        for (size_t i = 0; i < n; i++)
                nearest_offer(&best, rows[i].name);
        if (best.name == NULL)
                return err_set(e, ERR_CONFIG, "unknown option %.*s, see --help", shown, typed);
        return err_set(
            e, ERR_CONFIG, "unknown option %.*s, did you mean --%s?", shown, typed, best.name);
}

/* The value of a row: behind the "=", or the argument that follows (*i moves on to it). */
static int
take_value(
    const struct option_row *row, const char *inlined, const char *next, int *i, struct err *e)
{
        if (inlined == NULL && next == NULL)
                return err_set(
                    e, ERR_CONFIG, "option --%s needs a value: %s", row->name, row->argument);
        if (inlined == NULL) {
                inlined = next;
                ++*i;
        }
        *row->value = inlined;
        return 0;
}

/* Another option of the table cannot be meant as a value: its own value was forgotten. */
static const char *
next_value(const struct option_row *rows, size_t n, const char *next)
{
        const char *text = next != NULL ? option_text(next) : NULL;

        if (text != NULL && find_row(rows, n, option_name(text)) != NULL)
                return NULL;
        return next;
}

int
options_parse(int argc, char **argv, const struct option_row *rows, size_t n, struct err *e)
{
        int kept = 0;
        bool ended = false;

        for (int i = 1; i < argc; i++) {
                const char *text = ended ? NULL : option_text(argv[i]);
                const struct option_row *row;
                struct view name;
                int rc;

                if (text == NULL) {
                        argv[1 + kept++] = argv[i];
                        continue;
                }
                if (strcmp(argv[i], "--") == 0) {
                        ended = true;
                        continue;
                }
                name = option_name(text);
                row = find_row(rows, n, view_is(name, "h") ? view_of("help") : name);
                if (row == NULL)
                        return unknown(argv[i], rows, n, e);
                if (row->flag != NULL) {
                        if (text[name.n] == '=')
                                return err_set(
                                    e, ERR_CONFIG, "option --%s takes no value", row->name);
                        *row->flag = true;
                        continue;
                }
                rc = take_value(row, text[name.n] == '=' ? text + name.n + 1 : NULL,
                    next_value(rows, n, i + 1 < argc ? argv[i + 1] : NULL), &i, e);
                if (rc < 0)
                        return rc;
        }
        return kept;
}

void
options_print(const struct option_row *rows, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                char left[64];

                (void)snprintf(left, sizeof(left), "--%s%s%s", rows[i].name,
                    rows[i].flag != NULL ? "" : "=", rows[i].flag != NULL ? "" : rows[i].argument);
                (void)printf("  %-32s %s\n", left, rows[i].help);
        }
}
