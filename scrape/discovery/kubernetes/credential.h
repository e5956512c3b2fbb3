/*
 * What a kubeconfig's program prints: an ExecCredential of client.authentication.k8s.io (its
 * types.go in client-go). Pure.
 */
#ifndef SCRAPE_DISCOVERY_KUBERNETES_CREDENTIAL_H
#define SCRAPE_DISCOVERY_KUBERNETES_CREDENTIAL_H

#include "base/view.h"

#include <stdint.h>

struct arena;
struct err;

struct kube_credential {
        const char *token; /* NULL: none; else they are in the arena */
        const char *cert; /* PEM; NULL: none */
        const char *key;
        int64_t expires_ms; /* wall time; 0: it does not say */
};

/*
 * api_version: that the credential must have. ERR_AGAIN with the reason, which quotes no part of
 * the text; ERR_NOMEM.
 */
int kube_credential_parse(struct view text, const char *api_version, struct arena *arena,
    struct kube_credential *out, struct err *e);

#endif
