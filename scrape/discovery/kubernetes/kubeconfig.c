#include "scrape/discovery/kubernetes/kubeconfig.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/yaml.h"
#include "base/yaml_json.h"

#include <stdio.h>

enum { KUBECONFIG_MAX_BYTES = 1 << 20, EXEC_MAX_WORDS = 1000, EXEC_INFO_MAX = 1 << 20 };

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

/* ---- users[].user.exec ---- */

/* n lines with a NULL behind them. */
static const char **
lines_of(struct reading *r, size_t n)
{
        const char **v = arena_calloc(r->arena, n + 1, sizeof(*v));

        if (v == NULL)
                (void)fail(r);
        return v;
}

static size_t
items_of(struct reading *r, const struct yaml_node *list, const char *what)
{
        size_t n = list != NULL && list->kind == YAML_LIST ? list->n_items : 0;

        if (n > EXEC_MAX_WORDS)
                (void)refuse(r, "too many entries", view_of(what));
        return n <= EXEC_MAX_WORDS ? n : 0;
}

/* Looked for in PATH, or relative to the file when it has a slash in it. */
static void
read_command(struct reading *r, const struct yaml_node *exec, struct kubeconfig_exec *out)
{
        const struct yaml_node *args = yaml_node_get(exec, "args");
        struct view command = text_of(exec, "command");
        size_t n = items_of(r, args, "args");
        const char **argv = lines_of(r, n + 1);

        if (argv == NULL)
                return;
        if (command.n == 0)
                (void)refuse(r, "exec has no command", VIEW_LIT(""));
        else
                argv[0] = memchr(command.p, '/', command.n) != NULL ? path_of(r, exec, "command")
                                                                    : string_of(r, exec, "command");
        for (size_t i = 0; i < n; i++) {
                argv[i + 1] =
                    arena_strndup(r->arena, args->items[i]->text.p, args->items[i]->text.n);
                if (argv[i + 1] == NULL)
                        (void)fail(r);
        }
        out->argv = argv;
}

static const char *
pair(struct reading *r, struct view name, struct view value)
{
        char *line = arena_alloc(r->arena, name.n + value.n + 2);

        if (line == NULL)
                return fail(r);
        (void)snprintf(
            line, name.n + value.n + 2, "%.*s=%.*s", (int)name.n, name.p, (int)value.n, value.p);
        return line;
}

/* What the file says of the cluster, for programs that ask for it. */
static int
put_cluster(const struct yaml_node *cluster, struct buf *out, struct err *e)
{
        static const char *const keys[] = {"server", "tls-server-name", "insecure-skip-tls-verify",
            "certificate-authority-data", "proxy-url", "disable-compression"};
        const struct yaml_node *extensions = yaml_node_get(cluster, "extensions");
        int rc = buf_puts(out, ",\"cluster\":{", e);
        bool first = true;

        for (size_t i = 0; rc == 0 && i < sizeof(keys) / sizeof(keys[0]); i++) {
                const struct yaml_node *v = yaml_node_get(cluster, keys[i]);

                if (v == NULL)
                        continue;
                rc = buf_printf(out, e, "%s\"%s\":", first ? "" : ",", keys[i]);
                first = false;
                if (rc == 0)
                        rc = yaml_node_json(v, out, e);
        }
        for (size_t i = 0; rc == 0 && extensions != NULL && i < extensions->n_items; i++) {
                const struct yaml_node *v = yaml_node_get(extensions->items[i], "extension");

                if (v == NULL ||
                    !view_is(
                        text_of(extensions->items[i], "name"), "client.authentication.k8s.io/exec"))
                        continue;
                rc = buf_printf(out, e, "%s\"config\":", first ? "" : ",");
                first = false;
                if (rc == 0)
                        rc = yaml_node_json(v, out, e);
        }
        return rc == 0 ? buf_putc(out, '}', e) : rc;
}

/* KUBERNETES_EXEC_INFO: what the program is asked for, as an ExecCredential. */
static const char *
exec_info(struct reading *r, const struct yaml_node *exec, const struct yaml_node *cluster)
{
        const struct yaml_node *provide = yaml_node_get(exec, "provideClusterInfo");
        struct buf text = BUF_INIT(EXEC_INFO_MAX);
        const char *line = NULL;
        bool wanted = false;
        int rc = buf_puts(&text, "{\"kind\":\"ExecCredential\",\"apiVersion\":", r->e);

        if (provide != NULL)
                (void)yaml_node_bool(provide, &wanted);
        if (rc == 0)
                rc = json_put_string(&text, text_of(exec, "apiVersion"), r->e);
        if (rc == 0)
                rc = buf_puts(&text, ",\"spec\":{\"interactive\":false", r->e);
        if (rc == 0 && wanted)
                rc = put_cluster(cluster, &text, r->e);
        if (rc == 0)
                rc = buf_puts(&text, "}}", r->e);
        if (rc == 0)
                line = pair(r, VIEW_LIT("KUBERNETES_EXEC_INFO"), buf_view(&text));
        else if (r->rc == 0)
                r->rc = rc;
        buf_release(&text);
        return line;
}

static void
read_env(struct reading *r, const struct yaml_node *exec, const struct yaml_node *cluster,
    struct kubeconfig_exec *out)
{
        const struct yaml_node *env = yaml_node_get(exec, "env");
        size_t n = items_of(r, env, "env");
        const char **lines = lines_of(r, n + 1);

        if (lines == NULL)
                return;
        for (size_t i = 0; i < n; i++) {
                struct view name = text_of(env->items[i], "name");

                if (name.n == 0)
                        (void)refuse(r, "a variable of exec has no name", VIEW_LIT(""));
                lines[i] = pair(r, name, text_of(env->items[i], "value"));
        }
        lines[n] = exec_info(r, exec, cluster);
        out->env = lines;
        out->n_env = n + 1;
}

static bool
known_version(struct view v)
{
        return view_is(v, "client.authentication.k8s.io/v1") ||
            view_is(v, "client.authentication.k8s.io/v1beta1");
}

/* client-go's rules (clientcmd's validateAuthInfo, plugin/pkg/client/auth/exec). */
static const struct kubeconfig_exec *
read_exec(struct reading *r, const struct yaml_node *exec, const struct yaml_node *cluster)
{
        struct kubeconfig_exec *out = arena_calloc(r->arena, 1, sizeof(*out));
        struct view version = text_of(exec, "apiVersion");
        struct view mode = text_of(exec, "interactiveMode");

        if (out == NULL)
                return fail(r), NULL;
        if (version.n == 0)
                (void)refuse(r, "exec has no apiVersion", VIEW_LIT(""));
        else if (!known_version(version))
                (void)refuse(r,
                    "exec expects client.authentication.k8s.io/v1 or v1beta1, its apiVersion is",
                    version);
        if (mode.n == 0 && view_is(version, "client.authentication.k8s.io/v1"))
                (void)refuse(r, "exec has no interactiveMode", VIEW_LIT(""));
        else if (view_is(mode, "Always"))
                (void)refuse(r, "exec wants a terminal (interactiveMode: Always)", VIEW_LIT(""));
        else if (mode.n > 0 && !view_is(mode, "Never") && !view_is(mode, "IfAvailable"))
                (void)refuse(r, "exec has an unknown interactiveMode", mode);
        read_command(r, exec, out);
        read_env(r, exec, cluster, out);
        out->api_version = string_of(r, exec, "apiVersion");
        out->install_hint = string_of(r, exec, "installHint");
        return out;
}

/* ---- users ---- */

static void
read_keys(struct reading *r, const struct yaml_node *user, struct http_options *out)
{
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

/* A program is not asked when the user has other credentials, as client-go has it. */
static void
read_user(struct reading *r, const struct yaml_node *user, const struct yaml_node *cluster,
    struct kubeconfig *out)
{
        const struct yaml_node *provider = yaml_node_get(user, "auth-provider");
        const struct yaml_node *exec = yaml_node_get(user, "exec");
        const struct http_options *o = &out->http;

        if (provider != NULL)
                (void)refuse(r,
                    "auth-provider is not supported (client-go has only oidc left of it), use exec "
                    "or a token; it names",
                    text_of(provider, "name"));
        read_keys(r, user, &out->http);
        if (exec != NULL && exec->kind == YAML_MAP && o->cert == NULL && o->cert_file == NULL &&
            o->credentials == NULL && o->credentials_file == NULL && o->username == NULL &&
            o->password == NULL)
                out->exec = read_exec(r, exec, cluster);
}

static int
read_root(struct reading *r, const struct yaml_node *root, struct kubeconfig *out)
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
        read_cluster(r, cluster, &out->server, &out->http);
        if (user != NULL)
                read_user(r, user, cluster, out);
        return r->rc;
}

int
kubeconfig_parse(
    struct view text, const char *path, struct arena *arena, struct kubeconfig *out, struct err *e)
{
        struct yaml_tree tree = {0};
        struct reading r = {path, arena, 0, e};
        struct kubeconfig found = {0};
        int rc = yaml_tree_parse(&tree, text, e);

        http_options_init(&found.http);
        found.http.enable_http2 = true;
        if (rc < 0)
                (void)err_prefix(e, "\"%s\"", path);
        else
                rc = read_root(&r, tree.root, &found);
        if (rc == 0)
                *out = found;
        yaml_tree_release(&tree);
        return rc;
}

int
kubeconfig_read(const char *path, struct arena *arena, struct kubeconfig *out, struct err *e)
{
        struct buf text = BUF_INIT(KUBECONFIG_MAX_BYTES);
        int rc = file_read(path, &text, e);

        if (rc == 0)
                rc = kubeconfig_parse(buf_view(&text), path, arena, out, e);
        if (text.ptr != NULL)
                explicit_bzero(text.ptr, text.cap);
        buf_release(&text);
        return rc;
}
