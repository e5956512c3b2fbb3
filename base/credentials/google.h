/*
 * Tokens of Google Cloud (`google_iam`), good for writing metrics: of a service account's or a
 * user's file, or of the instance's service account (golang.org/x/oauth2/google, the application's
 * default credentials). Options are borrowed.
 */
#ifndef BASE_CREDENTIALS_GOOGLE_H
#define BASE_CREDENTIALS_GOOGLE_H

struct err;
struct grant;

struct http_google_options {
        const char *credentials_file; /* NULL: GOOGLE_APPLICATION_CREDENTIALS, gcloud's, or none */
};

int google_grant(const struct http_google_options *o, struct grant **out, struct err *e);

#endif
