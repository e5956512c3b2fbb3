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

static int
tell(const struct option_table *t, const struct option_row *row, const char *value, struct err *e)
{
        return t->seen != NULL ? t->seen(t->arg, row, value, e) : 0;
}

/* A row by its name; *on is false when the name is that of a flag behind "no-". */
static const struct option_row *
look_up(const struct option_table *t, struct view name, bool *on)
{
        const struct option_row *row =
            find_row(t->rows, t->n, view_is(name, "h") ? view_of("help") : name);

        *on = true;
        if (row != NULL || name.n <= 3 || memcmp(name.p, "no-", 3) != 0)
                return row;
        row = find_row(t->rows, t->n, (struct view){name.p + 3, name.n - 3});
        *on = false;
        return row != NULL && row->flag != NULL ? row : NULL;
}

/* One option, argv[*i], whose text without dashes is given. */
static int
take_option(const struct option_table *t, char **argv, int argc, int *i, struct err *e)
{
        const char *text = option_text(argv[*i]);
        struct view name = option_name(text);
        bool inlined = text[name.n] == '=';
        bool on;
        const struct option_row *row = look_up(t, name, &on);
        int rc;

        if (row == NULL)
                return unknown(argv[*i], t->rows, t->n, e);
        if (row->flag != NULL) {
                if (inlined)
                        return err_set(e, ERR_CONFIG, "option --%s takes no value", row->name);
                *row->flag = on;
                return tell(t, row, on ? "true" : "false", e);
        }
        rc = take_value(row, inlined ? text + name.n + 1 : NULL,
            next_value(t->rows, t->n, *i + 1 < argc ? argv[*i + 1] : NULL), i, e);
        return rc == 0 ? tell(t, row, *row->value, e) : rc;
}

int
options_parse_table(int argc, char **argv, const struct option_table *t, struct err *e)
{
        int kept = 0;
        bool ended = false;

        for (int i = 1; i < argc; i++) {
                int rc = 0;

                if (ended || option_text(argv[i]) == NULL)
                        argv[1 + kept++] = argv[i];
                else if (strcmp(argv[i], "--") == 0)
                        ended = true;
                else
                        rc = take_option(t, argv, argc, &i, e);
                if (rc < 0)
                        return rc;
        }
        return kept;
}

int
options_parse(int argc, char **argv, const struct option_row *rows, size_t n, struct err *e)
{
        const struct option_table t = {.rows = rows, .n = n};

        return options_parse_table(argc, argv, &t, e);
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
