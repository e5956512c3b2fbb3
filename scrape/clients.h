/*
 * One HTTP client per job of the configuration, shared by the job's targets and kept as long as
 * one of them uses it: after a reload the old one goes with the last scrape that is in flight.
 * Scrape thread only.
 */
#ifndef SCRAPE_CLIENTS_H
#define SCRAPE_CLIENTS_H

#include "base/err.h"

#include <stddef.h>

struct http_client;
struct scrape_config;
struct scrape_job;

struct job_client {
        struct job_client *next;
        size_t refs;
        struct scrape_config *config; /* a reference: the options are borrowed from it */
        const struct scrape_job *job;
        struct http_client *http; /* owned; NULL: it could not be made */
        struct err err; /* why not */
};

struct clients { /* all zero: none */
        struct job_client *head;
};

/* The job's client, made when there is none yet; clients_return gives it back. NULL: no memory. */
struct job_client *clients_take(
    struct clients *c, struct scrape_config *config, const struct scrape_job *job);
/* NULL-safe. */
void clients_return(struct clients *c, struct job_client *x);

#endif
