/*
 * A kubeconfig file: which API server its current context names, and the HTTP settings for it
 * (specs: kubernetes-sd.md section 2). Unknown keys are passed over, as kubectl does.
 */
#ifndef SCRAPE_DISCOVERY_KUBERNETES_KUBECONFIG_H
#define SCRAPE_DISCOVERY_KUBERNETES_KUBECONFIG_H

#include "base/http.h"
#include "base/view.h"

struct arena;
struct err;

/* A program that prints credentials (users[].user.exec). */
struct kubeconfig_exec {
        const char *const *argv; /* with NULL behind it */
        const char *const *env; /* NAME=VALUE, KUBERNETES_EXEC_INFO included */
        size_t n_env;
        const char *api_version; /* of the ExecCredential that it has to print */
        const char *install_hint; /* NULL: none */
};

struct kubeconfig {
        const char *server;
        struct http_options http;
        const struct kubeconfig_exec *exec; /* NULL: none is needed */
};

/* What is found is put into the arena. path is the file's: relative names are relative to it.
 * ERR_PARSE: no YAML; ERR_CONFIG: what is named is not there, or is not supported; ERR_NOMEM. */
int kubeconfig_parse(
    struct view text, const char *path, struct arena *arena, struct kubeconfig *out, struct err *e);
/* Reads the file first. */
int kubeconfig_read(const char *path, struct arena *arena, struct kubeconfig *out, struct err *e);

#endif
