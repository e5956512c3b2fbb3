/*
 * What is said about a configuration file: collecting messages for struct config_report. Every
 * error of a file is reported, so nothing here stops the reading; only lack of memory does.
 */
#ifndef AGENT_CONFIG_REPORT_H
#define AGENT_CONFIG_REPORT_H

#include "agent/config.h"

/* A copy of the name that lives as long as the report; NULL when there is no memory. */
const char *config_report_file(struct config_report *r, const char *name);

/* Adds a message; beyond the bound it is only counted. ERR_NOMEM. */
int config_report_add(struct config_report *r, enum config_severity severity,
    enum config_stage stage, struct config_place place, const char *text);

/* Remembers where the next static target stands; beyond the bound it has no place. ERR_NOMEM. */
int config_report_add_target(struct config_report *r, struct config_place place);
/* Of the i-th static target; the file as a whole where that is not known. NULL as its file: no
 * memory for a name. */
struct config_place config_report_target(struct config_report *r, size_t i, const char *path);

/* Puts the messages in order of files and lines and drops what is there twice (a mistake under an
 * anchor is met at every alias). */
void config_report_sort(struct config_report *r);

/* ERR_CONFIG with one sentence for the first error, as Prometheus would have said it. */
int config_report_summary(const struct config_report *r, const char *path, struct err *e);

#endif
