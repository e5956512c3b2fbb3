/*
 * bench_floor: what a machine must spend on a sample at the very least: the same bytes through
 * memory, a socket, zlib, snappy, and to the disk, by the shortest code there is.
 * usage: bench_floor FOLDER PAGE.gz…
 *
 * CPU time of the one thread that stands for the agent, the best of some rounds; its peer on the
 * loopback is another thread. Prints "nanoseconds_per_sample what: how"
 * lines, remarks with a # in front.
 */
#include "bench/micro/micro.h"

#include "base/buf.h"
#include "base/compress.h"
#include "base/err.h"
#include "base/hash.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
        ROUNDS = 9,
        COLD_BYTES = 64 << 20, /* more than any cache has */
        TRANSFERS = 200, /* of one round */
        RARE_TRANSFERS = 20,
        PAUSE_NS = 10000000, /* before each of those: caches and the processor's clock cool */
        PIECE_MAX = 256 << 10,
        ASK_BYTES = 200, /* a request's head */
        COMMIT_BYTES = 24 << 10,
        COMMIT_SAMPLES = 33500, /* 100,500 series, a scrape each 15 s, a commit each 5 s */
        COMMITS = 20,
        SAMPLES = 2, /* of each series in a request */
        BODY_MAX = 64 << 20,
};

static double
now_ns(clockid_t clock)
{
        struct timespec t = {0, 0};

        (void)clock_gettime(clock, &t);
        return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* One round of something. */
struct task {
        int (*run)(struct task *t, struct err *e);
        struct view bytes;
        char *room; /* as large as it needs */
        struct buf *out;
        struct gunzip *gunzip;
        int fd;
        size_t piece; /* read at once */
        int transfers;
        long pause_ns; /* before each of them */
        uint64_t sum; /* so that nothing is left out */
};

/* Nanoseconds of CPU time, the best round; *out_wall of wall time, in that round. */
static int
best_of(struct task *t, double *out_cpu, double *out_wall, struct err *e)
{
        double best = 0;
        double wall = 0;

        for (int i = 0; i < ROUNDS; i++) {
                double cpu_0 = now_ns(CLOCK_THREAD_CPUTIME_ID);
                double wall_0 = now_ns(CLOCK_MONOTONIC);
                int rc = t->run(t, e);
                double cpu = now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_0;

                if (rc < 0)
                        return rc;
                if (i == 0 || cpu < best) {
                        best = cpu;
                        wall = now_ns(CLOCK_MONOTONIC) - wall_0;
                }
        }
        *out_cpu = best;
        if (out_wall != NULL)
                *out_wall = wall;
        return 0;
}

static void
print(double ns, const char *words)
{
        (void)printf("%.2f %s\n", ns, words);
}

/* ---- memory and libraries ---- */

static int
copy_cold(struct task *t, struct err *e)
{
        (void)e;
        memcpy(t->room + COLD_BYTES, t->room, COLD_BYTES);
        t->sum += (uint8_t)t->room[COLD_BYTES + t->sum % COLD_BYTES];
        return 0;
}

static int
find_lines(struct task *t, struct err *e)
{
        const char *p = t->bytes.p;
        const char *end = p + t->bytes.n;

        (void)e;
        while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
                t->sum++;
                p++;
        }
        return 0;
}

static int
hash_page(struct task *t, struct err *e)
{
        (void)e;
        t->sum += hash_seeded(t->bytes.p, t->bytes.n);
        return 0;
}

static int
add_up(void *arg, const char *p, size_t n, struct err *e)
{
        uint64_t *sum = arg;

        (void)p;
        (void)e;
        *sum += n;
        return 0;
}

static int
inflate_page(struct task *t, struct err *e)
{
        gunzip_reset(t->gunzip);
        return gunzip_feed(t->gunzip, t->bytes.p, t->bytes.n, add_up, &t->sum, e);
}

static int
pack_request(struct task *t, struct err *e)
{
        buf_reset(t->out);
        return snappy_pack(t->bytes, t->out, e);
}

static int
measure_memory(const struct micro_page *page, struct view request, struct err *e)
{
        struct task t = {.run = copy_cold, .room = malloc((size_t)2 * COLD_BYTES)};
        double per_sample = (double)page->text.n / (double)page->n;
        double ns = 0;
        int rc;

        if (t.room == NULL)
                return err_nomem(e, "two cold regions");
        memset(t.room, 1, (size_t)2 * COLD_BYTES);
        rc = best_of(&t, &ns, NULL, e);
        free(t.room);
        if (rc < 0)
                return rc;
        (void)printf("# %.0f bytes of page per sample, memory copied at %.1f GB/s\n", per_sample,
            COLD_BYTES / ns);
        print(ns / COLD_BYTES * per_sample, "page copied once: memcpy, cold");
        print(ns / COLD_BYTES * (double)request.n / (double)(page->n * SAMPLES),
            "request copied once: memcpy, cold");
        t = (struct task){.run = find_lines, .bytes = page->text};
        rc = best_of(&t, &ns, NULL, e);
        if (rc < 0)
                return rc;
        print(ns / (double)page->n, "line feeds found: memchr");
        t.run = hash_page;
        rc = best_of(&t, &ns, NULL, e);
        if (rc == 0)
                print(ns / (double)page->n, "page hashed: XXH3");
        return rc;
}

static int
measure_libraries(const struct micro_page *page, struct view request, struct err *e)
{
        struct buf packed = BUF_INIT(BODY_MAX);
        struct task t = {.run = inflate_page, .bytes = page->gzip, .out = &packed};
        double ns = 0;
        int rc = gunzip_new(&t.gunzip, e);

        if (rc == 0)
                rc = best_of(&t, &ns, NULL, e);
        gunzip_free(t.gunzip);
        if (rc < 0)
                return rc;
        print(ns / (double)page->n, "page inflated, where it comes compressed: zlib");
        t.run = pack_request;
        t.bytes = request;
        rc = best_of(&t, &ns, NULL, e);
        if (rc == 0)
                print(ns / (double)(page->n * SAMPLES), "request compressed: snappy alone");
        buf_release(&packed);
        return rc;
}

/* ---- sockets ---- */

/* The other end: what is asked for with ASK_BYTES is answered with `answer`; a body of `body` bytes
 * before it. Ends when the connection does. */
struct peer {
        int listener;
        size_t body;
        struct view answer;
};

static bool
read_all(int fd, char *room, size_t piece, size_t n)
{
        while (n > 0) {
                ssize_t got = recv(fd, room, piece < n ? piece : n, 0);

                if (got <= 0)
                        return false;
                n -= (size_t)got;
        }
        return true;
}

static bool
write_all(int fd, struct view v)
{
        while (v.n > 0) {
                ssize_t sent = send(fd, v.p, v.n, MSG_NOSIGNAL);

                if (sent <= 0)
                        return false;
                v.p += sent;
                v.n -= (size_t)sent;
        }
        return true;
}

static void *
play_peer(void *arg)
{
        const struct peer *p = arg;
        int fd = accept(p->listener, NULL, NULL);
        char *room = malloc(PIECE_MAX);

        while (fd >= 0 && room != NULL && read_all(fd, room, PIECE_MAX, ASK_BYTES + p->body) &&
            write_all(fd, p->answer)) {
        }
        free(room);
        if (fd >= 0)
                (void)close(fd);
        return NULL;
}

/* t->bytes goes out, t->sum bytes come back. */
static int
exchange(struct task *t, struct err *e)
{
        const struct timespec pause = {0, t->pause_ns};

        for (int i = 0; i < t->transfers; i++) {
                if (t->pause_ns > 0)
                        (void)nanosleep(&pause, NULL);
                if (!write_all(t->fd, t->bytes) || !read_all(t->fd, t->room, t->piece, t->sum))
                        return err_sys(e, errno, "the loopback broke");
        }
        return 0;
}

static int
connect_to(int listener, struct err *e)
{
        struct sockaddr_storage address;
        socklen_t n = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || getsockname(listener, (struct sockaddr *)&address, &n) != 0 ||
            connect(fd, (const struct sockaddr *)&address, n) != 0) {
                if (fd >= 0)
                        (void)close(fd);
                return err_sys(e, errno, "cannot connect to ourselves");
        }
        return fd;
}

/* ns of our CPU for one exchange with a peer that listens. */
static int
run_exchange(struct peer *p, struct task *t, double *out_ns, struct err *e)
{
        pthread_t thread;
        int failed = pthread_create(&thread, NULL, play_peer, p);
        int rc;

        if (failed != 0)
                return err_sys(e, failed, "cannot start a thread");
        t->fd = connect_to(p->listener, e);
        rc = t->fd < 0 ? t->fd : best_of(t, out_ns, NULL, e);
        if (t->fd >= 0)
                (void)close(t->fd);
        else
                (void)shutdown(p->listener, SHUT_RDWR); /* ends the peer's accept */
        (void)pthread_join(thread, NULL);
        *out_ns /= t->transfers;
        return rc;
}

static int
measure_exchange(struct peer *p, struct task *t, double *out_ns, struct err *e)
{
        const struct sockaddr_in any_port = {
            .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int rc;

        p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (p->listener < 0)
                return err_sys(e, errno, "cannot make a socket");
        rc = bind(p->listener, (const struct sockaddr *)&any_port, sizeof(any_port)) == 0 &&
                listen(p->listener, 1) == 0
            ? run_exchange(p, t, out_ns, e)
            : err_sys(e, errno, "cannot listen on the loopback");
        (void)close(p->listener);
        return rc;
}

static int
measure_sockets(const struct micro_page *page, struct view request, struct err *e)
{
        static const struct {
                size_t piece;
                int transfers;
                long pause_ns;
                const char *words;
        } READS[] = {
            {16 << 10, TRANSFERS, 0, "page received, 16 KiB a read: bare socket"},
            {PIECE_MAX, TRANSFERS, 0, "page received, 256 KiB a read: bare socket"},
            {PIECE_MAX, RARE_TRANSFERS, PAUSE_NS,
                "page received, one each 10 ms: bare socket, cold"},
        };
        static char ask[ASK_BYTES];
        struct buf body = BUF_INIT(BODY_MAX);
        struct peer peer = {.answer = page->text};
        struct task t = {.run = exchange, .room = malloc(PIECE_MAX)};
        double ns = 0;
        int rc = t.room != NULL ? 0 : err_nomem(e, "a read buffer");

        for (size_t i = 0; i < sizeof(READS) / sizeof(READS[0]) && rc == 0; i++) {
                t.bytes = (struct view){ask, ASK_BYTES};
                t.sum = page->text.n;
                t.piece = READS[i].piece;
                t.transfers = READS[i].transfers;
                t.pause_ns = READS[i].pause_ns;
                rc = measure_exchange(&peer, &t, &ns, e);
                if (rc == 0)
                        print(ns / (double)page->n, READS[i].words);
        }
        if (rc == 0)
                rc = buf_append(&body, ask, ASK_BYTES, e);
        if (rc == 0)
                rc = snappy_pack(request, &body, e);
        if (rc == 0) {
                peer = (struct peer){.body = body.len - ASK_BYTES, .answer = {ask, ASK_BYTES}};
                t.bytes = buf_view(&body);
                t.sum = ASK_BYTES;
                t.transfers = TRANSFERS;
                t.pause_ns = 0;
                rc = measure_exchange(&peer, &t, &ns, e);
        }
        if (rc == 0)
                print(ns / (double)(page->n * SAMPLES), "request sent: bare socket");
        buf_release(&body);
        free(t.room);
        return rc;
}

/* ---- the disk ---- */

static int
commit(struct task *t, struct err *e)
{
        static char pages[COMMIT_BYTES];

        for (int i = 0; i < COMMITS; i++) {
                pages[0]++;
                if (pwrite(t->fd, pages, sizeof(pages), (off_t)COMMIT_BYTES * i) !=
                        (ssize_t)sizeof(pages) ||
                    fdatasync(t->fd) != 0)
                        return err_sys(e, errno, "cannot write to the folder");
        }
        return 0;
}

static int
measure_disk(const char *folder, struct err *e)
{
        struct task t = {.run = commit};
        char path[4096];
        double cpu = 0;
        double wall = 0;
        int rc;

        (void)snprintf(path, sizeof(path), "%s/floor", folder);
        t.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (t.fd < 0)
                return err_sys(e, errno, "cannot make \"%s\"", path);
        rc = best_of(&t, &cpu, &wall, e);
        (void)close(t.fd);
        (void)unlink(path);
        if (rc < 0)
                return rc;
        (void)printf("# a commit of %d KiB takes %.2f ms, %.3f ms of it CPU\n", COMMIT_BYTES >> 10,
            wall / COMMITS / 1e6, cpu / COMMITS / 1e6);
        print(cpu / COMMITS / COMMIT_SAMPLES, "commit of 24 KiB each 5 s: pwrite, fdatasync");
        return 0;
}

int
main(int argc, char **argv)
{
        static struct micro_input in = {.arena = ARENA_INIT(MICRO_ARENA_BYTES)};
        struct buf request = BUF_INIT(BODY_MAX);
        struct err e = ERR_INIT;
        int rc = argc > 2 ? 0 : err_set(&e, ERR_CONFIG, "usage: bench_floor FOLDER PAGE.gz…");

        for (int i = 2; i < argc && rc == 0; i++)
                rc = micro_read_page(&in, argv[i], &e);
        if (rc == 0)
                rc = micro_request(&in, &request, &e);
        if (rc == 0)
                rc = measure_memory(&in.pages[0], buf_view(&request), &e);
        if (rc == 0)
                rc = measure_sockets(&in.pages[0], buf_view(&request), &e);
        if (rc == 0)
                rc = measure_libraries(&in.pages[0], buf_view(&request), &e);
        if (rc == 0)
                rc = measure_disk(argv[1], &e);
        buf_release(&request);
        arena_release(&in.arena);
        if (rc < 0)
                (void)fprintf(stderr, "error: %s\n", e.msg);
        return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
