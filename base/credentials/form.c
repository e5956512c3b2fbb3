#include "base/credentials/form.h"

#include "base/buf.h"

#include <string.h>

int
form_escape(struct buf *out, const char *text, struct err *e)
{
        int rc = 0;

        for (const char *p = text; rc == 0 && *p != '\0'; p++) {
                bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                    (*p >= '0' && *p <= '9') || strchr("-_.~", *p) != NULL;

                if (*p == ' ')
                        rc = buf_putc(out, '+', e);
                else if (plain)
                        rc = buf_putc(out, *p, e);
                else
                        rc = buf_printf(out, e, "%%%02X", (unsigned char)*p);
        }
        return rc;
}

int
form_put(struct buf *out, const char *name, const char *value, struct err *e)
{
        int rc;

        if (value == NULL)
                return 0;
        rc = out->len > 0 ? buf_putc(out, '&', e) : 0;
        if (rc == 0)
                rc = form_escape(out, name, e);
        if (rc == 0)
                rc = buf_putc(out, '=', e);
        return rc == 0 ? form_escape(out, value, e) : rc;
}
