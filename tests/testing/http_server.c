#include "tests/testing/http_server.h"

#include "tests/testing/testing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 256, REQUEST_MAX = 64 << 20 };

struct connection {
        struct testing_server *server;
        pthread_t thread;
        SSL *ssl; /* NULL: plain */
        int fd; /* under mtx; -1: closed */
        unsigned number;
        struct buf in;
};

struct testing_server {
        struct testing_server_options o;
        SSL_CTX *ctx;
        int fd;
        unsigned port;
        char url[64];
        pthread_t thread;
        atomic_bool stop;
        atomic_uint requests;
        pthread_mutex_t mtx; /* the connections' fds */
        pthread_mutex_t handling;
        struct connection connections[CONNECTIONS_MAX];
        atomic_uint n_connections;
};

static void
pause_ms(struct testing_server *s, int ms)
{
        for (int i = 0; i < ms && !atomic_load(&s->stop); i += 5)
                (void)nanosleep(&(struct timespec){0, 5000000}, NULL);
}

static ssize_t
receive(struct connection *c, char *p, size_t n)
{
        struct pollfd pfd = {c->fd, POLLIN, 0};

        if (c->ssl != NULL) {
                int got = SSL_read(c->ssl, p, (int)n);

                ERR_clear_error();
                return got;
        }
        while (poll(&pfd, 1, 50) == 0) {
                if (atomic_load(&c->server->stop))
                        return 0;
        }
        return recv(c->fd, p, n, 0);
}

static void
transmit(struct connection *c, const char *p, size_t n)
{
        while (n > 0) {
                ssize_t sent =
                    c->ssl != NULL ? SSL_write(c->ssl, p, (int)n) : send(c->fd, p, n, MSG_NOSIGNAL);

                ERR_clear_error();
                if (sent <= 0)
                        return;
                p += sent;
                n -= (size_t)sent;
        }
}

/* Reads until `want` bytes are there; false when the other side is gone. */
static bool
fill(struct connection *c, size_t want)
{
        int rate = c->server->o.bytes_per_second;

        while (c->in.len < want) {
                size_t piece = rate > 0 ? (size_t)rate / 50 + 1 : 65536;
                ssize_t n;

                if (atomic_load(&c->server->stop) || buf_reserve(&c->in, piece, NULL) < 0)
                        return false;
                n = receive(c, c->in.ptr + c->in.len, piece);
                if (n <= 0)
                        return false;
                c->in.len += (size_t)n;
                if (rate > 0)
                        pause_ms(c->server, (int)(n * 1000 / rate));
        }
        return true;
}

/* The end of the head in c->in, 0 when the connection ended before it. */
static size_t
read_head(struct connection *c)
{
        for (;;) {
                char *end = c->in.len > 3 ? memmem(c->in.ptr, c->in.len, "\r\n\r\n", 4) : NULL;

                if (end != NULL)
                        return (size_t)(end - c->in.ptr) + 4;
                if (!fill(c, c->in.len + 1))
                        return 0;
        }
}

const char *
testing_header(const struct testing_request *r, const char *name, char *out, size_t cap)
{
        size_t n = strlen(name);

        out[0] = '\0';
        for (const char *line = r->headers; *line != '\0'; line = strstr(line, "\r\n") + 2) {
                if (strncasecmp(line, name, n) == 0 && line[n] == ':') {
                        const char *value = line + n + 1 + strspn(line + n + 1, " ");

                        (void)snprintf(out, cap, "%.*s", (int)strcspn(value, "\r"), value);
                        break;
                }
        }
        return out;
}

static void
answer(struct connection *c, const struct testing_reply *reply)
{
        const char *body = reply->body != NULL ? reply->body : "";
        size_t n = reply->body_bytes > 0 ? reply->body_bytes : strlen(body);
        struct buf out = BUF_INIT(REQUEST_MAX);

        testing_ok(buf_printf(&out, NULL, "HTTP/1.1 %d Scripted\r\nContent-Length: %zu\r\n%s\r\n",
                       reply->status, n, reply->headers != NULL ? reply->headers : ""),
            NULL);
        testing_ok(buf_append(&out, body, n, NULL), NULL);
        transmit(c, out.ptr, reply->how == BREAK_MIDDLE ? out.len / 2 : out.len);
        buf_release(&out);
}

/* One request and its answer; false when the connection is to be closed. */
static bool
serve(struct connection *c)
{
        struct testing_server *s = c->server;
        struct testing_reply reply = {.status = 200};
        struct testing_request request = {.connection = c->number};
        char method[16];
        char target[1024];
        char length[32];
        char *headers;
        size_t head = read_head(c);
        size_t body;

        if (head == 0 || sscanf(c->in.ptr, "%15s %1023s", method, target) != 2)
                return false;
        headers = strndup(c->in.ptr, head - 2);
        request.headers = strstr(headers, "\r\n") + 2;
        body =
            strtoul(testing_header(&request, "Content-Length", length, sizeof(length)), NULL, 10);
        if (!fill(c, head + body)) {
                free(headers);
                return false;
        }
        request.method = method;
        request.target = target;
        request.body = (struct view){c->in.ptr + head, body};
        request.sni = "";
        if (c->ssl != NULL) {
                const char *sni = SSL_get_servername(c->ssl, TLSEXT_NAMETYPE_host_name);
                X509 *peer = SSL_get1_peer_certificate(c->ssl);

                request.sni = sni != NULL ? sni : "";
                request.client_certificate = peer != NULL;
                X509_free(peer);
        }
        (void)pthread_mutex_lock(&s->handling);
        request.number = atomic_fetch_add(&s->requests, 1) + 1;
        s->o.handler(s->o.arg, &request, &reply);
        (void)pthread_mutex_unlock(&s->handling);
        free(headers);
        buf_consume(&c->in, head + body);
        pause_ms(s, reply.delay_ms);
        while (reply.how == BREAK_HANG && !atomic_load(&s->stop))
                pause_ms(s, 50);
        if (reply.how == BREAK_NOT || reply.how == BREAK_AFTER || reply.how == BREAK_MIDDLE)
                answer(c, &reply);
        return reply.how == BREAK_NOT && !atomic_load(&s->stop);
}

static void *
run_connection(void *arg)
{
        struct connection *c = arg;

        if (c->ssl == NULL || SSL_accept(c->ssl) == 1) {
                while (serve(c))
                        continue;
        }
        ERR_clear_error();
        if (c->ssl != NULL)
                (void)SSL_shutdown(c->ssl);
        (void)pthread_mutex_lock(&c->server->mtx);
        (void)close(c->fd);
        c->fd = -1;
        (void)pthread_mutex_unlock(&c->server->mtx);
        SSL_free(c->ssl);
        buf_release(&c->in);
        return NULL;
}

static void *
run_server(void *arg)
{
        struct testing_server *s = arg;

        while (!atomic_load(&s->stop)) {
                struct pollfd pfd = {s->fd, POLLIN, 0};
                unsigned n = atomic_load(&s->n_connections);
                struct connection *c = &s->connections[n];
                int fd;

                if (poll(&pfd, 1, 20) <= 0 || n == CONNECTIONS_MAX)
                        continue;
                fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
                if (fd < 0)
                        continue;
                *c = (struct connection){
                    .server = s, .fd = fd, .number = n + 1, .in = BUF_INIT(REQUEST_MAX)};
                if (s->ctx != NULL) {
                        c->ssl = SSL_new(s->ctx);
                        (void)SSL_set_fd(c->ssl, fd);
                }
                if (pthread_create(&c->thread, NULL, run_connection, c) != 0)
                        abort();
                atomic_fetch_add(&s->n_connections, 1);
        }
        return NULL;
}

static SSL_CTX *
make_context(const struct testing_server_options *o)
{
        SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

        assert_non_null(ctx);
        assert_int_equal(SSL_CTX_use_certificate_chain_file(ctx, o->cert), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey_file(ctx, o->key, SSL_FILETYPE_PEM), 1);
        if (o->max_tls != 0)
                assert_int_equal(SSL_CTX_set_max_proto_version(ctx, o->max_tls), 1);
        if (o->client_ca != NULL) {
                assert_int_equal(SSL_CTX_load_verify_locations(ctx, o->client_ca, NULL), 1);
                SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        }
        return ctx;
}

struct testing_server *
testing_server_start(const struct testing_server_options *o)
{
        struct testing_server *s = calloc(1, sizeof(*s));
        struct sockaddr_in address = {.sin_family = AF_INET};
        socklen_t len = sizeof(address);

        assert_non_null(s);
        (void)signal(SIGPIPE, SIG_IGN);
        s->o = *o;
        if (o->cert != NULL)
                s->ctx = make_context(o);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(s->fd >= 0);
        assert_int_equal(bind(s->fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(s->fd, 64), 0);
        assert_int_equal(getsockname(s->fd, (struct sockaddr *)&address, &len), 0);
        s->port = ntohs(address.sin_port);
        (void)snprintf(s->url, sizeof(s->url), "%s://127.0.0.1:%u",
            o->cert != NULL ? "https" : "http", s->port);
        (void)pthread_mutex_init(&s->mtx, NULL);
        (void)pthread_mutex_init(&s->handling, NULL);
        assert_int_equal(pthread_create(&s->thread, NULL, run_server, s), 0);
        return s;
}

void
testing_server_drop(struct testing_server *s)
{
        unsigned n = atomic_load(&s->n_connections);

        (void)pthread_mutex_lock(&s->mtx);
        for (unsigned i = 0; i < n; i++) {
                if (s->connections[i].fd >= 0)
                        (void)shutdown(s->connections[i].fd, SHUT_RDWR);
        }
        (void)pthread_mutex_unlock(&s->mtx);
}

void
testing_server_stop(struct testing_server *s)
{
        atomic_store(&s->stop, true);
        (void)pthread_join(s->thread, NULL);
        testing_server_drop(s);
        for (unsigned i = 0; i < atomic_load(&s->n_connections); i++)
                (void)pthread_join(s->connections[i].thread, NULL);
        (void)close(s->fd);
        SSL_CTX_free(s->ctx);
        (void)pthread_mutex_destroy(&s->mtx);
        (void)pthread_mutex_destroy(&s->handling);
        free(s);
}

unsigned
testing_server_port(const struct testing_server *s)
{
        return s->port;
}

const char *
testing_server_url(const struct testing_server *s)
{
        return s->url;
}

unsigned
testing_server_requests(struct testing_server *s)
{
        return atomic_load(&s->requests);
}

unsigned
testing_server_connections(struct testing_server *s)
{
        return atomic_load(&s->n_connections);
}
