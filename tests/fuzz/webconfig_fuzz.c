/*
 * Any bytes as a web configuration: no crash, what is refused has a reason, what is good keeps to
 * its bounds.
 */
#include "agent/web_config.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check(const struct web_config *c)
{
        if (c->n_headers > WEB_HEADERS_MAX || c->n_users > WEB_USERS_MAX ||
            c->n_curves > WEB_CURVES_MAX || c->min_version > c->max_version)
                abort();
        for (size_t i = 0; i < c->n_headers; i++) {
                if (strpbrk(c->headers[i].value, "\r\n") != NULL)
                        abort();
        }
        for (size_t i = 0; i < c->n_users; i++) {
                if (strlen(c->users[i].hash) != BCRYPT_BYTES)
                        abort();
        }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        static const char named[] = "_file";
        struct config_report report = {0};
        struct web_config *c = NULL;
        struct err e = ERR_INIT;
        struct buf lines = BUF_INIT((size_t)64 << 20);

        /* would read files that are not the fuzzer's */
        if (n > 0 && memmem(data, n, named, sizeof(named) - 1) != NULL)
                return 0;
        if (web_config_load_text(
                "/nowhere/web.yml", (struct view){(const char *)data, n}, &c, &report, &e) == 0)
                check(c);
        else if (report.errors == 0 || e.msg[0] == '\0')
                abort();
        if (config_report_print(&report, &lines, NULL) < 0)
                abort();
        buf_release(&lines);
        web_config_free(c);
        config_report_release(&report);
        return 0;
}
