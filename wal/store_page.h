/*
 * Pages of LMDB's file (0.9, data version 1) as bytes, for store_check.c. A number of LMDB's is as
 * wide as size_t. Every offset is checked before it is used; pure but for reading the file.
 *
 *       0        word  number of the page
 *       word     2     0
 *       word + 2 2     what it is (enum page_kind)
 *       word + 4 2, 2  where the list of nodes ends, where the nodes begin; pages in a run of them
 *       word + 8 2 …   where each node begins, in the order of their keys
 *
 * Node: size or page number in the first 4 bytes (of a branch 6), flags 2, size of its key 2, key,
 * value; a value on pages of its own is the number of the first of them. (Facts: lmdb's mdb.c,
 * struct MDB_page, MDB_node, MDB_meta, MDB_db.)
 */
#ifndef WAL_STORE_PAGE_H
#define WAL_STORE_PAGE_H

#include "base/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum page_kind { PAGE_BRANCH = 0x01, PAGE_LEAF = 0x02, PAGE_RUN = 0x04, PAGE_META = 0x08 };
enum { PAGE_HEAD_BYTES = sizeof(size_t) + 8 };

/* A table of the file: of free pages, or the log's own. */
struct page_tree {
        uint32_t page_size; /* of the file; in the first table */
        uint16_t flags;
        uint16_t depth;
        size_t branches;
        size_t leaves;
        size_t value_pages;
        size_t entries;
        size_t root; /* PAGE_NONE: it is empty */
};

#define PAGE_NONE SIZE_MAX

struct page_meta {
        uint32_t magic;
        uint32_t version;
        size_t address;
        size_t map_bytes;
        struct page_tree free;
        struct page_tree main;
        size_t last_page;
        size_t txn;
};

/* page: page_size bytes. False: it is no meta page of this kind of machine. */
bool page_meta_read(const uint8_t *page, size_t page_size, struct page_meta *out);
/* Whether bytes look like a meta page of a machine with other words or byte order. */
bool page_meta_is_foreign(const uint8_t *page);

/* A page of a tree that was checked: its number, kind and every node's bounds. */
struct page_nodes {
        const uint8_t *p;
        size_t n;
};

/* ERR_CORRUPT. */
int page_nodes_read(const uint8_t *page, size_t page_size, size_t number, enum page_kind kind,
    struct page_nodes *out, struct err *e);

/* The i-th node's key; a branch's first node has none. */
struct view page_key(const struct page_nodes *nodes, size_t i);
/* The page that the i-th node of a branch leads to. */
size_t page_child(const struct page_nodes *nodes, size_t i);

struct page_item {
        struct view key;
        size_t size; /* of the value */
        struct view value; /* on this page; p NULL: on pages of its own */
        size_t first_page; /* of those */
        size_t n_pages;
};

/* The i-th node of a leaf. False: its value leads out of the page. */
bool page_item(const struct page_nodes *nodes, size_t i, size_t page_size, struct page_item *out);

/* Pages that a value of this size takes when it has its own. */
size_t page_run_of(size_t size, size_t page_size);
/* Whether PAGE_HEAD_BYTES are the head of a value's own pages: that many, from this number on. */
bool page_run_fits(const uint8_t *head, size_t number, size_t n_pages);

#endif
