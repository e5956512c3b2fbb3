#include "scrape/finalize.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/relabel.h"
#include "scrape/job.h"

#include <stdint.h>

enum { SHOWN = 120 }; /* bytes of a culprit that an error shows */

static const struct view name_label = {"__name__", 8};

static int
shown(struct view v)
{
        return v.n < SHOWN ? (int)v.n : SHOWN;
}

static bool
is_blank(char c)
{
        return c == ' ' || c == '\t';
}

/* Past blanks from i on. */
static size_t
skip_blanks(struct view text, size_t i)
{
        while (i < text.n && is_blank(text.p[i]))
                i++;
        return i;
}

/* Past a quoted string that starts at i. */
static size_t
skip_quoted(struct view text, size_t i)
{
        for (i++; i < text.n && text.p[i] != '"'; i++) {
                if (text.p[i] == '\\')
                        i++;
        }
        return i < text.n ? i + 1 : text.n;
}

/* Does the text say name="" (which parsing leaves out, but honor_labels counts as present)? */
static bool
has_empty(struct view text, struct view name)
{
        size_t i = 0;

        while (i < text.n && text.p[i] != '{')
                i++;
        for (i++; i < text.n;) {
                size_t from;
                size_t end;

                i = skip_blanks(text, i);
                if (i < text.n && text.p[i] == ',') {
                        i++;
                        continue;
                }
                from = i;
                if (i < text.n && text.p[i] == '"') {
                        i = skip_quoted(text, i);
                        from++;
                        end = i - 1;
                } else {
                        while (i < text.n && !is_blank(text.p[i]) && text.p[i] != '=' &&
                            text.p[i] != '}')
                                i++;
                        end = i;
                }
                i = skip_blanks(text, i);
                if (i < text.n && text.p[i] == ',')
                        continue; /* a quoted metric name */
                if (i >= text.n || text.p[i] != '=')
                        return false;
                i = skip_blanks(text, i + 1);
                if (end >= from && view_eq(name, (struct view){text.p + from, end - from}) &&
                    i + 1 < text.n && text.p[i] == '"' && text.p[i + 1] == '"')
                        return true;
                i = skip_quoted(text, i);
        }
        return false;
}

/* A free name for a scraped label whose name the target has: exported_<name>, or with more of it.
 */
static int
rename_exported(struct labels *l, struct label taken, struct err *e)
{
        struct view name = taken.name;

        do {
                char *p = arena_alloc(l->arena, name.n + 9);

                if (p == NULL)
                        return err_nomem(e, "an exported_ label name");
                memcpy(p, "exported_", 9); // NOLINT(bugprone-not-null-terminated-result): a view
                memcpy(p + 9, name.p, name.n);
                name = (struct view){p, name.n + 9};
        } while (labels_has(l, name));
        return labels_set(l, name, taken.value, e);
}

/* honor_labels: false. Conflicts are settled shortest name first. */
static int
set_target_labels(const struct finalize_input *in, struct labels *l, struct err *e)
{
        struct label *taken = NULL;
        size_t n = 0;
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < in->n_target_labels; i++) {
                const struct label *t = &in->target_labels[i];
                struct view old = labels_get(l, t->name);

                if (old.n > 0) {
                        size_t at;

                        if (taken == NULL)
                                taken = arena_calloc(l->arena, in->n_target_labels, sizeof(*taken));
                        if (taken == NULL)
                                return err_nomem(e, "label conflicts");
                        for (at = n; at > 0 && taken[at - 1].name.n > t->name.n; at--)
                                taken[at] = taken[at - 1];
                        taken[at] = (struct label){t->name, old};
                        n++;
                }
                rc = labels_set(l, t->name, t->value, e);
        }
        for (size_t i = 0; rc == 0 && i < n; i++)
                rc = rename_exported(l, taken[i], e);
        return rc;
}

static int
add_target_labels(const struct finalize_input *in, struct labels *l, struct err *e)
{
        int rc = 0;

        if (!in->job->honor_labels)
                return set_target_labels(in, l, e);
        for (size_t i = 0; rc == 0 && i < in->n_target_labels; i++) {
                const struct label *t = &in->target_labels[i];

                if (!labels_has(l, t->name) && !has_empty(in->series, t->name))
                        rc = labels_set(l, t->name, t->value, e);
        }
        return rc;
}

static int
check_label(const struct scrape_job *job, const struct label *x, struct view metric, struct err *e)
{
        if (!name_label_valid(x->name, job->name_scheme))
                return err_set(e, ERR_REFUSED, "metric %.*s has an invalid label name \"%.*s\"",
                    shown(metric), metric.p, shown(x->name), x->name.p);
        if (!utf8_valid(x->value))
                return err_set(e, ERR_REFUSED,
                    "metric %.*s: the value of label %.*s is not valid UTF-8", shown(metric),
                    metric.p, shown(x->name), x->name.p);
        if (job->label_name_length_limit > 0 && x->name.n > job->label_name_length_limit)
                return err_set(e, ERR_REFUSED,
                    "metric %.*s: label name %.*s has %zu bytes, label_name_length_limit is %llu",
                    shown(metric), metric.p, shown(x->name), x->name.p, x->name.n,
                    (unsigned long long)job->label_name_length_limit);
        if (job->label_value_length_limit > 0 && x->value.n > job->label_value_length_limit)
                return err_set(e, ERR_REFUSED,
                    "metric %.*s: the value of label %.*s has %zu bytes, "
                    "label_value_length_limit is %llu",
                    shown(metric), metric.p, shown(x->name), x->name.p, x->value.n,
                    (unsigned long long)job->label_value_length_limit);
        return 0;
}

static int
check(const struct finalize_input *in, const struct labels *l, struct err *e)
{
        const struct scrape_job *job = in->job;
        struct view metric = labels_get(l, name_label);
        struct view twice;
        int rc = 0;

        if (metric.n == 0)
                return err_set(e, ERR_REFUSED, "a series has no metric name: %.*s",
                    shown(in->series), in->series.p);
        if (!name_metric_valid(metric, job->name_scheme))
                return err_set(
                    e, ERR_REFUSED, "invalid metric name \"%.*s\"", shown(metric), metric.p);
        if (job->label_limit > 0 && l->n > job->label_limit)
                return err_set(e, ERR_REFUSED, "metric %.*s has %zu labels, label_limit is %llu",
                    shown(metric), metric.p, l->n, (unsigned long long)job->label_limit);
        twice = labels_duplicate(l);
        if (twice.n > 0)
                return err_set(e, ERR_REFUSED, "metric %.*s has the label %.*s twice",
                    shown(metric), metric.p, shown(twice), twice.p);
        for (size_t i = 0; rc == 0 && i < l->n; i++)
                rc = check_label(job, &l->v[i], metric, e);
        return rc;
}

int
finalize_labels(const struct finalize_input *in, struct labels *l, bool *kept, size_t *out_offset,
    struct err *e)
{
        const struct text_sample text = {
            .series = in->series, .type = in->type, .format = in->format};
        enum relabel_verdict verdict = RELABEL_KEPT;
        int rc;

        *out_offset = SIZE_MAX;
        rc = textparse_labels(&text, l, out_offset, e);
        if (rc < 0)
                return rc;
        *out_offset = SIZE_MAX;
        rc = add_target_labels(in, l, e);
        if (rc == 0 && in->job->metric_relabel.n > 0) {
                labels_freeze(l); /* labelmap goes by name */
                rc = relabel_apply(&in->job->metric_relabel, l, &verdict, in->dropped_by, e);
        }
        if (rc < 0)
                return rc;
        *kept = verdict == RELABEL_KEPT && l->n > 0;
        if (!*kept)
                return 0;
        labels_sort(l);
        return check(in, l, e);
}

/* A target label exported_x before x, which the target has too: the report series lose it. */
static bool
is_lost_in_report(const struct finalize_input *in, size_t i)
{
        struct view name = in->target_labels[i].name;

        if (name.n <= 9 || memcmp(name.p, "exported_", 9) != 0)
                return false;
        name = (struct view){name.p + 9, name.n - 9};
        while (++i < in->n_target_labels) {
                if (view_eq(in->target_labels[i].name, name))
                        return true;
        }
        return false;
}

int
finalize_report(const struct finalize_input *in, const char *name, struct labels *l, struct err *e)
{
        int rc = labels_add(l, name_label, view_of(name), e);

        for (size_t i = 0; rc == 0 && i < in->n_target_labels; i++) {
                if (!view_eq(in->target_labels[i].name, name_label) && !is_lost_in_report(in, i))
                        rc =
                            labels_add(l, in->target_labels[i].name, in->target_labels[i].value, e);
        }
        labels_sort(l);
        return rc;
}
