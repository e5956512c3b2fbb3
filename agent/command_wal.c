/*
 * gleaner wal status: a running agent is asked over its control socket; only when none listens is
 * the log opened, for reading.
 */
#include "agent/agent.h"
#include "agent/command.h"
#include "agent/control.h"
#include "agent/options.h"
#include "agent/wal_status.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "wal/wal.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Where a log is. */
struct place {
        const char *data_dir;
        const char *tenant;
        const char *storage_path; /* NULL: below data_dir */
};

static int
open_and_look(const char *dir, const char *tenant, struct buf *out, struct err *e)
{
        const struct wal_options o = {
            .dir = dir, .tenant = tenant, .clock = clock_system(), .read_only_tool = true};
        struct wal *w = NULL;
        int rc = wal_open(&o, &w, e);

        if (rc == 0)
                rc = wal_status_json(w, out, e);
        wal_close(w);
        return rc;
}

static int
look(const struct place *at, struct buf *out, struct err *e)
{
        char dir[PATH_MAX];
        char path[PATH_MAX];
        int n = at->storage_path != NULL
            ? snprintf(dir, sizeof(dir), "%s", at->storage_path)
            : snprintf(dir, sizeof(dir), "%s/%s", at->data_dir, at->tenant);
        int m = n > 0 && (size_t)n < sizeof(dir)
            ? snprintf(path, sizeof(path), "%.*s/control.sock", n, dir)
            : -1;
        int rc;

        if (n < 0 || m < 0 || (size_t)m >= sizeof(path))
                return err_set(e, ERR_CONFIG, "the data directory's path is too long");
        rc = control_ask(path, "status", out, e);
        return rc == ERR_NOTFOUND ? open_and_look(dir, at->tenant, out, e) : rc;
}

static int
show(struct view json, bool as_json, struct err *e)
{
        struct buf text = BUF_INIT(CONTROL_ANSWER_MAX);
        int rc = wal_status_text(json, &text, e); /* also tells an answer from an error */
        struct view shown = as_json ? json : buf_view(&text);

        if (rc == 0 && fwrite(shown.p, 1, shown.n, stdout) != shown.n)
                rc = err_set(e, ERR_SYS, "cannot write to standard output");
        buf_release(&text);
        return rc;
}

static int
show_help(const struct option_row *rows, size_t n)
{
        (void)printf("usage: gleaner wal status [options]\n\n"
                     "Says what a tenant's log holds, also beside a running agent.\n\n");
        options_print(rows, n);
        return EXIT_FINE;
}

static int
usage_error(const char *why)
{
        (void)fprintf(stderr, "gleaner wal: %s; see gleaner wal --help\n", why);
        return EXIT_USAGE;
}

int
command_wal(int argc, char **argv)
{
        struct place at = {.data_dir = "/var/lib/gleaner"};
        bool as_json = false;
        bool help = false;
        const struct option_row rows[] = {
            {"data-dir", &at.data_dir, NULL, "DIR", "where tenants' logs are (/var/lib/gleaner)"},
            {"tenant", &at.tenant, NULL, "NAME", "whose log"},
            {"storage.agent.path", &at.storage_path, NULL, "DIR",
                "the log itself, when the agent was given this; the tenant may be left out"},
            {"json", NULL, &as_json, NULL, "one JSON object"},
            {"help", NULL, &help, NULL, "prints this and ends"},
        };
        const size_t n_rows = sizeof(rows) / sizeof(rows[0]);
        struct buf json = BUF_INIT(CONTROL_ANSWER_MAX);
        struct err e = ERR_INIT;
        int n = options_parse(argc, argv, rows, n_rows, &e);
        int rc;

        if (n < 0)
                return usage_error(e.msg);
        if (help)
                return show_help(rows, n_rows);
        if (n > 0 && strcmp(argv[1], "status") != 0)
                (void)err_set(
                    &e, ERR_CONFIG, "\"%.64s\" is nothing that it does: it is status", argv[1]);
        else if (n != 1)
                (void)err_set(&e, ERR_CONFIG,
                    n == 0 ? "say what to do: status" : "status takes no arguments");
        if (e.code != ERR_NONE)
                return usage_error(e.msg);
        if (at.tenant == NULL && at.storage_path != NULL)
                at.tenant = "default";
        if (at.tenant == NULL)
                return usage_error("--tenant is missing");
        if (agent_tenant_check(at.tenant, &e) < 0)
                return usage_error(e.msg);
        log_setup(LOG_ERROR, LOG_FORMAT_LOGFMT, NULL);
        rc = look(&at, &json, &e);
        if (rc == 0)
                rc = show(buf_view(&json), as_json, &e);
        buf_release(&json);
        if (rc < 0)
                (void)fprintf(stderr, "gleaner wal: %s\n", e.msg);
        return rc < 0 ? EXIT_FAILED : EXIT_FINE;
}
