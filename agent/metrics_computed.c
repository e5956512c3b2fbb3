#include "agent/metrics_computed.h"

#include "agent/metrics_snapshot.h"

#include <math.h>
#include <stdint.h>

enum { RATE_AFTER_SECONDS = 60 }; /* a rate since the start means little before */

const char *const skip_names[SKIP_REASONS] = {"late", "busy", "clock"};
/* Prometheus's own reasons, where we have them. */
const char *const drop_names[DROP_REASONS] = {"dropped_series", "too_old", "other"};

double
compute_one(const struct metrics_snapshot *s, const void *item, size_t i)
{
        (void)s;
        (void)item;
        (void)i;
        return 1;
}

/* The part of the samples that some endpoint still waits for; all without an endpoint. */
static double
pending_part(const struct metrics_snapshot *s, const struct wal_stats *log)
{
        uint64_t most = 0;

        if (s->n_remotes == 0)
                return 1;
        for (size_t i = 0; i < s->n_remotes; i++) {
                if (s->remotes[i].cursor.pending > most)
                        most = s->remotes[i].cursor.pending;
        }
        return most < log->samples_stored ? (double)most / (double)log->samples_stored : 1;
}

/* What is settled already gives way without loss, so only what is pending takes room. */
double
compute_full_in(const struct metrics_snapshot *s, const void *item, size_t i)
{
        const struct wal_stats *log = &((const struct metrics_log *)item)->stats;
        double seconds = (double)(s->wall_ms - s->start_ms) / 1e3;
        double room;

        (void)i;
        if (seconds < RATE_AFTER_SECONDS || log->bytes_block_payload == 0)
                return (double)NAN;
        room = (double)log->bytes_max - (double)log->bytes_used * pending_part(s, log);
        return room > 0 ? room / ((double)log->bytes_block_payload / seconds) : 0;
}

double
compute_skipped(const struct metrics_snapshot *s, const void *item, size_t i)
{
        const struct scraper_stats *x = &((const struct metrics_scraping *)item)->stats;

        (void)s;
        switch (i) {
        case SKIP_LATE:
                return (double)x->scrapes_skipped_late;
        case SKIP_BUSY:
                return (double)x->scrapes_skipped_busy;
        default:
                return (double)x->scrapes_held_clock;
        }
}

static double
age(const struct metrics_snapshot *s, int64_t beat_ms)
{
        return beat_ms > 0 ? (double)(s->mono_ms - beat_ms) / 1e3 : (double)NAN;
}

double
compute_scrape_loop_age(const struct metrics_snapshot *s, const void *item, size_t i)
{
        (void)i;
        return age(s, ((const struct metrics_scraping *)item)->stats.loop_beat_ms);
}

double
compute_discovery_age(const struct metrics_snapshot *s, const void *item, size_t i)
{
        const struct metrics_feed *f = item;

        (void)i;
        return f->known ? (double)(s->mono_ms - f->confirmed_ms) / 1e3 : (double)NAN;
}

double
compute_dropped(const struct metrics_snapshot *s, const void *item, size_t i)
{
        const struct wal_ledger *ledger = &((const struct sender_stats *)item)->cursor.ledger;

        (void)s;
        switch (i) {
        case DROP_SERIES:
                return (double)ledger->filtered;
        case DROP_TOO_OLD:
                return (double)ledger->lost[LOST_AGE];
        default:
                return (double)(ledger->lost[LOST_SIZE] + ledger->lost[LOST_DAMAGED] +
                    ledger->lost[LOST_CLOCK]);
        }
}

double
compute_failed(const struct metrics_snapshot *s, const void *item, size_t i)
{
        const struct wal_ledger *ledger = &((const struct sender_stats *)item)->cursor.ledger;

        (void)s;
        (void)i;
        return (double)(ledger->lost[LOST_REFUSED] + ledger->lost[LOST_CONFLICT]);
}

double
compute_state(const struct metrics_snapshot *s, const void *item, size_t i)
{
        (void)s;
        return (size_t)((const struct sender_stats *)item)->state == i;
}

double
compute_skew(const struct metrics_snapshot *s, const void *item, size_t i)
{
        int64_t ms = ((const struct sender_stats *)item)->receiver_skew_ms;

        (void)s;
        (void)i;
        return ms != INT64_MIN ? (double)ms / 1e3 : (double)NAN;
}

double
compute_expiry(const struct metrics_snapshot *s, const void *item, size_t i)
{
        int64_t ms = ((const struct sender_stats *)item)->cert_expiry_ms;

        (void)s;
        (void)i;
        return ms != 0 ? (double)ms / 1e3 : (double)NAN;
}

double
compute_drained_in(const struct metrics_snapshot *s, const void *item, size_t i)
{
        int64_t ms = ((const struct sender_stats *)item)->drained_in_ms;

        (void)s;
        (void)i;
        return ms >= 0 ? (double)ms / 1e3 : (double)NAN;
}

double
compute_send_loop_age(const struct metrics_snapshot *s, const void *item, size_t i)
{
        (void)i;
        return age(s, ((const struct sender_stats *)item)->loop_beat_ms);
}
