/*
 * A configuration's discovery sections and what they found, and the target set that follows from
 * it. No thread of its own: the discover thread drives it, or a tool does once.
 */
#ifndef SCRAPE_DISCOVERY_PROVIDERS_H
#define SCRAPE_DISCOVERY_PROVIDERS_H

#include "scrape/discovery/memo.h"
#include "scrape/label_model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct assembly_report;
struct curl_waitfd;
struct err;
struct feed;
struct provider;
struct job_targets;
struct scrape_config;
struct source_net;
struct target_set;

/* All zero: nothing is configured; providers_release gives it back. */
struct providers {
        struct scrape_config *config; /* a reference */
        struct provider *v; /* owned: sections that read files */
        size_t n;
        struct feed **feeds; /* owned: sections that talk to the network */
        size_t n_feeds;
        struct source_net *net; /* owned; NULL: no section needs it */
        struct memo memo; /* of the targets built last from config */
        struct label_models models;
        struct job_targets *counts; /* owned; by job of config, of the set built last */
        const char *folder; /* borrowed: where feeds keep their groups; NULL: nowhere */
};

/*
 * Takes a reference on config and replaces what was there. A section with the same patterns as one
 * before goes on with what that knows, so that a file that is broken right now keeps its targets;
 * so does one that asks the same of the network. Others begin with what the last run kept.
 * On failure *p is as before.
 */
int providers_set(struct providers *p, struct scrape_config *config, int64_t now_ms, struct err *e);
void providers_release(struct providers *p);

struct providers_read {
        bool changed;
        uint64_t refreshes; /* sections */
        uint64_t failures; /* files */
};

/* Reads the sections that are due, or all. Adds to *out. ERR_NOMEM ends it early. */
int providers_read(
    struct providers *p, bool all, int64_t now_ms, struct providers_read *out, struct err *e);
/* Lets those that talk to the network go on; never waits. True: some groups have changed. */
bool providers_turn(struct providers *p, int64_t now_ms);
/* When the next section that reads files is due (monotonic); INT64_MAX: there is none. */
int64_t providers_due(const struct providers *p);
/* The same of those that talk to the network. */
int64_t providers_turn_due(const struct providers *p);
/* Their sockets, besides those of p->net; at most cap. */
size_t providers_fds(const struct providers *p, struct curl_waitfd *out, size_t cap);
void providers_watch(const struct providers *p, int inotify_fd);

/* All targets of all jobs, as found last. Those that were there before are the same objects. */
int providers_assemble(struct providers *p, const char *host_name, struct target_set **out,
    struct assembly_report *report, struct err *e);

#endif
