/*
 * The command line of the agent: its own options and the flags that a `prometheus --agent` is
 * started with, so that a unit file can stay as it is. What has no effect here is kept as a remark
 * for the log; what only a full server takes is refused. One thread; strings belong to argv.
 */
#ifndef AGENT_ARGUMENTS_H
#define AGENT_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

enum {
        ARGUMENTS_REMARKS_MAX = 64, /* further ones are left out */
        ARGUMENTS_PATH_BYTES = 4096,
        ARGUMENTS_FLAG_BYTES = 128,
        ARGUMENTS_FOREIGN_MAX = 96,
        ARGUMENTS_LISTEN_BYTES = 1024,
};

struct arguments_remark {
        char flag[ARGUMENTS_FLAG_BYTES]; /* "--web.local-assets" */
        const char *why; /* static */
        bool warn; /* something will be missing */
};

struct arguments {
        const char *tenant; /* NULL: not given */
        const char *config_file; /* NULL: not given */
        const char *config_dir;
        const char *data_dir; /* the logs of all tenants */
        const char *storage_path; /* the log of this one; NULL: below data_dir */
        const char *listen_address; /* several with commas between; NULL: not given */
        const char *web_config; /* NULL: not given */
        const char *external_url; /* NULL: not given */
        const char *page_title;
        const char *cors_origin; /* a regular expression; status.h */
        const char *log_level;
        const char *log_format;
        bool lifecycle;
        bool help;
        bool version;
        bool auto_reload;
        bool extra_scrape_metrics; /* of jobs, where the file says nothing */
        const char *features; /* the names given last; NULL: none */
        int64_t auto_reload_ms; /* how often the files are looked at */
        int64_t shutdown_timeout_ms;
        int64_t read_timeout_ms; /* of an idle connection; 0: the default */
        uint64_t max_connections; /* 0: the default */
        int64_t max_age_ms; /* of samples in the log where the file says nothing; 0: the default */
        char listen_addresses[ARGUMENTS_LISTEN_BYTES]; /* where listen_address points */
        char route_prefix[256]; /* "" or "/x/y": before every path */
        char config_path[ARGUMENTS_PATH_BYTES]; /* the file that is read */
        struct arguments_remark remarks[ARGUMENTS_REMARKS_MAX];
        size_t n_remarks;
        const char
            *foreign[ARGUMENTS_FOREIGN_MAX]; /* values of prometheus_flags; NULL: not given */
        int n_rest; /* arguments that are no options, in argv[1..] */
};

/*
 * Fills *a from argv. ERR_CONFIG: an option that is unknown or refused, a bad value. With help,
 * version or n_rest set nothing else has been checked.
 */
int arguments_parse(int argc, char **argv, struct arguments *a, struct err *e);
/* Prints the options to stdout, one a line. */
void arguments_print(void);
/* Appends every option and its value as a JSON object of texts, names sorted, as Prometheus's
 * /api/v1/status/flags has them; also those of Prometheus that have no effect here: what was given,
 * else "false" or nothing. */
int arguments_put_json(const struct arguments *a, struct buf *out, struct err *e);

#endif
