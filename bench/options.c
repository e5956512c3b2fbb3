#include "bench/options.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option_row *
find_row(const struct option_row *rows, size_t n, const char *name, size_t length)
{
        for (size_t i = 0; i < n; i++) {
                if (strlen(rows[i].name) == length && strncmp(rows[i].name, name, length) == 0)
                        return &rows[i];
        }
        return NULL;
}

int
options_read(
    int argc, char **argv, const struct option_row *rows, size_t n, int *out_rest, struct err *e)
{
        int i = 1;

        for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
                const char *name = argv[i] + 2;
                const char *equals = strchr(name, '=');
                const struct option_row *row =
                    equals != NULL ? find_row(rows, n, name, (size_t)(equals - name)) : NULL;
                char *end = NULL;

                if (row == NULL)
                        return err_set(
                            e, ERR_CONFIG, "unknown option \"%s\", want --name=value", argv[i]);
                if (row->text != NULL) {
                        *row->text = equals + 1;
                        continue;
                }
                *row->number = strtod(equals + 1, &end);
                if (end == equals + 1 || *end != '\0' || !(*row->number >= 0))
                        return err_set(
                            e, ERR_CONFIG, "\"%s\" wants a number that is not negative", argv[i]);
        }
        *out_rest = i;
        return 0;
}

void
options_help(const char *usage, const struct option_row *rows, size_t n)
{
        (void)fprintf(stderr, "usage: %s\n", usage);
        for (size_t i = 0; i < n; i++)
                (void)fprintf(stderr, "  --%s=  %s\n", rows[i].name, rows[i].help);
}
