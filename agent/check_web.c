#include "agent/check_web.h"

#include "agent/check_show.h"
#include "agent/web.h"
#include "agent/web_tls.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/escape.h"
#include "base/json.h"

#include <string.h>

static const char *const client_auth_words[] = {[WEB_CLIENT_NONE] = "not asked for",
    [WEB_CLIENT_REQUEST] = "asked for, not verified",
    [WEB_CLIENT_REQUIRE_ANY] = "needed, not verified",
    [WEB_CLIENT_VERIFY_IF_GIVEN] = "verified if there is one",
    [WEB_CLIENT_REQUIRE_AND_VERIFY] = "needed and verified"};

static int
put_text(const struct web_config *c, struct buf *out, struct err *e)
{
        int rc = c->tls
            ? buf_printf(out, e, "TLS 1.%u to 1.%u, clients' certificates %s\n",
                  c->min_version - 10, c->max_version - 10, client_auth_words[c->client_auth])
            : buf_puts(out, "no TLS\n", e);

        if (rc == 0)
                rc = buf_puts(out, c->n_users > 0 ? "users:" : "no passwords", e);
        for (size_t i = 0; rc == 0 && i < c->n_users; i++) {
                rc = buf_putc(out, ' ', e);
                if (rc == 0)
                        rc = escape_put(out, view_of(c->users[i].name), e);
        }
        for (size_t i = 0; rc == 0 && i < c->n_headers; i++)
                rc = buf_printf(out, e, "\nheader %s: %s", c->headers[i].name, c->headers[i].value);
        if (rc == 0 && c->rate_interval_ns > 0)
                rc = buf_printf(out, e, "\none request in %.9g s, %lld at once",
                    (double)c->rate_interval_ns / 1e9, (long long)c->rate_burst);
        return rc == 0 ? buf_putc(out, '\n', e) : rc;
}

static int
put_strings(struct buf *out, const struct web_config *c, bool users, struct err *e)
{
        size_t n = users ? c->n_users : c->n_headers;
        int rc = buf_puts(out, users ? ",\"users\":[" : ",\"headers\":[", e);

        for (size_t i = 0; rc == 0 && i < n; i++) {
                const char *name = users ? c->users[i].name : c->headers[i].name;

                if (i > 0)
                        rc = buf_putc(out, ',', e);
                if (rc == 0)
                        rc = json_put_string(out, view_of(name), e);
        }
        return rc == 0 ? buf_putc(out, ']', e) : rc;
}

static int
put_json(const char *path, const struct web_config *c, const struct check_result *x,
    struct buf *out, struct err *e)
{
        int rc = buf_puts(out, "{\"web_config_file\":", e);

        if (rc == 0)
                rc = json_put_string(out, view_of(path), e);
        if (rc == 0)
                rc = buf_printf(out, e, ",\"valid\":%s", c != NULL ? "true" : "false");
        if (rc == 0 && c == NULL)
                rc = buf_puts(out, ",\"error\":", e);
        if (rc == 0 && c == NULL)
                rc = json_put_string(out, view_of(x->error), e);
        if (rc == 0)
                rc = check_show_messages(x->report, out, e);
        if (rc == 0 && c != NULL)
                rc = buf_printf(out, e, ",\"tls\":%s", c->tls ? "true" : "false");
        if (rc == 0 && c != NULL)
                rc = put_strings(out, c, true, e);
        if (rc == 0 && c != NULL)
                rc = put_strings(out, c, false, e);
        return rc == 0 ? buf_puts(out, "}\n", e) : rc;
}

static int
put_all(const struct web_config *c, const struct check_result *x, struct buf *out,
    struct buf *messages, struct err *e)
{
        int rc = config_report_print(x->report, messages, e);

        if (rc == 0 && c == NULL)
                return buf_printf(messages, e, "gleaner check: %s\n", x->error);
        if (rc == 0)
                rc = escape_put(out, view_of(x->path), e);
        if (rc == 0)
                rc = buf_puts(out, " is a good web configuration\n", e);
        return rc == 0 ? put_text(c, out, e) : rc;
}

int
check_web(const char *path, bool json, struct buf *out, struct buf *messages, struct err *e)
{
        struct config_report report = {0};
        struct web_config *c = NULL;
        struct web_tls *tls = NULL;
        struct err why = ERR_INIT;
        int refused = web_load(path, &c, &tls, &report, &why);
        const struct check_result x = {.path = path, .report = &report, .error = why.msg};
        int rc = refused == 0 || refused == ERR_CONFIG ? 0 : err_set(e, refused, "%s", why.msg);

        if (rc == 0)
                rc = json ? put_json(path, c, &x, out, e) : put_all(c, &x, out, messages, e);
        web_tls_unref(tls);
        web_config_free(c);
        config_report_release(&report);
        if (rc == 0 && refused < 0)
                rc = err_set(e, ERR_CONFIG, "%s", "the web configuration has mistakes");
        return rc;
}
