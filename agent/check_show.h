/*
 * What `gleaner check` prints of one file: the jobs, static targets and endpoints as they will be,
 * as text for people or one line of JSON. Targets are built as discovery builds them.
 */
#ifndef AGENT_CHECK_SHOW_H
#define AGENT_CHECK_SHOW_H

struct buf;
struct check_targets;
struct config;
struct config_report;
struct err;

struct check_result {
        const char *path;
        const struct config *config; /* NULL: refused */
        const struct config_report *report;
        const struct check_targets *targets; /* NULL when it is refused */
        const char *error; /* the summary of a refused file */
};

int check_show_text(const struct check_result *x, struct buf *out, struct err *e);
/* One line, the messages of the report in it. */
int check_show_json(const struct check_result *x, struct buf *out, struct err *e);
/* A member of such a line: ',"messages":[…]'. */
int check_show_messages(const struct config_report *r, struct buf *out, struct err *e);

#endif
