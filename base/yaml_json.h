/*
 * A YAML node as JSON text: what a program or a server is to read that takes JSON.
 */
#ifndef BASE_YAML_JSON_H
#define BASE_YAML_JSON_H

struct buf;
struct err;
struct yaml_node;

/*
 * Appends the node: scalars by what they are, keys as text, a later key of the same name wins. A
 * float that JSON has no word for (.inf, .nan) is ERR_REFUSED; ERR_LIMIT: over out's bound.
 */
int yaml_node_json(const struct yaml_node *node, struct buf *out, struct err *e);

#endif
