/*
 * Reading a section of the file by its rows (config_keys.h) into its struct (config_sections.h),
 * and saying what is wrong. Used by agent/config*.c only.
 *
 * Nothing here stops at a mistake: it is reported, the default takes its place, and reading goes
 * on, so that all mistakes of a file are told at once. Only lack of memory is kept in `rc`.
 */
#ifndef AGENT_CONFIG_READ_H
#define AGENT_CONFIG_READ_H

#include "agent/config.h"
#include "agent/config_keys.h"
#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct config_seen;
struct err;
struct yaml_node;

struct config_reader {
        struct config_report *report; /* borrowed */
        const struct config_env *env; /* borrowed */
        const char *file; /* in the report: the file that is being read */
        const char *folder; /* absolute: what relative paths in it are relative to */
        struct arena *arena; /* where strings and arrays go; set by who reads a part */
        struct config *config; /* what is being made */
        struct config_seen *seen; /* owned by config_collisions.c */
        int rc; /* 0 or ERR_NOMEM */
};

/* A mistake at a node (NULL: the file as a whole). The text is one line, the reason first. */
void config_fail(struct config_reader *r, enum config_stage stage, const struct yaml_node *at,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
void config_say(struct config_reader *r, enum config_severity severity, const struct yaml_node *at,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/*
 * Fills values with the defaults and then with what node holds. node NULL or null: the defaults.
 * values NULL: the keys are only checked.
 */
void config_read_section(struct config_reader *r, const struct config_section *section,
    const struct yaml_node *node, void *values);

/* A string of the arena that is being filled; "" when there is no memory (rc says so). */
const char *config_copy(struct config_reader *r, struct view text);
/* A zeroed array in that arena; NULL when n is 0 or there is no memory. */
void *config_array(struct config_reader *r, size_t n, size_t size);
/* A scalar as text ("" for null); reports anything else. */
struct view config_text(struct config_reader *r, const char *key, const struct yaml_node *node);
/* A list of strings as an array of that arena. */
const char **config_strings(
    struct config_reader *r, const char *key, const struct yaml_node *list, size_t *out_n);
/* config.c: appends the folder of a file's path, absolute but not resolved: a link that moves is
 * followed at a reload. "" for the root. */
int config_folder_put(const char *path, struct buf *out, struct err *e);
/* name, made absolute by the folder of the file; "" stays. */
const char *config_path(struct config_reader *r, const char *name);
/* Warns of a file that cannot be read, when config_env.look_at_files says so; "" is none. */
void config_look_at_file(struct config_reader *r, const struct yaml_node *at, const char *path);

#endif
