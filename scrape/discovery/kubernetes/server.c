#include "scrape/discovery/kubernetes/server.h"

#include "base/buf.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "scrape/discovery/kubernetes/credential.h"
#include "scrape/discovery/kubernetes/kubeconfig.h"
#include "scrape/job.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        SERVER_MAX_BYTES = 4 << 20,
        EXEC_TIMEOUT_MS = 30 * 1000,
        EARLY_MS = 10 * 1000, /* credentials of a program are not used in their last ten seconds */
        LEAST_MS = 1000, /* new ones are used for the requests that wait for them */
        WORDS_MAX = 200, /* of a program that failed */
};

static const char service_account[] = "/var/run/secrets/kubernetes.io/serviceaccount";

/* ---- sessions ---- */

static int
session_new(struct kube_session **out, struct err *e)
{
        struct kube_session *x = calloc(1, sizeof(*x));

        if (x == NULL)
                return err_nomem(e, "a Kubernetes API server");
        x->refs = 1;
        x->arena = (struct arena)ARENA_INIT(SERVER_MAX_BYTES);
        x->good_until_ms = INT64_MAX;
        *out = x;
        return 0;
}

void
kube_session_put(struct kube_session *x)
{
        if (x == NULL || --x->refs > 0)
                return;
        http_client_free(x->client);
        arena_wipe(&x->arena);
        arena_release(&x->arena);
        free(x);
}

/* ---- servers ---- */

int
kube_server_new(const struct kubernetes_sd *sd, struct scrape_config *config,
    struct kube_server **out, struct err *e)
{
        struct kube_server *s = calloc(1, sizeof(*s));

        if (s == NULL)
                return err_nomem(e, "a Kubernetes API server");
        s->sd = sd;
        s->config = scrape_config_ref(config);
        s->folder = service_account;
        *out = s;
        return 0;
}

static void
stop_program(struct kube_server *s)
{
        child_free(s->program);
        s->program = NULL;
        kube_session_put(s->coming);
        s->coming = NULL;
}

void
kube_server_free(struct kube_server *s)
{
        if (s == NULL)
                return;
        stop_program(s);
        kube_session_put(s->session);
        scrape_config_unref(s->config);
        free(s);
}

static const char *
in_folder(struct kube_server *s, struct kube_session *x, const char *name)
{
        size_t n = strlen(s->folder) + strlen(name) + 2;
        char *path = arena_alloc(&x->arena, n);

        if (path != NULL)
                (void)snprintf(path, n, "%s/%s", s->folder, name);
        return path;
}

static int
open_in_cluster(struct kube_server *s, struct kube_session *x, struct err *e)
{
        const char *host =
            getenv("KUBERNETES_SERVICE_HOST"); /* NOLINT(concurrency-mt-unsafe): nobody sets it */
        const char *port =
            getenv("KUBERNETES_SERVICE_PORT"); /* NOLINT(concurrency-mt-unsafe): nobody sets it */
        bool six;
        char *url;
        size_t n;

        if (host == NULL || port == NULL || host[0] == '\0' || port[0] == '\0')
                return err_set(e, ERR_CONFIG,
                    "unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and "
                    "KUBERNETES_SERVICE_PORT must be defined; give api_server or kubeconfig_file");
        six = strchr(host, ':') != NULL;
        n = strlen(host) + strlen(port) + sizeof("https://[]:");
        url = arena_alloc(&x->arena, n);
        http_options_init(&x->own);
        x->own.enable_http2 = true;
        x->own.credentials_file = in_folder(s, x, "token");
        x->own.ca_file = in_folder(s, x, "ca.crt");
        if (url == NULL || x->own.credentials_file == NULL || x->own.ca_file == NULL)
                return err_nomem(e, "a Kubernetes API server");
        (void)snprintf(url, n, "https://%s%s%s:%s", six ? "[" : "", host, six ? "]" : "", port);
        x->url = url;
        return 0;
}

static int
read_kubeconfig(struct kube_server *s, struct kube_session *x, struct err *e)
{
        struct kubeconfig found = {0};
        int rc = kubeconfig_read(s->sd->kubeconfig_file, &x->arena, &found, e);

        if (rc < 0)
                return rc;
        x->url = found.server;
        x->own = found.http;
        x->exec = found.exec;
        return 0;
}

static int
start_program(struct kube_server *s, struct kube_session *x, int64_t now_ms, struct err *e)
{
        const struct child_options o = {.argv = x->exec->argv,
            .env = x->exec->env,
            .n_env = x->exec->n_env,
            .now_ms = now_ms,
            .timeout_ms = EXEC_TIMEOUT_MS};
        int rc = child_start(&o, &s->program, e);

        if (rc == ERR_NOTFOUND && x->exec->install_hint != NULL && e != NULL) {
                size_t n = strlen(e->msg);

                (void)snprintf(e->msg + n, sizeof(e->msg) - n, "; %.200s", x->exec->install_hint);
        }
        return rc;
}

/* All but the client, and what a program has to say. */
static int
describe(
    struct kube_server *s, struct kube_session *x, const struct http_options **out, struct err *e)
{
        *out = &x->own;
        if (s->sd->kubeconfig_file != NULL)
                return read_kubeconfig(s, x, e);
        if (s->sd->api_server == NULL)
                return open_in_cluster(s, x, e);
        x->url = s->sd->api_server;
        *out = &s->sd->http;
        return 0;
}

/* A new session, or the program that it needs first. */
static int
begin_session(struct kube_server *s, int64_t now_ms, struct err *e)
{
        const struct http_options *o = NULL;
        struct kube_session *x = NULL;
        int rc = session_new(&x, e);

        if (rc < 0)
                return rc;
        assert(x != NULL);
        rc = describe(s, x, &o, e);
        if (rc == 0 && x->exec != NULL)
                rc = start_program(s, x, now_ms, e);
        else if (rc == 0)
                rc = http_client_new(o, TLS_1_2, &x->client, e);
        if (rc < 0)
                kube_session_put(x);
        else if (x->exec != NULL)
                s->coming = x;
        else
                s->session = x;
        return rc;
}

int
kube_server_open(struct kube_server *s, int64_t now_ms, struct kube_session **out, struct err *e)
{
        int rc = 0;

        if (s->session != NULL && now_ms >= s->session->good_until_ms) {
                kube_session_put(s->session);
                s->session = NULL;
        }
        if (s->session == NULL && s->coming == NULL)
                rc = begin_session(s, now_ms, e);
        if (rc < 0)
                return rc;
        *out = s->session;
        if (s->session != NULL)
                s->session->refs++;
        return 0;
}

/* ---- the program ---- */

static int64_t
good_until(const struct kube_credential *c, int64_t now_ms)
{
        int64_t left_ms = c->expires_ms - clock_wall(clock_system()) - EARLY_MS;

        if (c->expires_ms == 0)
                return INT64_MAX;
        return now_ms + (left_ms > LEAST_MS ? left_ms : LEAST_MS);
}

static int
take_credential(struct kube_server *s, int64_t now_ms, struct err *e)
{
        struct kube_session *x = s->coming;
        struct kube_credential c = {0};
        int rc = child_result(s->program, e);

        if (rc == 0)
                rc = kube_credential_parse(
                    child_output(s->program), x->exec->api_version, &x->arena, &c, e);
        if (rc < 0)
                return rc;
        x->own.credentials = c.token;
        x->own.cert = c.cert;
        x->own.key = c.key;
        x->good_until_ms = good_until(&c, now_ms);
        return http_client_new(&x->own, TLS_1_2, &x->client, e);
}

void
kube_server_turn(struct kube_server *s, int64_t now_ms)
{
        char words[WORDS_MAX];
        struct err e = ERR_INIT;

        if (s->program == NULL || !child_turn(s->program, now_ms))
                return;
        if (take_credential(s, now_ms, &e) == 0) {
                s->session = s->coming;
                s->coming = NULL;
        } else {
                child_last_words(s->program, words, sizeof(words));
                (void)err_prefix(&e, "cannot get credentials of \"%s\"", s->coming->exec->argv[0]);
                if (words[0] != '\0') {
                        size_t n = strlen(e.msg);

                        (void)snprintf(e.msg + n, sizeof(e.msg) - n, ": %s", words);
                }
                kube_server_failed(s, &e);
        }
        stop_program(s);
}

int64_t
kube_server_due(const struct kube_server *s)
{
        return s->program != NULL ? child_due(s->program) : INT64_MAX;
}

size_t
kube_server_fds(const struct kube_server *s, int *out, size_t cap)
{
        return s->program != NULL && cap >= CHILD_FDS ? child_fds(s->program, out) : 0;
}

/* ---- what goes wrong ---- */

void
kube_server_refused(struct kube_server *s, struct kube_session *x)
{
        if (s->sd->kubeconfig_file == NULL || s->session != x)
                return; /* its files are read for each request, or it was given up already */
        kube_session_put(s->session);
        s->session = NULL;
}

void
kube_server_failed(struct kube_server *s, const struct err *why)
{
        s->failures++;
        s->why = *why;
}

int
kube_server_namespace(struct kube_server *s, const char **out, struct err *e)
{
        struct buf text = BUF_INIT(sizeof(s->namespace) - 1);
        char path[4096];
        size_t n;

        if (s->namespace[0] == '\0') {
                (void)snprintf(path, sizeof(path), "%s/namespace", s->folder);
                if (file_read(path, &text, e) < 0) {
                        buf_release(&text);
                        (void)err_prefix(e, "own_namespace");
                        if (e != NULL)
                                e->code = ERR_CONFIG;
                        return ERR_CONFIG;
                }
                n = text.len;
                while (n > 0 && isspace((unsigned char)text.ptr[n - 1]))
                        n--;
                memcpy(s->namespace, text.ptr != NULL ? text.ptr : "", n);
                s->namespace[n] = '\0';
                buf_release(&text);
        }
        *out = s->namespace;
        return 0;
}
