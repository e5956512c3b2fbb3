/*
 * One file_sd section of a job: the files that its patterns match and the last good groups of each
 * (specs: config.md section 7; upstream discovery/file/file.go).
 *
 * A file that is broken or cannot be read keeps the groups it had; one that is gone loses them.
 * Discover thread only, or a tool's only thread.
 */
#ifndef SCRAPE_DISCOVERY_FILE_H
#define SCRAPE_DISCOVERY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct file_sd;
struct file_source;
struct group_list;

enum { FILE_SOURCE_MAX_FILES = 10000 }; /* that one section's patterns may match */

/* sd is borrowed: until file_source_rebind or file_source_free. */
int file_source_new(const struct file_sd *sd, struct file_source **out, struct err *e);
/* NULL-safe. */
void file_source_free(struct file_source *f);
/* The same patterns as those of sd? Then the source may go on under a new configuration. */
bool file_source_matches(const struct file_source *f, const struct file_sd *sd);
void file_source_rebind(struct file_source *f, const struct file_sd *sd);

struct file_refresh {
        bool changed; /* some groups are not what they were */
        uint64_t failures; /* files that could not be read, or were no good */
};

/*
 * Reads what the patterns match now. What is wrong with a file is logged when it begins and when
 * it ends. ERR_NOMEM ends it early; what was read so far stays.
 */
int file_source_refresh(struct file_source *f, struct file_refresh *out, struct err *e);
/* Puts the folders of the patterns under watch; one that is missing is tried again next time. */
void file_source_watch(const struct file_source *f, int inotify_fd);

size_t file_source_count(const struct file_source *f);
/* Groups of the i-th file, NULL when it was never good. */
const struct group_list *file_source_groups(const struct file_source *f, size_t i);

#endif
