#include "agent/config_report.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/escape.h"
#include "base/log.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPORT_MAX = 1000, FILES_MAX = 4096, TARGETS_MAX = 100000 };

static const char *const severity_names[] = {"error", "warning", "note"};

const char *
config_report_file(struct config_report *r, const char *name)
{
        char **files;

        for (size_t i = 0; i < r->n_files; i++) {
                if (strcmp(r->files[i], name) == 0)
                        return r->files[i];
        }
        if (r->n_files == FILES_MAX)
                return NULL;
        files = realloc(r->files, (r->n_files + 1) * sizeof(*files));
        if (files == NULL)
                return NULL;
        r->files = files;
        files[r->n_files] = strdup(name);
        if (files[r->n_files] == NULL)
                return NULL;
        return files[r->n_files++];
}

/* A copy in which what is not printable is spelled out: nothing in a file forges a line. */
static char *
copy_printable(const char *text)
{
        struct buf copy = BUF_INIT(strlen(text) * 4 + 1);

        if (escape_put(&copy, view_of(text), NULL) < 0 || buf_putc(&copy, '\0', NULL) < 0)
                buf_release(&copy);
        return copy.ptr;
}

static int
make_room(struct config_report *r)
{
        size_t cap = r->cap == 0 ? 16 : r->cap * 2;
        struct config_message *v;

        if (r->n < r->cap)
                return 0;
        v = realloc(r->v, cap * sizeof(*v));
        if (v == NULL)
                return ERR_NOMEM;
        r->v = v;
        r->cap = cap;
        return 0;
}

int
config_report_add(struct config_report *r, enum config_severity severity, enum config_stage stage,
    struct config_place place, const char *text)
{
        struct config_message *m;

        if (severity == CONFIG_ERROR)
                r->errors++;
        if (r->n > REPORT_MAX)
                return 0;
        if (make_room(r) < 0)
                return ERR_NOMEM;
        m = &r->v[r->n];
        *m = (struct config_message){.severity = severity,
            .stage = stage,
            .file = place.file,
            .line = place.line,
            .column = place.column};
        if (r->n == REPORT_MAX) {
                m->severity = CONFIG_NOTE;
                text = "there is more to say, but this is the limit";
        }
        m->text = copy_printable(text);
        if (m->text == NULL)
                return ERR_NOMEM;
        r->n++;
        return 0;
}

int
config_report_add_target(struct config_report *r, struct config_place place)
{
        if (r->n_targets == TARGETS_MAX)
                return 0;
        if (r->n_targets == r->cap_targets) {
                size_t cap = r->cap_targets == 0 ? 64 : r->cap_targets * 2;
                struct config_place *v = realloc(r->targets, cap * sizeof(*v));

                if (v == NULL)
                        return ERR_NOMEM;
                r->targets = v;
                r->cap_targets = cap;
        }
        r->targets[r->n_targets++] = place;
        return 0;
}

struct config_place
config_report_target(struct config_report *r, size_t i, const char *path)
{
        if (i < r->n_targets)
                return r->targets[i];
        return (struct config_place){config_report_file(r, path), 0, 0};
}

static size_t
file_index(const struct config_report *r, const char *file)
{
        size_t i = 0;

        while (i < r->n_files && r->files[i] != file)
                i++;
        return i;
}

/* Where m stands before x: by file in order of reading, line, column; equals keep their order. */
static int
compare(
    const struct config_report *r, const struct config_message *m, const struct config_message *x)
{
        size_t a = file_index(r, m->file);
        size_t b = file_index(r, x->file);

        if (a != b)
                return a < b ? -1 : 1;
        if (m->line != x->line)
                return m->line < x->line ? -1 : 1;
        return (m->column > x->column) - (m->column < x->column);
}

static bool
is_same(
    const struct config_report *r, const struct config_message *m, const struct config_message *x)
{
        return compare(r, m, x) == 0 && m->severity == x->severity && strcmp(m->text, x->text) == 0;
}

void
config_report_sort(struct config_report *r)
{
        size_t n = 0;

        /* an insertion sort: stable, nearly sorted already, and at most REPORT_MAX long */
        for (size_t i = 1; i < r->n; i++) {
                struct config_message m = r->v[i];
                size_t k = i;

                while (k > 0 && compare(r, &m, &r->v[k - 1]) < 0) {
                        r->v[k] = r->v[k - 1];
                        k--;
                }
                r->v[k] = m;
        }
        for (size_t i = 0; i < r->n; i++) {
                bool again = false;

                for (size_t k = n; k > 0 && !again && compare(r, &r->v[k - 1], &r->v[i]) == 0; k--)
                        again = is_same(r, &r->v[k - 1], &r->v[i]);
                if (!again) {
                        r->v[n++] = r->v[i];
                        continue;
                }
                if (r->v[i].severity == CONFIG_ERROR)
                        r->errors--;
                free(r->v[i].text);
        }
        r->n = n;
}

int
config_report_summary(const struct config_report *r, const char *path, struct err *e)
{
        const struct config_message *first = NULL;
        char more[64] = "";

        for (size_t i = 0; i < r->n; i++) {
                if (r->v[i].severity == CONFIG_ERROR &&
                    (first == NULL || r->v[i].stage < first->stage))
                        first = &r->v[i];
        }
        if (first == NULL)
                return err_set(e, ERR_CONFIG, "%s is refused", path);
        if (r->errors > 1)
                (void)snprintf(more, sizeof(more), " (and %zu more error%s)", r->errors - 1,
                    r->errors > 2 ? "s" : "");
        if (r->n_files > 0 && first->file != r->files[0])
                return err_set(e, ERR_CONFIG, "\"%s\": %s%s", first->file, first->text, more);
        if (first->stage == CONFIG_STAGE_MODE)
                return err_set(e, ERR_CONFIG, "%s%s", first->text, more);
        if (first->stage == CONFIG_STAGE_SHAPE)
                return err_set(e, ERR_CONFIG,
                    "parsing YAML file %s: yaml: unmarshal errors: line %u: %s%s", path,
                    first->line, first->text, more);
        return err_set(e, ERR_CONFIG, "parsing YAML file %s: %s%s", path, first->text, more);
}

int
config_report_print(const struct config_report *r, struct buf *out, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < r->n; i++) {
                const struct config_message *m = &r->v[i];

                rc = buf_puts(out, m->file, e);
                if (rc == 0 && m->line > 0)
                        rc = buf_printf(out, e, ":%u:%u", m->line, m->column);
                if (rc == 0)
                        rc = buf_printf(out, e, ": %s: %s\n", severity_names[m->severity], m->text);
        }
        return rc;
}

void
config_report_log(const struct config_report *r)
{
        static const struct {
                enum log_level level;
                const char *event;
        } kinds[] = {[CONFIG_ERROR] = {LOG_ERROR, "configuration error"},
            [CONFIG_WARNING] = {LOG_WARN, "configuration warning"},
            [CONFIG_NOTE] = {LOG_INFO, "configuration note"}};

        for (size_t i = 0; i < r->n; i++) {
                const struct config_message *m = &r->v[i];
                char place[32] = "";
                char at[PATH_MAX + sizeof(place)];

                if (m->line > 0)
                        (void)snprintf(place, sizeof(place), ":%u:%u", m->line, m->column);
                (void)snprintf(at, sizeof(at), "%.*s%s", PATH_MAX - 1, m->file, place);
                LOG_AT(kinds[m->severity].level, kinds[m->severity].event, LOG_STR("at", at),
                    LOG_STR("reason", m->text));
        }
}

void
config_report_release(struct config_report *r)
{
        for (size_t i = 0; i < r->n; i++)
                free(r->v[i].text);
        for (size_t i = 0; i < r->n_files; i++)
                free(r->files[i]);
        free(r->v);
        free(r->files);
        free(r->targets);
        *r = (struct config_report){0};
}
