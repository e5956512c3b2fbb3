/*
 * scrape_config_files: more jobs in files of their own, read after the main file, in order of
 * names. What is wrong in them is told with their own names.
 */
#include "agent/config_contents.h"
#include "agent/config_parts.h"
#include "agent/config_report.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/http_secret.h"
#include "base/yaml.h"
#include "scrape/job.h"

#include <glob.h>
#include <string.h>
#include <sys/stat.h>

enum { FILES_MAX = 1000 };

bool
config_pattern_valid(const char *pattern)
{
        const char *star = strchr(pattern, '*');

        return star == NULL || strchr(star, '/') == NULL;
}

static void
read_jobs(struct config_reader *r, const struct config_global *global, const struct yaml_tree *t)
{
        struct config_job_file in = {0};

        config_read_section(r, &config_job_file_section, t->root, &in);
        config_jobs(r, global, in.scrape_configs);
}

/* "/a/b.yml" → "/a" */
static const char *
folder_of(struct config_reader *r, const char *path)
{
        const char *slash = strrchr(path, '/');

        if (slash == NULL || slash == path)
                return "/";
        return config_copy(r, (struct view){path, (size_t)(slash - path)});
}

static void
read_file(struct config_reader *main_file, const struct config_global *global, const char *path)
{
        struct config_reader r = *main_file;
        struct buf text = BUF_INIT(YAML_MAX_BYTES);
        struct yaml_tree tree = {.root = NULL};
        struct err e = ERR_INIT;
        struct stat st;
        int rc;

        if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
                rc = err_set(&e, ERR_SYS, "\"%s\" is not a regular file", path);
        else
                rc = file_read(path, &text, &e);
        r.arena = &r.config->scrape->arena;
        r.file = config_report_file(r.report, path);
        r.folder = folder_of(&r, path);
        if (r.file == NULL)
                r.rc = ERR_NOMEM;
        else if (rc < 0)
                config_fail(&r, CONFIG_STAGE_MODE, NULL, "%s", e.msg);
        else if (yaml_tree_parse(&tree, buf_view(&text), &e) < 0)
                config_fail(&r, CONFIG_STAGE_MODE,
                    &(struct yaml_node){.line = tree.error_line, .column = tree.error_column}, "%s",
                    e.msg);
        else
                read_jobs(&r, global, &tree);
        r.config->contents = config_contents_add(r.config->contents, path, buf_view(&text));
        yaml_tree_release(&tree);
        http_secret_release(&text);
        main_file->rc = r.rc;
        main_file->seen = r.seen;
}

void
config_job_files(
    struct config_reader *r, const struct config_global *global, const struct yaml_node *patterns)
{
        size_t n = 0;

        if (patterns == NULL || patterns->n_items == 0)
                return;
        r->config->patterns =
            arena_calloc(r->config->storage, patterns->n_items, sizeof(*r->config->patterns));
        if (r->config->patterns == NULL) {
                r->rc = ERR_NOMEM;
                return;
        }
        for (size_t i = 0; r->rc == 0 && i < patterns->n_items; i++) {
                const struct yaml_node *item = patterns->items[i];
                const char *pattern;
                glob_t found = {0};

                if (item->kind != YAML_SCALAR || !config_pattern_valid(item->text.p) ||
                    item->text.n == 0)
                        continue; /* told already */
                pattern = config_path(r, item->text.p);
                r->config->patterns[r->config->n_patterns++] = pattern;
                if (config_contents_glob(pattern, &found) == GLOB_NOSPACE)
                        r->rc = ERR_NOMEM;
                for (size_t k = 0; r->rc == 0 && k < found.gl_pathc && n <= FILES_MAX; k++, n++) {
                        if (config_contents_is_dots(found.gl_pathv[k]))
                                continue;
                        if (n < FILES_MAX)
                                read_file(r, global, found.gl_pathv[k]);
                        else
                                config_fail(r, CONFIG_STAGE_MODE, item,
                                    "more than %d files match scrape_config_files", FILES_MAX);
                }
                globfree(&found);
        }
}
