/*
 * The reference of the configuration file, made of its rows (config_keys.h): docs/CONFIG.md, and
 * what `gleaner check --print-keys` prints.
 */
#ifndef AGENT_CONFIG_DOCS_H
#define AGENT_CONFIG_DOCS_H

struct buf;
struct err;

int config_docs_print(struct buf *out, struct err *e);

#endif
