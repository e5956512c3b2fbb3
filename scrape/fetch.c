#include "scrape/fetch.h"

#include "base/clock.h"
#include "base/compress.h"
#include "base/err.h"
#include "base/memory.h"
#include "scrape/fetch_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
        FETCH_IDLE = 4, /* kept for later: scrapes are spread over time */
        FETCH_SPARE_CONNECTIONS = 16,
        FETCH_MIN_IDLE_MS = 120 * 1000,
};

int64_t
fetch_now_ms(void)
{
        return clock_mono(clock_system());
}

/* ---- birth and death ---- */

static int
open_wake(struct fetcher *f, struct err *e)
{
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};

        f->epoll = epoll_create1(EPOLL_CLOEXEC);
        if (f->epoll < 0)
                return err_sys(e, errno, "cannot make an epoll set for scrapes");
        f->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (f->wake < 0 || epoll_ctl(f->epoll, EPOLL_CTL_ADD, f->wake, &event) < 0)
                return err_sys(e, errno, "cannot make an event for scrapes");
        return 0;
}

int
fetcher_new(struct fetcher **out, struct err *e)
{
        struct fetcher *f = calloc(1, sizeof(*f));
        int rc;

        if (f == NULL)
                return err_nomem(e, "the fetcher");
        f->epoll = f->wake = -1;
        f->now_ms = fetch_now_ms();
        f->multi = curl_multi_init();
        rc = f->multi != NULL ? open_wake(f, e) : err_nomem(e, "the fetcher");
        if (rc < 0) {
                fetcher_free(f);
                return rc;
        }
        fetcher_expect(f, 0, 0);
        *out = f;
        return 0;
}

static void
free_fetch(struct fetch *x)
{
        fetch_curl_release(x);
        if (x->gunzip != NULL)
                memory_account(MEMORY_STAGING, -FETCH_GUNZIP_MEMORY);
        gunzip_free(x->gunzip);
        free(x);
}

void
fetcher_free(struct fetcher *f)
{
        if (f == NULL)
                return;
        for (struct fetch *x = f->active, *next; x != NULL; x = next) {
                next = x->next;
                fetch_curl_remove(f, x);
                fetch_direct_remove(x);
                fetch_drop_rest(x);
                free_fetch(x);
        }
        for (struct fetch *x = f->idle, *next; x != NULL; x = next) {
                next = x->next;
                free_fetch(x);
        }
        (void)curl_multi_cleanup(f->multi);
        if (f->buffer != NULL)
                memory_account(MEMORY_STAGING, -FETCH_READ_BYTES);
        free(f->buffer);
        if (f->wake >= 0)
                (void)close(f->wake);
        if (f->epoll >= 0)
                (void)close(f->epoll);
        free(f);
}

void
fetcher_expect(struct fetcher *f, size_t targets, int64_t longest_interval_ms)
{
        (void)curl_multi_setopt(
            f->multi, CURLMOPT_MAXCONNECTS, (long)(targets + FETCH_SPARE_CONNECTIONS));
        f->max_idle_ms = longest_interval_ms * 3 / 2;
        if (f->max_idle_ms < FETCH_MIN_IDLE_MS)
                f->max_idle_ms = FETCH_MIN_IDLE_MS;
}

size_t
fetcher_in_flight(const struct fetcher *f)
{
        return f->n_active;
}

void
fetcher_wake(struct fetcher *f)
{
        /* fails only when as many wake-ups are waiting as a number can hold */
        (void)eventfd_write(f->wake, 1);
}

/* ---- start and end ---- */

/* An idle one or a new one; NULL without memory. */
static struct fetch *
new_fetch(struct fetcher *f)
{
        struct fetch *x = f->idle;

        if (x != NULL) {
                f->idle = x->next;
                f->n_idle--;
                return x;
        }
        x = calloc(1, sizeof(*x));
        if (x == NULL)
                return NULL;
        x->owner = f;
        x->kept_fd = -1;
        x->sent = (struct buf)BUF_INIT(FETCH_REQUEST_MAX);
        x->rest = (struct buf)BUF_INIT(FETCH_READ_BYTES);
        return x;
}

/* Back to the idle ones, or freed when there are enough. */
static void
retire(struct fetcher *f, struct fetch *x)
{
        if (f->n_idle >= FETCH_IDLE) {
                free_fetch(x);
                return;
        }
        fetch_curl_reset(x);
        x->next = f->idle;
        f->idle = x;
        f->n_idle++;
}

static int
check_scheme(const char *url, struct err *e)
{
        if (strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0)
                return 0;
        return err_set(e, ERR_CONFIG,
            "unsupported protocol scheme in \"%s\": http or https is "
            "expected",
            url);
}

int
fetch_start(struct fetcher *f, const struct fetch_request *r, struct fetch **out, struct err *e)
{
        struct fetch *x;
        int rc = check_scheme(r->url, e);

        if (rc < 0)
                return rc;
        x = new_fetch(f);
        if (x == NULL)
                return err_nomem(e, "a fetch");
        f->now_ms = fetch_now_ms();
        x->request = *r;
        x->result = (struct fetch_result){.err = ERR_INIT};
        x->deadline_ms = f->now_ms + r->timeout_ms;
        x->turn_bytes = 0;
        fetch_answer_reset(x);
        if (!fetch_direct_start(f, x)) {
                rc = fetch_curl_start(f, x, e);
                if (rc < 0) {
                        retire(f, x);
                        return rc;
                }
        }
        x->prev = NULL;
        x->next = f->active;
        if (x->next != NULL)
                x->next->prev = x;
        f->active = x;
        f->n_active++;
        *out = x;
        return 0;
}

/* Out of the way that it went and of the active ones. */
static void
take_out(struct fetcher *f, struct fetch *x)
{
        fetch_curl_remove(f, x);
        fetch_direct_remove(x);
        fetch_drop_rest(x);
        if (x->prev != NULL)
                x->prev->next = x->next;
        else
                f->active = x->next;
        if (x->next != NULL)
                x->next->prev = x->prev;
        f->n_active--;
}

void
fetch_cancel(struct fetcher *f, struct fetch *x)
{
        take_out(f, x);
        retire(f, x);
}

void
fetch_timed_out(struct fetch *x)
{
        x->result.rc = err_set(&x->result.err, ERR_AGAIN,
            "the scrape took longer than its timeout of %" PRId64 " ms", x->request.timeout_ms);
}

void
fetch_finish(struct fetcher *f, struct fetch *x)
{
        struct fetch_request request;
        struct fetch_result result;

        take_out(f, x);
        request = x->request;
        result = x->result;
        /* first, so that done may give back what the request has borrowed */
        retire(f, x);
        request.done(request.arg, &result);
}

/* ---- a turn ---- */

/* libcurl looks after the time of what goes through it. */
static int
time_to_wait(const struct fetcher *f, int wait_ms)
{
        int64_t left = f->n_paused > 0 || f->n_rest > 0 || f->waiters_due ? 0 : wait_ms;

        if (left == 0 || f->n_active == f->n_curl)
                return (int)left;
        for (const struct fetch *x = f->active; x != NULL; x = x->next) {
                if (!x->in_curl && x->deadline_ms - f->now_ms < left)
                        left = x->deadline_ms - f->now_ms;
        }
        return left > 0 ? (int)left : 0;
}

static void
end_late(struct fetcher *f)
{
        struct fetch *next;

        if (f->n_active == f->n_curl)
                return;
        for (struct fetch *x = f->active; x != NULL; x = next) {
                next = x->next;
                if (x->in_curl || x->deadline_ms > f->now_ms)
                        continue;
                fetch_timed_out(x);
                fetch_finish(f, x);
        }
}

/* A turn's share of what was read before. */
static void
read_rests(struct fetcher *f)
{
        struct fetch *next;

        for (struct fetch *x = f->active; x != NULL && f->n_rest > 0; x = next) {
                next = x->next;
                if (x->rest.len == 0)
                        continue;
                x->result.rc = fetch_take_rest(x, &x->result.err);
                if (x->result.rc < 0)
                        fetch_finish(f, x);
                else if (x->rest.len == 0 && x->direct)
                        fetch_direct_drained(f, x);
                else if (x->rest.len == 0)
                        fetch_curl_drained(f, x);
        }
}

/* Waits for kept connections, a wake-up and, when it is busy, libcurl. One event at a time: what
 * is done for it may end any other connection. */
static int
wait_for_event(struct fetcher *f, int wait_ms, struct epoll_event *event, struct err *e)
{
        int n;

        if (f->n_curl > 0) {
                struct curl_waitfd own = {.fd = f->epoll, .events = CURL_WAIT_POLLIN};
                CURLMcode code = curl_multi_poll(f->multi, &own, 1, wait_ms, NULL);

                if (code != CURLM_OK)
                        return err_set(
                            e, ERR_SYS, "cannot wait for transfers: %s", curl_multi_strerror(code));
                if (own.revents == 0)
                        return 0;
                wait_ms = 0;
        }
        n = epoll_wait(f->epoll, event, 1, wait_ms);
        if (n < 0 && errno != EINTR)
                return err_sys(e, errno, "cannot wait for connections");
        return n > 0;
}

int
fetcher_turn(struct fetcher *f, int wait_ms, struct err *e)
{
        struct epoll_event event = {.events = 0};
        eventfd_t wakes;
        int rc;

        f->now_ms = fetch_now_ms();
        rc = wait_for_event(f, time_to_wait(f, wait_ms), &event, e);
        f->turn++;
        f->now_ms = fetch_now_ms();
        read_rests(f);
        if (rc > 0 && event.data.ptr == NULL)
                (void)eventfd_read(f->wake, &wakes);
        else if (rc > 0)
                fetch_direct_read(f, event.data.ptr);
        end_late(f);
        if (rc >= 0)
                rc = 0;
        return (f->n_curl > 0 || f->waiters_due) && rc == 0 ? fetch_curl_turn(f, e) : rc;
}
