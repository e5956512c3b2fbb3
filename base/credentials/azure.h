/*
 * Tokens of Microsoft Entra ID (`azuread`), as the Azure SDK asks for them (azidentity): of a
 * managed identity, a workload identity, a client's secret, or whichever the environment has.
 * Options are borrowed.
 */
#ifndef BASE_CREDENTIALS_AZURE_H
#define BASE_CREDENTIALS_AZURE_H

struct err;
struct grant;

enum azure_way { AZURE_MANAGED, AZURE_WORKLOAD, AZURE_SECRET, AZURE_SDK };

struct http_azure_options { /* NULL: not given */
        enum azure_way way;
        const char *client_id;
        const char *client_secret;
        const char *tenant_id;
        const char *token_file; /* of a workload identity */
        const char *authority; /* https://host; AZURE_AUTHORITY_HOST stands for it */
        const char *scope;
};

int azure_grant(const struct http_azure_options *o, struct grant **out, struct err *e);

#endif
