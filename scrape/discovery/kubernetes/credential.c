#include "scrape/discovery/kubernetes/credential.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/timestamp.h"

#include <jansson.h>
#include <stdbool.h>

static const char *
string_at(const json_t *map, const char *key)
{
        const char *s = json_string_value(json_object_get(map, key));

        return s != NULL && s[0] != '\0' ? s : NULL;
}

/* A token becomes a header: one line, nothing that does not print. */
static bool
is_clean(const char *token)
{
        for (const char *p = token; *p != '\0'; p++) {
                if ((unsigned char)*p < 0x20 || *p == 0x7f)
                        return false;
        }
        return true;
}

static int
copy(struct arena *arena, const char *s, const char **out, struct err *e)
{
        if (s == NULL)
                return 0;
        *out = arena_strdup(arena, s);
        return *out != NULL ? 0 : err_nomem(e, "a credential");
}

static int
read_status(const json_t *status, struct arena *arena, struct kube_credential *out, struct err *e)
{
        const char *token = string_at(status, "token");
        const char *cert = string_at(status, "clientCertificateData");
        const char *key = string_at(status, "clientKeyData");
        const char *expires = string_at(status, "expirationTimestamp");
        int rc;

        if (!json_is_object(status))
                return err_set(e, ERR_AGAIN, "its ExecCredential has no status");
        if (token == NULL && cert == NULL && key == NULL)
                return err_set(e, ERR_AGAIN, "its ExecCredential has no token and no certificate");
        if ((cert == NULL) != (key == NULL))
                return err_set(e, ERR_AGAIN,
                    "its ExecCredential has only one of clientCertificateData and clientKeyData");
        if (token != NULL && !is_clean(token))
                return err_set(e, ERR_AGAIN, "its token has a control character in it");
        if (expires != NULL && !timestamp_parse(view_of(expires), &out->expires_ms))
                return err_set(e, ERR_AGAIN, "its expirationTimestamp is not a time of RFC 3339");
        rc = copy(arena, token, &out->token, e);
        if (rc == 0)
                rc = copy(arena, cert, &out->cert, e);
        return rc == 0 ? copy(arena, key, &out->key, e) : rc;
}

int
kube_credential_parse(struct view text, const char *api_version, struct arena *arena,
    struct kube_credential *out, struct err *e)
{
        json_t *root = json_loadb(text.p, text.n, 0, NULL);
        const char *kind = string_at(root, "kind");
        const char *version = string_at(root, "apiVersion");
        struct kube_credential found = {0};
        int rc;

        if (!json_is_object(root))
                rc = err_set(e, ERR_AGAIN, "it printed no JSON object");
        else if (kind == NULL || strcmp(kind, "ExecCredential") != 0)
                rc = err_set(e, ERR_AGAIN, "it printed no ExecCredential");
        else if (version == NULL || strcmp(version, api_version) != 0)
                rc = err_set(
                    e, ERR_AGAIN, "its ExecCredential has another apiVersion than %s", api_version);
        else
                rc = read_status(json_object_get(root, "status"), arena, &found, e);
        if (rc == 0)
                *out = found;
        json_decref(root);
        return rc;
}
