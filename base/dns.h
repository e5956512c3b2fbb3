/*
 * Looking up DNS records without waiting (only user of c-ares). The search list of resolv.conf is
 * gone through as Prometheus does it (discovery/dns/dns.go, lookupWithSearchPath): the first name
 * that exists answers, with records or without; that none exists is an answer too; else it is a
 * failure. What UDP truncates is asked again over TCP.
 *
 * A resolver reads resolv.conf once and is meant for one round of questions. One thread.
 */
#ifndef BASE_DNS_H
#define BASE_DNS_H

#include "base/view.h"

#include <stddef.h>
#include <stdint.h>

struct dns_resolver;
struct err;
struct pollfd;

/* The numbers of the wire (RFC 1035, 3596, 2782). */
enum dns_type { DNS_A = 1, DNS_NS = 2, DNS_MX = 15, DNS_AAAA = 28, DNS_SRV = 33 };

struct dns_record {
        enum dns_type type;
        uint16_t port; /* of SRV */
        char *host; /* owned: an address, or a name without the last dot */
};

/* Sorted by type, host and port, each once. */
struct dns_records {
        struct dns_record *v; /* owned */
        size_t n;
};

void dns_records_release(struct dns_records *r);

/*
 * The records of the types above that an answer's bytes hold, whatever was asked; others are passed
 * over. ERR_PARSE when it does not follow the format, ERR_NOMEM; *out is untouched then. Pure.
 */
int dns_records_parse(struct view answer, struct dns_records *out, struct err *e);

/*
 * servers: "host:port,host:port" in place of those of resolv.conf; NULL: those. ERR_CONFIG: it
 * names none; ERR_SYS or ERR_NOMEM.
 */
int dns_resolver_new(const char *servers, struct dns_resolver **out, struct err *e);
/* What is under way ends without a call. NULL-safe. */
void dns_resolver_free(struct dns_resolver *r);

struct dns_question {
        const char *name; /* as long as the question is under way */
        enum dns_type type;
        /*
         * rc 0: *records are the caller's to release or move; else why says what is wrong. Called
         * by dns_resolver_turn, or by dns_resolver_ask already.
         */
        void (*done)(void *arg, int rc, struct dns_records *records, const struct err *why);
        void *arg;
};

/* On failure (ERR_NOMEM) done is not called. */
int dns_resolver_ask(struct dns_resolver *r, const struct dns_question *q, struct err *e);
enum { DNS_MAX_FDS = 16 };
/* What to wait for, at most DNS_MAX_FDS. */
size_t dns_resolver_fds(const struct dns_resolver *r, struct pollfd *out);
/* How long to wait at most; -1: for ever. */
int64_t dns_resolver_wait_ms(const struct dns_resolver *r);
/* Takes what has come in and what is too late. */
void dns_resolver_turn(struct dns_resolver *r);

#endif
