/*
 * What stands behind a request's method: no crash; a path is whole and clean after one cleaning,
 * arguments end, and what becomes a header is one line.
 */
#include "agent/httpd_target.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check(const struct httpd_target *t)
{
        struct buf once = BUF_INIT(1 << 20);
        struct buf twice = BUF_INIT(1 << 20);
        struct buf line = BUF_INIT(1 << 22);

        if (httpd_target_clean(t->path, &once, NULL) < 0 || once.ptr[0] != '/' ||
            httpd_target_clean(once.ptr, &twice, NULL) < 0 || strcmp(once.ptr, twice.ptr) != 0)
                abort();
        if (httpd_target_escape(once.ptr, &line, NULL) < 0)
                abort();
        for (size_t i = 0; i < line.len; i++) {
                if (line.ptr[i] <= ' ' || line.ptr[i] > '~')
                        abort();
        }
        buf_release(&once);
        buf_release(&twice);
        buf_release(&line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        struct httpd_target t = {0};
        char *text = malloc(n + 1);

        if (text == NULL)
                return 0;
        if (n > 0)
                memcpy(text, data, n);
        text[n] = '\0';
        if (httpd_target_parse(text, &t, NULL) == 0) {
                check(&t);
                (void)httpd_target_argument(&t, "state");
                (void)httpd_target_argument(&t, "");
        }
        httpd_target_release(&t);
        free(text);
        return 0;
}
