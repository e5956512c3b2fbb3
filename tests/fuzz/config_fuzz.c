/*
 * Any bytes as a configuration: no crash, the report names a place for what it says, what is good
 * shows as YAML that parses again, and no secret of the corpus shows.
 */
#include "agent/config.h"
#include "agent/config_effective.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/yaml.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check_parses(struct view text)
{
        struct yaml_tree tree;

        if (yaml_tree_parse(&tree, text, NULL) == ERR_PARSE)
                abort();
        yaml_tree_release(&tree);
}

static void
check_shown(const struct config *c)
{
        struct buf shown = BUF_INIT((size_t)64 << 20);
        int rc = config_effective_put(c, &shown, NULL);

        check_parses(view_of(c->masked));
        if (rc == 0)
                check_parses(buf_view(&shown));
        else if (rc != ERR_LIMIT && rc != ERR_NOMEM)
                abort();
        buf_release(&shown);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        static const struct config_env env = {.tenant = "tenant-a", .send_tenant_header = true};
        static const char included[] = "scrape_config_files";
        struct config_report report = {0};
        struct config *c = NULL;
        struct err e = ERR_INIT;
        struct buf lines = BUF_INIT((size_t)64 << 20);

        /* would read files that are not the fuzzer's */
        if (n > 0 && memmem(data, n, included, sizeof(included) - 1) != NULL)
                return 0;
        if (config_load_text("/nowhere/agent.yml", (struct view){(const char *)data, n}, &env, &c,
                &report, &e) == 0)
                check_shown(c);
        else if (report.errors == 0 || e.msg[0] == '\0')
                abort();
        if (config_report_print(&report, &lines, NULL) < 0)
                abort();
        buf_release(&lines);
        config_free(c);
        config_report_release(&report);
        return 0;
}
