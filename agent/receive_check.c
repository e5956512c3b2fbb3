#include "agent/receive_check.h"

#include "agent/receive_show.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/varint.h"
#include "wal/column.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
        TABLE_MIN = 1024, /* places, a power of two; at most half of them are taken */
        SERIES_TEXT_MAX = 200, /* of a series that is named in a fault */
        STATUS_OK = 204,
        STATUS_BAD = 400,
        STATUS_TOO_LARGE = 413,
        STATUS_MEDIA_TYPE = 415,
};

/* The last sample of a series. */
struct last {
        uint64_t series; /* hash; 0: a free place */
        int64_t time_ms;
        uint64_t bits;
};

struct receive_book {
        struct receive_totals totals;
        struct last *table; /* owned */
        size_t places;
};

/* A request on its way through the book. */
struct reading {
        struct receive_book *book;
        const struct receive_request *request;
        struct receive_tenant *tenant;
        uint64_t taken; /* samples */
        struct err first; /* fault */
};

int
receive_book_new(struct receive_book **out, struct err *e)
{
        struct receive_book *b = calloc(1, sizeof(*b));

        if (b == NULL)
                return err_nomem(e, "the receiver");
        b->places = TABLE_MIN;
        b->table = calloc(b->places, sizeof(*b->table));
        if (b->table == NULL) {
                free(b);
                return err_nomem(e, "the receiver");
        }
        *out = b;
        return 0;
}

void
receive_book_free(struct receive_book *b)
{
        if (b == NULL)
                return;
        free(b->table);
        free(b);
}

const struct receive_totals *
receive_totals(const struct receive_book *b)
{
        return &b->totals;
}

/* ---- headers ---- */

static bool
is_type(const char *value, const char *want)
{
        size_t n = strlen(want);

        return value != NULL && strncasecmp(value, want, n) == 0 &&
            (value[n] == '\0' || value[n] == ';' || value[n] == ' ');
}

/* The message that Content-Type tells, or 1.0. False: it is of neither. */
static bool
find_message(const char *content_type, enum write_message *out)
{
        const char *proto = content_type != NULL ? strcasestr(content_type, "proto=") : NULL;

        *out = WRITE_1;
        if (!is_type(content_type, "application/x-protobuf"))
                return false;
        if (proto == NULL || strcmp(proto + strlen("proto="), "prometheus.WriteRequest") == 0)
                return true;
        *out = WRITE_2;
        return strcmp(proto + strlen("proto="), "io.prometheus.write.v2.Request") == 0;
}

static unsigned
check_headers(const struct receive_request *r, enum write_message *out, struct err *e)
{
        const char *version;

        if (r->content_encoding == NULL || strcasecmp(r->content_encoding, "snappy") != 0) {
                (void)err_set(e, ERR_REFUSED, "Content-Encoding is \"%s\", want \"snappy\"",
                    r->content_encoding != NULL ? r->content_encoding : "");
                return STATUS_MEDIA_TYPE;
        }
        if (!find_message(r->content_type, out)) {
                (void)err_set(e, ERR_REFUSED,
                    "Content-Type is \"%s\", want \"application/x-protobuf\", of 2.0 with "
                    "\";proto=io.prometheus.write.v2.Request\"",
                    r->content_type != NULL ? r->content_type : "");
                return STATUS_MEDIA_TYPE;
        }
        version = *out == WRITE_2 ? "2.0." : "0.1.";
        if (r->version == NULL || strncmp(r->version, version, strlen(version)) != 0) {
                (void)err_set(e, ERR_REFUSED,
                    "X-Prometheus-Remote-Write-Version is \"%s\", want \"%s0\"",
                    r->version != NULL ? r->version : "", version);
                return STATUS_BAD;
        }
        if (r->user_agent == NULL || r->user_agent[0] == '\0') {
                (void)err_set(e, ERR_REFUSED, "User-Agent is missing");
                return STATUS_BAD;
        }
        return STATUS_OK;
}

/* ---- series ---- */

static uint64_t
series_hash(const struct decode_series *s, const char *tenant)
{
        uint64_t h = tenant != NULL ? hash_stable(tenant, strlen(tenant), 0) : 0;

        for (size_t i = 0; i < s->n_labels; i++) {
                h = hash_stable(s->labels[i].name.p, s->labels[i].name.n, h);
                h = hash_stable(s->labels[i].value.p, s->labels[i].value.n, h);
        }
        return h != 0 ? h : 1;
}

static struct last *
find_place(struct last *table, size_t places, uint64_t series)
{
        size_t i = series & (places - 1);

        while (table[i].series != 0 && table[i].series != series)
                i = (i + 1) & (places - 1);
        return &table[i];
}

static bool
grow(struct receive_book *b)
{
        struct last *bigger;

        if (b->places / 2 >= RECEIVE_MAX_SERIES)
                return false;
        bigger = calloc(b->places * 2, sizeof(*bigger));
        if (bigger == NULL)
                return false;
        for (size_t i = 0; i < b->places; i++) {
                if (b->table[i].series != 0)
                        *find_place(bigger, b->places * 2, b->table[i].series) = b->table[i];
        }
        free(b->table);
        b->table = bigger;
        b->places *= 2;
        return true;
}

/* The place of a series, a new one if need be; NULL when there is no room for it. */
static struct last *
remember(struct receive_book *b, uint64_t series)
{
        struct last *last = find_place(b->table, b->places, series);

        if (last->series != 0)
                return last;
        if (b->totals.series >= b->places / 2) {
                if (!grow(b)) {
                        b->totals.series_beyond++;
                        return NULL;
                }
                last = find_place(b->table, b->places, series);
        }
        b->totals.series++;
        last->series = series;
        last->time_ms = INT64_MIN;
        return last;
}

/* What is wrong with the samples as they follow on the last one; NULL: nothing. */
static const char *
order_fault(const struct last *last, const struct decode_series *s, int64_t now_ms)
{
        const struct encode_sample *first = &s->samples[0];

        if (s->samples[s->n_samples - 1].time_ms > now_ms + RECEIVE_FUTURE_MS)
                return "sample is more than ten minutes in the future";
        if (last == NULL || first->time_ms > last->time_ms)
                return NULL;
        if (first->time_ms < last->time_ms)
                return "sample is older than the last one of its series";
        return first->bits != last->bits ? "two values of a series at one time" : NULL;
}

static void
count_samples(struct reading *r, struct last *last, const struct decode_series *s)
{
        struct receive_totals *t = &r->book->totals;

        r->taken += s->n_samples;
        for (size_t i = 0; i < s->n_samples; i++) {
                const struct encode_sample *x = &s->samples[i];

                if (last != NULL && x->time_ms == last->time_ms) {
                        t->repeated++;
                        continue;
                }
                t->samples++;
                r->tenant->samples++;
                t->stale += x->bits == COLUMN_STALE;
                if (x->time_ms > t->newest_ms)
                        t->newest_ms = x->time_ms;
                if (last != NULL) {
                        last->time_ms = x->time_ms;
                        last->bits = x->bits;
                }
        }
}

static void
note_fault(struct reading *r, const char *fault, const struct decode_series *s)
{
        struct buf text = BUF_INIT(SERIES_TEXT_MAX);
        struct err e = ERR_INIT;

        (void)receive_show_series(
            s->labels, s->n_labels, &text, NULL); /* as much as there is room */
        (void)err_set(
            &e, ERR_REFUSED, "%s: %.*s", fault, (int)text.len, text.ptr != NULL ? text.ptr : "");
        buf_release(&text);
        r->book->totals.faults++;
        (void)snprintf(r->book->totals.last_fault, sizeof(r->book->totals.last_fault), "%s", e.msg);
        if (r->first.code == ERR_NONE)
                r->first = e;
}

static int
take_series(void *arg, const struct decode_series *s, struct err *e)
{
        struct reading *r = arg;
        const char *fault = s->fault;
        struct last *last = NULL;

        r->book->totals.time_series++;
        if (fault == NULL) {
                last = remember(r->book, series_hash(s, r->request->tenant));
                fault = order_fault(last, s, r->request->now_ms);
        }
        if (fault != NULL) {
                note_fault(r, fault, s);
                return 0;
        }
        count_samples(r, last, s);
        return r->request->each != NULL ? r->request->each(r->request->arg, s, e) : 0;
}

/* ---- requests ---- */

static struct receive_tenant *
find_tenant(struct receive_totals *t, const char *name)
{
        char cut[RECEIVE_TENANT_MAX + 1];
        struct receive_tenant *found;

        (void)snprintf(cut, sizeof(cut), "%s", name != NULL ? name : "");
        for (size_t i = 0; i < t->n_tenants; i++) {
                if (strcmp(t->tenants[i].name, cut) == 0)
                        return &t->tenants[i];
        }
        if (t->n_tenants == RECEIVE_TENANTS)
                return &t->tenants[RECEIVE_TENANTS - 1];
        found = &t->tenants[t->n_tenants++];
        if (t->n_tenants == RECEIVE_TENANTS)
                (void)snprintf(cut, sizeof(cut), "(others)");
        memcpy(found->name, cut, sizeof(cut));
        return found;
}

static struct receive_tenant *
count_request(struct receive_totals *t, const struct receive_request *r)
{
        struct receive_tenant *tenant = find_tenant(t, r->tenant);
        uint64_t raw;

        t->requests++;
        t->bytes += r->body.n;
        t->last_request_ms = r->now_ms;
        /* a snappy body begins with its decompressed length */
        if (varint_get((const uint8_t *)r->body.p, (const uint8_t *)r->body.p + r->body.n, &raw) >
                0 &&
            raw <= DECODE_MAX_BYTES)
                t->bytes_raw += raw;
        tenant->requests++;
        return tenant;
}

/* Headers and what a decoder says of them may hold anything; only series are escaped already. */
static void
note_bad_request(struct receive_totals *t, struct err *e)
{
        for (char *p = e->msg; *p != '\0'; p++) {
                if (*p < 0x20 || *p > 0x7e)
                        *p = '?';
        }
        t->faults++;
        memcpy(t->last_fault, e->msg, sizeof(t->last_fault));
}

unsigned
receive_check(struct receive_book *b, const struct receive_request *r, struct receive_result *out,
    struct err *e)
{
        struct reading reading = {.book = b, .request = r};
        enum write_message message = WRITE_1;
        unsigned status;
        int rc;

        reading.tenant = count_request(&b->totals, r);
        *out = (struct receive_result){.says_written = false};
        status = check_headers(r, &message, e);
        if (status == STATUS_OK) {
                rc = decode_request(r->body, message, take_series, &reading, e);
                *out = (struct receive_result){message == WRITE_2, reading.taken};
                b->totals.requests_2 += message == WRITE_2;
                if (rc < 0)
                        status = rc == ERR_LIMIT ? STATUS_TOO_LARGE : STATUS_BAD;
        }
        if (status != STATUS_OK) {
                note_bad_request(&b->totals, e);
        } else if (reading.first.code != ERR_NONE) {
                *e = reading.first;
                status = STATUS_BAD;
        }
        b->totals.refused += status != STATUS_OK;
        return status;
}

void
receive_turn_away(struct receive_book *b, const struct receive_request *r)
{
        (void)count_request(&b->totals, r);
        b->totals.turned_away++;
}
