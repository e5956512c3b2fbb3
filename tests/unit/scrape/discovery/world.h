/*
 * What the tests of sources share: a configuration with one job, and the groups of a source as
 * text.
 */
#ifndef UNIT_SCRAPE_DISCOVERY_WORLD_H
#define UNIT_SCRAPE_DISCOVERY_WORLD_H

#include "tests/testing/testing.h"

#include "base/view.h"
#include "scrape/discovery/net.h"
#include "scrape/discovery/source.h"
#include "scrape/job.h"

static inline struct scrape_config *
world_config(const char *job)
{
        struct scrape_config *c = NULL;

        testing_ok(scrape_config_new(&c, NULL), NULL);
        c->jobs = arena_calloc(&c->arena, 1, sizeof(*c->jobs));
        assert_non_null(c->jobs);
        c->n_jobs = 1;
        c->jobs[0].name = job;
        c->jobs[0].interval_ms = 15000;
        c->jobs[0].timeout_ms = 10000;
        c->jobs[0].metrics_path = "/metrics";
        c->jobs[0].scheme = "http";
        return c;
}

/* "a:1,b:2{k=v};" per group. */
static inline int
world_take(void *arg, const struct target_group *groups, size_t n, struct err *e)
{
        struct buf *out = arg;

        (void)e;
        for (size_t i = 0; i < n; i++) {
                for (size_t k = 0; k < groups[i].n_targets; k++)
                        testing_ok(
                            buf_printf(out, NULL, "%s%s", k > 0 ? "," : "", groups[i].targets[k]),
                            NULL);
                for (size_t k = 0; k < groups[i].n_labels; k++)
                        testing_ok(
                            buf_printf(out, NULL, "%s%.*s=%.*s", k > 0 ? "," : "{",
                                (int)groups[i].labels[k].name.n, groups[i].labels[k].name.p,
                                (int)groups[i].labels[k].value.n, groups[i].labels[k].value.p),
                            NULL);
                testing_ok(buf_puts(out, groups[i].n_labels > 0 ? "};" : ";", NULL), NULL);
        }
        return 0;
}

/* The groups of a slot; valid until the next call. */
static inline const char *
world_groups(const struct source *s, size_t slot)
{
        static char text[4096];
        struct buf b = BUF_INIT(sizeof(text) - 1);
        const struct group_sink sink = {world_take, &b};

        if (!s->class->known(s, slot))
                return "unknown";
        testing_ok(s->class->visit(s, slot, &sink, NULL), NULL);
        memcpy(text, b.len > 0 ? b.ptr : "", b.len);
        text[b.len] = '\0';
        buf_release(&b);
        return text;
}

#endif
