#include "agent/httpd_body.h"

#include "agent/httpd.h"
#include "base/compress.h"
#include "base/err.h"
#include "base/log.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BLOCK_BYTES = 16 << 10 }; /* that libmicrohttpd asks for at a time */

/* Owned by its response. */
struct body {
        struct httpd_stream stream;
        struct gzip *gzip; /* owned; NULL: pieces go out as they are */
        struct buf raw; /* gzip: the piece before it is packed */
        struct buf piece;
        size_t sent; /* of the piece */
        bool last; /* it is */
};

static void
end_stream(const struct httpd_stream *s)
{
        if (s->end != NULL)
                s->end(s->arg);
}

static void
free_body(void *arg)
{
        struct body *b = arg;

        end_stream(&b->stream);
        gzip_free(b->gzip);
        buf_release(&b->raw);
        buf_release(&b->piece);
        free(b);
}

/* A client whose answer ends in the middle sees that: its last chunk does not come. */
static int
next_piece(struct body *b)
{
        struct buf *raw = b->gzip != NULL ? &b->raw : &b->piece;
        struct err e = ERR_INIT;
        int rc;

        buf_reset(&b->raw);
        buf_reset(&b->piece);
        b->sent = 0;
        rc = b->stream.more(b->stream.arg, raw, &e);
        b->last = rc <= 0;
        if (rc >= 0 && b->gzip != NULL)
                rc = gzip_feed(b->gzip, buf_view(raw), b->last, &b->piece, &e);
        if (rc < 0)
                log_warn(
                    "cannot go on with an answer, the connection is closed", LOG_STR("err", e.msg));
        return rc < 0 ? rc : 0;
}

static ssize_t
on_read(void *arg, uint64_t at, char *out, size_t max)
{
        struct body *b = arg;
        size_t n;

        (void)at;
        while (b->sent == b->piece.len) {
                if (b->last)
                        return MHD_CONTENT_READER_END_OF_STREAM;
                if (next_piece(b) < 0)
                        return MHD_CONTENT_READER_END_WITH_ERROR;
        }
        n = b->piece.len - b->sent;
        n = n < max ? n : max;
        memcpy(out, b->piece.ptr + b->sent, n);
        b->sent += n;
        return (ssize_t)n;
}

static struct MHD_Response *
respond_whole(struct httpd_reply *reply)
{
        struct MHD_Response *response = MHD_create_response_from_buffer(
            reply->body.len, reply->body.ptr, MHD_RESPMEM_MUST_FREE);

        if (response == NULL)
                buf_release(&reply->body);
        return response;
}

static struct MHD_Response *
respond_by_pieces(struct httpd_reply *reply, struct gzip *gzip)
{
        struct MHD_Response *response;
        struct body *b = calloc(1, sizeof(*b));

        if (b == NULL) {
                end_stream(&reply->stream);
                gzip_free(gzip);
                buf_release(&reply->body);
                return NULL;
        }
        *b = (struct body){.stream = reply->stream,
            .gzip = gzip,
            .raw = BUF_INIT(reply->body.max),
            .piece = reply->body};
        response =
            MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, on_read, b, free_body);
        if (response == NULL)
                free_body(b);
        return response;
}

/* The body that is there already, packed; NULL when there is no memory for it. */
static struct gzip *
pack_body(struct httpd_reply *reply)
{
        struct gzip *gzip = NULL;
        struct buf packed = BUF_INIT(reply->body.max);

        if (gzip_new(&gzip, NULL) < 0)
                return NULL;
        if (gzip_feed(gzip, buf_view(&reply->body), reply->stream.more == NULL, &packed, NULL) <
            0) {
                gzip_free(gzip);
                buf_release(&packed);
                return NULL;
        }
        buf_release(&reply->body);
        reply->body = packed;
        return gzip;
}

struct MHD_Response *
httpd_body_response(struct httpd_reply *reply, bool pack)
{
        struct gzip *gzip = pack && reply->body.len > 0 ? pack_body(reply) : NULL;
        bool packed = gzip != NULL;
        struct MHD_Response *response;

        if (reply->stream.more != NULL) {
                response = respond_by_pieces(reply, gzip);
        } else {
                gzip_free(gzip);
                response = respond_whole(reply);
        }
        if (packed && response != NULL &&
            MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip") !=
                MHD_YES) {
                MHD_destroy_response(response);
                return NULL;
        }
        return response;
}

/* "gzip", " gzip;q=0.5 ", not "gzip;q=0.000". */
static bool
is_gzip(const char *p, const char *end)
{
        static const char name[] = "gzip";
        static const char q[] = "q=";

        p += strspn(p, " \t");
        if (end - p < (ptrdiff_t)strlen(name) || strncasecmp(p, name, strlen(name)) != 0)
                return false;
        p += strlen(name);
        p += strspn(p, " \t");
        if (p == end)
                return true;
        if (*p != ';')
                return false;
        p += 1 + strspn(p + 1, " \t");
        return strncasecmp(p, q, strlen(q)) != 0 || strspn(p + 2, "0.") < strcspn(p + 2, " \t,");
}

bool
httpd_body_takes_gzip(const char *accepted)
{
        while (accepted != NULL && *accepted != '\0') {
                const char *end = accepted + strcspn(accepted, ",");

                if (is_gzip(accepted, end))
                        return true;
                accepted = *end == ',' ? end + 1 : end;
        }
        return false;
}
