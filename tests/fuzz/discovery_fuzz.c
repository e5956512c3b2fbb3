/*
 * Discovery files: what groups_parse takes must be sound, whatever the bytes. The first byte says
 * which format the rest is read as.
 */
#include "base/err.h"
#include "scrape/discovery/groups.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct group_list *g)
{
        size_t targets = 0;

        for (size_t i = 0; i < g->n; i++) {
                const struct target_group *t = &g->v[i];

                for (size_t k = 0; k < t->n_targets; k++)
                        targets += strlen(t->targets[k]) < GROUPS_MAX_TEXT;
                for (size_t k = 0; k < t->n_labels; k++) {
                        if (!name_label_valid(t->labels[k].name, NAME_UTF8))
                                abort();
                }
        }
        if (targets != g->n_targets)
                abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct groups_input in = {
            .name = "fuzz", .meta = {VIEW_LIT("__meta_filepath"), VIEW_LIT("fuzz")}};
        struct group_list *g = NULL;
        struct err e = ERR_INIT;

        if (size == 0)
                return 0;
        in.format = data[0] == 'y' ? GROUPS_YAML : GROUPS_JSON;
        in.text = (struct view){(const char *)data + 1, size - 1};
        if (groups_parse(&in, &g, &e) == 0) {
                check(g);
                groups_free(g);
        }
        return 0;
}
