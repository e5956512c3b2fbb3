#include "scrape/discovery/feed.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/log.h"
#include "scrape/discovery/groups.h"
#include "scrape/discovery/saved.h"
#include "scrape/discovery/source.h"
#include "scrape/job.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        WRITE_SOON_MS = 1000, /* after a change: others follow */
        WRITE_REST_MS = 5000, /* at least, from one write to the next */
        WRITE_BYTES_PER_MS =
            5, /* and so much longer the larger the file is: 432 MB a day at most */
        CONFIRM_MS = 10 * 60 * 1000,
};

struct feed {
        struct source *source; /* owned */
        char *path; /* owned; NULL: nothing is kept */
        struct saved saved; /* slots that the source does not know yet */
        int64_t saved_confirmed_ms; /* monotonic */
        uint64_t generation; /* of the source, at the last turn */
        int64_t write_at_ms; /* monotonic; INT64_MAX: it is written */
        int64_t write_not_before_ms;
        int64_t confirm_at_ms;
        bool write_failing;
};

int
feed_new(struct source **source, const char *folder, struct feed **out, struct err *e)
{
        struct source *s = *source;
        struct feed *f = calloc(1, sizeof(*f));
        uint64_t key = hash_stable(s->job->name, strlen(s->job->name), s->identity);
        int n = 0;

        *source = NULL;
        if (f != NULL && folder != NULL)
                n = asprintf(&f->path, "%s/%s-%016" PRIx64, folder, s->class->mechanism, key);
        if (f == NULL || n < 0) {
                s->class->free(s);
                free(f);
                return err_nomem(e, "a discovery");
        }
        f->source = s;
        f->write_at_ms = INT64_MAX;
        *out = f;
        return 0;
}

/* ---- the groups in use ---- */

static bool
own_known(const struct feed *f, size_t slot)
{
        const struct source *s = f->source;

        return slot < s->class->slots(s) && s->class->known(s, slot);
}

static bool
slot_known(void *arg, size_t slot)
{
        const struct feed *f = arg;

        return own_known(f, slot) || (slot < f->saved.n && f->saved.v[slot] != NULL);
}

static int
slot_visit(void *arg, size_t slot, const struct group_sink *sink, struct err *e)
{
        const struct feed *f = arg;
        const struct source *s = f->source;

        if (own_known(f, slot))
                return s->class->visit(s, slot, sink, e);
        return sink->take(sink->arg, f->saved.v[slot]->v, f->saved.v[slot]->n, e);
}

bool
feed_known(const struct feed *f)
{
        size_t n = f->source->class->slots(f->source);

        for (size_t i = 0; i < n; i++) {
                if (!slot_known((void *)(uintptr_t)f, i))
                        return false;
        }
        return true;
}

int
feed_visit(const struct feed *f, const struct group_sink *sink, struct err *e)
{
        size_t n = f->source->class->slots(f->source);
        int rc = 0;

        for (size_t i = 0; i < n && rc == 0; i++) {
                if (slot_known((void *)(uintptr_t)f, i))
                        rc = slot_visit((void *)(uintptr_t)f, i, sink, e);
        }
        return rc;
}

static struct saved_content
content_of(struct feed *f)
{
        return (struct saved_content){.n = f->source->class->slots(f->source),
            .known = slot_known,
            .visit = slot_visit,
            .arg = f,
            .own = f->source->own};
}

/* What the source knows by now needs nothing to stand in for it. */
static void
drop_known(struct feed *f)
{
        bool left = false;

        for (size_t i = 0; i < f->saved.n; i++) {
                if (f->saved.v[i] != NULL && own_known(f, i)) {
                        groups_free(f->saved.v[i]);
                        f->saved.v[i] = NULL;
                }
                left = left || f->saved.v[i] != NULL;
        }
        if (!left)
                saved_release(&f->saved);
}

/* ---- the file ---- */

void
feed_read_kept(struct feed *f, int64_t now_ms)
{
        const struct source *s = f->source;
        struct err e = ERR_INIT;
        int64_t age_ms;
        int rc = f->path != NULL ? saved_read(f->path, s->own, &f->saved, &e) : ERR_NOTFOUND;

        if (rc < 0 && rc != ERR_NOTFOUND)
                log_warn("cannot use the kept targets, starting without",
                    LOG_STR("job", s->job->name), LOG_STR("file", f->path), LOG_STR("err", e.msg));
        if (rc < 0)
                return;
        age_ms = clock_wall(clock_system()) - f->saved.confirmed_wall_ms;
        if (age_ms < 0)
                age_ms = 0;
        f->saved_confirmed_ms = now_ms - age_ms;
        log_info("using the targets of the last run until the source answers",
            LOG_STR("job", s->job->name), LOG_STR("mechanism", s->class->mechanism),
            LOG_INT("age_ms", age_ms));
}

void
feed_inherit(struct feed *f, struct feed *other)
{
        const struct saved_content content = content_of(other);
        struct feed_view view = {0};
        struct err e = ERR_INIT;

        feed_show(other, &view);
        if (saved_copy(&content, &f->saved, &e) < 0)
                log_warn("cannot take over the targets from before the reload",
                    LOG_STR("job", f->source->job->name), LOG_STR("err", e.msg));
        f->saved_confirmed_ms = view.confirmed_ms;
}

static void
set_failing(struct feed *f, const struct err *why)
{
        if (why != NULL && !f->write_failing)
                log_warn("cannot keep the discovered targets for the next run",
                    LOG_STR("job", f->source->job->name), LOG_STR("err", why->msg));
        if (why == NULL && f->write_failing)
                log_info("discovered targets are kept again", LOG_STR("job", f->source->job->name));
        f->write_failing = why != NULL;
}

static void
write_kept(struct feed *f, int64_t now_ms)
{
        const struct saved_content content = content_of(f);
        struct err e = ERR_INIT;
        size_t bytes = 0;
        int rc = saved_write(f->path, &content, &bytes, &e);

        set_failing(f, rc < 0 ? &e : NULL);
        if (rc < 0)
                bytes = SAVED_MAX_BYTES;
        f->write_not_before_ms = now_ms + WRITE_REST_MS + (int64_t)bytes / WRITE_BYTES_PER_MS;
        f->confirm_at_ms = now_ms + CONFIRM_MS;
        f->write_at_ms = rc < 0 ? f->write_not_before_ms : INT64_MAX;
}

static void
keep(struct feed *f, bool changed, int64_t now_ms)
{
        if (f->path == NULL)
                return;
        if (changed && f->write_at_ms == INT64_MAX) {
                f->write_at_ms = now_ms + WRITE_SOON_MS;
                if (f->write_at_ms < f->write_not_before_ms)
                        f->write_at_ms = f->write_not_before_ms;
        }
        if (f->write_at_ms <= now_ms) {
                write_kept(f, now_ms);
        } else if (f->confirm_at_ms <= now_ms && f->write_at_ms == INT64_MAX &&
            f->source->confirmed_ms > f->confirm_at_ms - CONFIRM_MS) {
                saved_confirm(f->path);
                f->confirm_at_ms = now_ms + CONFIRM_MS;
        }
}

void
feed_free(struct feed *f)
{
        if (f == NULL)
                return;
        if (f->path != NULL && f->write_at_ms != INT64_MAX)
                write_kept(f, 0);
        f->source->class->free(f->source);
        saved_release(&f->saved);
        free(f->path);
        free(f);
}

/* ---- the rest ---- */

bool
feed_matches(const struct feed *f, const struct source *s, bool exact)
{
        const struct source *own = f->source;

        return own->class == s->class && own->identity == s->identity &&
            strcmp(own->job->name, s->job->name) == 0 && (!exact || own->hash == s->hash);
}

bool
feed_turn(struct feed *f, int64_t now_ms)
{
        struct source *s = f->source;
        bool changed;

        s->class->turn(s, now_ms);
        changed = s->generation != f->generation;
        f->generation = s->generation;
        if (f->saved.n > 0)
                drop_known(f);
        keep(f, changed, now_ms);
        return changed;
}

int64_t
feed_due(const struct feed *f)
{
        int64_t t = f->source->class->due(f->source);

        return t < f->write_at_ms ? t : f->write_at_ms;
}

struct source *
feed_source(const struct feed *f)
{
        return f->source;
}

void
feed_show(const struct feed *f, struct feed_view *out)
{
        const struct source *s = f->source;
        bool kept = f->saved.n > 0;

        *out = (struct feed_view){.job = s->job->name,
            .mechanism = s->class->mechanism,
            .refreshes = s->refreshes,
            .failures = s->failures,
            .kept_in_use = kept,
            .known = feed_known(f),
            .confirmed_ms = kept ? f->saved_confirmed_ms : s->confirmed_ms};
}

const char *
feed_file_name(const struct feed *f)
{
        return f->path != NULL ? strrchr(f->path, '/') + 1 : "";
}
