#include "base/http_secret.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

#include <ctype.h>
#include <string.h>

static int
read_file(const char *what, const char *path, struct buf *out, struct err *e)
{
        size_t start = 0;

        if (file_read(path, out, e) < 0) {
                (void)err_prefix(e, "%s", what);
                if (e != NULL)
                        e->code = ERR_CONFIG;
                return ERR_CONFIG;
        }
        while (out->len > 0 && isspace((unsigned char)out->ptr[out->len - 1]))
                out->len--;
        while (start < out->len && isspace((unsigned char)out->ptr[start]))
                start++;
        buf_consume(out, start);
        return 0;
}

int
http_secret_read(
    const char *what, const char *text, const char *path, struct buf *out, struct err *e)
{
        int rc = 0;

        if (text != NULL)
                rc = buf_puts(out, text, e);
        else if (path != NULL)
                rc = read_file(what, path, out, e);
        for (size_t i = 0; rc == 0 && i < out->len; i++) {
                unsigned char c = (unsigned char)out->ptr[i];

                if (c == '\r' || c == '\n' || c == '\0')
                        return err_set(e, ERR_CONFIG, "%s%s%s: a line feed or a zero byte in it",
                            what, path != NULL ? " " : "", path != NULL ? path : "");
        }
        return rc == 0 ? buf_putc(out, '\0', e) : rc;
}

void
http_secret_release(struct buf *b)
{
        if (b->ptr != NULL)
                explicit_bzero(b->ptr, b->cap);
        buf_release(b);
}

int
http_secret_append(struct curl_slist **headers, const char *line, struct err *e)
{
        struct curl_slist *longer = curl_slist_append(*headers, line);

        if (longer == NULL)
                return err_nomem(e, "a header");
        *headers = longer;
        return 0;
}

void
http_secret_free_list(struct curl_slist *headers)
{
        for (struct curl_slist *h = headers; h != NULL; h = h->next)
                explicit_bzero(h->data, strlen(h->data));
        curl_slist_free_all(headers);
}
