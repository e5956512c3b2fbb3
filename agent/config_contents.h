/*
 * Whether a configuration's files hold what they held when it was loaded: the file itself and those
 * of scrape_config_files, by name and contents. Times and inodes are not looked at: a mounted
 * ConfigMap changes both without need. Any thread, while nobody frees the configuration.
 */
#ifndef AGENT_CONFIG_CONTENTS_H
#define AGENT_CONFIG_CONTENTS_H

#include "base/view.h"

#include <stdbool.h>
#include <stdint.h>

struct config;
struct err;

/* Goes on from sum (0 at first) with one file. */
uint64_t config_contents_add(uint64_t sum, const char *path, struct view text);
/* Reads the files anew. Fails when one that is there cannot be read; *out_changed is false then. */
int config_contents_changed(const struct config *c, bool *out_changed, struct err *e);

#endif
