/*
 * Head and body of an answer, the same whichever way it came.
 */
#include "base/compress.h"
#include "base/err.h"
#include "base/memory.h"
#include "scrape/fetch_state.h"
#include "scrape/job.h"
#include "scrape/mediatype.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
        GUNZIP_PIECE = 1 << 10, /* as it came, at a time: at worst a megabyte of page */
        FETCH_MAX_DISCARD = 64 << 10, /* of the body of an error page, to keep its connection */
};

void
fetch_answer_reset(struct fetch *x)
{
        x->content_type[0] = '\0';
        x->has_content_type = false;
        x->has_encoding = false;
        x->gzipped = false;
        x->closes = false;
        x->result.encoding[0] = '\0';
        x->body_bytes = 0;
        x->refused.code = ERR_NONE;
        fetch_drop_rest(x);
        if (x->gunzip != NULL)
                gunzip_reset(x->gunzip);
}

static bool
is_header(const char *line, size_t n, const char *name, struct view *value)
{
        size_t len = strlen(name);
        size_t from = len + 1;

        if (n <= len || line[len] != ':' || strncasecmp(line, name, len) != 0)
                return false;
        while (from < n && (line[from] == ' ' || line[from] == '\t'))
                from++;
        while (n > from && (unsigned char)line[n - 1] <= ' ')
                n--;
        *value = (struct view){line + from, n - from};
        return true;
}

void
fetch_take_header(struct fetch *x, const char *p, size_t n)
{
        struct view value;

        if (n >= 5 && memcmp(p, "HTTP/", 5) == 0) {
                x->has_content_type = false;
                x->has_encoding = false;
                x->gzipped = false;
                x->closes = false;
                x->content_type[0] = '\0';
                x->result.encoding[0] = '\0';
        } else if (!x->has_content_type && is_header(p, n, "Content-Type", &value)) {
                size_t keep = value.n < FETCH_HEADER_MAX - 1 ? value.n : FETCH_HEADER_MAX - 1;

                x->has_content_type = true;
                memcpy(x->content_type, value.p, keep);
                x->content_type[keep] = '\0';
        } else if (!x->has_encoding && is_header(p, n, "Content-Encoding", &value)) {
                x->has_encoding = true;
                x->gzipped = view_is(value, "gzip");
                if (!x->gzipped && !view_is(value, "identity"))
                        (void)snprintf(x->result.encoding, sizeof(x->result.encoding), "%.*s",
                            (int)value.n, value.p);
        } else if (is_header(p, n, "Connection", &value)) {
                x->closes = x->closes || value.n != strlen("keep-alive") ||
                    strncasecmp(value.p, "keep-alive", value.n) != 0;
        }
}

int
fetch_explain(const struct fetch_result *r, int rc, struct err *e)
{
        if (rc == ERR_PARSE && r->encoding[0] != '\0')
                (void)err_prefix(
                    e, "the page is encoded as \"%s\", only gzip is undone", r->encoding);
        return rc;
}

static int
tell_format(const struct fetch *x, struct err *e)
{
        enum text_format format;
        int rc;

        if (x->request.any_type)
                return 0;
        rc = media_type_accept(view_of(x->content_type), x->request.job->fallback, &format, e);
        if (rc == 0 && x->request.format != NULL)
                x->request.format(x->request.arg, format);
        return rc;
}

/* Decompressed bytes. */
static int
take_page(void *arg, const char *p, size_t n, struct err *e)
{
        struct fetch *x = arg;
        uint64_t limit = x->request.job->body_size_limit;
        bool first = x->result.page_bytes == 0;
        int rc = 0;

        if (n == 0)
                return 0;
        x->result.page_bytes += n;
        x->turn_bytes += n;
        if (limit > 0 && x->result.page_bytes >= limit) {
                x->result.over_body_limit = true;
                return err_set(
                    e, ERR_LIMIT, "the page has reached body_size_limit, %" PRIu64 " bytes", limit);
        }
        if (x->refused.code != ERR_NONE)
                return 0;
        if (first)
                rc = tell_format(x, &x->refused);
        if (rc == 0)
                rc = x->request.piece(x->request.arg, p, n, &x->refused);
        if (rc == 0 || rc == ERR_PARSE || rc == ERR_REFUSED)
                return 0;
        if (e != NULL)
                *e = x->refused;
        return rc;
}

static void
join_turn(struct fetch *x)
{
        if (x->turn == x->owner->turn)
                return;
        x->turn = x->owner->turn;
        x->turn_bytes = 0;
}

/* As much as this turn's share of page has room for; *out_taken: so many of the n bytes. */
static int
inflate_some(struct fetch *x, const char *p, size_t n, size_t *out_taken, struct err *e)
{
        size_t taken = 0;
        int rc = 0;

        while (rc == 0 && taken < n && x->turn_bytes < FETCH_TURN_BYTES) {
                size_t piece = n - taken < GUNZIP_PIECE ? n - taken : GUNZIP_PIECE;

                rc = gunzip_feed(x->gunzip, p + taken, piece, take_page, x, e);
                taken += piece;
        }
        *out_taken = taken;
        return rc;
}

static int
keep_rest(struct fetch *x, const char *p, size_t n, struct err *e)
{
        size_t before = x->rest.cap;
        bool first = x->rest.len == 0;
        int rc = buf_append(&x->rest, p, n, e);

        x->owner->n_rest += first && x->rest.len > 0;
        memory_account(MEMORY_STAGING, (int64_t)x->rest.cap - (int64_t)before);
        return rc;
}

void
fetch_drop_rest(struct fetch *x)
{
        x->owner->n_rest -= x->rest.len > 0;
        memory_account(MEMORY_STAGING, -(int64_t)x->rest.cap);
        buf_release(&x->rest);
}

int
fetch_take_rest(struct fetch *x, struct err *e)
{
        size_t taken;
        int rc;

        join_turn(x);
        rc = inflate_some(x, x->rest.ptr, x->rest.len, &taken, e);
        if (taken == x->rest.len)
                fetch_drop_rest(x);
        else
                buf_consume(&x->rest, taken);
        return rc;
}

static int
take_gzipped(struct fetch *x, const char *p, size_t n, struct err *e)
{
        size_t taken = 0;
        int rc = 0;

        if (x->gunzip == NULL) {
                rc = gunzip_new(&x->gunzip, e);
                if (rc == 0)
                        memory_account(MEMORY_STAGING, FETCH_GUNZIP_MEMORY);
        }
        if (rc == 0 && x->rest.len == 0)
                rc = inflate_some(x, p, n, &taken, e);
        return rc == 0 && taken < n ? keep_rest(x, p + taken, n - taken, e) : rc;
}

int
fetch_take_body(struct fetch *x, const char *p, size_t n, struct err *e)
{
        join_turn(x);
        x->body_bytes += n;
        if (x->result.status != 200) {
                /* the little that there usually is, so that the connection can be used again */
                return x->body_bytes > FETCH_MAX_DISCARD
                    ? err_set(
                          e, ERR_REFUSED, "the server returned HTTP status %ld", x->result.status)
                    : 0;
        }
        return x->gzipped ? take_gzipped(x, p, n, e) : take_page(x, p, n, e);
}

int
fetch_end_body(struct fetch *x, struct err *e)
{
        if (x->result.status != 200)
                return err_set(
                    e, ERR_REFUSED, "the server returned HTTP status %ld", x->result.status);
        if (x->gzipped) {
                int rc = x->body_bytes > 0 ? gunzip_finish(x->gunzip, e)
                                           : err_set(e, ERR_PARSE, "the gzip body is empty");

                if (rc < 0)
                        return rc;
        }
        x->result.whole = true;
        if (x->refused.code != ERR_NONE && e != NULL)
                *e = x->refused;
        return x->refused.code;
}
