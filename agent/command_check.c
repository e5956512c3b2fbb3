/*
 * gleaner check: loads configuration files as the agent would and says what they will do, or
 * every mistake in them.
 */
#include "agent/agent.h"
#include "agent/check_show.h"
#include "agent/check_targets.h"
#include "agent/check_web.h"
#include "agent/command.h"
#include "agent/config.h"
#include "agent/config_docs.h"
#include "agent/explain.h"
#include "agent/options.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/duration.h"
#include "base/err.h"
#include "base/escape.h"
#include "base/http.h"
#include "scrape/job.h"
#include "scrape/target.h"

#include <stdio.h>
#include <string.h>

enum { OUTPUT_MAX = 1 << 30, DOCS_MAX = 1 << 20, PATH_BYTES = 4096, ASK_MS = 30000 };

struct arguments {
        const char *tenant;
        const char *config_dir;
        const char *config_file;
        const char *web_config; /* NULL: not given */
        const char *explain; /* NULL: not given */
        const char *timeout; /* NULL: not given */
        int64_t ask_ms; /* 0: the network is not asked */
        bool ask;
        bool json;
        bool print_keys;
        bool help;
};

static int
usage_error(const struct err *e)
{
        (void)fprintf(stderr, "gleaner check: %s\n", e->msg);
        return EXIT_USAGE;
}

static void
print_buf(FILE *f, const struct buf *b)
{
        if (b->len > 0)
                (void)fwrite(b->ptr, 1, b->len, f);
}

static int
print_keys(void)
{
        struct buf out = BUF_INIT(DOCS_MAX);
        struct err e = ERR_INIT;
        int rc = config_docs_print(&out, &e);

        print_buf(stdout, &out);
        buf_release(&out);
        return rc < 0 ? EXIT_FAILED : EXIT_FINE;
}

/* Prints what was loaded: the result to stdout, mistakes and warnings to stderr or into the JSON.
 */
static int
show(const struct arguments *a, const struct check_result *x, struct err *e)
{
        struct buf out = BUF_INIT(OUTPUT_MAX);
        struct buf messages = BUF_INIT(OUTPUT_MAX);
        int rc = a->json ? check_show_json(x, &out, e) : check_show_text(x, &out, e);

        if (rc == 0 && !a->json)
                rc = config_report_print(x->report, &messages, e);
        if (rc == 0 && !a->json && x->config == NULL)
                rc = buf_printf(&messages, e, "gleaner check: %s\n", x->error);
        if (rc == 0) {
                print_buf(stdout, &out);
                (void)fflush(stdout);
                print_buf(stderr, &messages);
        }
        buf_release(&out);
        buf_release(&messages);
        return rc;
}

/* By its job, its URL, or the address that it was discovered or is shown with. */
static bool
is_meant(const struct target *t, const char *word)
{
        bool meant =
            strcmp(t->job->name, word) == 0 || (t->url != NULL && strcmp(t->url, word) == 0);
        struct arena arena = ARENA_INIT(OUTPUT_MAX);
        struct labels discovered;

        labels_init(&discovered, &arena);
        if (target_discovered(t, &discovered, NULL) == 0)
                meant = meant || view_is(labels_get(&discovered, VIEW_LIT("__address__")), word);
        arena_release(&arena);
        for (size_t i = 0; i < t->n_labels; i++)
                meant = meant ||
                    (view_is(t->labels[i].name, "instance") && view_is(t->labels[i].value, word));
        return meant;
}

static int
explain_one(const struct target *t, bool dropped, size_t *told, struct buf *out, struct err *e)
{
        int rc;

        ++*told;
        rc = buf_puts(out, "a target of job ", e);
        if (rc == 0)
                rc = escape_put(out, view_of(t->job->name), e);
        if (rc == 0)
                rc = buf_putc(out, '\n', e);
        return rc == 0 ? explain_text(t, dropped, out, e) : rc;
}

/* What became of the targets that are meant; ERR_CONFIG when there is none. */
static int
explain(const struct arguments *a, const struct check_targets *t, struct err *e)
{
        struct buf out = BUF_INIT(OUTPUT_MAX);
        size_t told = 0;
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < t->n_active; i++) {
                if (is_meant(t->active[i], a->explain))
                        rc = explain_one(t->active[i], false, &told, &out, e);
        }
        for (size_t i = 0; rc == 0 && i < t->n_dropped; i++) {
                if (is_meant(t->dropped[i], a->explain))
                        rc = explain_one(t->dropped[i], true, &told, &out, e);
        }
        if (rc == 0 && told == 0)
                rc = err_set(e, ERR_CONFIG,
                    "--explain: \"%s\" is neither a job with targets nor a target's URL, address "
                    "or instance%s",
                    a->explain,
                    a->ask_ms > 0 ? ""
                                  : "; those that http, dns and kubernetes "
                                    "discovery finds need --ask");
        print_buf(stdout, &out);
        buf_release(&out);
        return rc;
}

static int
check_file(const struct arguments *a, const char *path)
{
        const struct config_env env = {.tenant = a->tenant != NULL ? a->tenant : "default",
            .send_tenant_header = a->tenant != NULL,
            .look_at_files = true};
        struct check_result result = {.path = path};
        struct config_report report = {0};
        struct check_targets *targets = NULL;
        struct config *c = NULL;
        bool silent;
        struct err why = ERR_INIT;
        struct err e = ERR_INIT;
        int refused = config_load(path, &env, &c, &report, &why);
        int rc = refused == ERR_CONFIG || refused == 0 ? 0 : err_set(&e, ERR_NOMEM, "%s", why.msg);

        if (rc == 0 && c != NULL)
                rc =
                    check_targets_build(&(struct check_input){c, &report, a->ask_ms}, &targets, &e);
        result.config = c;
        result.report = &report;
        result.targets = targets;
        result.error = why.msg;
        if (rc == 0)
                rc = show(a, &result, &e);
        if (rc == 0 && a->explain != NULL && targets != NULL)
                rc = explain(a, targets, &e);
        if (rc < 0)
                (void)fprintf(stderr, "gleaner check: %s: %s\n", path, e.msg);
        silent = targets != NULL && targets->n_silent > 0;
        check_targets_free(targets);
        config_free(c);
        config_report_release(&report);
        if (rc < 0)
                return rc == ERR_CONFIG ? EXIT_USAGE : EXIT_FAILED;
        if (refused != 0)
                return EXIT_USAGE;
        return silent ? EXIT_FAILED : EXIT_FINE;
}

static int
check_web_file(const struct arguments *a)
{
        struct buf out = BUF_INIT(OUTPUT_MAX);
        struct buf messages = BUF_INIT(OUTPUT_MAX);
        struct err e = ERR_INIT;
        int rc = check_web(a->web_config, a->json, &out, &messages, &e);

        print_buf(stdout, &out);
        (void)fflush(stdout);
        print_buf(stderr, &messages);
        buf_release(&out);
        buf_release(&messages);
        if (rc < 0 && rc != ERR_CONFIG)
                (void)fprintf(stderr, "gleaner check: %s: %s\n", a->web_config, e.msg);
        return rc == 0 ? EXIT_FINE : rc == ERR_CONFIG ? EXIT_USAGE : EXIT_FAILED;
}

static int
check_tenant_file(const struct arguments *a)
{
        char path[PATH_BYTES];
        struct err e = ERR_INIT;
        int n = snprintf(path, sizeof(path), "%s/%s/agent.yml", a->config_dir, a->tenant);

        if (n < 0 || (size_t)n >= sizeof(path)) {
                (void)err_set(&e, ERR_CONFIG, "the path of the configuration is too long");
                return usage_error(&e);
        }
        return check_file(a, path);
}

static int
read_asking(struct arguments *a, struct err *e)
{
        if (a->timeout != NULL && !a->ask)
                return err_set(e, ERR_CONFIG, "--timeout goes with --ask");
        if (!a->ask)
                return 0;
        a->ask_ms = ASK_MS;
        if (http_setup(e) < 0)
                return ERR_NOMEM;
        if (a->timeout == NULL)
                return 0;
        if (duration_parse(view_of(a->timeout), &a->ask_ms, e) < 0)
                return err_prefix(e, "--timeout");
        if (a->ask_ms <= 0)
                return err_set(e, ERR_CONFIG, "--timeout must be more than 0");
        return 0;
}

static int
check_arguments(struct arguments *a, int n_files, struct err *e)
{
        if (a->tenant != NULL && agent_tenant_check(a->tenant, e) < 0)
                return err_prefix(e, "--tenant");
        if (a->explain != NULL && a->json)
                return err_set(e, ERR_CONFIG,
                    "--explain is text; for JSON ask /api/v1/targets/relabel_steps of the agent");
        if (a->tenant == NULL && a->config_file == NULL && a->web_config == NULL && n_files == 0)
                return err_set(e, ERR_CONFIG,
                    "which file? give its name, or --tenant for that of a tenant; see --help");
        return read_asking(a, e);
}

static void
print_help(const struct option_row *rows, size_t n)
{
        (void)printf(
            "usage: gleaner check [OPTION…] [FILE…]\n\n"
            "Says what a configuration will do, or every mistake in it (exit code 2).\n\n");
        options_print(rows, n);
}

static int
worse(int a, int b)
{
        return a > b ? a : b;
}

int
command_check(int argc, char **argv)
{
        struct arguments a = {.config_dir = "/etc/gleaner"};
        const struct option_row rows[] = {
            {"tenant", &a.tenant, NULL, "NAME", "checks the file of this tenant, or with its name"},
            {"config-dir", &a.config_dir, NULL, "DIR", "where it is (default /etc/gleaner)"},
            {"config.file", &a.config_file, NULL, "FILE", "the same as FILE"},
            {"web.config.file", &a.web_config, NULL, "FILE",
                "checks a file of the agent's --web.config.file, its certificates too"},
            {"explain", &a.explain, NULL, "JOB|TARGET",
                "what each relabeling rule does to the targets of a job, or to one by its URL, "
                "address or instance"},
            {"ask", NULL, &a.ask, NULL,
                "asks http, dns and kubernetes discovery for targets; exit code 1 when one of them "
                "does not answer"},
            {"timeout", &a.timeout, NULL, "DURATION", "how long that may take (default 30s)"},
            {"json", NULL, &a.json, NULL, "one line of JSON per file"},
            {"print-keys", NULL, &a.print_keys, NULL, "prints the reference of all keys"},
            {"help", NULL, &a.help, NULL, "prints this"},
        };
        struct err e = ERR_INIT;
        int n = options_parse(argc, argv, rows, sizeof(rows) / sizeof(rows[0]), &e);
        int worst = EXIT_FINE;

        if (n < 0)
                return usage_error(&e);
        if (a.help) {
                print_help(rows, sizeof(rows) / sizeof(rows[0]));
                return EXIT_FINE;
        }
        if (a.print_keys)
                return print_keys();
        if (check_arguments(&a, n, &e) < 0)
                return usage_error(&e);
        if (a.config_file != NULL)
                worst = check_file(&a, a.config_file);
        else if (n == 0 && (a.tenant != NULL || a.web_config == NULL))
                worst = check_tenant_file(&a);
        for (int i = 1; i <= n; i++)
                worst = worse(worst, check_file(&a, argv[i]));
        if (a.web_config != NULL)
                worst = worse(worst, check_web_file(&a));
        return worst;
}
