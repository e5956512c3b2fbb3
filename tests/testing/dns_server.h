/*
 * A name server for unit tests without a thread: the test waits for the client's sockets and lets
 * it answer in between.
 */
#ifndef TESTING_DNS_SERVER_H
#define TESTING_DNS_SERVER_H

#include <stdint.h>

struct testing_dns;

/* What is said to the question of that name and type. */
struct testing_dns_row {
        const char *name;
        unsigned type;
        unsigned code; /* 0: no error, 2: failure, 3: no such name */
        unsigned answers;
        const char *records; /* of the answer, as they are on the wire; 0xc00c is the name */
        unsigned n_bytes;
};

/* rows end with name NULL; a name that is in none does not exist. */
struct testing_dns *testing_dns_start(const struct testing_dns_row *rows);
void testing_dns_stop(struct testing_dns *d);
/* Other rows from now on. */
void testing_dns_say(struct testing_dns *d, const struct testing_dns_row *rows);
/* "127.0.0.1:PORT" */
const char *testing_dns_address(const struct testing_dns *d);
/* Answers what has come in. */
void testing_dns_turn(struct testing_dns *d);
/* Names asked for since the start, each followed by a blank. */
const char *testing_dns_asked(const struct testing_dns *d);

#endif
