#include "agent/config_contents.h"

#include "agent/config.h"
#include "agent/config_parts.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/http_secret.h"
#include "base/yaml.h"

#include <glob.h>
#include <string.h>

uint64_t
config_contents_add(uint64_t sum, const char *path, struct view text)
{
        sum = hash_stable(path, strlen(path), sum);
        return hash_stable(text.p, text.n, sum);
}

static int
add_file(uint64_t *sum, const char *path, struct err *e)
{
        struct buf text = BUF_INIT(YAML_MAX_BYTES);
        int rc = file_read(path, &text, e);

        if (rc == 0)
                *sum = config_contents_add(*sum, path, buf_view(&text));
        http_secret_release(&text);
        return rc;
}

int
config_contents_glob(const char *pattern, glob_t *out)
{
        return glob(pattern, GLOB_PERIOD, NULL, out);
}

/* With GLOB_PERIOD a * also stands for "." and "..". */
bool
config_contents_is_dots(const char *path)
{
        const char *slash = strrchr(path, '/');
        const char *name = slash != NULL ? slash + 1 : path;

        return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

int
config_contents_changed(const struct config *c, bool *out_changed, struct err *e)
{
        uint64_t sum = 0;
        int rc = add_file(&sum, c->path, e);

        *out_changed = false;
        for (size_t i = 0; rc == 0 && i < c->n_patterns; i++) {
                glob_t found = {0};

                if (config_contents_glob(c->patterns[i], &found) == GLOB_NOSPACE)
                        rc = err_nomem(e, "the names of the configuration's files");
                for (size_t k = 0; rc == 0 && k < found.gl_pathc; k++) {
                        if (!config_contents_is_dots(found.gl_pathv[k]))
                                rc = add_file(&sum, found.gl_pathv[k], e);
                }
                globfree(&found);
        }
        if (rc == 0)
                *out_changed = sum != c->contents;
        return rc;
}
