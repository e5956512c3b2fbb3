#include "agent/web_config.h"

#include "agent/config_contents.h"
#include "agent/config_read.h"
#include "agent/config_report.h"
#include "agent/go_duration.h"
#include "agent/web_config_values.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/yaml.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { STORAGE_MAX = 16 << 20 };

/* A name of the file and what it stands for. */
struct choice {
        const char *name;
        unsigned value;
};

static const struct choice versions[] = {
    {"TLS10", 10}, {"TLS11", 11}, {"TLS12", 12}, {"TLS13", 13}};

static const struct choice client_auth_names[] = {{"", WEB_CLIENT_NONE},
    {"NoClientCert", WEB_CLIENT_NONE}, {"RequestClientCert", WEB_CLIENT_REQUEST},
    {"RequireAnyClientCert", WEB_CLIENT_REQUIRE_ANY}, {"RequireClientCert", WEB_CLIENT_REQUIRE_ANY},
    {"VerifyClientCertIfGiven", WEB_CLIENT_VERIFY_IF_GIVEN},
    {"RequireAndVerifyClientCert", WEB_CLIENT_REQUIRE_AND_VERIFY}};

static const struct choice cipher_names[] = {{"TLS_AES_128_GCM_SHA256", WEB_CIPHER_TLS13},
    {"TLS_AES_256_GCM_SHA384", WEB_CIPHER_TLS13},
    {"TLS_CHACHA20_POLY1305_SHA256", WEB_CIPHER_TLS13},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", WEB_CIPHER_ECDSA_AES128_CBC},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", WEB_CIPHER_ECDSA_AES256_CBC},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", WEB_CIPHER_RSA_AES128_CBC},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", WEB_CIPHER_RSA_AES256_CBC},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", WEB_CIPHER_ECDSA_AES128_GCM},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", WEB_CIPHER_ECDSA_AES256_GCM},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", WEB_CIPHER_RSA_AES128_GCM},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", WEB_CIPHER_RSA_AES256_GCM},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", WEB_CIPHER_RSA_CHACHA20},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", WEB_CIPHER_ECDSA_CHACHA20}};

static const struct choice curve_names[] = {{"CurveP256", WEB_CURVE_P256},
    {"CurveP384", WEB_CURVE_P384}, {"CurveP521", WEB_CURVE_P521}, {"X25519", WEB_CURVE_X25519}};

/* The headers that may be set, with the values that are allowed, NULL: any. */
static const char *const header_names[WEB_HEADERS_MAX][3] = {
    {"Strict-Transport-Security", NULL, NULL}, {"X-Content-Type-Options", "nosniff", NULL},
    {"X-Frame-Options", "deny", "sameorigin"}, {"X-XSS-Protection", NULL, NULL},
    {"Content-Security-Policy", NULL, NULL}};

static const struct choice *
choose(const struct choice *v, size_t n, const char *name)
{
        for (size_t i = 0; i < n; i++) {
                if (strcmp(v[i].name, name) == 0)
                        return &v[i];
        }
        return NULL;
}

/* ---- tls_server_config ---- */

static struct config_place
place_of(const struct config_reader *r, const struct yaml_node *node)
{
        return (struct config_place){
            r->file, node != NULL ? node->line : 0, node != NULL ? node->column : 0};
}

/* A PEM text: of the file when one is named, else the one that is written. */
static struct web_pem
read_pem(struct config_reader *r, const struct web_tls_values *v, const char *key)
{
        bool is_key = strcmp(key, "key") == 0;
        bool is_cert = strcmp(key, "cert") == 0;
        const char *file = is_key ? v->key_file : is_cert ? v->cert_file : v->client_ca_file;
        const char *text = is_key ? v->key : is_cert ? v->cert : v->client_ca;
        const char *file_key = is_key ? "key_file" : is_cert ? "cert_file" : "client_ca_file";
        struct web_pem pem = {.text = view_of(text)};
        struct buf contents = BUF_INIT(WEB_FILE_MAX);
        struct err why = ERR_INIT;

        pem.place = place_of(r, yaml_node_get(v->node, file[0] != '\0' ? file_key : key));
        if (file[0] == '\0')
                return pem;
        pem.file = file;
        pem.text = (struct view){"", 0};
        if (file_read(file, &contents, &why) < 0)
                config_fail(r, CONFIG_STAGE_VALUE, yaml_node_get(v->node, file_key), "%s: %s",
                    file_key, why.msg);
        else
                pem.text = (struct view){config_copy(r, buf_view(&contents)), contents.len};
        if (contents.ptr != NULL)
                explicit_bzero(contents.ptr, contents.cap);
        buf_release(&contents);
        return pem;
}

static unsigned
read_version(
    struct config_reader *r, const struct yaml_node *at, const char *key, unsigned fallback)
{
        const struct yaml_node *node = yaml_node_get(at, key);
        const struct choice *found;

        if (node == NULL || node->kind != YAML_SCALAR)
                return fallback;
        found = choose(versions, COUNT(versions), node->text.p);
        if (found == NULL)
                config_fail(r, CONFIG_STAGE_VALUE, node,
                    "unknown TLS version: %.64s; %s expects TLS10, TLS11, TLS12 or TLS13",
                    node->text.p, key);
        return found != NULL ? found->value : fallback;
}

static void
read_ciphers(struct config_reader *r, const struct yaml_node *list, struct web_config *c)
{
        c->ciphers = list != NULL && list->n_items > 0 ? 0 : WEB_CIPHERS_ALL;
        for (size_t i = 0; list != NULL && i < list->n_items; i++) {
                struct view name = config_text(r, "cipher_suites", list->items[i]);
                const struct choice *found = choose(cipher_names, COUNT(cipher_names), name.p);

                if (found != NULL)
                        c->ciphers |= found->value;
                else
                        config_fail(r, CONFIG_STAGE_VALUE, list->items[i],
                            "unknown cipher: %.64s; cipher_suites expects Go's names of suites "
                            "that are not insecure",
                            name.p);
        }
}

static void
read_curves(struct config_reader *r, const struct yaml_node *list, struct web_config *c)
{
        for (size_t i = 0; list != NULL && i < list->n_items; i++) {
                struct view name = config_text(r, "curve_preferences", list->items[i]);
                const struct choice *found = choose(curve_names, COUNT(curve_names), name.p);
                bool known = false;

                if (found == NULL) {
                        config_fail(r, CONFIG_STAGE_VALUE, list->items[i],
                            "unknown curve: %.64s; curve_preferences expects CurveP256, CurveP384, "
                            "CurveP521 or X25519",
                            name.p);
                        continue;
                }
                for (size_t k = 0; k < c->n_curves; k++)
                        known = known || c->curves[k] == (enum web_curve)found->value;
                if (!known)
                        c->curves[c->n_curves++] = (enum web_curve)found->value;
        }
}

static void
read_client_auth(struct config_reader *r, const struct web_tls_values *v, struct web_config *c)
{
        const struct yaml_node *node = yaml_node_get(v->node, "client_auth_type");
        const struct choice *found =
            choose(client_auth_names, COUNT(client_auth_names), v->client_auth_type);

        if (found == NULL)
                config_fail(r, CONFIG_STAGE_VALUE, node,
                    "invalid ClientAuth: %.64s; client_auth_type expects NoClientCert, "
                    "RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven or "
                    "RequireAndVerifyClientCert",
                    v->client_auth_type);
        else
                c->client_auth = (enum web_client_auth)found->value;
        if (found != NULL && c->client_auth == WEB_CLIENT_NONE &&
            (c->client_ca.file != NULL || c->client_ca.text.n > 0))
                config_say(r, CONFIG_ERROR, v->node,
                    "client CA's have been configured without a Client Auth Policy; "
                    "client_auth_type expects RequireAndVerifyClientCert");
        c->checks_sans = v->client_allowed_sans != NULL;
        c->client_sans =
            config_strings(r, "client_allowed_sans", v->client_allowed_sans, &c->n_client_sans);
        if (c->checks_sans && c->client_auth == WEB_CLIENT_NONE)
                config_say(r, CONFIG_WARNING, v->client_allowed_sans,
                    "client_allowed_sans has no effect without client_auth_type");
}

/* What asks for TLS; the rest of the section is checked, but does not switch it on. */
static bool
wants_tls(const struct web_tls_values *v)
{
        return v->cert[0] != '\0' || v->cert_file[0] != '\0' || v->key[0] != '\0' ||
            v->key_file[0] != '\0' || v->client_ca[0] != '\0' || v->client_ca_file[0] != '\0' ||
            v->client_auth_type[0] != '\0';
}

static void
read_tls(struct config_reader *r, const struct web_tls_values *v, struct web_config *c)
{
        c->min_version = read_version(r, v->node, "min_version", 12);
        c->max_version = read_version(r, v->node, "max_version", 13);
        read_ciphers(r, v->cipher_suites, c);
        read_curves(r, v->curve_preferences, c);
        if (c->min_version > c->max_version)
                config_fail(r, CONFIG_STAGE_VALUE, yaml_node_get(v->node, "min_version"),
                    "min_version is above max_version: no client could connect");
        c->tls = wants_tls(v);
        if (!c->tls && v->node != NULL && v->node->n_entries > 0)
                config_say(r, CONFIG_WARNING, v->node,
                    "there is no TLS without cert_file and key_file: the rest has no effect");
        if (!c->tls)
                return;
        c->cert = read_pem(r, v, "cert");
        c->key = read_pem(r, v, "key");
        c->client_ca = read_pem(r, v, "client_ca");
        if (c->cert.file == NULL && c->cert.text.n == 0)
                config_fail(r, CONFIG_STAGE_VALUE, v->node, "missing one of cert or cert_file");
        else if (c->key.file == NULL && c->key.text.n == 0)
                config_fail(r, CONFIG_STAGE_VALUE, v->node, "missing one of key or key_file");
        read_client_auth(r, v, c);
}

/* ---- headers, users, rate ---- */

/* A line feed would end the header: Go writes a blank in its place. */
static const char *
header_text(struct config_reader *r, struct view text)
{
        const char *copy = config_copy(r, text);

        for (size_t i = 0; r->rc == 0 && i < text.n; i++) {
                if ((unsigned char)copy[i] < ' ' || copy[i] == 0x7f)
                        ((char *)(uintptr_t)copy)[i] = ' '; /* our own copy */
        }
        return copy;
}

static void
read_header(struct config_reader *r, const struct yaml_entry *entry, struct web_config *c)
{
        const char *const *known = NULL;
        struct view name = config_text(r, "headers", entry->key);
        struct view value = config_text(r, "headers", entry->value);

        for (size_t i = 0; i < WEB_HEADERS_MAX; i++) {
                if (view_is(name, header_names[i][0]))
                        known = header_names[i];
        }
        if (known == NULL) {
                config_fail(r, CONFIG_STAGE_VALUE, entry->key,
                    "HTTP header \"%.64s\" can not be configured; headers expects "
                    "Content-Security-Policy, Strict-Transport-Security, X-Content-Type-Options, "
                    "X-Frame-Options or X-XSS-Protection",
                    name.p);
                return;
        }
        if (known[1] != NULL && !view_is(value, known[1]) &&
            (known[2] == NULL || !view_is(value, known[2]))) {
                config_fail(r, CONFIG_STAGE_VALUE, entry->value,
                    "invalid value for %s: \"%.64s\"; expected %s%s%s", known[0], value.p, known[1],
                    known[2] != NULL ? " or " : "", known[2] != NULL ? known[2] : "");
                return;
        }
        if (value.n > 0 && c->n_headers < WEB_HEADERS_MAX)
                c->headers[c->n_headers++] = (struct web_header){known[0], header_text(r, value)};
}

static void
read_headers(struct config_reader *r, const struct yaml_node *map, struct web_config *c)
{
        for (size_t i = 0; map != NULL && i < map->n_entries; i++) {
                const struct yaml_entry *entry = &map->entries[i];

                if (entry->duplicate)
                        config_fail(r, CONFIG_STAGE_SHAPE, entry->key,
                            "key \"%.64s\" already set in map", entry->key->text.p);
                else if (!entry->replaced)
                        read_header(r, entry, c);
        }
}

static void
read_user(struct config_reader *r, const struct yaml_entry *entry, struct web_config *c)
{
        struct view name = config_text(r, "basic_auth_users", entry->key);
        struct view hash = entry->value->kind == YAML_SCALAR ? entry->value->text : VIEW_LIT("");
        struct err why = ERR_INIT;
        int cost = 0;

        if (bcrypt_check(hash, &cost, &why) < 0) {
                config_fail(r, CONFIG_STAGE_VALUE, entry->value, "the password of \"%.64s\" is %s",
                    name.p, why.msg);
                return;
        }
        if (cost > BCRYPT_SLOW_COST)
                config_say(r, CONFIG_WARNING, entry->value,
                    "at cost %d every first request of \"%.64s\" takes seconds of a processor",
                    cost, name.p);
        if (memchr(name.p, ':', name.n) != NULL || memchr(name.p, '\0', name.n) != NULL) {
                config_say(r, CONFIG_WARNING, entry->key,
                    "nobody can be \"%.64s\": a name ends at the colon", name.p);
                return;
        }
        c->users[c->n_users].name = config_copy(r, name);
        memcpy(c->users[c->n_users].hash, hash.p, hash.n);
        c->n_users++;
}

static void
read_users(struct config_reader *r, const struct yaml_node *map, struct web_config *c)
{
        size_t n = map != NULL ? map->n_entries : 0;

        if (n > WEB_USERS_MAX) {
                config_fail(r, CONFIG_STAGE_VALUE, map,
                    "more than %d users; basic_auth_users is meant for a few", WEB_USERS_MAX);
                return;
        }
        c->users = config_array(r, n, sizeof(*c->users));
        for (size_t i = 0; c->users != NULL && i < n; i++) {
                const struct yaml_entry *entry = &map->entries[i];

                if (entry->duplicate)
                        config_fail(r, CONFIG_STAGE_SHAPE, entry->key,
                            "key \"%.64s\" already set in map", entry->key->text.p);
                else if (!entry->replaced)
                        read_user(r, entry, c);
        }
}

static void
read_rate(struct config_reader *r, const struct web_rate_values *v, struct web_config *c)
{
        const struct yaml_node *node = yaml_node_get(v->node, "interval");
        struct err why = ERR_INIT;

        c->rate_burst = v->burst;
        if (node == NULL || node->kind != YAML_SCALAR)
                return;
        if (go_duration_parse(node->text, &c->rate_interval_ns, &why) < 0)
                config_fail(r, CONFIG_STAGE_SHAPE, node,
                    "%s; interval expects one such as 1s or "
                    "500ms",
                    why.msg);
        else if (c->rate_interval_ns < 0)
                config_fail(r, CONFIG_STAGE_VALUE, node, "interval is below 0");
        if (c->rate_interval_ns > 0 && c->rate_burst < 1)
                config_say(r, CONFIG_WARNING, v->node,
                    "rate_limit refuses every request: burst is below 1");
}

/* ---- the file ---- */

static const char *
folder_of(struct config_reader *r, const char *path)
{
        char *absolute = path[0] == '/' ? strdup(path) : NULL;
        char here[PATH_MAX];
        const char *folder = "";
        char *slash;

        if (absolute == NULL && getcwd(here, sizeof(here)) != NULL &&
            asprintf(&absolute, "%s/%s", here, path) < 0)
                absolute = NULL;
        slash = absolute != NULL ? strrchr(absolute, '/') : NULL;
        if (slash != NULL)
                folder = config_copy(r, (struct view){absolute, (size_t)(slash - absolute)});
        else
                r->rc = ERR_NOMEM;
        free(absolute);
        return folder;
}

static uint64_t
sum_of(const struct web_config *c, const char *path, struct view text)
{
        const struct web_pem *const pems[] = {&c->cert, &c->key, &c->client_ca};
        uint64_t sum = config_contents_add(0, path, text);

        for (size_t i = 0; i < COUNT(pems); i++) {
                if (pems[i]->file != NULL)
                        sum = config_contents_add(sum, pems[i]->file, pems[i]->text);
        }
        return sum;
}

static void
read_values(struct config_reader *r, const struct yaml_tree *tree, struct web_config *c)
{
        struct web_values v = {0};

        if (tree->more_documents)
                config_say(r, CONFIG_WARNING, NULL, "only the first document of the file is read");
        config_read_section(r, &web_config_section, tree->root, &v);
        read_tls(r, &v.tls, c);
        c->http2 = v.http.http2;
        read_headers(r, v.http.headers, c);
        read_users(r, v.users, c);
        read_rate(r, &v.rate, c);
}

static int
make(struct web_config **out, struct err *e)
{
        struct web_config *c = calloc(1, sizeof(*c));
        struct arena *arena = calloc(1, sizeof(*arena));

        if (c == NULL || arena == NULL) {
                free(c);
                free(arena);
                return err_nomem(e, "the web configuration");
        }
        *arena = (struct arena)ARENA_INIT(STORAGE_MAX);
        c->storage = arena;
        *out = c;
        return 0;
}

void
web_config_free(struct web_config *c)
{
        if (c == NULL)
                return;
        if (c->key.text.n > 0)
                explicit_bzero((char *)(uintptr_t)c->key.text.p, c->key.text.n); /* our copy */
        if (c->users != NULL)
                explicit_bzero(c->users, c->n_users * sizeof(*c->users));
        arena_release(c->storage);
        free(c->storage);
        free(c);
}

static int
read_tree(const char *path, const struct yaml_tree *tree, struct web_config *c,
    struct config_report *report, struct err *e)
{
        struct config_reader r = {.report = report, .file = report->files[0]};

        assert(c != NULL);
        r.arena = c->storage;
        r.folder = folder_of(&r, path);
        if (r.rc == 0)
                read_values(&r, tree, c);
        config_report_sort(report);
        if (r.rc != 0)
                return err_nomem(e, "the web configuration");
        return report->errors > 0 ? config_report_summary(report, path, e) : 0;
}

static int
refuse_yaml(const char *path, const struct yaml_tree *tree, struct config_report *report,
    const struct err *why, struct err *e)
{
        const struct config_place place = {report->files[0], tree->error_line, tree->error_column};

        if (config_report_add(report, CONFIG_ERROR, CONFIG_STAGE_YAML, place, why->msg) < 0)
                return err_nomem(e, "the web configuration");
        return config_report_summary(report, path, e);
}

int
web_config_load_text(const char *path, struct view text, struct web_config **out,
    struct config_report *report, struct err *e)
{
        struct web_config *c = NULL;
        struct yaml_tree tree;
        struct err why = ERR_INIT;
        int rc;

        if (config_report_file(report, path) == NULL)
                return err_nomem(e, "the web configuration");
        rc = yaml_tree_parse(&tree, text, &why);
        if (rc == ERR_NOMEM)
                rc = err_nomem(e, "the web configuration");
        else if (rc < 0)
                rc = refuse_yaml(path, &tree, report, &why, e);
        else
                rc = make(&c, e);
        if (rc == 0)
                rc = read_tree(path, &tree, c, report, e);
        if (rc == 0)
                c->contents = sum_of(c, path, text);
        yaml_tree_release(&tree);
        if (rc == 0)
                *out = c;
        else
                web_config_free(c);
        return rc;
}

int
web_config_load(
    const char *path, struct web_config **out, struct config_report *report, struct err *e)
{
        struct buf text = BUF_INIT(WEB_FILE_MAX);
        struct err why = ERR_INIT;
        int rc = file_read(path, &text, &why);

        if (rc == 0) {
                rc = web_config_load_text(path, buf_view(&text), out, report, e);
        } else {
                const struct config_place place = {config_report_file(report, path), 0, 0};

                if (place.file == NULL ||
                    config_report_add(report, CONFIG_ERROR, CONFIG_STAGE_YAML, place, why.msg) < 0)
                        rc = err_nomem(e, "the web configuration");
                else
                        rc = config_report_summary(report, path, e);
        }
        if (text.ptr != NULL)
                explicit_bzero(text.ptr, text.cap); /* there may be a key in it */
        buf_release(&text);
        return rc;
}

bool
web_config_is_current(const struct web_config *c, const char *path)
{
        const char *const files[] = {path, c->cert.file, c->key.file, c->client_ca.file};
        struct buf text = BUF_INIT(WEB_FILE_MAX);
        uint64_t sum = 0;
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < COUNT(files); i++) {
                if (files[i] == NULL)
                        continue;
                buf_reset(&text);
                rc = file_read(files[i], &text, NULL);
                sum = config_contents_add(sum, files[i], buf_view(&text));
        }
        if (text.ptr != NULL)
                explicit_bzero(text.ptr, text.cap);
        buf_release(&text);
        return rc == 0 && sum == c->contents;
}
