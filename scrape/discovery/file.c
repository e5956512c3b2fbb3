#include "scrape/discovery/file.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "scrape/discovery/groups.h"
#include "scrape/job.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

struct found_file {
        char *path; /* owned */
        struct group_list *groups; /* owned; NULL: never good */
        uint64_t hash; /* of the text that was last looked at */
        bool looked_at; /* hash is valid */
        bool failing; /* the text that was last looked at is no good, or cannot be read */
        bool seen; /* by the refresh under way */
};

struct file_source {
        const struct file_sd *sd; /* borrowed */
        struct found_file *files; /* owned */
        size_t n;
        size_t cap;
        bool over_limit; /* the patterns match more files than FILE_SOURCE_MAX_FILES */
};

int
file_source_new(const struct file_sd *sd, struct file_source **out, struct err *e)
{
        struct file_source *f = calloc(1, sizeof(*f));

        if (f == NULL)
                return err_nomem(e, "a file discovery");
        f->sd = sd;
        *out = f;
        return 0;
}

static void
release_file(struct found_file *x)
{
        groups_free(x->groups);
        free(x->path);
}

void
file_source_free(struct file_source *f)
{
        if (f == NULL)
                return;
        for (size_t i = 0; i < f->n; i++)
                release_file(&f->files[i]);
        free(f->files);
        free(f);
}

bool
file_source_matches(const struct file_source *f, const struct file_sd *sd)
{
        if (f->sd->n_files != sd->n_files)
                return false;
        for (size_t i = 0; i < sd->n_files; i++) {
                if (strcmp(f->sd->files[i], sd->files[i]) != 0)
                        return false;
        }
        return true;
}

void
file_source_rebind(struct file_source *f, const struct file_sd *sd)
{
        f->sd = sd;
}

/* ---- one file ---- */

static int
read_text(const char *path, struct buf *out, struct err *e)
{
        struct stat st;

        if (stat(path, &st) != 0)
                return err_sys(e, errno, "cannot open \"%s\"", path);
        /* a named pipe would hang this thread */
        if (!S_ISREG(st.st_mode))
                return err_set(e, ERR_PARSE, "\"%s\" is not a regular file", path);
        return file_read(path, out, e);
}

static enum groups_format
format_of(const char *path)
{
        const char *dot = strrchr(path, '.');

        return dot != NULL && strcasecmp(dot, ".json") == 0 ? GROUPS_JSON : GROUPS_YAML;
}

/* Logs a change between good and failing, not each failure. */
static void
set_failing(struct found_file *x, bool failing, const struct err *why)
{
        if (failing && !x->failing) {
                log_warn("cannot use discovery file, keeping the targets it had",
                    LOG_STR("file", x->path), LOG_STR("err", why->msg));
        } else if (!failing && x->failing) {
                log_info("discovery file is good again", LOG_STR("file", x->path));
        }
        x->failing = failing;
}

/* Looks at one file; only a lack of memory is an error to the caller. */
static int
refresh_file(struct found_file *x, struct file_refresh *report, struct err *e)
{
        struct buf text = BUF_INIT(GROUPS_MAX_TEXT);
        struct groups_input in = {.format = format_of(x->path),
            .name = x->path,
            .meta = {VIEW_LIT("__meta_filepath"), view_of(x->path)}};
        struct group_list *groups = NULL;
        struct err why = ERR_INIT;
        uint64_t hash;
        int rc = read_text(x->path, &text, &why);

        if (rc < 0) {
                x->looked_at = false;
                goto failed;
        }
        hash = hash_stable(text.ptr, text.len, 0);
        if (x->looked_at && x->hash == hash) {
                report->failures += x->failing;
                goto out;
        }
        in.text = buf_view(&text);
        rc = groups_parse(&in, &groups, &why);
        x->looked_at = rc != ERR_NOMEM;
        x->hash = hash;
        if (rc < 0)
                goto failed;
        groups_free(x->groups);
        x->groups = groups;
        report->changed = true;
        set_failing(x, false, NULL);
        goto out;
failed:
        report->failures++;
        set_failing(x, true, &why);
        if (rc == ERR_NOMEM && e != NULL)
                *e = why;
out:
        buf_release(&text);
        return rc == ERR_NOMEM ? rc : 0;
}

/* ---- all of them ---- */

static int
add_file(struct file_source *f, const char *path, struct found_file **out, struct err *e)
{
        if (f->n == f->cap) {
                size_t cap = f->cap > 0 ? f->cap * 2 : 4;
                struct found_file *files = realloc(f->files, cap * sizeof(*files));

                if (files == NULL)
                        return err_nomem(e, "a file discovery");
                f->files = files;
                f->cap = cap;
        }
        f->files[f->n] = (struct found_file){.path = strdup(path)};
        if (f->files[f->n].path == NULL)
                return err_nomem(e, "a file discovery");
        *out = &f->files[f->n++];
        return 0;
}

static struct found_file *
find_file(const struct file_source *f, const char *path)
{
        for (size_t i = 0; i < f->n; i++) {
                if (strcmp(f->files[i].path, path) == 0)
                        return &f->files[i];
        }
        return NULL;
}

/* glob(3) also gives names whose file was deleted just now; that is not a failure. */
static bool
is_gone(const char *path)
{
        struct stat st;

        return lstat(path, &st) != 0 && errno == ENOENT;
}

static int
refresh_pattern(
    struct file_source *f, const char *pattern, struct file_refresh *report, struct err *e)
{
        glob_t found = {0};
        int code = glob(pattern, GLOB_PERIOD, NULL, &found);
        int rc = 0;

        if (code == GLOB_NOSPACE)
                return err_nomem(e, "a file discovery");
        for (size_t i = 0; code == 0 && i < found.gl_pathc && rc == 0; i++) {
                const char *path = found.gl_pathv[i];
                struct found_file *x = find_file(f, path);

                if ((x != NULL && x->seen) || is_gone(path))
                        continue;
                if (x == NULL && f->n >= FILE_SOURCE_MAX_FILES) {
                        report->failures++;
                        if (!f->over_limit)
                                log_warn("discovery pattern matches too many files, the rest is "
                                         "left out",
                                    LOG_STR("pattern", pattern),
                                    LOG_INT("limit", FILE_SOURCE_MAX_FILES));
                        f->over_limit = true;
                        break;
                }
                if (x == NULL)
                        rc = add_file(f, path, &x, e);
                if (rc == 0) {
                        x->seen = true;
                        rc = refresh_file(x, report, e);
                }
        }
        globfree(&found);
        return rc;
}

static void
forget_unseen(struct file_source *f, struct file_refresh *report)
{
        size_t kept = 0;

        for (size_t i = 0; i < f->n; i++) {
                if (f->files[i].seen) {
                        f->files[kept++] = f->files[i];
                } else {
                        report->changed = true;
                        release_file(&f->files[i]);
                }
        }
        f->n = kept;
}

int
file_source_refresh(struct file_source *f, struct file_refresh *out, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; i < f->n; i++)
                f->files[i].seen = false;
        for (size_t i = 0; i < f->sd->n_files && rc == 0; i++)
                rc = refresh_pattern(f, f->sd->files[i], out, e);
        if (rc == 0)
                forget_unseen(f, out);
        if (f->n < FILE_SOURCE_MAX_FILES)
                f->over_limit = false;
        return rc;
}

void
file_source_watch(const struct file_source *f, int inotify_fd)
{
        /*
         * No IN_MODIFY: a file that is being written is read when it is closed. A mounted ConfigMap
         * changes by a symbolic link that is moved into place, which is an event of the folder too.
         */
        const uint32_t mask = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
            IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

        for (size_t i = 0; i < f->sd->n_files; i++) {
                const char *pattern = f->sd->files[i];
                const char *slash = strrchr(pattern, '/');
                size_t n = slash != NULL ? (size_t)(slash - pattern) : 0;
                char *folder = slash == NULL ? strdup(".") : strndup(pattern, n > 0 ? n : 1);

                /* without a watch (no such folder, no more watches) the interval still counts */
                if (folder != NULL)
                        (void)inotify_add_watch(inotify_fd, folder, mask);
                free(folder);
        }
}

size_t
file_source_count(const struct file_source *f)
{
        return f->n;
}

const struct group_list *
file_source_groups(const struct file_source *f, size_t i)
{
        return f->files[i].groups;
}
