#include "scrape/target_url.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/labels.h"
#include "scrape/job.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What stays as it is besides letters, digits and "-_.~"; everything else becomes %XX. */
static const char host_safe[] = "!$&'()*+,;=:[]<>\"";
static const char path_safe[] = "$&+,/:;=@";
static const char query_safe[] = "";

static bool
is_safe(char c, const char *extra)
{
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
                return true;
        return c != '\0' && (strchr("-_.~", c) != NULL || strchr(extra, c) != NULL);
}

static int
put_escaped(struct buf *out, struct view v, const char *extra, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; i < v.n && rc == 0; i++) {
                if (is_safe(v.p[i], extra)) {
                        rc = buf_putc(out, v.p[i], e);
                } else if (v.p[i] == ' ' && extra == query_safe) {
                        rc = buf_putc(out, '+', e);
                } else {
                        rc = buf_printf(out, e, "%%%02X", (unsigned)(unsigned char)v.p[i]);
                }
        }
        return rc;
}

struct param {
        struct view key;
        const struct job_param *written; /* NULL: only a label names it */
        struct view label; /* the __param_ label's value */
        bool has_label;
};

static int
compare_params(const void *a, const void *b)
{
        return view_cmp(((const struct param *)a)->key, ((const struct param *)b)->key);
}

static void
add_param_label(struct param *params, size_t *n, struct view key, struct view value)
{
        size_t i = 0;

        while (i < *n && !view_eq(params[i].key, key))
                i++;
        if (i == *n)
                params[(*n)++] = (struct param){.key = key};
        params[i].label = value;
        params[i].has_label = true;
}

/* The job's params and the __param_ labels, merged and sorted by key; in the arena. */
static int
collect_params(const struct labels *l, const struct scrape_job *job, struct param **out,
    size_t *out_n, struct err *e)
{
        const struct view prefix = VIEW_LIT("__param_");
        struct param *params = arena_calloc(l->arena, job->n_params + l->n, sizeof(*params));
        size_t n = 0;

        if (params == NULL)
                return err_nomem(e, "a target's URL");
        for (size_t i = 0; i < job->n_params; i++) {
                params[n].key = view_of(job->params[i].name);
                params[n++].written = &job->params[i];
        }
        for (size_t i = 0; i < l->n; i++) {
                struct view name = l->v[i].name;

                if (name.n < prefix.n || memcmp(name.p, prefix.p, prefix.n) != 0)
                        continue;
                add_param_label(
                    params, &n, (struct view){name.p + prefix.n, name.n - prefix.n}, l->v[i].value);
        }
        qsort(params, n, sizeof(*params), compare_params);
        *out = params;
        *out_n = n;
        return 0;
}

static int
put_pair(struct buf *out, bool *first, struct view key, struct view value, struct err *e)
{
        int rc = buf_putc(out, *first ? '?' : '&', e);

        *first = false;
        if (rc == 0)
                rc = put_escaped(out, key, query_safe, e);
        if (rc == 0)
                rc = buf_putc(out, '=', e);
        if (rc == 0)
                rc = put_escaped(out, value, query_safe, e);
        return rc;
}

static int
put_query(const struct labels *l, const struct scrape_job *job, struct buf *out, struct err *e)
{
        struct param *params = NULL;
        size_t n = 0;
        bool first = true;
        int rc = collect_params(l, job, &params, &n, e);

        for (size_t i = 0; i < n && rc == 0; i++) {
                const struct param *p = &params[i];
                size_t written = p->written != NULL ? p->written->n_values : 0;

                if (p->has_label)
                        rc = put_pair(out, &first, p->key, p->label, e);
                for (size_t k = p->has_label ? 1 : 0; k < written && rc == 0; k++)
                        rc = put_pair(out, &first, p->key, view_of(p->written->values[k]), e);
        }
        return rc;
}

int
target_url_build(
    const struct labels *l, const struct scrape_job *job, struct buf *out, struct err *e)
{
        struct view scheme = labels_get(l, VIEW_LIT("__scheme__"));
        struct view address = labels_get(l, VIEW_LIT("__address__"));
        struct view path = labels_get(l, VIEW_LIT("__metrics_path__"));
        int rc = buf_append(out, scheme.p, scheme.n, e);

        if (rc == 0)
                rc = buf_puts(out, scheme.n > 0 ? "://" : "//", e);
        if (rc == 0)
                rc = put_escaped(out, address, host_safe, e);
        if (rc == 0 && path.n > 0 && path.p[0] != '/')
                rc = buf_putc(out, '/', e);
        if (rc == 0)
                rc = put_escaped(out, path, path_safe, e);
        if (rc == 0)
                rc = put_query(l, job, out, e);
        return rc;
}
