#include "agent/metrics.h"

#include "agent/metrics_snapshot.h"
#include "agent/metrics_table.h"
#include "base/buf.h"
#include "base/err.h"
#include "scrape/textfloat.h"
#include "scrape/textparse.h"

#include <math.h>
#include <string.h>

/* One struct that rows read from, and the labels of its samples. */
struct item {
        const void *p;
        const char *key1; /* NULL: no labels */
        const char *value1;
        const char *key2;
        const char *value2;
};

/* A row on its way out. */
struct writer {
        struct buf *out;
        const struct metrics_snapshot *s;
        enum metric_source source;
        const struct metric_row *row;
        bool headed; /* HELP and TYPE of the row are there */
};

static int
put_value(struct buf *out, double d, struct err *e)
{
        char text[TEXTFLOAT_MAX];

        if (d == floor(d) && fabs(d) < 1e15)
                return buf_printf(out, e, "%.0f\n", d);
        return buf_printf(
            out, e, "%.*s\n", (int)textparse_format_float(d, text, sizeof(text)), text);
}

/* Backslash, quote and line feed are escaped. */
static int
put_escaped(struct buf *out, const char *s, struct err *e)
{
        int rc = 0;

        for (; rc == 0 && *s != '\0'; s++) {
                if (*s == '\n')
                        rc = buf_puts(out, "\\n", e);
                else if (*s == '\\' || *s == '"')
                        rc = buf_printf(out, e, "\\%c", *s);
                else
                        rc = buf_putc(out, *s, e);
        }
        return rc;
}

/* *labels: how many the sample has so far. */
static int
put_label(struct buf *out, unsigned *labels, const char *key, const char *value, struct err *e)
{
        int rc;

        if (key == NULL)
                return 0;
        rc = buf_printf(out, e, "%c%s=\"", (*labels)++ == 0 ? '{' : ',', key);
        if (rc == 0)
                rc = put_escaped(out, value, e);
        return rc == 0 ? buf_putc(out, '"', e) : rc;
}

/* The i-th number of a row; NaN when there is nothing to show. Counts above 2^53 lose their last
 * digits, as they would at the reader's. */
static double
read_value(const struct writer *w, const void *item, size_t i)
{
        const char *p = (const char *)item + w->row->offset;
        uint64_t count = 0;
        int64_t n = 0;
        double d = 0;
        bool b = false;

        switch (w->row->unit) {
        case METRIC_COUNT:
                memcpy(&count, p + i * sizeof(count), sizeof(count));
                return (double)count;
        case METRIC_SIGNED:
                memcpy(&n, p + i * sizeof(n), sizeof(n));
                return (double)n;
        case METRIC_MS:
                memcpy(&n, p + i * sizeof(n), sizeof(n));
                return (double)n / 1e3;
        case METRIC_BOOL:
                memcpy(&b, p + i * sizeof(b), sizeof(b));
                return b ? 1 : 0;
        case METRIC_DOUBLE:
                memcpy(&d, p + i * sizeof(d), sizeof(d));
                return d;
        default:
                return w->row->compute(w->s, item, i);
        }
}

static int
put_head(struct writer *w, struct err *e)
{
        const struct metric_row *row = w->row;

        if (w->headed)
                return 0;
        w->headed = true;
        return buf_printf(w->out, e, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help,
            row->name, metric_type_name(row));
}

static int
put_sample(struct writer *w, const struct item *item, size_t i, double d, struct err *e)
{
        unsigned labels = 0;
        int rc = put_head(w, e);

        if (rc == 0)
                rc = buf_puts(w->out, w->row->name, e);
        if (rc == 0)
                rc = put_label(w->out, &labels, item->key1, item->value1, e);
        if (rc == 0)
                rc = put_label(w->out, &labels, item->key2, item->value2, e);
        if (rc == 0 && w->row->names != NULL)
                rc = put_label(w->out, &labels, w->row->key, w->row->names[i], e);
        if (rc == 0)
                rc = buf_puts(w->out, labels > 0 ? "} " : " ", e);
        return rc == 0 ? put_value(w->out, d, e) : rc;
}

/* All samples of the row that one item has. */
static int
put_item(struct writer *w, const struct item *item, struct err *e)
{
        size_t n = w->row->names != NULL ? w->row->n_names : 1;
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < n; i++) {
                double d = read_value(w, item->p, i);

                if (!isnan(d))
                        rc = put_sample(w, item, i, d, e);
        }
        return rc;
}

static int
put_pools(struct writer *w, struct err *e)
{
        int rc = 0;

        for (const struct metrics_pool *p = w->s->pools; rc == 0 && p != NULL; p = p->next) {
                struct item item = {p, "scrape_job", p->job, NULL, NULL};

                if (w->source == METRIC_OF_DISCOVERY)
                        item = (struct item){p, "name", "scrape", "config", p->job};
                rc = put_item(w, &item, e);
        }
        return rc;
}

static int
put_feeds(struct writer *w, struct err *e)
{
        int rc = 0;

        for (const struct metrics_feed *f = w->s->feeds; rc == 0 && f != NULL; f = f->next) {
                const struct item item = {f, "mechanism", f->mechanism, "config", f->job};

                rc = put_item(w, &item, e);
        }
        return rc;
}

static int
put_roles(struct writer *w, struct err *e)
{
        static const char *const roles[KUBERNETES_ROLES] = {
            "node", "pod", "service", "endpoints", "endpointslice", "ingress"};
        const struct kubernetes_counters *c = &w->s->scraping.stats.net.kubernetes;
        int rc = 0;

        for (size_t i = 0; rc == 0 && w->s->has_scraping && i < KUBERNETES_ROLES; i++) {
                const struct item item = {c->events[i], "role", roles[i], NULL, NULL};

                rc = put_item(w, &item, e);
        }
        return rc;
}

static int
put_remotes(struct writer *w, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < w->s->n_remotes; i++) {
                const struct sender_stats *r = &w->s->remotes[i];
                struct item item = {r, "remote_name", r->name, "url", r->url};

                rc = put_item(w, &item, e);
        }
        return rc;
}

static int
put_row(struct writer *w, struct err *e)
{
        const struct metrics_snapshot *s = w->s;
        struct item item = {NULL, NULL, NULL, NULL, NULL};

        switch (w->source) {
        case METRIC_OF_BUILD:
                item = (struct item){s, "version", GLEANER_VERSION, NULL, NULL};
                break;
        case METRIC_OF_PROCESS:
                item.p = &s->process;
                break;
        case METRIC_OF_MEMORY:
                item.p = &s->memory;
                break;
        case METRIC_OF_AGENT:
                item.p = s->has_agent ? &s->agent : NULL;
                break;
        case METRIC_OF_WEB:
                item.p = s->has_web ? &s->web : NULL;
                break;
        case METRIC_OF_LOG:
                item.p = s->has_log ? &s->log : NULL;
                break;
        case METRIC_OF_SCRAPING:
                item.p = s->has_scraping ? &s->scraping : NULL;
                break;
        case METRIC_OF_POOL:
        case METRIC_OF_DISCOVERY:
                return put_pools(w, e);
        case METRIC_OF_FEED:
                return put_feeds(w, e);
        case METRIC_OF_KUBERNETES:
                return put_roles(w, e);
        case METRIC_OF_REMOTE:
                return put_remotes(w, e);
        }
        return item.p != NULL ? put_item(w, &item, e) : 0;
}

static int
put_table(
    const struct metric_table *t, const struct metrics_snapshot *s, struct buf *out, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < t->n_rows; i++) {
                struct writer w = {out, s, t->source, &t->rows[i], false};

                rc = put_row(&w, e);
        }
        return rc;
}

int
metrics_write(const struct metrics_input *in, struct buf *out, struct err *e)
{
        struct metrics_snapshot s;
        int rc = metrics_snapshot_take(in, &s, e);

        if (rc < 0)
                return rc;
        for (size_t i = 0; rc == 0 && metrics_tables[i] != NULL; i++)
                rc = put_table(metrics_tables[i], &s, out, e);
        metrics_snapshot_release(&s);
        return rc;
}
