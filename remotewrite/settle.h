/*
 * Ledgers of requests → ledgers of whole groups. Pure.
 *
 * The log settles groups in order, a request may end in the middle of one: the part of a group that
 * is not complete yet is carried over to the request that completes it.
 */
#ifndef REMOTEWRITE_SETTLE_H
#define REMOTEWRITE_SETTLE_H

#include "wal/wal.h"

#include <stdint.h>

uint64_t settle_sum(const struct wal_ledger *l);
void settle_add(struct wal_ledger *to, const struct wal_ledger *from);
/*
 * Moves all but `keep` samples from *from to *out. Which of them stay does not matter for the sums;
 * acknowledged ones first.
 */
void settle_take(struct wal_ledger *from, uint64_t keep, struct wal_ledger *out);

#endif
