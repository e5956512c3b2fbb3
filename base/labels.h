/*
 * A label set that is being worked on: parsed, merged, relabeled, sorted.
 *
 * Names and values are views; the set does not copy them, so they must outlive it (put what you
 * make into the arena that the set uses). Not thread-safe.
 *
 * Iteration order matters to relabeling (specs: relabel.md, "labelmap and order"): entries that
 * were there when labels_freeze was called come first, sorted by name; labels set afterwards
 * follow in the order in which they were set.
 */
#ifndef BASE_LABELS_H
#define BASE_LABELS_H

#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;

struct label {
        struct view name;
        struct view value;
};

struct labels {
        struct label *v; /* in the arena */
        size_t n;
        size_t cap;
        size_t frozen; /* the first `frozen` entries were there at labels_freeze */
        struct arena *arena; /* borrowed */
};

enum name_scheme { NAME_UTF8, NAME_LEGACY };

void labels_init(struct labels *l, struct arena *arena);

/* Appends without looking for an equal name: for parsers. */
int labels_add(struct labels *l, struct view name, struct view value, struct err *e);

/* Sets, replaces, or (value empty) deletes. A frozen label that is set joins the added ones at the
 * end; an added one keeps its place. Of labels of one name the first is replaced: the set stays one
 * with a name twice. */
int labels_set(struct labels *l, struct view name, struct view value, struct err *e);
/* Deletes all labels of that name. */
void labels_del(struct labels *l, struct view name);
void labels_del_at(struct labels *l, size_t i);

/* The value, or an empty view when there is none. */
struct view labels_get(const struct labels *l, struct view name);
bool labels_has(const struct labels *l, struct view name);

/* Sorts by name (bytes) and makes the present entries the frozen ones. */
void labels_freeze(struct labels *l);
/* Sorts by name (bytes); no entry is a frozen one any more. */
void labels_sort(struct labels *l);
/* Of a sorted set: the first name that occurs twice, or an empty view. */
struct view labels_duplicate(const struct labels *l);

/* Identity of a sorted set, the same in every run and on every machine. */
uint64_t labels_hash(const struct labels *l);

/* Names per scheme: utf8 = not empty and valid UTF-8; legacy = the old patterns. */
bool name_metric_valid(struct view name, enum name_scheme scheme);
bool name_label_valid(struct view name, enum name_scheme scheme);
bool utf8_valid(struct view v);

#endif
