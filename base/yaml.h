/*
 * A YAML document as a tree in which everything knows its line and column; the only user of
 * libyaml.
 *
 * YAML 1.1 as yaml.v2 reads it, because that is what reads Prometheus's files: yes/no/on/off are
 * booleans, 0x1F and 017 are numbers, !!binary is decoded, merge keys (<<) are expanded in place.
 * Only the first document of a stream is read. What comes from outside is bounded: depth, nodes
 * (what aliases stand for counts each time), and anchors.
 *
 * All memory belongs to the tree. An alias is the same node again, so the tree is a graph without
 * cycles. One thread at a time.
 */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include "base/arena.h"
#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

enum {
        YAML_MAX_BYTES = 16 << 20, /* of a file */
        YAML_MAX_DEPTH = 64,
        YAML_MAX_NODES = 1000000,
        YAML_MAX_ANCHORS = 1000,
};

enum yaml_kind { YAML_NULL, YAML_SCALAR, YAML_LIST, YAML_MAP };
/* What a scalar is by its tag, or by its looks when it is not quoted. */
enum yaml_scalar { YAML_STRING, YAML_BOOL, YAML_INT, YAML_FLOAT };

struct yaml_entry;

struct yaml_node {
        enum yaml_kind kind;
        enum yaml_scalar scalar; /* of a YAML_SCALAR */
        bool quoted; /* written in quotes, as a block, or with a tag that makes it a string */
        bool binary; /* text was decoded from !!binary */
        unsigned line; /* from 1 */
        unsigned column; /* from 1, in characters */
        struct view text; /* of a YAML_SCALAR, "" of a YAML_NULL; a 0 byte stands behind it */
        struct yaml_node **items; /* of a YAML_LIST */
        size_t n_items;
        struct yaml_entry *entries; /* of a YAML_MAP, in order, merged ones in place */
        size_t n_entries;
        const char *mask; /* borrowed: printed instead of the node (secrets); NULL: as it is */
        size_t weight; /* nodes that it stands for, itself included */
        unsigned height; /* levels below it */
};

struct yaml_entry {
        struct yaml_node *key;
        struct yaml_node *value;
        bool merged; /* came in by a merge key: an explicit one behind it replaces it */
        bool duplicate; /* the same map has written this key before */
        bool repeated; /* duplicate, or a merge key has brought it in before */
        bool replaced; /* a later entry has the same key */
};

struct yaml_tree {
        struct arena arena;
        struct yaml_node *root; /* NULL: an empty document */
        bool more_documents; /* others follow; they were not read */
        unsigned error_line; /* after a failure; 0: the document as a whole */
        unsigned error_column;
};

/*
 * Parses text into *t, which the caller releases in any case. ERR_PARSE: not YAML ("yaml: line 3:
 * did not find expected key"); ERR_LIMIT: a bound was reached; ERR_NOMEM.
 */
int yaml_tree_parse(struct yaml_tree *t, struct view text, struct err *e);
void yaml_tree_release(struct yaml_tree *t);
/* Writes a node as YAML: aliases and merge keys expanded, comments gone, masks in place. */
int yaml_node_emit(const struct yaml_node *node, struct buf *out, struct err *e);

/* The last value of a key that was not written twice; NULL when there is none, or no map. */
struct yaml_node *yaml_node_get(const struct yaml_node *map, const char *key);
/* "!!str", "!!int", "!!seq", …: as Prometheus's messages name what stands there. */
const char *yaml_node_tag(const struct yaml_node *node);

/* The value of a scalar; false when it is not one of that kind or out of range. A float is cut to
 * a whole number, as yaml.v2 does. */
bool yaml_node_bool(const struct yaml_node *node, bool *out);
bool yaml_node_uint(const struct yaml_node *node, uint64_t *out);
bool yaml_node_int(const struct yaml_node *node, int64_t *out);
bool yaml_node_float(const struct yaml_node *node, double *out);

#endif
