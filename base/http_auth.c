#include "base/http_auth.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/http_secret.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum {
        HEADER_MAX_BYTES = 64 << 10,
        REDIRECTS_MAX = 10,
        HOST_MAX = 256,
};

/* ---- credentials ---- */

static int
apply_basic(const struct http_options *o, CURL *easy, struct err *e)
{
        struct buf name = BUF_INIT(HTTP_SECRET_MAX);
        struct buf password = BUF_INIT(HTTP_SECRET_MAX);
        int rc = http_secret_read("basic_auth.username", o->username, o->username_file, &name, e);

        if (rc == 0)
                rc = http_secret_read(
                    "basic_auth.password", o->password, o->password_file, &password, e);
        if (rc == 0 &&
            (curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC) != CURLE_OK ||
                curl_easy_setopt(easy, CURLOPT_USERNAME, name.ptr) != CURLE_OK ||
                curl_easy_setopt(easy, CURLOPT_PASSWORD, password.ptr) != CURLE_OK))
                rc = err_nomem(e, "credentials");
        http_secret_release(&name);
        http_secret_release(&password);
        return rc;
}

static int
apply_authorization(const struct http_options *o, struct curl_slist **headers, struct err *e)
{
        struct buf secret = BUF_INIT(HTTP_SECRET_MAX);
        struct buf line = BUF_INIT(HTTP_SECRET_MAX + 256);
        const char *type = o->auth_type != NULL ? o->auth_type : "Bearer";
        int rc = http_secret_read(
            "authorization.credentials", o->credentials, o->credentials_file, &secret, e);

        /* libcurl itself keeps a header of this name from other hosts, ports and schemes */
        if (rc == 0)
                rc = buf_printf(&line, e, "Authorization: %s %s", type, secret.ptr);
        if (rc == 0)
                rc = http_secret_append(headers, line.ptr, e);
        http_secret_release(&secret);
        http_secret_release(&line);
        return rc;
}

int
http_auth_apply(
    const struct http_options *o, CURL *easy, struct curl_slist **headers, struct err *e)
{
        if (o->credentials != NULL || o->credentials_file != NULL)
                return apply_authorization(o, headers, e);
        if (o->username != NULL || o->username_file != NULL || o->password != NULL ||
            o->password_file != NULL)
                return apply_basic(o, easy, e);
        return 0;
}

/* ---- the guard ---- */

struct guard {
        struct guard *next;
        CURL *easy; /* borrowed; only compared once the transfer is over */
        struct curl_slist *custom; /* the first custom header in the transfer's list; borrowed */
        size_t n_custom;
        char host[HOST_MAX]; /* of the first request */
        bool https;
        bool post;
};

struct http_guards {
        struct guard *head; /* owned */
};

int
http_guards_new(struct http_guards **out, struct err *e)
{
        struct http_guards *g = calloc(1, sizeof(*g));

        if (g == NULL)
                return err_nomem(e, "redirect guards");
        *out = g;
        return 0;
}

void
http_guards_free(struct http_guards *g)
{
        if (g == NULL)
                return;
        while (g->head != NULL) {
                struct guard *next = g->head->next;

                free(g->head);
                g->head = next;
        }
        free(g);
}

static struct guard *
find_guard(struct http_guards *g, CURL *easy)
{
        struct guard *x = g->head;

        while (x != NULL && x->easy != easy)
                x = x->next;
        if (x != NULL)
                return x;
        x = calloc(1, sizeof(*x));
        if (x != NULL) {
                x->easy = easy;
                x->next = g->head;
                g->head = x;
        }
        return x;
}

bool
http_link_local(const char *ip)
{
        static const unsigned char metadata[16] = {
            0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54};
        static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
        unsigned char a[16];

        if (inet_pton(AF_INET, ip, a) == 1)
                return a[0] == 169 && a[1] == 254;
        if (inet_pton(AF_INET6, ip, a) != 1)
                return false;
        if (memcmp(a, mapped, sizeof(mapped)) == 0)
                return a[12] == 169 && a[13] == 254;
        return (a[0] == 0xfe && (a[1] & 0xc0) == 0x80) || memcmp(a, metadata, sizeof(a)) == 0;
}

/* "Name: value" becomes "Name:", which libcurl does not send. The list is this transfer's own. */
static void
take_out_headers(struct guard *x)
{
        struct curl_slist *h = x->custom;

        for (size_t i = 0; h != NULL && i < x->n_custom; i++, h = h->next) {
                char *end = strpbrk(h->data, ":;");

                if (end != NULL) {
                        end[0] = ':';
                        end[1] = '\0';
                }
        }
        x->n_custom = 0;
}

/* The host and whether it is https, of the URL that is about to be asked. False: not to be had. */
static bool
current_host(CURL *easy, char host[HOST_MAX], bool *https)
{
        CURLU *u = curl_url();
        char *url = NULL;
        char *part = NULL;
        bool ok = false;

        if (u != NULL && curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url) == CURLE_OK &&
            url != NULL && curl_url_set(u, CURLUPART_URL, url, CURLU_GUESS_SCHEME) == CURLUE_OK &&
            curl_url_get(u, CURLUPART_HOST, &part, 0) == CURLUE_OK && strlen(part) < HOST_MAX) {
                memcpy(host, part, strlen(part) + 1);
                curl_free(part);
                part = NULL;
                if (curl_url_get(u, CURLUPART_SCHEME, &part, 0) == CURLUE_OK) {
                        *https = strcasecmp(part, "https") == 0;
                        ok = true;
                }
        }
        curl_free(part);
        curl_url_cleanup(u);
        return ok;
}

static bool
current_post(CURL *easy)
{
        char *method = NULL;

        return curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_METHOD, &method) == CURLE_OK &&
            method != NULL && strcmp(method, "POST") == 0;
}

/* Called by libcurl when the connection stands and before the request is written. */
static int
before_request(void *arg, char *remote_ip, char *local_ip, int remote_port, int local_port)
{
        struct guard *x = arg;
        char host[HOST_MAX] = "";
        bool https = false;
        bool same;
        long redirects = 0;
        long status = 0;

        (void)local_ip;
        (void)remote_port;
        (void)local_port;
        (void)curl_easy_getinfo(x->easy, CURLINFO_REDIRECT_COUNT, &redirects);
        if (redirects == 0) {
                if (!current_host(x->easy, x->host, &x->https))
                        x->host[0] = '\0';
                x->post = current_post(x->easy);
                return CURL_PREREQFUNC_OK;
        }
        (void)curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
        if (status < 301 || status == 304 || (status > 303 && status < 307) || status > 308)
                return CURL_PREREQFUNC_ABORT; /* libcurl goes by the Location alone */
        same = current_host(x->easy, host, &https) && strcasecmp(host, x->host) == 0;
        if (x->post && !current_post(x->easy))
                return CURL_PREREQFUNC_ABORT;
        if (!same && http_link_local(remote_ip))
                return CURL_PREREQFUNC_ABORT;
        if (!same || (x->https && !https))
                take_out_headers(x);
        return CURL_PREREQFUNC_OK;
}

static int
append_custom(const struct http_header *h, struct curl_slist **headers, struct err *e)
{
        struct buf value = BUF_INIT(HTTP_SECRET_MAX);
        struct buf line = BUF_INIT(HEADER_MAX_BYTES);
        int rc = http_secret_read("http_headers.files", h->value, h->file, &value, e);

        if (rc == 0 && strpbrk(h->name, "\r\n:;") != NULL)
                rc = err_set(e, ERR_CONFIG, "header \"%s\" has a line feed in it", h->name);
        /* libcurl's way to send a header without a value is "Name;" */
        if (rc == 0)
                rc = buf_printf(
                    &line, e, "%s%s%s", h->name, value.ptr[0] != '\0' ? ": " : ";", value.ptr);
        if (rc == 0)
                rc = http_secret_append(headers, line.ptr, e);
        http_secret_release(&value);
        http_secret_release(&line);
        return rc;
}

static struct curl_slist *
last_header(struct curl_slist *h)
{
        while (h != NULL && h->next != NULL)
                h = h->next;
        return h;
}

int
http_guards_apply(struct http_guards *g, const struct http_options *o, const struct http_request *r,
    struct err *e)
{
        struct curl_slist **headers = r->headers;
        CURL *easy = r->easy;
        struct curl_slist *before = last_header(*headers);
        struct guard *x;

        for (size_t i = 0; i < o->n_headers; i++) {
                int rc = append_custom(&o->headers[i], headers, e);

                if (rc < 0)
                        return rc;
        }
        (void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, o->follow_redirects ? 1L : 0L);
        if (!o->follow_redirects)
                return 0;
        x = find_guard(g, easy);
        if (x == NULL)
                return err_nomem(e, "a redirect guard");
        x->custom = before != NULL ? before->next : *headers;
        x->n_custom = o->n_headers;
        (void)curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
        (void)curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
        (void)curl_easy_setopt(easy, CURLOPT_PREREQDATA, x);
        return 0;
}
