#include "remotewrite/settle.h"

enum { FIELDS = 3 + LOST_REASONS };

static uint64_t *
field(struct wal_ledger *l, int i)
{
        uint64_t *const first[] = {&l->acknowledged, &l->unconfirmed, &l->filtered};

        return i < 3 ? first[i] : &l->lost[i - 3];
}

uint64_t
settle_sum(const struct wal_ledger *l)
{
        uint64_t sum = l->acknowledged + l->unconfirmed + l->filtered;

        for (int i = 0; i < LOST_REASONS; i++)
                sum += l->lost[i];
        return sum;
}

void
settle_add(struct wal_ledger *to, const struct wal_ledger *from)
{
        struct wal_ledger copy = *from;

        for (int i = 0; i < FIELDS; i++)
                *field(to, i) += *field(&copy, i);
}

void
settle_take(struct wal_ledger *from, uint64_t keep, struct wal_ledger *out)
{
        struct wal_ledger kept = {0};

        for (int i = 0; i < FIELDS && keep > 0; i++) {
                uint64_t n = *field(from, i) < keep ? *field(from, i) : keep;

                *field(&kept, i) = n;
                *field(from, i) -= n;
                keep -= n;
        }
        *out = *from;
        *from = kept;
}
