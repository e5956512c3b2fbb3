/*
 * One value of the file into one field, by the type of its row. Used by config_read.c; see there.
 */
#ifndef AGENT_CONFIG_SET_H
#define AGENT_CONFIG_SET_H

struct config_key;
struct config_reader;
struct yaml_node;

/* node, which may be null, into *out, which has the type of the row. Marks secrets as masked. */
void config_set_value(
    struct config_reader *r, const struct config_key *key, struct yaml_node *node, void *out);
/* The fallback of a row, as if it had been written; lists and free maps are left alone. */
void config_set_fallback(struct config_reader *r, const struct config_key *key, void *out);

/* "cannot unmarshal !!str `abc` into bool; KEY expects …". */
void config_fail_type(struct config_reader *r, const char *key, const struct yaml_node *node,
    const char *go_type, const char *expected);

#endif
