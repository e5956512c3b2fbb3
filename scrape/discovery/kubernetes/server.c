#include "scrape/discovery/kubernetes/server.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "scrape/discovery/kubernetes/kubeconfig.h"
#include "scrape/job.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SERVER_MAX_BYTES = 4 << 20 };

static const char service_account[] = "/var/run/secrets/kubernetes.io/serviceaccount";

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
        s->arena = (struct arena)ARENA_INIT(SERVER_MAX_BYTES);
        *out = s;
        return 0;
}

void
kube_server_free(struct kube_server *s)
{
        if (s == NULL)
                return;
        http_client_free(s->client);
        arena_release(&s->arena);
        scrape_config_unref(s->config);
        free(s);
}

static const char *
in_folder(struct kube_server *s, const char *name)
{
        size_t n = strlen(s->folder) + strlen(name) + 2;
        char *path = arena_alloc(&s->arena, n);

        if (path != NULL)
                (void)snprintf(path, n, "%s/%s", s->folder, name);
        return path;
}

static int
open_in_cluster(struct kube_server *s, struct err *e)
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
        url = arena_alloc(&s->arena, n);
        http_options_init(&s->own);
        s->own.enable_http2 = true;
        s->own.credentials_file = in_folder(s, "token");
        s->own.ca_file = in_folder(s, "ca.crt");
        if (url == NULL || s->own.credentials_file == NULL || s->own.ca_file == NULL)
                return err_nomem(e, "a Kubernetes API server");
        (void)snprintf(url, n, "https://%s%s%s:%s", six ? "[" : "", host, six ? "]" : "", port);
        s->url = url;
        return 0;
}

int
kube_server_open(struct kube_server *s, struct err *e)
{
        const struct http_options *o = &s->own;
        int rc = 0;

        if (s->stale && s->in_flight == 0) {
                http_client_free(s->client);
                s->client = NULL;
                s->stale = false;
        }
        if (s->client != NULL)
                return 0;
        arena_reset(&s->arena);
        if (s->sd->api_server != NULL) {
                s->url = s->sd->api_server;
                o = &s->sd->http;
        } else if (s->sd->kubeconfig_file != NULL) {
                rc = kubeconfig_read(s->sd->kubeconfig_file, &s->arena, &s->url, &s->own, e);
        } else {
                rc = open_in_cluster(s, e);
        }
        return rc == 0 ? http_client_new(o, TLS_1_2, &s->client, e) : rc;
}

void
kube_server_refused(struct kube_server *s)
{
        s->stale = s->sd->kubeconfig_file != NULL;
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
