/*
 * Whether a configuration's files hold what they held when it was loaded: the file itself and those
 * of scrape_config_files, by name and contents. Times and inodes are not looked at: a mounted
 * ConfigMap changes both without need. Any thread, while nobody frees the configuration.
 */
#ifndef AGENT_CONFIG_CONTENTS_H
#define AGENT_CONFIG_CONTENTS_H

#include "base/view.h"

#include <glob.h>

#include <stdbool.h>
#include <stdint.h>

struct config;
struct err;

/* Goes on from sum (0 at first) with one file. */
uint64_t config_contents_add(uint64_t sum, const char *path, struct view text);
/* Reads the files anew. Fails when one that is there cannot be read; *out_changed is false then. */
int config_contents_changed(const struct config *c, bool *out_changed, struct err *e);

/* The files of a pattern of scrape_config_files as Prometheus sees them: a * takes a leading dot,
 * too. The values are glob(3)'s; what is_dots names is to be left out. */
int config_contents_glob(const char *pattern, glob_t *out);
bool config_contents_is_dots(const char *path);

#endif
