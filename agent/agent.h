/*
 * The running agent: holds the parts, starts them sink first and stops them source first, swaps
 * configurations. Main thread, but for agent_reload, which the HTTP thread may call, too.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include <stdbool.h>
#include <stdint.h>

struct agent;
struct config;
struct err;

struct agent_options {
        const char *tenant; /* a name that agent_tenant_check took */
        bool send_tenant_header; /* --tenant was given */
        const char *config_path;
        const char *data_dir; /* of all tenants; <data_dir>/<tenant> is used */
        const char *storage_path; /* used as it is instead of that; NULL: not given */
        int64_t max_age_ms; /* wal.max_age where the file has none; 0: the default */
        bool extra_scrape_metrics; /* what global has where the file says nothing */
        const char *listen_address; /* NULL: from the file, else the default */
        const char *web_config; /* the file that secures the HTTP endpoints; NULL: none */
        const char *external_url; /* NULL: not given */
        const char *route_prefix; /* "" or "/x": before every path */
        const char *page_title;
        const char *cors_origin; /* pages of which other origins may read the API */
        const char *flags_json; /* the command line, an object */
        int64_t read_timeout_ms; /* 0: the default */
        uint64_t max_connections; /* 0: the default */
        int64_t auto_reload_ms; /* how often the files are looked at; 0: never */
        bool lifecycle;
        int quit_fd; /* an eventfd that /-/quit writes to */
};

/* [A-Za-z0-9][A-Za-z0-9_.-]{0,63}: nothing that could leave its directory. ERR_CONFIG. */
int agent_tenant_check(const char *tenant, struct err *e);

/*
 * Loads the configuration, opens the log and starts everything. ERR_CONFIG: the operator has to
 * change something (the reasons are on stderr already when they lie in the file).
 */
int agent_start(const struct agent_options *o, struct agent **out, struct err *e);
/* Loads the file anew; the old configuration stays when the new one is no good. Logs both.
 * ERR_AGAIN before the start is over and once the end began. */
int agent_reload(struct agent *a, struct err *e);
/* Once a second: memory limit, changes of state worth a line. */
void agent_tick(struct agent *a);
/* True while every thread's loop comes round: what the watchdog is fed by. */
bool agent_is_alive(struct agent *a);
/* Stops scraping, sends what is pending for up to timeout_ms, closes the log. Frees. */
void agent_stop(struct agent *a, int64_t timeout_ms);

#endif
