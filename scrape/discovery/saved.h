/*
 * Target groups on disk: what a source knew last, for the next run. A text file, so that people can
 * read it:
 *
 *      gleaner targets 1
 *      [{"targets":["a:1"],"labels":{"k":"v"}}]        a line per slot, null: not known
 *      9f86d081884c7d65                                XXH3 of all before, piece by piece
 *
 * It is replaced as a whole (written beside, synced, renamed), mode 0600. Its modification time
 * says when the source last confirmed it. What does not check out is refused whole.
 */
#ifndef SCRAPE_DISCOVERY_SAVED_H
#define SCRAPE_DISCOVERY_SAVED_H

#include "base/labels.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct group_list;
struct group_sink;

enum {
        SAVED_MAX_BYTES = 32 << 20, /* of a file; more is not kept */
        SAVED_MAX_SLOTS = 10000,
};

struct saved {
        struct group_list **v; /* owned; NULL: not known */
        size_t n;
        int64_t confirmed_wall_ms;
};

/* What is to be written: slots, and how their groups are come by. */
struct saved_content {
        size_t n;
        bool (*known)(void *arg, size_t slot);
        int (*visit)(void *arg, size_t slot, const struct group_sink *sink, struct err *e);
        void *arg;
        struct label own; /* a label that is left out, and put back when read; name empty: none */
};

/* ERR_NOTFOUND: there is none; ERR_CORRUPT or ERR_LIMIT: it is no good. *out is untouched then. */
int saved_read(const char *path, struct label own, struct saved *out, struct err *e);
/* *out_bytes: the size of the file. On failure the file is what it was. */
int saved_write(
    const char *path, const struct saved_content *content, size_t *out_bytes, struct err *e);
/* The same in memory: the groups as a list of one's own. confirmed_wall_ms is 0. */
int saved_copy(const struct saved_content *content, struct saved *out, struct err *e);
/* The text of a file, whatever its source: for tests. Slots as in saved_read. */
int saved_parse(struct view text, struct label own, struct saved *out, struct err *e);
/* Sets the modification time to now. A failure is none: the groups seem older. */
void saved_confirm(const char *path);
void saved_release(struct saved *s);

#endif
