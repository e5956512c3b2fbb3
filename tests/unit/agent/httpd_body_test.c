#include "agent/httpd_body.h"

#include "agent/httpd.h"
#include "tests/testing/testing.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Pieces of different sizes, an empty one among them. */
static struct {
        int pieces; /* that are still to come */
        atomic_int ends;
        bool fails; /* instead of the last one */
} stream;

static atomic_uint handled; /* requests */

enum { PIECE = 50000 };

static int
more(void *arg, struct buf *out, struct err *e)
{
        assert_ptr_equal(arg, &stream);
        assert_int_equal(out->len, 0);
        stream.pieces--;
        if (stream.pieces == 0 && stream.fails)
                return err_set(e, ERR_AGAIN, "no more");
        for (int i = 0; stream.pieces % 3 != 2 && i < PIECE; i++)
                testing_ok(buf_putc(out, (char)('a' + stream.pieces), e), e);
        return stream.pieces > 0;
}

static void
end(void *arg)
{
        assert_ptr_equal(arg, &stream);
        stream.ends++;
}

static bool packed; /* the client asks for it, and the handler allows it */

static void
handle(void *arg, const struct httpd_request *r, struct httpd_reply *reply)
{
        (void)arg;
        (void)r;
        testing_ok(buf_puts(&reply->body, "begin ", NULL), NULL);
        reply->may_pack = packed;
        if (stream.pieces > 0)
                reply->stream = (struct httpd_stream){more, end, &stream};
        atomic_fetch_add(&handled, 1);
}

static bool seen_gzip;

static size_t
on_header(char *p, size_t size, size_t n, void *arg)
{
        (void)arg;
        if (n == 24 && strncasecmp(p, "Content-Encoding: gzip\r\n", n) == 0)
                seen_gzip = true;
        return size * n;
}

static size_t
collect(char *p, size_t size, size_t n, void *out)
{
        return buf_append(out, p, size * n, NULL) == 0 ? size * n : 0;
}

static CURLcode
get(const struct httpd *h, bool head, struct buf *out)
{
        CURL *easy = curl_easy_init();
        CURLcode rc;
        char url[256];

        assert_non_null(easy);
        (void)snprintf(url, sizeof(url), "http://%s/", httpd_address(h));
        (void)curl_easy_setopt(easy, CURLOPT_URL, url);
        (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
        (void)curl_easy_setopt(easy, CURLOPT_NOBODY, head ? 1L : 0L);
        (void)curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, packed ? "gzip" : NULL);
        (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, collect);
        (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, out);
        (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
        seen_gzip = false;
        rc = curl_easy_perform(easy);
        curl_easy_cleanup(easy);
        return rc;
}

static void
test_pieces(void **state)
{
        static const struct {
                int pieces;
                bool head;
                bool fails;
                CURLcode want;
                size_t bytes;
        } rows[] = {
            {0, false, false, CURLE_OK, 6},
            {1, false, false, CURLE_OK, 6 + PIECE},
            {7, false, false, CURLE_OK, 6 + 5 * PIECE},
            {2, false, true, CURLE_RECV_ERROR, 6 + PIECE},
            {5, true, false, CURLE_OK, 0},
        };
        const struct httpd_options o = {
            .listen_address = "127.0.0.1:0", .handler = handle, .max_reply = PIECE};
        struct httpd *h = NULL;

        (void)state;
        testing_ok(httpd_start(&o, &h, NULL), NULL);
        for (size_t k = 0; k < 2 * sizeof(rows) / sizeof(rows[0]); k++) {
                size_t i = k / 2;
                struct buf out = BUF_INIT(1 << 20);
                CURLcode rc;

                packed = k % 2 == 1;
                stream.pieces = rows[i].pieces;
                stream.fails = rows[i].fails;
                stream.ends = 0;
                rc = get(h, rows[i].head, &out);
                assert_true(rc == rows[i].want ||
                    (rows[i].fails && (rc == CURLE_PARTIAL_FILE || rc == CURLE_GOT_NOTHING)));
                if (!rows[i].fails || !packed) /* a packed piece may wait for the next one */
                        assert_int_equal(out.len, rows[i].bytes);
                assert_int_equal(seen_gzip, packed);
                if (out.len > 6)
                        assert_memory_equal(out.ptr, "begin ", 6);
                while (rows[i].pieces > 0 && stream.ends == 0)
                        (void)usleep(1000);
                assert_int_equal(stream.ends, rows[i].pieces > 0);
                buf_release(&out);
        }
        httpd_stop(h);
}

/* A client that does not read is asked for nothing more, and its stream ends with the server. */
static void
test_nobody_reads(void **state)
{
        const struct httpd_options o = {
            .listen_address = "127.0.0.1:0", .handler = handle, .max_reply = PIECE};
        enum { MANY = 100000 };
        struct httpd *h = NULL;
        CURL *easy = curl_easy_init();
        char url[256];
        unsigned before = atomic_load(&handled);
        size_t sent;

        (void)state;
        stream.pieces = MANY;
        stream.fails = false;
        stream.ends = 0;
        testing_ok(httpd_start(&o, &h, NULL), NULL);
        assert_non_null(easy);
        (void)snprintf(url, sizeof(url), "http://%s/", httpd_address(h));
        (void)curl_easy_setopt(easy, CURLOPT_URL, url);
        (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
        (void)curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
        assert_int_equal(curl_easy_perform(easy), CURLE_OK);
        assert_int_equal(curl_easy_send(easy, "GET / HTTP/1.0\r\n\r\n", 18, &sent), CURLE_OK);
        while (atomic_load(&handled) == before)
                (void)usleep(1000);
        httpd_stop(h);
        assert_int_equal(stream.ends, 1);
        assert_true(stream.pieces > MANY / 2);
        curl_easy_cleanup(easy);
}

static void
test_takes_gzip(void **state)
{
        static const struct {
                const char *accepted;
                bool want;
        } rows[] = {
            {NULL, false},
            {"", false},
            {"gzip", true},
            {"GZIP", true},
            {"deflate, gzip", true},
            {"gzip,br", true},
            {" gzip ;q=0.5", true},
            {"gzip;q=1.0, identity", true},
            {"gzip;q=0", false},
            {"gzip; q=0.000 , br", false},
            {"gzip;q=0, gzip", true},
            {"gzip;q=0.001", true},
            {"x-gzip", false},
            {"gzipped", false},
            {"*", false},
            {"identity", false},
            {",,;,gzi", false},
            {"gzip;", true},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                assert_int_equal(httpd_body_takes_gzip(rows[i].accepted), rows[i].want);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_pieces),
            cmocka_unit_test(test_nobody_reads),
            cmocka_unit_test(test_takes_gzip),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
