#include "scrape/discovery/kubernetes/kubeconfig.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/yaml.h"

#include <stdio.h>

enum { KUBECONFIG_MAX_BYTES = 1 << 20 };

struct reading {
        const char *path;
        struct arena *arena;
        int rc;
        struct err *e;
};

static const char *
fail(struct reading *r)
{
        if (r->rc == 0)
                r->rc = err_nomem(r->e, "a kubeconfig file");
        return NULL;
}

static struct view
text_of(const struct yaml_node *map, const char *key)
{
        const struct yaml_node *v = yaml_node_get(map, key);

        return v != NULL && v->kind == YAML_SCALAR ? v->text : VIEW_LIT("");
}

/* NULL when it is not there or empty. */
static const char *
string_of(struct reading *r, const struct yaml_node *map, const char *key)
{
        struct view v = text_of(map, key);
        char *s = v.n > 0 ? arena_strndup(r->arena, v.p, v.n) : NULL;

        return s != NULL || v.n == 0 ? s : fail(r);
}

/* The same, relative to the file's folder. */
static const char *
path_of(struct reading *r, const struct yaml_node *map, const char *key)
{
        struct view v = text_of(map, key);
        const char *slash = strrchr(r->path, '/');
        size_t n = slash != NULL && v.n > 0 && v.p[0] != '/' ? (size_t)(slash + 1 - r->path) : 0;
        char *s;

        if (v.n == 0)
                return NULL;
        s = arena_alloc(r->arena, n + v.n + 1);
        if (s == NULL)
                return fail(r);
        memcpy(s, r->path, n);
        memcpy(s + n, v.p, v.n);
        s[n + v.n] = '\0';
        return s;
}

static int
digit(char c)
{
        static const char digits[] =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const char *p = c != '\0' ? strchr(digits, c) : NULL;

        return p != NULL ? (int)(p - digits) : -1;
}

/* base64, blanks and padding passed over; NULL when it is not there. */
static const char *
decoded(struct reading *r, const struct yaml_node *map, const char *key)
{
        struct view v = text_of(map, key);
        char *s = v.n > 0 ? arena_alloc(r->arena, v.n + 1) : NULL;
        unsigned bits = 0;
        unsigned held = 0;
        size_t n = 0;

        if (s == NULL)
                return v.n > 0 ? fail(r) : NULL;
        for (size_t i = 0; i < v.n; i++) {
                int d = digit(v.p[i]);

                if (d < 0 && v.p[i] != '=' && v.p[i] != '\n' && v.p[i] != '\r' && v.p[i] != ' ') {
                        if (r->rc == 0)
                                r->rc = err_set(
                                    r->e, ERR_CONFIG, "\"%s\": %s is not base64", r->path, key);
                        return NULL;
                }
                if (d < 0)
                        continue;
                held = held << 6 | (unsigned)d;
                bits += 6;
                if (bits >= 8) {
                        bits -= 8;
                        s[n++] = (char)(held >> bits & 0xff);
                }
        }
        s[n] = '\0';
        return s;
}

/* The map under `part` of the entry of `list` that has this name; NULL when there is none. */
static const struct yaml_node *
named(const struct yaml_node *root, const char *list, struct view name, const char *part)
{
        const struct yaml_node *all = yaml_node_get(root, list);

        for (size_t i = 0; all != NULL && all->kind == YAML_LIST && i < all->n_items; i++) {
                if (view_eq(text_of(all->items[i], "name"), name))
                        return yaml_node_get(all->items[i], part);
        }
        return NULL;
}

static int
refuse(struct reading *r, const char *why, struct view name)
{
        if (r->rc == 0)
                r->rc = err_set(r->e, ERR_CONFIG, "\"%s\": %s%s%.*s", r->path, why,
                    name.n > 0 ? ": " : "", (int)name.n, name.p);
        return r->rc;
}

static void
read_cluster(struct reading *r, const struct yaml_node *cluster, const char **out_server,
    struct http_options *out)
{
        const struct yaml_node *skip = yaml_node_get(cluster, "insecure-skip-tls-verify");

        *out_server = string_of(r, cluster, "server");
        if (*out_server == NULL)
                (void)refuse(r, "no server found for cluster", VIEW_LIT(""));
        out->proxy.url = string_of(r, cluster, "proxy-url");
        out->ca = decoded(r, cluster, "certificate-authority-data");
        if (out->ca == NULL)
                out->ca_file = path_of(r, cluster, "certificate-authority");
        out->server_name = string_of(r, cluster, "tls-server-name");
        if (skip != NULL)
                (void)yaml_node_bool(skip, &out->insecure_skip_verify);
}

static void
read_user(struct reading *r, const struct yaml_node *user, struct http_options *out)
{
        if (yaml_node_get(user, "exec") != NULL || yaml_node_get(user, "auth-provider") != NULL)
                (void)refuse(r, "users with exec or auth-provider are not supported, give a token",
                    VIEW_LIT(""));
        out->cert = decoded(r, user, "client-certificate-data");
        if (out->cert == NULL)
                out->cert_file = path_of(r, user, "client-certificate");
        out->key = decoded(r, user, "client-key-data");
        if (out->key == NULL)
                out->key_file = path_of(r, user, "client-key");
        out->credentials_file = path_of(r, user, "tokenFile");
        if (out->credentials_file == NULL)
                out->credentials = string_of(r, user, "token");
        if (out->credentials_file != NULL || out->credentials != NULL)
                return;
        out->username = string_of(r, user, "username");
        out->password = string_of(r, user, "password");
}

static int
read_root(struct reading *r, const struct yaml_node *root, const char **out_server,
    struct http_options *out)
{
        struct view name = text_of(root, "current-context");
        const struct yaml_node *context = named(root, "contexts", name, "context");
        const struct yaml_node *cluster;
        const struct yaml_node *user;

        if (context == NULL)
                return refuse(r, "there is no context of the name in current-context", name);
        name = text_of(context, "cluster");
        cluster = named(root, "clusters", name, "cluster");
        if (cluster == NULL)
                return refuse(r, "there is no cluster of the context's name", name);
        name = text_of(context, "user");
        user = named(root, "users", name, "user");
        if (user == NULL && name.n > 0)
                return refuse(r, "there is no user of the context's name", name);
        read_cluster(r, cluster, out_server, out);
        if (user != NULL)
                read_user(r, user, out);
        return r->rc;
}

int
kubeconfig_parse(struct view text, const char *path, struct arena *arena, const char **out_server,
    struct http_options *out, struct err *e)
{
        struct yaml_tree tree = {0};
        struct reading r = {path, arena, 0, e};
        struct http_options o;
        const char *server = NULL;
        int rc = yaml_tree_parse(&tree, text, e);

        http_options_init(&o);
        o.enable_http2 = true;
        if (rc < 0)
                (void)err_prefix(e, "\"%s\"", path);
        else
                rc = read_root(&r, tree.root, &server, &o);
        if (rc == 0) {
                *out = o;
                *out_server = server;
        }
        yaml_tree_release(&tree);
        return rc;
}

int
kubeconfig_read(const char *path, struct arena *arena, const char **out_server,
    struct http_options *out, struct err *e)
{
        struct buf text = BUF_INIT(KUBECONFIG_MAX_BYTES);
        int rc = file_read(path, &text, e);

        if (rc == 0)
                rc = kubeconfig_parse(buf_view(&text), path, arena, out_server, out, e);
        if (text.ptr != NULL)
                explicit_bzero(text.ptr, text.cap);
        buf_release(&text);
        return rc;
}
