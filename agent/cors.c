#include "agent/cors.h"

#include "agent/httpd.h"
#include "base/err.h"
#include "base/regex.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct cors {
        struct regex *origins; /* owned */
};

int
cors_new(const char *origins, struct cors **out, struct err *e)
{
        struct cors *c = calloc(1, sizeof(*c));
        struct err why = ERR_INIT;
        int rc;

        if (c == NULL)
                return err_nomem(e, "--web.cors.origin");
        rc = regex_new_anchored(view_of(origins), &c->origins, &why);
        if (rc < 0) {
                free(c);
                return err_set(
                    e, rc, "could not compile CORS regex string \"%.200s\": %s", origins, why.msg);
        }
        *out = c;
        return 0;
}

void
cors_free(struct cors *c)
{
        if (c == NULL)
                return;
        regex_free(c->origins);
        free(c);
}

/* It comes back in a header, so it must be fit for one. */
static bool
allows(struct cors *c, const char *origin)
{
        bool matched = false;

        return strpbrk(origin, "\t\r\n") == NULL &&
            regex_match(c->origins, view_of(origin), false, &matched, NULL) == 0 && matched;
}

void
cors_set(struct cors *c, const char *origin, struct httpd_reply *reply)
{
        httpd_reply_header(reply, "Vary", "Origin");
        if (origin == NULL || origin[0] == '\0')
                return;
        httpd_reply_header(
            reply, "Access-Control-Allow-Headers", "Accept, Authorization, Content-Type, Origin");
        httpd_reply_header(reply, "Access-Control-Allow-Methods", "GET, POST, OPTIONS");
        httpd_reply_header(reply, "Access-Control-Expose-Headers", "Date");
        if (allows(c, origin))
                httpd_reply_header(reply, "Access-Control-Allow-Origin", origin);
}
