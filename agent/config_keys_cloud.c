/*
 * The rows of config_keys.h about clouds that a receiver may belong to: sigv4, azuread, google_iam.
 */
#include "agent/config_keys.h"
#include "agent/config_sections.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct config_key sigv4_keys[] = {
    {"region", CONFIG_STRING, CONFIG_USED, offsetof(struct config_sigv4, region), NULL, NULL, NULL,
        NULL, "The region; when left out, that of the environment (AWS_REGION) or of the profile."},
    {"access_key", CONFIG_STRING, CONFIG_USED, offsetof(struct config_sigv4, access_key), NULL,
        NULL, NULL, NULL,
        "The key's id; when left out, keys come from where AWS's SDKs look: the environment, a web "
        "identity's token file, ~/.aws, the container's credentials, the instance's metadata."},
    {"secret_key", CONFIG_SECRET, CONFIG_USED, offsetof(struct config_sigv4, secret_key), NULL,
        NULL, NULL, NULL, "The key."},
    {"profile", CONFIG_STRING, CONFIG_USED, offsetof(struct config_sigv4, profile), NULL, NULL,
        NULL, NULL, "The profile of ~/.aws/config and ~/.aws/credentials that the keys come from."},
    {"role_arn", CONFIG_STRING, CONFIG_USED, offsetof(struct config_sigv4, role_arn), NULL, NULL,
        NULL, NULL, "A role to assume with those keys."},
    {"external_id", CONFIG_STRING, CONFIG_USED, offsetof(struct config_sigv4, external_id), NULL,
        NULL, NULL, NULL, "What the role asks for besides; only with role_arn."},
    {"use_fips_sts_endpoint", CONFIG_BOOL, CONFIG_USED,
        offsetof(struct config_sigv4, use_fips_sts_endpoint), "false", NULL, NULL, NULL,
        "Roles are assumed at the service's FIPS endpoint."},
    {"service_name", CONFIG_STRING, CONFIG_USED, offsetof(struct config_sigv4, service_name), "aps",
        NULL, NULL, NULL, "The service that requests are signed for."},
};

const struct config_section config_sigv4_section = {"sigv4", "sigv4.plain", NULL, sigv4_keys,
    COUNT(sigv4_keys), {{NULL, 0}},
    "Signature Version 4 of AWS. Keys that expire are asked for again before. Such requests follow "
    "no redirect."};

static const struct config_key azure_managed_keys[] = {
    {"client_id", CONFIG_STRING, CONFIG_USED, offsetof(struct config_azure_identity, client_id),
        NULL, NULL, NULL, NULL, "Which of the machine's identities; its own when left out."},
};

const struct config_section config_azure_managed_section = {"managed_identity",
    "azuread.ManagedIdentityConfig", NULL, azure_managed_keys, COUNT(azure_managed_keys),
    {{NULL, 0}}, "An identity that the machine has."};

static const struct config_key azure_workload_keys[] = {
    {"client_id", CONFIG_STRING, CONFIG_USED, offsetof(struct config_azure_identity, client_id),
        NULL, NULL, NULL, NULL, "Required: of the application or the identity."},
    {"tenant_id", CONFIG_STRING, CONFIG_USED, offsetof(struct config_azure_identity, tenant_id),
        NULL, NULL, NULL, NULL, "Required: its directory."},
    {"token_file_path", CONFIG_STRING, CONFIG_USED,
        offsetof(struct config_azure_identity, token_file_path), NULL, NULL, NULL, NULL,
        "The service account's token; when left out what AZURE_FEDERATED_TOKEN_FILE names, or "
        "/var/run/secrets/azure/tokens/azure-identity-token."},
};

const struct config_section config_azure_workload_section = {"workload_identity",
    "azuread.WorkloadIdentityConfig", NULL, azure_workload_keys, COUNT(azure_workload_keys),
    {{NULL, 0}}, "An identity of a Kubernetes service account."};

static const struct config_key azure_oauth_keys[] = {
    {"client_id", CONFIG_STRING, CONFIG_USED, offsetof(struct config_azure_identity, client_id),
        NULL, NULL, NULL, NULL, "Required: the application."},
    {"client_secret", CONFIG_SECRET, CONFIG_USED,
        offsetof(struct config_azure_identity, client_secret), NULL, NULL, NULL, NULL,
        "Required: its secret."},
    {"tenant_id", CONFIG_STRING, CONFIG_USED, offsetof(struct config_azure_identity, tenant_id),
        NULL, NULL, NULL, NULL, "Required: its directory."},
};

const struct config_section config_azure_oauth_section = {"oauth", "azuread.OAuthConfig", NULL,
    azure_oauth_keys, COUNT(azure_oauth_keys), {{NULL, 0}}, "An application with a secret."};

static const struct config_key azure_sdk_keys[] = {
    {"tenant_id", CONFIG_STRING, CONFIG_USED, offsetof(struct config_azure_identity, tenant_id),
        NULL, NULL, NULL, NULL, "The directory; AZURE_TENANT_ID when left out."},
};

const struct config_section config_azure_sdk_section = {"sdk", "azuread.SDKConfig", NULL,
    azure_sdk_keys, COUNT(azure_sdk_keys), {{NULL, 0}},
    "What the environment has: AZURE_CLIENT_ID with AZURE_CLIENT_SECRET or "
    "AZURE_FEDERATED_TOKEN_FILE, else the machine's identity."};

static const struct config_key azuread_keys[] = {
    {"managed_identity", CONFIG_SECTION, CONFIG_USED, offsetof(struct config_azuread, managed),
        NULL, NULL, NULL, &config_azure_managed_section, "An identity that the machine has."},
    {"workload_identity", CONFIG_SECTION, CONFIG_USED, offsetof(struct config_azuread, workload),
        NULL, NULL, NULL, &config_azure_workload_section,
        "An identity of a Kubernetes service account."},
    {"oauth", CONFIG_SECTION, CONFIG_USED, offsetof(struct config_azuread, oauth), NULL, NULL, NULL,
        &config_azure_oauth_section, "An application with a secret."},
    {"sdk", CONFIG_SECTION, CONFIG_USED, offsetof(struct config_azuread, sdk), NULL, NULL, NULL,
        &config_azure_sdk_section, "What the environment has."},
    {"certificate", CONFIG_ANY, CONFIG_REFUSED, CONFIG_NOWHERE, NULL, NULL, NULL, NULL,
        "Applications with a certificate are not known; use oauth with its secret."},
    {"cloud", CONFIG_STRING, CONFIG_USED, offsetof(struct config_azuread, cloud), "AzurePublic",
        NULL, NULL, NULL, "AzurePublic, AzureGovernment or AzureChina."},
    {"scope", CONFIG_STRING, CONFIG_USED, offsetof(struct config_azuread, scope), NULL, NULL, NULL,
        NULL, "What the token is good for; metrics of the cloud's Azure Monitor when left out."},
};

const struct config_section config_azuread_section = {"azuread", "azuread.plain", NULL,
    azuread_keys, COUNT(azuread_keys), {{NULL, 0}},
    "One of the identities; its token is asked for again when half of its life is over. "
    "AZURE_AUTHORITY_HOST names another authority than the cloud's."};

static const struct config_key google_iam_keys[] = {
    {"credentials_file", CONFIG_PATH, CONFIG_USED,
        offsetof(struct config_google_iam, credentials_file), NULL, NULL, NULL, NULL,
        "A service account's key; when left out what GOOGLE_APPLICATION_CREDENTIALS names, "
        "gcloud's "
        "default file, or the account of the machine (GCE_METADATA_HOST)."},
};

const struct config_section config_google_iam_section = {"google_iam", "googleiam.Config", NULL,
    google_iam_keys, COUNT(google_iam_keys), {{NULL, 0}},
    "A token of Google Cloud with the scope monitoring.write."};
