/*
 * The rows of metrics_table.h about the program: itself, its process, configuration, endpoints,
 * memory.
 */
#include "agent/metrics_computed.h"
#include "agent/metrics_snapshot.h"
#include "agent/metrics_table.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct metric_row build_rows[] = {
    {.name = "prometheus_build_info",
        .unit = METRIC_COMPUTED,
        .compute = compute_one,
        .help = "The version of this program; 1. It has Prometheus's name for dashboards "
                "that list instances by it."},
    {.name = "gleaner_build_info",
        .unit = METRIC_COMPUTED,
        .compute = compute_one,
        .help = "The version of this program; 1."},
};

const struct metric_table metrics_of_build = {
    .title = "The program",
    .labels = "version",
    .source = METRIC_OF_BUILD,
    .rows = build_rows,
    .n_rows = COUNT(build_rows),
};

static const struct metric_row process_rows[] = {
    {.name = "process_cpu_seconds_total",
        .unit = METRIC_DOUBLE,
        .offset = offsetof(struct metrics_process, cpu_seconds),
        .help = "Processor time of all threads."},
    {.name = "process_resident_memory_bytes",
        .unit = METRIC_DOUBLE,
        .offset = offsetof(struct metrics_process, resident_bytes),
        .help = "Resident memory, pages of the log's file included."},
    {.name = "process_virtual_memory_bytes",
        .unit = METRIC_DOUBLE,
        .offset = offsetof(struct metrics_process, virtual_bytes),
        .help = "Address space; the map of the log is most of it."},
    {.name = "process_open_fds",
        .unit = METRIC_DOUBLE,
        .offset = offsetof(struct metrics_process, open_fds),
        .help = "Open file descriptors."},
    {.name = "process_max_fds",
        .unit = METRIC_DOUBLE,
        .offset = offsetof(struct metrics_process, max_fds),
        .help = "How many file descriptors the process may open."},
    {.name = "process_start_time_seconds",
        .unit = METRIC_DOUBLE,
        .offset = offsetof(struct metrics_process, start_seconds),
        .help = "When the process started, in seconds since 1970."},
};

const struct metric_table metrics_of_process = {
    .title = "The process",
    .source = METRIC_OF_PROCESS,
    .rows = process_rows,
    .n_rows = COUNT(process_rows),
};

static const struct metric_row agent_rows[] = {
    {.name = "prometheus_config_last_reload_successful",
        .unit = METRIC_BOOL,
        .offset = offsetof(struct status_agent, reload_ok),
        .help = "Whether the last load of the configuration went well."},
    {.name = "prometheus_config_last_reload_success_timestamp_seconds",
        .unit = METRIC_MS,
        .offset = offsetof(struct status_agent, reload_success_ms),
        .help = "When the configuration was last loaded with success, in seconds since "
                "1970."},
    {.name = "gleaner_config_reload_failures_total",
        .offset = offsetof(struct status_agent, reloads_failed),
        .help = "Reloads that were refused; the old configuration stayed."},
};

const struct metric_table metrics_of_agent = {
    .title = "Configuration",
    .source = METRIC_OF_AGENT,
    .rows = agent_rows,
    .n_rows = COUNT(agent_rows),
};

static const struct metric_row web_rows[] = {
    {.name = "gleaner_web_config_last_reload_successful",
        .unit = METRIC_BOOL,
        .offset = offsetof(struct web_stats, reload_ok),
        .help = "Whether the web configuration and its certificates were good when they were last "
                "looked at; else those before are still used."},
    {.name = "gleaner_web_config_last_reload_success_timestamp_seconds",
        .unit = METRIC_MS,
        .offset = offsetof(struct web_stats, reload_success_ms),
        .help = "When the web configuration in use was read, in seconds since 1970."},
    {.name = "gleaner_web_config_reload_failures_total",
        .offset = offsetof(struct web_stats, reload_failures),
        .help = "Times that the web configuration or a file that it names became bad."},
    {.name = "gleaner_web_requests_unauthorized_total",
        .offset = offsetof(struct web_stats, refused),
        .help = "Requests that were answered 401."},
    {.name = "gleaner_web_requests_limited_total",
        .offset = offsetof(struct web_stats, limited),
        .help = "Requests that were answered 429 by rate_limit."},
};

const struct metric_table metrics_of_web = {
    .title = "The HTTP endpoints, with --web.config.file",
    .source = METRIC_OF_WEB,
    .rows = web_rows,
    .n_rows = COUNT(web_rows),
};

static const struct metric_row memory_rows[] = {
    {.name = "gleaner_memory_bytes",
        .unit = METRIC_SIGNED,
        .offset = offsetof(struct metrics_memory, parts),
        .key = "part",
        .names = memory_shown_names,
        .n_names = MEMORY_SHOWN,
        .help = "Memory by owner; what is not accounted for by owner by what it is. The sum is the "
                "resident memory, but for what was taken and not touched yet."},
    {.name = "gleaner_memory_limit_bytes",
        .offset = offsetof(struct metrics_memory, limit),
        .help = "agent.memory_limit: above it no new series are taken."},
    {.name = "gleaner_memory_anonymous_bytes",
        .offset = offsetof(struct metrics_memory, anonymous),
        .help = "Resident memory without file pages: what the limit is held against."},
    {.name = "gleaner_memory_refuses_series",
        .unit = METRIC_BOOL,
        .offset = offsetof(struct metrics_memory, refuses_new),
        .help = "Whether new series are refused now because of the limit."},
};

const struct metric_table metrics_of_memory = {
    .title = "Memory",
    .source = METRIC_OF_MEMORY,
    .rows = memory_rows,
    .n_rows = COUNT(memory_rows),
};
