/*
 * The discover thread: static and file discovery now; others get a file each beside this one and
 * turn their section of the configuration into target groups.
 *
 * It builds targets (relabel_configs run here) and hands whole target sets to a callback.
 */
#ifndef SCRAPE_DISCOVERY_H
#define SCRAPE_DISCOVERY_H

#include <stdint.h>

struct err;
struct clock;
struct discovery;
struct scrape_config;
struct target_set;

/* Called on the discover thread; takes the set over. */
typedef void (*discovery_sink)(void *arg, struct target_set *set);

struct discovery_stats {
        uint64_t refreshes;
        uint64_t failures;
        uint64_t targets_refused;
        uint64_t targets_dropped;
};

int discovery_start(struct scrape_config *config, const char *host_name, discovery_sink sink,
    void *arg, struct discovery **out, struct err *e);
/* Takes a reference on config; the next set is built from it. */
int discovery_reload(struct discovery *d, struct scrape_config *config, struct err *e);
void discovery_stop(struct discovery *d);
void discovery_stats(struct discovery *d, struct discovery_stats *out);

#endif
