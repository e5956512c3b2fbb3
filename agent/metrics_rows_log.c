/*
 * The rows of metrics_table.h about the write-ahead log, and the agent's book of samples.
 */
#include "agent/metrics_computed.h"
#include "agent/metrics_snapshot.h"
#include "agent/metrics_table.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* in the order of wal_stats.trimmed_samples */
static const char *const trim_names[] = {"age", "size"};

static const struct metric_row log_rows[] = {
    /* ---- the book of the agent: offered = appended + not stored + queued ---- */
    {.name = "gleaner_samples_offered_total",
        .offset = offsetof(struct metrics_log, stats.samples_offered),
        .help = "Samples that scrapes offered to the log, counted before they are handed over."},
    {.name = "gleaner_wal_samples_appended_total",
        .offset = offsetof(struct metrics_log, stats.samples_appended),
        .help = "Samples appended to the log since it was made."},
    {.name = "gleaner_samples_not_stored_total",
        .offset = offsetof(struct metrics_log, stats.not_stored),
        .key = "reason",
        .names = wal_not_stored_names,
        .n_names = NOT_STORED_REASONS,
        .help =
            "Samples that were not stored: the disk failed, the queue to the log was full, there "
            "was no memory or new series were over agent.memory_limit. Alert on any."},
    {.name = "gleaner_samples_queued",
        .offset = offsetof(struct metrics_log, stats.samples_queued),
        .help = "Samples handed to the log that it has not answered yet. A crash loses these."},
    {.name = "prometheus_remote_storage_samples_in_total",
        .offset = offsetof(struct metrics_log, stats.samples_appended),
        .help = "Samples in to remote storage: those appended to the log."},
    {.name = "prometheus_remote_storage_highest_timestamp_in_seconds",
        .unit = METRIC_MS,
        .offset = offsetof(struct metrics_log, stats.newest_ms),
        .help = "Time of the newest sample in the log, in seconds since 1970; 0: none."},

    /* ---- the log itself ---- */
    {.name = "gleaner_wal_usable",
        .unit = METRIC_BOOL,
        .offset = offsetof(struct metrics_log, usable),
        .help = "Whether the log can be written: 0 after a commit that failed."},
    {.name = "gleaner_wal_samples",
        .offset = offsetof(struct metrics_log, stats.samples_stored),
        .help = "Samples that the log holds, sent ones that were not yet removed included."},
    {.name = "gleaner_wal_used_bytes",
        .offset = offsetof(struct metrics_log, stats.bytes_used),
        .help = "Bytes of the log's pages in use."},
    {.name = "gleaner_wal_max_bytes",
        .offset = offsetof(struct metrics_log, stats.bytes_max),
        .help = "wal.max_size: what the log may hold."},
    {.name = "gleaner_wal_file_bytes",
        .offset = offsetof(struct metrics_log, stats.bytes_file),
        .help = "Size of the log's file, the space ahead included that is allocated before it "
                "is needed."},
    {.name = "gleaner_wal_full_in_seconds",
        .unit = METRIC_COMPUTED,
        .compute = compute_full_in,
        .help = "Estimate: how long an outage can last until samples are lost because "
                "wal.max_size is reached, from what is pending and the mean rate since the "
                "start."},
    {.name = "gleaner_wal_first_block",
        .offset = offsetof(struct metrics_log, stats.first_block),
        .help = "Number of the oldest block."},
    {.name = "gleaner_wal_next_block",
        .offset = offsetof(struct metrics_log, stats.next_block),
        .help = "Number that the next block will have."},
    {.name = "gleaner_wal_block_bytes_total",
        .offset = offsetof(struct metrics_log, stats.bytes_block_payload),
        .help = "Bytes of blocks written."},
    {.name = "gleaner_wal_commits_total",
        .offset = offsetof(struct metrics_log, stats.commits),
        .help = "Commits."},
    {.name = "gleaner_wal_commit_failures_total",
        .offset = offsetof(struct metrics_log, stats.commit_failures),
        .help = "Commits that failed; what was in them counts as not stored."},
    {.name = "gleaner_wal_commits_late_total",
        .offset = offsetof(struct metrics_log, stats.commits_late),
        .help = "Commits that were over later than wal.sync_interval after their oldest scrape."},
    {.name = "gleaner_wal_damaged_blocks_total",
        .offset = offsetof(struct metrics_log, stats.damaged_blocks),
        .help = "Blocks whose checksum was wrong; their samples count as lost."},
    {.name = "gleaner_wal_damaged_values_total",
        .offset = offsetof(struct metrics_log, stats.damaged_values),
        .help = "Layouts, keyframes and other values whose checksum was wrong."},
    {.name = "gleaner_wal_logs_set_aside",
        .offset = offsetof(struct metrics_log, stats.logs_set_aside),
        .help = "Damaged logs (wal.damaged-<time> in the data directory) that lay beside this one "
                "when it was opened: what they hold unsent is lost. Alert on any."},
    {.name = "gleaner_wal_trimmed_samples_total",
        .offset = offsetof(struct metrics_log, stats.trimmed_samples),
        .key = "reason",
        .names = trim_names,
        .n_names = COUNT(trim_names),
        .help = "Samples removed before every endpoint had them, because of wal.max_age or "
                "wal.max_size."},
    {.name = "gleaner_wal_queue_bytes",
        .offset = offsetof(struct metrics_log, stats.queue_bytes),
        .help = "Bytes of scrapes that wait for the next commit."},
    {.name = "gleaner_wal_queue_batches",
        .offset = offsetof(struct metrics_log, stats.queue_batches),
        .help = "Scrapes that wait for the next commit."},
    {.name = "gleaner_wal_oldest_timestamp_seconds",
        .unit = METRIC_MS,
        .offset = offsetof(struct metrics_log, stats.oldest_ms),
        .help = "Time of the oldest sample in the log, in seconds since 1970; 0: none."},
    {.name = "gleaner_wal_last_commit_timestamp_seconds",
        .unit = METRIC_MS,
        .offset = offsetof(struct metrics_log, stats.last_commit_ms),
        .help = "When the last commit was made, in seconds since 1970; 0: none yet."},
    {.name = "gleaner_disk_written_bytes_total",
        .offset = offsetof(struct metrics_log, stats.bytes_written),
        .help = "Bytes that this process had written to the disk, by the kernel's count."},
};

const struct metric_table metrics_of_log = {
    .title = "The write-ahead log",
    .source = METRIC_OF_LOG,
    .rows = log_rows,
    .n_rows = COUNT(log_rows),
};
