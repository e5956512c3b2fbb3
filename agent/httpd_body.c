#include "agent/httpd_body.h"

#include "agent/httpd.h"
#include "base/err.h"
#include "base/log.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 16 << 10 }; /* that libmicrohttpd asks for at a time */

/* Owned by its response. */
struct body {
        struct httpd_stream stream;
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
        buf_release(&b->piece);
        free(b);
}

/* A client whose answer ends in the middle sees that: its last chunk does not come. */
static int
next_piece(struct body *b)
{
        struct err e = ERR_INIT;
        int rc;

        buf_reset(&b->piece);
        b->sent = 0;
        rc = b->stream.more(b->stream.arg, &b->piece, &e);
        b->last = rc <= 0;
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
whole(struct httpd_reply *reply)
{
        struct MHD_Response *response = MHD_create_response_from_buffer(
            reply->body.len, reply->body.ptr, MHD_RESPMEM_MUST_FREE);

        if (response == NULL)
                buf_release(&reply->body);
        return response;
}

struct MHD_Response *
httpd_body_response(struct httpd_reply *reply)
{
        struct MHD_Response *response = NULL;
        struct body *b;

        if (reply->stream.more == NULL)
                return whole(reply);
        b = calloc(1, sizeof(*b));
        if (b == NULL) {
                end_stream(&reply->stream);
                buf_release(&reply->body);
                return NULL;
        }
        *b = (struct body){.stream = reply->stream, .piece = reply->body};
        response =
            MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, on_read, b, free_body);
        if (response == NULL)
                free_body(b);
        return response;
}
