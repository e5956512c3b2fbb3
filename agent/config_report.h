/*
 * What is said about a configuration file: collecting messages for struct config_report. Every
 * error of a file is reported, so nothing here stops the reading; only lack of memory does.
 */
#ifndef AGENT_CONFIG_REPORT_H
#define AGENT_CONFIG_REPORT_H

#include "agent/config.h"

struct config_place {
        const char *file; /* from config_report_file */
        unsigned line;
        unsigned column;
};

/* A copy of the name that lives as long as the report; NULL when there is no memory. */
const char *config_report_file(struct config_report *r, const char *name);

/* Adds a message; beyond the bound it is only counted. ERR_NOMEM. */
int config_report_add(struct config_report *r, enum config_severity severity,
    enum config_stage stage, struct config_place place, const char *text);

/* Puts the messages in order of files and lines and drops what is there twice (a mistake under an
 * anchor is met at every alias). */
void config_report_sort(struct config_report *r);

/* ERR_CONFIG with one sentence for the first error, as Prometheus would have said it. */
int config_report_summary(const struct config_report *r, const char *path, struct err *e);

#endif
