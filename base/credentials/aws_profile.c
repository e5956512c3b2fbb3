#include "base/credentials/aws_profile.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/credentials/variable.h"
#include "base/err.h"
#include "base/file.h"
#include "base/http_secret.h"

#include <stdio.h>

enum { PATH_BYTES = 4096, ROWS_STEP = 64 };

/* ---- lines ---- */

static bool
is_blank(char c)
{
        return c == ' ' || c == '\t' || c == '\r';
}

static struct view
trim(struct view v)
{
        while (v.n > 0 && is_blank(v.p[0]))
                v = (struct view){v.p + 1, v.n - 1};
        while (v.n > 0 && is_blank(v.p[v.n - 1]))
                v.n--;
        return v;
}

/* A # or ; begins a comment behind a blank, or at the line's beginning. */
static struct view
without_comment(struct view v)
{
        for (size_t i = 0; i < v.n; i++) {
                if ((v.p[i] == '#' || v.p[i] == ';') && (i == 0 || is_blank(v.p[i - 1])))
                        return (struct view){v.p, i};
        }
        return v;
}

static int
add(struct aws_profiles *out, struct arena *arena, struct aws_profile_row row, struct err *e)
{
        if (out->n >= AWS_PROFILE_MAX_ROWS)
                return err_set(
                    e, ERR_LIMIT, "more than %d lines of profiles", AWS_PROFILE_MAX_ROWS);
        if (out->n == out->cap) {
                size_t cap = out->cap * 2 + ROWS_STEP;
                struct aws_profile_row *rows = arena_alloc(arena, cap * sizeof(*rows));

                if (rows == NULL)
                        return err_nomem(e, "profiles");
                if (out->n > 0)
                        memcpy(rows, out->rows, out->n * sizeof(*rows));
                out->rows = rows;
                out->cap = cap;
        }
        out->rows[out->n++] = row;
        return 0;
}

/* "[profile name]", "[default]"; a section of another kind (sso-session, services) has no name. */
static struct view
section_name(struct view line, bool is_config)
{
        static const char word[] = "profile";
        const size_t n = sizeof(word) - 1;
        const char *end = memchr(line.p, ']', line.n);
        struct view v;

        if (end == NULL)
                return (struct view){"", 0};
        v = trim((struct view){line.p + 1, (size_t)(end - line.p) - 1});
        if (v.n > n && memcmp(v.p, word, n) == 0 && is_blank(v.p[n]))
                return trim((struct view){v.p + n, v.n - n});
        return !is_config || view_is(v, "default") ? v : (struct view){"", 0};
}

static int
add_pair(struct aws_profiles *out, struct arena *arena, struct view section, struct view line,
    struct err *e)
{
        const char *equals = memchr(line.p, '=', line.n);
        struct aws_profile_row row = {.section = section};
        struct view value;
        char *key;

        if (equals == NULL)
                return 0;
        row.key = trim((struct view){line.p, (size_t)(equals - line.p)});
        value = trim((struct view){equals + 1, line.n - (size_t)(equals + 1 - line.p)});
        key = arena_strndup(arena, row.key.p, row.key.n);
        row.value = arena_strndup(arena, value.n > 0 ? value.p : "", value.n);
        if (key == NULL || row.value == NULL)
                return err_nomem(e, "profiles");
        for (char *p = key; *p != '\0'; p++) {
                if (*p >= 'A' && *p <= 'Z')
                        *p = (char)(*p - 'A' + 'a');
        }
        row.key.p = key;
        return row.key.n > 0 ? add(out, arena, row, e) : 0;
}

int
aws_profiles_parse(
    struct view text, bool is_config, struct arena *arena, struct aws_profiles *out, struct err *e)
{
        struct view section = {"", 0};
        int rc = 0;

        while (rc == 0 && text.n > 0) {
                const char *end = memchr(text.p, '\n', text.n);
                struct view line = {text.p, end != NULL ? (size_t)(end - text.p) : text.n};
                bool nested = line.n > 0 && is_blank(line.p[0]); /* of the key before it */

                text =
                    (struct view){line.p + line.n + (end != NULL), text.n - line.n - (end != NULL)};
                line = trim(without_comment(line));
                if (line.n > 0 && line.p[0] == '[') {
                        section = arena_view(arena, section_name(line, is_config));
                        if (section.p == NULL)
                                return err_nomem(e, "profiles");
                        if (section.n > 0)
                                rc = add(
                                    out, arena, (struct aws_profile_row){section, {"", 0}, ""}, e);
                } else if (!nested && line.n > 0 && section.n > 0) {
                        rc = add_pair(out, arena, section, line, e);
                }
        }
        return rc;
}

/* ---- files ---- */

static int
read_one(
    const char *path, bool is_config, struct arena *arena, struct aws_profiles *out, struct err *e)
{
        struct buf text = BUF_INIT(AWS_PROFILE_MAX_BYTES);
        struct err why = ERR_INIT;
        int rc = file_read(path, &text, &why);

        if (rc == ERR_NOTFOUND) {
                http_secret_release(&text);
                return 0;
        }
        if (rc == 0)
                rc = aws_profiles_parse(buf_view(&text), is_config, arena, out, &why);
        http_secret_release(&text);
        if (rc < 0 && e != NULL)
                *e = why;
        return rc;
}

int
aws_profiles_read(struct arena *arena, struct aws_profiles *out, struct err *e)
{
        static const struct {
                const char *variable;
                const char *file;
                bool is_config;
        } files[] = {{"AWS_CONFIG_FILE", ".aws/config", true},
            {"AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", false}};
        const char *home = variable("HOME");
        int rc = 0;

        *out = (struct aws_profiles){0};
        for (size_t i = 0; rc == 0 && i < 2; i++) {
                const char *path = variable(files[i].variable);
                char own[PATH_BYTES];

                if (path == NULL && home == NULL)
                        continue;
                (void)snprintf(own, sizeof(own), "%s/%s", home != NULL ? home : "", files[i].file);
                rc = read_one(path != NULL ? path : own, files[i].is_config, arena, out, e);
        }
        return rc;
}

/* ---- look-up ---- */

bool
aws_profile_exists(const struct aws_profiles *p, const char *name)
{
        for (size_t i = 0; i < p->n; i++) {
                if (view_is(p->rows[i].section, name))
                        return true;
        }
        return false;
}

const char *
aws_profile_get(const struct aws_profiles *p, const char *name, const char *key)
{
        for (size_t i = p->n; i > 0; i--) {
                const struct aws_profile_row *row = &p->rows[i - 1];

                if (view_is(row->key, key) && view_is(row->section, name))
                        return row->value[0] != '\0' ? row->value : NULL;
        }
        return NULL;
}
