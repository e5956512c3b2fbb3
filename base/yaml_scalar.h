/*
 * What a scalar's text means in YAML 1.1, as yaml.v2 resolves it. Pure; used by yaml.c.
 */
#ifndef BASE_YAML_SCALAR_H
#define BASE_YAML_SCALAR_H

#include "base/yaml.h"

struct arena;
struct err;

/*
 * Sets kind, scalar, binary and (for !!binary) text of a node whose text and quoted are set.
 * tag: as libyaml gives it, NULL for none. ERR_PARSE: the tag does not fit the text; ERR_NOMEM.
 */
int yaml_scalar_resolve(
    struct yaml_node *node, const char *tag, struct arena *arena, struct err *e);

#endif
