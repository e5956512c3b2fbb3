/*
 * The bodies of struct fetcher and struct fetch, for the files that share them: fetch.c (what both
 * ways have in common), fetch_answer.c (head and body of an answer), fetch_curl.c and
 * fetch_direct.c (the two ways), fetch_token.c (tokens of oauth2 on the first). Nobody else
 * includes this.
 */
#ifndef SCRAPE_FETCH_STATE_H
#define SCRAPE_FETCH_STATE_H

#include "base/buf.h"
#include "scrape/fetch.h"
#include "scrape/httpanswer.h"

#include <curl/curl.h>

struct gunzip;

enum {
        FETCH_TURN_BYTES = 256 << 10, /* decompressed, per page and turn; then others have a go */
        FETCH_HEADER_MAX = 256, /* of the two header values that matter */
        FETCH_GUNZIP_MEMORY = 80 << 10, /* about what a gunzip costs */
        FETCH_READ_BYTES = 32 << 10, /* from a socket in one go */
        FETCH_REQUEST_MAX = 16 << 10, /* a longer request goes through libcurl each time */
};

struct fetch {
        struct fetch *next; /* in the list that it is in */
        struct fetch *prev; /* in the active list */
        struct fetcher *owner;
        struct gunzip *gunzip; /* owned; NULL until a page needs it */
        struct fetch_request request;
        struct fetch_result result;
        int64_t deadline_ms; /* monotonic */
        bool direct; /* on the connection that its route has kept */
        /* of the answer whose headers came last */
        char content_type[FETCH_HEADER_MAX];
        bool has_content_type;
        bool gzipped;
        bool has_encoding;
        bool closes; /* "Connection: close" */
        uint64_t body_bytes; /* as it came, compressed or not */
        struct err refused; /* the page is wrong, its rest is only counted; code 0: not so */
        struct buf rest; /* of a gzipped body, as it came: for later turns */
        /* fairness */
        uint64_t turn; /* of the fetcher, in which turn_bytes were counted */
        size_t turn_bytes;

        /* fetch_curl.c */
        CURL *easy; /* owned; NULL until libcurl is needed */
        struct curl_slist *headers; /* owned, of this request */
        char error[CURL_ERROR_SIZE];
        size_t head_bytes; /* of the answers, trailers included */
        bool in_curl;
        bool paused;
        bool ended; /* all came in, and is no longer in libcurl; the rest is still to be read */
        bool keeping; /* the connection is to be taken out of libcurl and kept */
        int kept_fd; /* owned; the last connection that libcurl gave up, -1: none */
        struct buf sent; /* the head of the request, as libcurl wrote it */

        /* fetch_token.c */
        uint64_t token_number; /* that the request was made with */
        bool asking; /* for a token, on its handle; the page comes after it */
        bool waiting; /* for the token that another one asks for; not in libcurl */

        /* fetch_direct.c */
        struct http_answer answer;
};

struct fetcher {
        struct fetch *active; /* owned list */
        size_t n_active;
        struct fetch *idle; /* owned list */
        size_t n_idle;
        uint64_t turn;
        int64_t max_idle_ms;
        int64_t now_ms; /* monotonic; of this turn */

        CURLM *multi; /* owned */
        size_t n_curl; /* in flight through libcurl */
        size_t n_paused;
        size_t n_rest; /* with a rest */
        size_t n_waiting; /* for a token */
        bool waiters_due; /* they are to look again */

        int epoll; /* owned; kept connections, and wake */
        int wake; /* owned; an eventfd */
        char *buffer; /* owned; FETCH_READ_BYTES, NULL until the first read */
};

/* ---- fetch.c ---- */

int64_t fetch_now_ms(void);
/* The fetch is over: tells the caller. x->result.rc is 0 or says what was wrong so far. */
void fetch_finish(struct fetcher *f, struct fetch *x);
void fetch_timed_out(struct fetch *x);

/* ---- fetch_answer.c ---- */

/* Before a request: nothing is known of its answer. */
void fetch_answer_reset(struct fetch *x);
/* A header line, or a status line: what was known of an answer before it is forgotten then. */
void fetch_take_header(struct fetch *x, const char *p, size_t n);
/*
 * Bytes of the body as they came; x->result.status is set. What would be more than a turn's share
 * of page becomes x->rest: the caller reads no more before fetch_take_rest has emptied that.
 */
int fetch_take_body(struct fetch *x, const char *p, size_t n, struct err *e);
/* A turn's share of x->rest. */
int fetch_take_rest(struct fetch *x, struct err *e);
void fetch_drop_rest(struct fetch *x);
/* The body is over; x->rest is empty. */
int fetch_end_body(struct fetch *x, struct err *e);

/* ---- fetch_curl.c ---- */

/* Sends the request through libcurl. */
int fetch_curl_start(struct fetcher *f, struct fetch *x, struct err *e);
/* Out of libcurl, if it is there: nothing more is called for x. */
void fetch_curl_remove(struct fetcher *f, struct fetch *x);
/* Ready for another request. */
void fetch_curl_reset(struct fetch *x);
void fetch_curl_release(struct fetch *x);
/* The rest has been read: goes on with what was put off for it. */
void fetch_curl_drained(struct fetcher *f, struct fetch *x);
int fetch_curl_turn(struct fetcher *f, struct err *e);

/* ---- fetch_token.c ---- */

/*
 * *out_ready: the page may be asked for. Otherwise x waits for a token, or its handle has become a
 * request for one (x->asking).
 */
int fetch_token_start(struct fetcher *f, struct fetch *x, bool *out_ready, struct err *e);
/* Gives up asking or waiting, if x does. */
void fetch_token_remove(struct fetcher *f, struct fetch *x);
/* The request for a token is over: now comes the page, or all that wait for it fail. */
void fetch_token_end(struct fetcher *f, struct fetch *x, CURLcode code);
/* Those that wait go on, when there is reason to. */
void fetch_token_turn(struct fetcher *f);

/* ---- fetch_direct.c ---- */

/* Sends the request on the connection that was kept; false when there is none that can be used. */
bool fetch_direct_start(struct fetcher *f, struct fetch *x);
/* Gives the connection up with the answer that is under way, if there is one. */
void fetch_direct_remove(struct fetch *x);
/* The rest has been read: goes on with what was put off for it. */
void fetch_direct_drained(struct fetcher *f, struct fetch *x);
/* Something came on a kept connection. */
void fetch_direct_read(struct fetcher *f, struct fetch_route *route);
/* Keeps a connection with the request that is to be sent on it; takes fd over, also on failure. */
void fetch_direct_keep(struct fetcher *f, struct fetch_route *route, int fd, struct view request);

#endif
