/*
 * Loading a configuration from a piece of text, and tables of pieces with what is said of them.
 */
#ifndef UNIT_AGENT_CONFIG_CASES_H
#define UNIT_AGENT_CONFIG_CASES_H

#include "tests/testing/testing.h"

#include "agent/config.h"
#include "base/buf.h"
#include "base/err.h"
#include "remotewrite/endpoint.h"
#include "scrape/job.h"

#include <stdlib.h>
#include <string.h>

/* want NULL: accepted; "": accepted without a word; else a part of what the report says. */
struct config_case {
        const char *name;
        const char *text;
        const char *want;
        bool accepted; /* want is a warning or a note, and the file is good */
};

static const struct config_env cases_env = {.tenant = "tenant-a", .send_tenant_header = true};

/* The lines of the report; the caller frees them. */
static inline char *
cases_print(const struct config_report *report)
{
        struct buf out = BUF_INIT((size_t)1 << 20);

        testing_ok(config_report_print(report, &out, NULL), NULL);
        testing_ok(buf_putc(&out, '\0', NULL), NULL);
        return out.ptr;
}

/* A file that must be good; the caller frees it. */
static inline struct config *
cases_load(const char *text)
{
        struct config_report report = {0};
        struct config *c = NULL;
        struct err e = ERR_INIT;
        int rc = config_load_text("/etc/t/agent.yml", view_of(text), &cases_env, &c, &report, &e);

        testing_ok(rc, &e);
        config_report_release(&report);
        return c;
}

static inline void
cases_run_one(const struct config_case *x, const char *text)
{
        struct config_report report = {0};
        struct config *c = NULL;
        struct err e = ERR_INIT;
        int rc = config_load_text("/etc/t/agent.yml", view_of(text), &cases_env, &c, &report, &e);
        bool accepted = x->want == NULL || x->accepted;
        char *said = cases_print(&report);

        if ((rc == 0) != accepted)
                fail_msg("%s: %s\n%s", x->name, rc == 0 ? "accepted" : "refused", said);
        if (rc != 0)
                assert_int_equal(rc, ERR_CONFIG);
        if (x->want != NULL && strstr(said, x->want) == NULL)
                fail_msg("%s: wanted \"%s\", got\n%s", x->name, x->want, said);
        free(said);
        config_free(c);
        config_report_release(&report);
}

/* before: what stands in front of each text; its lines are at the top, the text is indented by
 * whoever writes it. */
static inline void
cases_run(const struct config_case *cases, size_t n, const char *before)
{
        for (size_t i = 0; i < n; i++) {
                struct buf text = BUF_INIT((size_t)1 << 20);

                testing_ok(buf_puts(&text, before, NULL), NULL);
                testing_ok(buf_puts(&text, cases[i].text, NULL), NULL);
                testing_ok(buf_putc(&text, '\0', NULL), NULL);
                cases_run_one(&cases[i], text.ptr);
                buf_release(&text);
        }
}

#define CASES(a) (a), sizeof(a) / sizeof((a)[0])

#endif
