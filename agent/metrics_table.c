#include "agent/metrics_table.h"

#include <string.h>

const struct metric_table *const metrics_tables[] = {
    &metrics_of_build,
    &metrics_of_process,
    &metrics_of_agent,
    &metrics_of_web,
    &metrics_of_memory,
    &metrics_of_log,
    &metrics_of_pools,
    &metrics_of_scraping,
    &metrics_of_discovered,
    &metrics_of_feeds,
    &metrics_of_kubernetes,
    &metrics_of_discovery,
    &metrics_of_remote,
    NULL,
};

const char *
metric_type_name(const struct metric_row *row)
{
        static const char suffix[] = "_total";
        size_t n = strlen(row->name);
        size_t m = sizeof(suffix) - 1;

        return n > m && strcmp(row->name + n - m, suffix) == 0 ? "counter" : "gauge";
}
