/*
 * A pattern, then (behind a line feed) a replacement and a subject: whatever they are, compiling
 * and matching end, and groups lie within the subject.
 */
#include "base/arena.h"
#include "base/err.h"
#include "base/regex.h"
#include "base/relabel.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct view
cut_line(struct view *rest)
{
        const char *end = rest->n > 0 ? memchr(rest->p, '\n', rest->n) : NULL;
        struct view line = *rest;

        if (end == NULL) {
                *rest = (struct view){"", 0};
                return line;
        }
        line.n = (size_t)(end - line.p);
        *rest = (struct view){end + 1, rest->n - line.n - 1};
        return line;
}

static void
try_groups(struct view pattern, struct view subject)
{
        struct regex *r = NULL;
        bool matched = false;

        if (regex_new(pattern, &r, NULL) < 0)
                return;
        if (regex_match(r, subject, true, &matched, NULL) == 0 && matched) {
                for (size_t i = 0; i <= regex_groups(r); i++) {
                        struct view g = regex_group(r, i);

                        if (g.n > 0 && (g.p < subject.p || g.p + g.n > subject.p + subject.n))
                                abort();
                }
        }
        regex_free(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct view rest = {(const char *)data, size};
        struct view pattern = cut_line(&rest);
        struct view replacement = cut_line(&rest);
        struct view source = VIEW_LIT("source");
        struct arena arena = ARENA_INIT(1 << 20);
        struct relabel_rules rules = {0};
        struct relabel_rule *rule = NULL;
        struct relabel_options o;
        enum relabel_verdict verdict;
        struct labels l;

        try_groups(pattern, rest);
        relabel_options_init(&o);
        o.regex = pattern;
        o.replacement = replacement;
        o.target_label = VIEW_LIT("target_$1");
        o.source_labels = &source;
        o.n_source_labels = 1;
        if (relabel_compile(&o, &rule, NULL) == 0 && relabel_rules_take(&rules, &rule, NULL) == 0) {
                labels_init(&l, &arena);
                if (labels_add(&l, source, rest, NULL) == 0)
                        (void)relabel_apply(&rules, &l, &verdict, NULL, NULL);
        }
        relabel_rules_release(&rules);
        arena_release(&arena);
        return 0;
}
