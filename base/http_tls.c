/*
 * Certificate and key go to libcurl as bytes that were checked before: libcurl takes a connection
 * again only when these bytes are equal, so a rotated certificate gets new connections by itself.
 * A CA file goes as a path, because libcurl shares one parsed store among the connections that name
 * the same path (a bundle of 140 roots is over a megabyte when parsed). After a change the path is
 * spelled differently ("/./etc/ca.pem"), so that neither that store nor a connection is used again.
 *
 * server_name: libcurl has no option for it. Verification against the name is left to OpenSSL
 * (X509_VERIFY_PARAM_set1_host) and libcurl's own check of the URL's host is off; the name in the
 * ClientHello is set when the handshake starts, after libcurl has put the URL's host there. Nor
 * does libcurl know that a connection was verified for another name when it looks for one to use
 * again: a folder of CA certificates that cannot exist tells them apart, since it compares those.
 */
#include "base/http_tls.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
        PEM_MAX_BYTES = 4 << 20,
        SPELLINGS = 32, /* of a path, until the first is taken again */
        PATH_MAX_BYTES = 4096,
};

/* What tells that a file was replaced or written. */
struct stamp {
        dev_t device;
        ino_t inode;
        off_t size;
        struct timespec mtime;
};

struct http_tls {
        const struct http_options *o; /* borrowed */
        enum tls_version min;
        enum tls_version max;
        struct stamp cert_stamp;
        struct stamp key_stamp;
        struct stamp ca_stamp;
        bool pair_loaded;
        bool ca_loaded;
        struct buf cert; /* PEM of the pair in use */
        struct buf key;
        int64_t cert_expiry_ms;
        int64_t ca_expiry_ms;
        unsigned ca_loads; /* how many versions of the CA file there were */
};

static pthread_once_t name_once = PTHREAD_ONCE_INIT;
static int name_index = -1; /* where a context keeps its server name */

static void
free_name(void *parent, void *name, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
        (void)parent;
        (void)data;
        (void)index;
        (void)argl;
        (void)argp;
        free(name);
}

static void
make_name_index(void)
{
        name_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_name);
}

static int
check_options(const struct http_tls *t, struct err *e)
{
        const struct http_options *o = t->o;
        bool cert = o->cert != NULL || o->cert_file != NULL;
        bool key = o->key != NULL || o->key_file != NULL;

        if (t->max != TLS_DEFAULT && t->max < t->min)
                return err_set(e, ERR_CONFIG,
                    "tls_config.max_version must be greater than or equal to "
                    "tls_config.min_version if both are specified");
        if (cert && !key)
                return err_set(e, ERR_CONFIG,
                    "exactly one of key or key_file must be configured when a client certificate "
                    "is configured");
        if (key && !cert)
                return err_set(e, ERR_CONFIG,
                    "exactly one of cert or cert_file must be configured when a client key is "
                    "configured");
        return 0;
}

int
http_tls_new(
    const struct http_options *o, enum tls_version floor, struct http_tls **out, struct err *e)
{
        struct http_tls *t = calloc(1, sizeof(*t));
        int rc;

        if (t == NULL)
                return err_nomem(e, "TLS settings");
        (void)pthread_once(&name_once, make_name_index);
        t->o = o;
        t->max = o->max_version;
        t->min = o->min_version != TLS_DEFAULT ? o->min_version : floor;
        /* only a written minimum can contradict the maximum; the floor gives way */
        if (o->min_version == TLS_DEFAULT && t->max != TLS_DEFAULT && t->max < t->min)
                t->min = t->max;
        t->cert = (struct buf)BUF_INIT(PEM_MAX_BYTES);
        t->key = (struct buf)BUF_INIT(PEM_MAX_BYTES);
        rc = check_options(t, e);
        if (rc < 0) {
                http_tls_free(t);
                return rc;
        }
        *out = t;
        return 0;
}

/* A buffer that may hold a key is wiped before it is given back. */
static void
release_secret(struct buf *b)
{
        if (b->ptr != NULL)
                OPENSSL_cleanse(b->ptr, b->cap);
        buf_release(b);
}

void
http_tls_free(struct http_tls *t)
{
        if (t == NULL)
                return;
        buf_release(&t->cert);
        release_secret(&t->key);
        free(t);
}

/* What is wrong with a file is the operator's to mend; the request that needs it fails. */
static int
config_error(struct err *e, const char *what)
{
        (void)err_prefix(e, "%s", what);
        if (e != NULL)
                e->code = ERR_CONFIG;
        return ERR_CONFIG;
}

/* The text, or where there is none the contents of the file. */
static int
read_pem(const char *what, const char *text, const char *path, struct buf *out, struct err *e)
{
        if (text != NULL)
                return buf_puts(out, text, e);
        return file_read(path, out, e) < 0 ? config_error(e, what) : 0;
}

/* True when the file is another one than *s says; *s is then its new stamp. */
static int
changed(const char *what, const char *path, struct stamp *s, bool *out, struct err *e)
{
        struct stat st;
        struct stamp now;

        if (path == NULL) {
                *out = false;
                return 0;
        }
        if (stat(path, &st) < 0) {
                (void)err_sys(e, errno, "cannot open \"%s\"", path);
                return config_error(e, what);
        }
        now = (struct stamp){st.st_dev, st.st_ino, st.st_size, st.st_mtim};
        *out = now.device != s->device || now.inode != s->inode || now.size != s->size ||
            now.mtime.tv_sec != s->mtime.tv_sec || now.mtime.tv_nsec != s->mtime.tv_nsec;
        *s = now;
        return 0;
}

static int64_t
not_after_ms(const X509 *cert)
{
        struct tm tm;

        if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
                return 0;
        return (int64_t)timegm(&tm) * 1000;
}

/*
 * Walks the certificates of a PEM text. *out_first and *out_last: the earliest and the latest end
 * among them, *out_leaf the first certificate (the caller's; may be NULL). Returns their number.
 */
static unsigned
walk_certificates(const struct buf *pem, int64_t *out_first, int64_t *out_last, X509 **out_leaf)
{
        BIO *bio = BIO_new_mem_buf(pem->ptr, (int)pem->len);
        unsigned n = 0;
        X509 *cert;

        *out_first = INT64_MAX;
        *out_last = 0;
        while (bio != NULL && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
                int64_t end = not_after_ms(cert);

                *out_first = end < *out_first ? end : *out_first;
                *out_last = end > *out_last ? end : *out_last;
                if (out_leaf != NULL && n == 0)
                        *out_leaf = cert;
                else
                        X509_free(cert);
                n++;
        }
        ERR_clear_error(); /* the end of the text is reported as an error */
        BIO_free(bio);
        return n;
}

/* A key with a passphrase is refused instead of asking on the terminal. */
static int
no_passphrase(char *text, int size, int writing, void *arg)
{
        (void)text;
        (void)size;
        (void)writing;
        (void)arg;
        return 0;
}

static int
check_pair(const struct buf *cert, const struct buf *key, int64_t *out_expiry_ms, struct err *e)
{
        BIO *bio = BIO_new_mem_buf(key->ptr, (int)key->len);
        EVP_PKEY *private =
            bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
        X509 *leaf = NULL;
        int64_t last;
        int rc = 0;

        if (walk_certificates(cert, out_expiry_ms, &last, &leaf) == 0)
                rc = err_set(e, ERR_CONFIG, "the client certificate is not PEM text");
        else if (private == NULL)
                rc = err_set(e, ERR_CONFIG,
                    "the client key is not PEM text, or is protected by a passphrase");
        else if (X509_check_private_key(leaf, private) != 1)
                rc = err_set(
                    e, ERR_CONFIG, "the client certificate and the client key do not match");
        ERR_clear_error();
        X509_free(leaf);
        EVP_PKEY_free(private);
        BIO_free(bio);
        return rc;
}

static int
load_pair(struct http_tls *t, struct err *e)
{
        const struct http_options *o = t->o;
        struct buf cert = BUF_INIT(PEM_MAX_BYTES);
        struct buf key = BUF_INIT(PEM_MAX_BYTES);
        struct buf old;
        int64_t expiry_ms = 0;
        int rc = read_pem("client certificate", o->cert, o->cert_file, &cert, e);

        if (rc == 0)
                rc = read_pem("client key", o->key, o->key_file, &key, e);
        if (rc == 0)
                rc = check_pair(&cert, &key, &expiry_ms, e);
        if (rc == 0) {
                old = t->cert;
                t->cert = cert;
                cert = old;
                old = t->key;
                t->key = key;
                key = old;
                t->cert_expiry_ms = expiry_ms;
                t->pair_loaded = true;
        }
        buf_release(&cert);
        release_secret(&key);
        return rc;
}

/* Makes sure that t->cert and t->key are a pair, and the newest one there is. */
static int
refresh_pair(struct http_tls *t, struct err *e)
{
        bool cert_changed = false;
        bool key_changed = false;
        struct err why = ERR_INIT;
        int rc = changed("client certificate", t->o->cert_file, &t->cert_stamp, &cert_changed, e);

        if (rc == 0)
                rc = changed("client key", t->o->key_file, &t->key_stamp, &key_changed, e);
        if (rc < 0 || (t->pair_loaded && !cert_changed && !key_changed))
                return rc;
        if (!t->pair_loaded)
                return load_pair(t, e);
        /* one of two files was written: go on with the pair before until the other one is */
        if (load_pair(t, &why) < 0)
                log_warn("cannot use the changed client certificate, going on with the one before",
                    LOG_STR("file", t->o->cert_file != NULL ? t->o->cert_file : "(inline)"),
                    LOG_STR("err", why.msg));
        return 0;
}

static int
refresh_ca(struct http_tls *t, struct err *e)
{
        struct buf pem = BUF_INIT(PEM_MAX_BYTES);
        bool ca_changed = false;
        int64_t first;
        int rc = changed("CA file", t->o->ca_file, &t->ca_stamp, &ca_changed, e);

        if (rc < 0 || (t->ca_loaded && !ca_changed))
                return rc;
        rc = read_pem("CA file", t->o->ca, t->o->ca_file, &pem, e);
        if (rc == 0 && walk_certificates(&pem, &first, &t->ca_expiry_ms, NULL) == 0)
                rc = err_set(e, ERR_CONFIG, "CA file: there is no PEM certificate in %s",
                    t->o->ca_file != NULL ? t->o->ca_file : "the inline text");
        t->ca_loaded = rc == 0;
        t->ca_loads += rc == 0 ? 1 : 0;
        buf_release(&pem);
        return rc;
}

/* The path, spelled in a way of its own after every change. */
static int
spell_path(const char *path, unsigned loads, struct buf *out, struct err *e)
{
        int rc = 0;

        if (path[0] == '/')
                rc = buf_putc(out, '/', e);
        for (unsigned i = 0; rc == 0 && i < loads % SPELLINGS; i++)
                rc = buf_puts(out, "./", e);
        if (rc == 0)
                rc = buf_append(out, path, strlen(path) + 1, e);
        return rc;
}

static int
put_blob(CURL *easy, CURLoption option, struct view v)
{
        struct curl_blob blob = {(void *)(uintptr_t)v.p, v.n, CURL_BLOB_COPY};

        return curl_easy_setopt(easy, option, &blob) == CURLE_OK ? 0 : ERR_NOMEM;
}

static int
put_ca(struct http_tls *t, CURL *easy, struct err *e)
{
        struct buf path = BUF_INIT(PATH_MAX_BYTES);
        int rc = refresh_ca(t, e);

        if (rc < 0)
                return rc;
        /* only what is configured is trusted, not the machine's own directory besides */
        (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
        if (t->o->ca != NULL) {
                if (put_blob(easy, CURLOPT_CAINFO_BLOB, view_of(t->o->ca)) < 0)
                        rc = err_nomem(e, "CA certificates");
                return rc;
        }
        rc = spell_path(t->o->ca_file, t->ca_loads, &path, e);
        if (rc == 0 && curl_easy_setopt(easy, CURLOPT_CAINFO, path.ptr) != CURLE_OK)
                rc = err_nomem(e, "a CA path");
        buf_release(&path);
        return rc;
}

static int
put_pair(struct http_tls *t, CURL *easy, struct err *e)
{
        int rc = refresh_pair(t, e);

        if (rc < 0)
                return rc;
        if (put_blob(easy, CURLOPT_SSLCERT_BLOB, buf_view(&t->cert)) < 0 ||
            put_blob(easy, CURLOPT_SSLKEY_BLOB, buf_view(&t->key)) < 0)
                return err_nomem(e, "a client certificate");
        return 0;
}

static long
min_option(enum tls_version v)
{
        static const long options[] = {
            [TLS_DEFAULT] = CURL_SSLVERSION_TLSv1_2,
            [TLS_1_0] = CURL_SSLVERSION_TLSv1_0,
            [TLS_1_1] = CURL_SSLVERSION_TLSv1_1,
            [TLS_1_2] = CURL_SSLVERSION_TLSv1_2,
            [TLS_1_3] = CURL_SSLVERSION_TLSv1_3,
        };

        return options[v];
}

static long
max_option(enum tls_version v)
{
        static const long options[] = {
            [TLS_DEFAULT] = CURL_SSLVERSION_MAX_DEFAULT,
            [TLS_1_0] = CURL_SSLVERSION_MAX_TLSv1_0,
            [TLS_1_1] = CURL_SSLVERSION_MAX_TLSv1_1,
            [TLS_1_2] = CURL_SSLVERSION_MAX_TLSv1_2,
            [TLS_1_3] = CURL_SSLVERSION_MAX_TLSv1_3,
        };

        return options[v];
}

/* Another name in the ClientHello than the URL's host: the handshake has not been written yet. */
static void
handshake_starts(const SSL *ssl, int where, int ret)
{
        const char *name;

        (void)ret;
        if ((where & SSL_CB_HANDSHAKE_START) == 0)
                return;
        name = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), name_index);
        if (name != NULL)
                (void)SSL_set_tlsext_host_name((SSL *)(uintptr_t)ssl, name);
}

static CURLcode
set_server_name(CURL *easy, void *ssl_ctx, void *arg)
{
        const struct http_tls *t = arg;
        SSL_CTX *ctx = ssl_ctx;
        X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);
        char *name = strdup(t->o->server_name);

        (void)easy;
        if (name == NULL)
                return CURLE_OUT_OF_MEMORY;
        if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1) {
                free(name); /* an address is verified, but never named in the ClientHello */
                return CURLE_OK;
        }
        ERR_clear_error();
        X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        if (X509_VERIFY_PARAM_set1_host(param, name, 0) != 1 ||
            SSL_CTX_set_ex_data(ctx, name_index, name) != 1) {
                free(name);
                return CURLE_SSL_CONNECT_ERROR;
        }
        SSL_CTX_set_info_callback(ctx, handshake_starts);
        return CURLE_OK;
}

static void
put_name(struct http_tls *t, CURL *easy)
{
        bool own = t->o->server_name != NULL && t->o->server_name[0] != '\0';
        bool verify = !t->o->insecure_skip_verify;

        (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
        (void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify && !own ? 2L : 0L);
        if (!own)
                return;
        (void)curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, set_server_name);
        (void)curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, t);
        /* libcurl looks sessions up by the URL's host: not one of another server name */
        (void)curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
}

/* No connection of another server name is taken again, see above. */
static int
tell_apart(struct http_tls *t, CURL *easy, struct err *e)
{
        const struct http_options *o = t->o;
        const char *folder = NULL;
        char path[PATH_MAX_BYTES];

        if (o->server_name == NULL || o->server_name[0] == '\0')
                return 0;
        if (o->ca == NULL && o->ca_file == NULL)
                folder = curl_version_info(CURLVERSION_NOW)->capath;
        (void)snprintf(path, sizeof(path), "%s%s/dev/null/%016" PRIx64,
            folder != NULL ? folder : "", folder != NULL ? ":" : "",
            hash_stable(o->server_name, strlen(o->server_name), 0));
        if (curl_easy_setopt(easy, CURLOPT_CAPATH, path) != CURLE_OK)
                return err_nomem(e, "a server name");
        return 0;
}

int
http_tls_apply(struct http_tls *t, CURL *easy, struct err *e)
{
        const struct http_options *o = t->o;
        int rc = 0;

        (void)curl_easy_setopt(easy, CURLOPT_SSLVERSION, min_option(t->min) | max_option(t->max));
        /* OpenSSL's default security level has no signature left that 1.0 and 1.1 could use */
        if (t->min == TLS_1_0 || t->min == TLS_1_1)
                (void)curl_easy_setopt(easy, CURLOPT_SSL_CIPHER_LIST, "DEFAULT:@SECLEVEL=0");
        put_name(t, easy);
        if (o->ca != NULL || o->ca_file != NULL)
                rc = put_ca(t, easy, e);
        if (rc == 0)
                rc = tell_apart(t, easy, e);
        if (rc == 0 && (o->cert != NULL || o->cert_file != NULL))
                rc = put_pair(t, easy, e);
        return rc;
}

int64_t
http_tls_expiry_ms(const struct http_tls *t)
{
        if (t->cert_expiry_ms != 0 && (t->ca_expiry_ms == 0 || t->cert_expiry_ms < t->ca_expiry_ms))
                return t->cert_expiry_ms;
        return t->ca_expiry_ms;
}
