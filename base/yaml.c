#include "base/yaml.h"

#include "base/err.h"
#include "base/yaml_scalar.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* 16 MiB of the shortest nodes hit YAML_MAX_NODES long before this. */
enum { TREE_MAX_BYTES = 512 << 20 };

struct anchor {
        const char *name; /* in the arena */
        struct yaml_node *node; /* NULL while the node is being read: it cannot contain itself */
};

struct builder {
        struct yaml_tree *tree;
        struct view text;
        yaml_parser_t parser;
        yaml_event_t event; /* the one to look at; empty when event_held is false */
        bool event_held;
        struct anchor *anchors; /* in the arena */
        size_t n_anchors;
        size_t nodes; /* what aliases stand for counted each time */
        unsigned depth;
};

static int read_node(struct builder *b, struct yaml_node **out, struct err *e);

static int
fail_at(
    struct builder *b, const yaml_mark_t *mark, enum err_code code, const char *why, struct err *e)
{
        b->tree->error_line = (unsigned)mark->line + 1;
        b->tree->error_column = (unsigned)mark->column + 1;
        return err_set(e, code, "yaml: %s", why);
}

/* Bytes that are no text carry an offset only. */
static void
locate_offset(struct yaml_tree *t, struct view text, size_t offset)
{
        t->error_line = 1;
        t->error_column = 1;
        for (size_t i = 0; i < offset && i < text.n; i++) {
                t->error_column++;
                if (text.p[i] == '\n') {
                        t->error_line++;
                        t->error_column = 1;
                }
        }
}

static int
fail_parser(struct builder *b, struct err *e)
{
        const char *problem = b->parser.problem != NULL ? b->parser.problem : "unknown problem";

        if (b->parser.error == YAML_MEMORY_ERROR)
                return err_nomem(e, "a YAML document");
        if (b->parser.error == YAML_READER_ERROR) {
                locate_offset(b->tree, b->text, b->parser.problem_offset);
                return err_set(e, ERR_PARSE, "yaml: %s", problem);
        }
        (void)fail_at(b, &b->parser.problem_mark, ERR_PARSE, problem, e);
        if (b->parser.problem_mark.line == 0)
                return ERR_PARSE;
        /* yaml.v2 names a line other than the first */
        return err_set(
            e, ERR_PARSE, "yaml: line %zu: %s", b->parser.problem_mark.line + 1, problem);
}

static void
drop_event(struct builder *b)
{
        if (b->event_held)
                yaml_event_delete(&b->event);
        b->event_held = false;
}

static int
next_event(struct builder *b, struct err *e)
{
        drop_event(b);
        if (!yaml_parser_parse(&b->parser, &b->event))
                return fail_parser(b, e);
        b->event_held = true;
        return 0;
}

static int
count_nodes(struct builder *b, size_t n, struct err *e)
{
        if (n > YAML_MAX_NODES - b->nodes)
                return fail_at(b, &b->event.start_mark, ERR_LIMIT,
                    "document is too large or contains excessive aliasing", e);
        b->nodes += n;
        return 0;
}

/* NULL: *rc says why. */
static struct yaml_node *
new_node(struct builder *b, enum yaml_kind kind, int *rc, struct err *e)
{
        struct yaml_node *node;

        *rc = count_nodes(b, 1, e);
        if (*rc != 0)
                return NULL;
        node = arena_calloc(&b->tree->arena, 1, sizeof(*node));
        if (node == NULL) {
                *rc = err_nomem(e, "a YAML document");
                return NULL;
        }
        node->kind = kind;
        node->line = (unsigned)b->event.start_mark.line + 1;
        node->column = (unsigned)b->event.start_mark.column + 1;
        node->weight = 1;
        return node;
}

/* The latest anchor of that name; an anchor may be used again for another node. */
static struct anchor *
find_anchor(struct builder *b, const char *name)
{
        for (size_t i = b->n_anchors; i > 0; i--) {
                if (strcmp(b->anchors[i - 1].name, name) == 0)
                        return &b->anchors[i - 1];
        }
        return NULL;
}

/* Sets *out to NULL when the node has no anchor. It is filled in when the node is complete. */
static int
add_anchor(struct builder *b, const yaml_char_t *name, struct anchor **out, struct err *e)
{
        struct anchor *anchor;

        *out = NULL;
        if (name == NULL)
                return 0;
        if (b->anchors == NULL)
                b->anchors = arena_calloc(&b->tree->arena, YAML_MAX_ANCHORS, sizeof(*b->anchors));
        if (b->anchors == NULL)
                return err_nomem(e, "a YAML document");
        if (b->n_anchors == YAML_MAX_ANCHORS)
                return fail_at(b, &b->event.start_mark, ERR_LIMIT, "too many anchors", e);
        anchor = &b->anchors[b->n_anchors];
        anchor->name = arena_strdup(&b->tree->arena, (const char *)name);
        if (anchor->name == NULL)
                return err_nomem(e, "a YAML document");
        b->n_anchors++;
        *out = anchor;
        return 0;
}

static int
read_alias(struct builder *b, struct yaml_node **out, struct err *e)
{
        const char *name = (const char *)b->event.data.alias.anchor;
        struct anchor *anchor = find_anchor(b, name);
        char why[128];
        int rc;

        if (anchor == NULL || anchor->node == NULL) {
                (void)snprintf(why, sizeof(why),
                    anchor == NULL ? "unknown anchor '%.64s' referenced"
                                   : "anchor '%.64s' value contains itself",
                    name);
                return fail_at(b, &b->event.start_mark, ERR_PARSE, why, e);
        }
        if (b->depth + anchor->node->height > YAML_MAX_DEPTH)
                return fail_at(b, &b->event.start_mark, ERR_LIMIT, "nested too deeply", e);
        rc = count_nodes(b, anchor->node->weight, e);
        if (rc != 0)
                return rc;
        *out = anchor->node;
        return next_event(b, e);
}

static int
read_scalar(struct builder *b, struct yaml_node **out, struct err *e)
{
        struct arena *arena = &b->tree->arena;
        struct anchor *anchor = NULL;
        int rc = 0;
        struct yaml_node *node = new_node(b, YAML_SCALAR, &rc, e);

        if (node == NULL)
                return rc;
        rc = add_anchor(b, b->event.data.scalar.anchor, &anchor, e);
        if (rc != 0)
                return rc;
        node->quoted = b->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        node->text = arena_view(arena,
            (struct view){(const char *)b->event.data.scalar.value, b->event.data.scalar.length});
        if (node->text.p == NULL)
                return err_nomem(e, "a YAML document");
        rc = yaml_scalar_resolve(node, (const char *)b->event.data.scalar.tag, arena, e);
        if (rc == ERR_PARSE) {
                char why[ERR_MSG_MAX];

                (void)snprintf(why, sizeof(why), "%s", e != NULL ? e->msg : "bad value");
                return fail_at(b, &b->event.start_mark, ERR_PARSE, why, e);
        }
        if (rc != 0)
                return rc;
        if (anchor != NULL)
                anchor->node = node;
        *out = node;
        return next_event(b, e);
}

/* Room for one more element in an array that lies in the arena. */
static int
grow(struct arena *arena, void **array, size_t n, size_t size, struct err *e)
{
        size_t cap = n < 4 ? 4 : n * 2;
        void *larger;

        if (n != 0 && (n < 4 || (n & (n - 1)) != 0))
                return 0; /* full only at 0, 4, 8, 16, … */
        larger = arena_calloc(arena, cap, size);
        if (larger == NULL)
                return err_nomem(e, "a YAML document");
        if (n > 0)
                memcpy(larger, *array, n * size);
        *array = larger;
        return 0;
}

static void
count_child(struct yaml_node *parent, const struct yaml_node *child)
{
        parent->weight += child->weight;
        if (child->height + 1 > parent->height)
                parent->height = child->height + 1;
}

static int
read_list(struct builder *b, struct yaml_node **out, struct err *e)
{
        struct anchor *anchor = NULL;
        int rc = 0;
        struct yaml_node *node = new_node(b, YAML_LIST, &rc, e);

        if (node == NULL)
                return rc;
        rc = add_anchor(b, b->event.data.sequence_start.anchor, &anchor, e);
        if (rc == 0)
                rc = next_event(b, e);
        while (rc == 0 && b->event.type != YAML_SEQUENCE_END_EVENT) {
                struct yaml_node *item = NULL;
                void *items = node->items;

                rc = grow(&b->tree->arena, &items, node->n_items, sizeof(struct yaml_node *), e);
                node->items = items;
                if (rc == 0)
                        rc = read_node(b, &item, e);
                if (rc != 0)
                        break;
                assert(item != NULL);
                node->items[node->n_items++] = item;
                count_child(node, item);
        }
        if (rc != 0)
                return rc;
        if (anchor != NULL)
                anchor->node = node;
        *out = node;
        return next_event(b, e);
}

static int
add_entry(struct builder *b, struct yaml_node *map, struct yaml_entry entry, struct err *e)
{
        void *entries = map->entries;
        int rc = grow(&b->tree->arena, &entries, map->n_entries, sizeof(entry), e);

        map->entries = entries;
        if (rc != 0)
                return rc;
        map->entries[map->n_entries++] = entry;
        count_child(map, entry.value);
        return 0;
}

static int
merge_map(struct builder *b, struct yaml_node *map, const struct yaml_node *from, struct err *e)
{
        int rc = count_nodes(b, from->weight, e);

        for (size_t i = 0; rc == 0 && i < from->n_entries; i++) {
                struct yaml_entry entry = from->entries[i];

                entry.merged = true;
                rc = add_entry(b, map, entry, e);
        }
        return rc;
}

/* A list is walked backwards: of two maps that are merged in, the earlier one wins. */
static int
merge(struct builder *b, struct yaml_node *map, const struct yaml_node *key,
    const struct yaml_node *from, struct err *e)
{
        yaml_mark_t mark = {0, key->line - 1, key->column - 1};
        bool good = from->kind == YAML_MAP || from->kind == YAML_LIST;
        int rc = 0;

        for (size_t i = 0; i < from->n_items; i++)
                good = good && from->items[i]->kind == YAML_MAP;
        if (!good)
                return fail_at(b, &mark, ERR_PARSE,
                    "map merge requires map or sequence of maps as the value", e);
        if (from->kind == YAML_MAP)
                return merge_map(b, map, from, e);
        for (size_t i = from->n_items; rc == 0 && i > 0; i--)
                rc = merge_map(b, map, from->items[i - 1], e);
        return rc;
}

static int
compare_entries(const void *x, const void *y)
{
        const struct yaml_entry *a = *(struct yaml_entry *const *)x;
        const struct yaml_entry *b = *(struct yaml_entry *const *)y;
        int c = view_cmp(a->key->text, b->key->text);

        return c != 0 ? c : (a > b) - (a < b);
}

/* Sets duplicate, repeated and replaced. Keys that are no scalars are the reader's matter. */
static int
mark_duplicates(struct yaml_node *map, struct err *e)
{
        struct yaml_entry **sorted;
        bool written = false; /* this key, by the map itself */

        if (map->n_entries < 2)
                return 0;
        sorted = malloc(map->n_entries * sizeof(struct yaml_entry *));
        if (sorted == NULL)
                return err_nomem(e, "a YAML document");
        for (size_t i = 0; i < map->n_entries; i++)
                sorted[i] = &map->entries[i];
        qsort(sorted, map->n_entries, sizeof(struct yaml_entry *), compare_entries);
        for (size_t i = 0; i < map->n_entries; i++) {
                bool same = i > 0 && view_eq(sorted[i]->key->text, sorted[i - 1]->key->text);

                written = written && same;
                if (!sorted[i]->merged) {
                        sorted[i]->duplicate = written;
                        written = true;
                }
                sorted[i]->repeated = same;
                if (same)
                        sorted[i - 1]->replaced = true;
        }
        free(sorted);
        return 0;
}

static bool
is_merge(const yaml_event_t *event)
{
        const char *tag;

        if (event->type != YAML_SCALAR_EVENT || event->data.scalar.length != 2 ||
            memcmp(event->data.scalar.value, "<<", 2) != 0)
                return false;
        tag = (const char *)event->data.scalar.tag;
        return event->data.scalar.plain_implicit ||
            (tag != NULL && strcmp(tag, "tag:yaml.org,2002:merge") == 0);
}

static int
read_entry(struct builder *b, struct yaml_node *map, struct err *e)
{
        struct yaml_entry entry = {0};
        bool merges = is_merge(&b->event);
        int rc = read_node(b, &entry.key, e);

        if (rc == 0)
                rc = read_node(b, &entry.value, e);
        if (rc != 0)
                return rc;
        assert(entry.key != NULL && entry.value != NULL);
        if (merges)
                return merge(b, map, entry.key, entry.value, e);
        return add_entry(b, map, entry, e);
}

static int
read_map(struct builder *b, struct yaml_node **out, struct err *e)
{
        struct anchor *anchor = NULL;
        int rc = 0;
        struct yaml_node *node = new_node(b, YAML_MAP, &rc, e);

        if (node == NULL)
                return rc;
        rc = add_anchor(b, b->event.data.mapping_start.anchor, &anchor, e);
        if (rc == 0)
                rc = next_event(b, e);
        while (rc == 0 && b->event.type != YAML_MAPPING_END_EVENT)
                rc = read_entry(b, node, e);
        if (rc == 0)
                rc = mark_duplicates(node, e);
        if (rc != 0)
                return rc;
        if (anchor != NULL)
                anchor->node = node;
        *out = node;
        return next_event(b, e);
}

/* Reads the node that b->event begins, and moves on to the event behind it. */
static int
read_node(struct builder *b, struct yaml_node **out, struct err *e)
{
        int rc;

        if (b->depth == YAML_MAX_DEPTH)
                return fail_at(b, &b->event.start_mark, ERR_LIMIT, "nested too deeply", e);
        b->depth++;
        switch (b->event.type) {
        case YAML_ALIAS_EVENT:
                rc = read_alias(b, out, e);
                break;
        case YAML_SCALAR_EVENT:
                rc = read_scalar(b, out, e);
                break;
        case YAML_SEQUENCE_START_EVENT:
                rc = read_list(b, out, e);
                break;
        case YAML_MAPPING_START_EVENT:
                rc = read_map(b, out, e);
                break;
        default:
                rc = fail_at(b, &b->event.start_mark, ERR_PARSE, "a value was expected", e);
                break;
        }
        b->depth--;
        return rc;
}

static int
read_document(struct builder *b, struct err *e)
{
        int rc = next_event(b, e); /* the stream's start */

        if (rc == 0)
                rc = next_event(b, e);
        if (rc != 0 || b->event.type != YAML_DOCUMENT_START_EVENT)
                return rc;
        rc = next_event(b, e);
        if (rc == 0)
                rc = read_node(b, &b->tree->root, e);
        if (rc != 0)
                return rc;
        /* b->event is the document's end. What follows is not ours: a mistake there is none. */
        drop_event(b);
        if (yaml_parser_parse(&b->parser, &b->event)) {
                b->event_held = true;
                b->tree->more_documents = b->event.type == YAML_DOCUMENT_START_EVENT;
        }
        return 0;
}

int
yaml_tree_parse(struct yaml_tree *t, struct view text, struct err *e)
{
        struct builder b = {.tree = t, .text = text};
        int rc;

        *t = (struct yaml_tree){.arena = ARENA_INIT(TREE_MAX_BYTES)};
        if (text.n > YAML_MAX_BYTES)
                return err_set(e, ERR_LIMIT, "%zu bytes are more than the limit of 16 MiB", text.n);
        if (!yaml_parser_initialize(&b.parser))
                return err_nomem(e, "a YAML document");
        yaml_parser_set_input_string(
            &b.parser, (const unsigned char *)(text.p != NULL ? text.p : ""), text.n);
        rc = read_document(&b, e);
        drop_event(&b);
        yaml_parser_delete(&b.parser);
        if (rc != 0)
                t->root = NULL;
        return rc;
}

void
yaml_tree_release(struct yaml_tree *t)
{
        arena_wipe(&t->arena);
        arena_release(&t->arena);
        t->root = NULL;
}

struct yaml_node *
yaml_node_get(const struct yaml_node *map, const char *key)
{
        if (map == NULL || map->kind != YAML_MAP)
                return NULL;
        for (size_t i = map->n_entries; i > 0; i--) {
                const struct yaml_entry *entry = &map->entries[i - 1];

                if (!entry->duplicate && entry->key->kind == YAML_SCALAR &&
                    view_is(entry->key->text, key))
                        return entry->value;
        }
        return NULL;
}

const char *
yaml_node_tag(const struct yaml_node *node)
{
        static const char *const scalars[] = {"!!str", "!!bool", "!!int", "!!float"};

        switch (node->kind) {
        case YAML_NULL:
                return "!!null";
        case YAML_LIST:
                return "!!seq";
        case YAML_MAP:
                return "!!map";
        case YAML_SCALAR:
                break;
        }
        return node->binary ? "!!binary" : scalars[node->scalar];
}
