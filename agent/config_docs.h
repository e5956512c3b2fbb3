/*
 * The reference of the configuration file, made of its rows (config_keys.h): docs/CONFIG.md, and
 * what `gleaner check --print-keys` prints.
 */
#ifndef AGENT_CONFIG_DOCS_H
#define AGENT_CONFIG_DOCS_H

#include "agent/config_keys.h"

struct buf;
struct err;

int config_docs_print(struct buf *out, struct err *e);
/* config_man.c: the same as docs/gleaner.yml.5. */
int config_man_print(struct buf *out, struct err *e);
/* "duration" */
const char *config_type_name(enum config_type type);

#endif
