/*
 * Memory by owner, and the promise of agent.memory_limit (DESIGN section 7): above the limit no
 * new series are taken, those already known go on; they are tried again when 5 % is free.
 *
 * Counters are atomic: any thread. memory_check is called by the agent once a second.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum memory_part {
        MEMORY_SERIES, /* slots, hashes, flags, indexes */
        MEMORY_STAGING, /* values of scrapes in flight, partial lines */
        MEMORY_SEND, /* windows, requests, decoded layouts */
        MEMORY_QUEUE, /* batches on their way to the disk */
        MEMORY_TARGETS, /* targets and their labels */
        MEMORY_CURL, /* connections and transfers */
        MEMORY_TLS, /* OpenSSL: contexts, sessions, certificates */
        MEMORY_PARTS
};

void memory_account(enum memory_part part, int64_t delta_bytes);
int64_t memory_of(enum memory_part part);

/* 0: no limit. */
void memory_set_limit(uint64_t bytes);
uint64_t memory_limit(void);
/* Compares the limit with the larger of the accounted bytes and RSS less file pages. */
void memory_check(void);
/* True from the moment the limit is passed until 5 % is free again. */
bool memory_refuses_new(void);
/* The smaller of 200 MiB and 80 % of the cgroup's limit. */
uint64_t memory_default_limit(void);

#endif
