/*
 * Asks a configuration's network discoveries once, for tools: no thread, nothing is kept on disk.
 */
#ifndef SCRAPE_DISCOVERY_ASK_H
#define SCRAPE_DISCOVERY_ASK_H

#include <stdint.h>

struct providers;

/*
 * Blocks until each section that talks to the network has answered or failed, timeout_ms at most.
 * What failed is logged by the section itself. Call feed_known and feed_visit afterwards.
 */
void discovery_ask(struct providers *p, int64_t timeout_ms);

#endif
