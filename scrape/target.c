/*
 * A target is one block of memory: the struct, its labels and all its text. It is built in an arena
 * and then packed, so that a thousand targets cost what they say and no more; what was discovered
 * lies there as far as it differs from that of others (label_model.h).
 */
#include "scrape/target.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/duration.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/relabel.h"
#include "scrape/job.h"
#include "scrape/label_model.h"
#include "scrape/target_url.h"

#include <stdlib.h>
#include <string.h>

enum {
        TARGET_MAX_BYTES = 16 << 20, /* of one target's labels and text */
        TARGET_MAX_URL = 64 << 10,
};

/* What goes into a target. */
struct parts {
        const struct target_input *in;
        struct labels final;
        struct labels discovered;
        struct label_model *model; /* of these; a reference */
        size_t discovered_size;
        struct view url;
        struct view identity;
        struct view unix_socket;
        struct view interval; /* the labels' text */
        struct view timeout;
        int64_t interval_ms;
        int64_t timeout_ms;
};

uint64_t
target_seed(const char *host_name, const struct scrape_config *config)
{
        uint64_t seed = hash_stable(host_name, strlen(host_name), 0);

        for (size_t i = 0; i < config->n_external_labels; i++) {
                const struct label *x = &config->external_labels[i];

                seed = hash_stable(x->name.p, x->name.n, seed);
                seed = hash_stable(x->value.p, x->value.n, seed);
        }
        return seed;
}

static bool
has_prefix(struct view v, const char *prefix)
{
        size_t n = strlen(prefix);

        return v.n >= n && memcmp(v.p, prefix, n) == 0;
}

/* ---- labels before relabeling ---- */

static int
set_default(struct labels *l, const char *name, struct view value, struct err *e)
{
        if (labels_get(l, view_of(name)).n > 0)
                return 0;
        return labels_set(l, view_of(name), value, e);
}

static int
set_default_duration(struct labels *l, const char *name, int64_t ms, struct err *e)
{
        char text[DURATION_MAX_TEXT];
        size_t n = duration_format(ms, text, sizeof(text));
        struct view v = arena_view(l->arena, (struct view){text, n});

        if (v.p == NULL)
                return err_nomem(e, "a target's labels");
        return set_default(l, name, v, e);
}

static int
set_default_params(struct labels *l, const struct scrape_job *job, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; i < job->n_params && rc == 0; i++) {
                const struct job_param *p = &job->params[i];
                size_t n = sizeof("__param_") + strlen(p->name);
                char *name;

                if (p->n_values == 0)
                        continue;
                name = arena_alloc(l->arena, n);
                if (name == NULL)
                        return err_nomem(e, "a target's labels");
                memcpy(name, "__param_", sizeof("__param_") - 1);
                memcpy(name + sizeof("__param_") - 1, p->name, strlen(p->name) + 1);
                rc = set_default(l, name, view_of(p->values[0]), e);
        }
        return rc;
}

static int
set_defaults(struct labels *l, const struct scrape_job *job, struct err *e)
{
        static const char *const histograms[] = {"__scrape_native_histograms__",
            "__always_scrape_classic_histograms__", "__convert_classic_histograms_to_nhcb__"};
        int rc = set_default(l, "job", view_of(job->name), e);

        if (rc == 0)
                rc = set_default_duration(l, "__scrape_interval__", job->interval_ms, e);
        if (rc == 0)
                rc = set_default_duration(l, "__scrape_timeout__", job->timeout_ms, e);
        if (rc == 0)
                rc = set_default(l, "__metrics_path__", view_of(job->metrics_path), e);
        if (rc == 0)
                rc = set_default(l, "__scheme__", view_of(job->scheme), e);
        for (size_t i = 0; i < sizeof(histograms) / sizeof(histograms[0]) && rc == 0; i++)
                rc = set_default(l, histograms[i], VIEW_LIT("false"), e);
        if (rc == 0)
                rc = set_default_params(l, job, e);
        return rc;
}

/* The place among the labels that the job gives, from 1; 0: it is a discovered one. */
static int
place_of(struct view name)
{
        static const char *const given[] = {"__scrape_native_histograms__",
            "__always_scrape_classic_histograms__", "__convert_classic_histograms_to_nhcb__", "job",
            "__scrape_interval__", "__scrape_timeout__", "__metrics_path__", "__scheme__"};
        int n = (int)(sizeof(given) / sizeof(given[0]));

        for (int i = 0; i < n; i++) {
                if (view_is(name, given[i]))
                        return i + 1;
        }
        return has_prefix(name, "__param_") ? n + 1 : 0;
}

static int
compare_places(const void *x, const void *y)
{
        const struct label *a = x;
        const struct label *b = y;
        int places = place_of(a->name) - place_of(b->name);

        return places != 0 ? places : view_cmp(a->name, b->name);
}

void
target_order_labels(struct labels *l)
{
        l->frozen = 0;
        if (l->n > 1)
                qsort(l->v, l->n, sizeof(*l->v), compare_places);
}

/* The set that relabeling starts from; *copy gets the same, sorted by name, for display. */
static int
gather(const struct target_input *in, struct labels *l, struct labels *copy, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; i < in->n_group_labels && rc == 0; i++)
                rc = labels_set(l, in->group_labels[i].name, in->group_labels[i].value, e);
        if (rc == 0)
                rc = labels_set(l, VIEW_LIT("__address__"), view_of(in->address), e);
        if (rc == 0)
                rc = set_defaults(l, in->job, e);
        labels_sort(l);
        for (size_t i = 0; i < l->n && rc == 0; i++)
                rc = labels_add(copy, l->v[i].name, l->v[i].value, e);
        target_order_labels(l);
        return rc;
}

/* ---- checks after relabeling ---- */

static int
check_address(struct labels *l, struct err *e)
{
        struct view address = labels_get(l, VIEW_LIT("__address__"));

        if (address.n == 0 && labels_get(l, VIEW_LIT("__unix_socket__")).n > 0)
                return labels_set(l, VIEW_LIT("__address__"), VIEW_LIT("localhost"), e);
        if (address.n == 0)
                return err_set(e, ERR_CONFIG, "no address");
        if (memchr(address.p, '/', address.n) != NULL)
                return err_set(
                    e, ERR_CONFIG, "\"%.*s\" is not a valid hostname", (int)address.n, address.p);
        return 0;
}

static int
check_duration(
    const struct labels *l, const char *name, const char *what, int64_t *out, struct err *e)
{
        int rc = duration_parse(labels_get(l, view_of(name)), out, e);

        if (rc < 0) {
                (void)err_prefix(e, "error parsing scrape %s", what);
                return rc;
        }
        if (*out == 0)
                return err_set(e, ERR_CONFIG, "scrape %s cannot be 0", what);
        return 0;
}

static int
check_times(struct parts *p, struct err *e)
{
        const struct labels *l = &p->final;
        int rc = check_duration(l, "__scrape_interval__", "interval", &p->interval_ms, e);

        if (rc == 0)
                rc = check_duration(l, "__scrape_timeout__", "timeout", &p->timeout_ms, e);
        if (rc == 0 && p->timeout_ms > p->interval_ms) {
                struct view t = labels_get(l, VIEW_LIT("__scrape_timeout__"));
                struct view i = labels_get(l, VIEW_LIT("__scrape_interval__"));

                return err_set(e, ERR_CONFIG,
                    "scrape timeout cannot be greater than scrape interval (\"%.*s\" > \"%.*s\")",
                    (int)t.n, t.p, (int)i.n, i.p);
        }
        return rc;
}

/* true, false and their short forms, as Go's strconv.ParseBool reads them; -1: none of them. */
static int
parse_bool(struct view v)
{
        static const char *const truths[] = {"1", "t", "T", "true", "TRUE", "True"};
        static const char *const untruths[] = {"0", "f", "F", "false", "FALSE", "False"};

        for (size_t i = 0; i < sizeof(truths) / sizeof(truths[0]); i++) {
                if (view_is(v, truths[i]))
                        return 1;
                if (view_is(v, untruths[i]))
                        return 0;
        }
        return -1;
}

static int
check_histograms(const struct labels *l, struct err *e)
{
        static const char *const names[] = {"__scrape_native_histograms__",
            "__always_scrape_classic_histograms__", "__convert_classic_histograms_to_nhcb__"};

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                struct view v = labels_get(l, view_of(names[i]));
                int is = v.n > 0 ? parse_bool(v) : 0;

                if (is < 0)
                        return err_set(e, ERR_CONFIG,
                            "label %s is \"%.*s\", which is neither true nor false", names[i],
                            (int)v.n, v.p);
                /* "always classic" is what is done anyway */
                if (is == 1 && i != 1)
                        return err_set(e, ERR_CONFIG,
                            "label %s is true: native histograms are not supported yet", names[i]);
        }
        return 0;
}

static int
check_text(const struct labels *l, struct err *e)
{
        for (size_t i = 0; i < l->n; i++) {
                if (!utf8_valid(l->v[i].value))
                        return err_set(e, ERR_CONFIG, "invalid label value for \"%.*s\"",
                            (int)l->v[i].name.n, l->v[i].name.p);
        }
        return 0;
}

static void
remove_prefix(struct labels *l, const char *prefix)
{
        size_t kept = 0;

        for (size_t i = 0; i < l->n; i++) {
                if (!has_prefix(l->v[i].name, prefix))
                        l->v[kept++] = l->v[i];
        }
        l->n = kept;
        l->frozen = 0;
}

/* ---- what is made of the labels ---- */

/* "job" {"name":"value",…} "url": unambiguous, and readable in dumps. */
static int
build_identity(struct parts *p, struct buf *out, struct err *e)
{
        int rc = json_put_string(out, view_of(p->in->job->name), e);

        for (size_t i = 0; i < p->final.n && rc == 0; i++) {
                rc = buf_puts(out, i == 0 ? " {" : ",", e);
                if (rc == 0)
                        rc = json_put_string(out, p->final.v[i].name, e);
                if (rc == 0)
                        rc = buf_putc(out, ':', e);
                if (rc == 0)
                        rc = json_put_string(out, p->final.v[i].value, e);
        }
        if (rc == 0)
                rc = buf_puts(out, p->final.n > 0 ? "} " : " {} ", e);
        if (rc == 0)
                rc = json_put_string(out, p->url, e);
        if (rc == 0 && p->unix_socket.n > 0) {
                rc = buf_putc(out, ' ', e);
                if (rc == 0)
                        rc = json_put_string(out, p->unix_socket, e);
        }
        return rc;
}

struct view
target_identity_labels(const char *identity)
{
        const char *start = NULL;
        bool quoted = false;

        for (const char *p = identity; *p != '\0'; p++) {
                if (quoted && p[0] == '\\' && p[1] != '\0') {
                        p++;
                } else if (*p == '"') {
                        quoted = !quoted;
                } else if (!quoted && *p == '{') {
                        start = p;
                } else if (!quoted && *p == '}' && start != NULL) {
                        return (struct view){start, (size_t)(p + 1 - start)};
                }
        }
        return (struct view){"", 0};
}

static struct view
keep(struct arena *a, const struct buf *b, struct err *e, int *rc)
{
        struct view v = arena_view(a, buf_view(b));

        if (v.p == NULL)
                *rc = err_nomem(e, "a target's labels");
        return v;
}

/* Checks the relabeled set and derives what depends on it. */
static int
settle(struct parts *p, struct err *e)
{
        struct arena *a = p->final.arena;
        struct buf text = BUF_INIT(TARGET_MAX_BYTES);
        struct buf url = BUF_INIT(TARGET_MAX_URL);
        int rc = check_address(&p->final, e);

        if (rc == 0)
                rc = check_times(p, e);
        if (rc == 0)
                rc = check_histograms(&p->final, e);
        if (rc < 0)
                goto out;
        remove_prefix(&p->final, "__meta_");
        rc = set_default(&p->final, "instance", labels_get(&p->final, VIEW_LIT("__address__")), e);
        if (rc == 0)
                rc = check_text(&p->final, e);
        if (rc == 0)
                rc = target_url_build(&p->final, p->in->job, &url, e);
        if (rc < 0)
                goto out;
        p->unix_socket = labels_get(&p->final, VIEW_LIT("__unix_socket__"));
        p->interval = labels_get(&p->final, VIEW_LIT("__scrape_interval__"));
        p->timeout = labels_get(&p->final, VIEW_LIT("__scrape_timeout__"));
        p->url = keep(a, &url, e, &rc);
        remove_prefix(&p->final, "__");
        labels_sort(&p->final);
        if (rc == 0)
                rc = build_identity(p, &text, e);
        if (rc == 0)
                p->identity = keep(a, &text, e, &rc);
out:
        buf_release(&url);
        buf_release(&text);
        return rc;
}

/* ---- packing ---- */

static size_t
text_size(const struct labels *l)
{
        size_t n = 0;

        for (size_t i = 0; i < l->n; i++)
                n += l->v[i].name.n + l->v[i].value.n;
        return n;
}

static struct view
pack_view(char **at, struct view v)
{
        struct view copy = {*at, v.n};

        if (v.n > 0)
                memcpy(*at, v.p, v.n);
        *at += v.n;
        return copy;
}

static char *
pack_string(char **at, struct view v)
{
        char *copy = *at;

        (void)pack_view(at, v);
        *(*at)++ = '\0';
        return copy;
}

static void
pack_labels(char **at, struct label *to, const struct labels *from)
{
        for (size_t i = 0; i < from->n; i++) {
                to[i].name = pack_view(at, from->v[i].name);
                to[i].value = pack_view(at, from->v[i].value);
        }
}

static size_t
packed_size(const struct parts *p)
{
        return sizeof(struct target) + p->final.n * sizeof(struct label) + text_size(&p->final) +
            p->discovered_size + p->url.n + 1 + p->identity.n + 1 + p->unix_socket.n + 1 +
            p->interval.n + 1 + p->timeout.n + 1;
}

static int
pack(struct parts *p, struct target **out, struct err *e)
{
        struct target *t;
        size_t size;
        char *at;

        p->model = label_models_take(p->in->models, &p->discovered);
        if (p->model == NULL)
                return err_nomem(e, "a target");
        p->discovered_size = label_model_size(p->model, &p->discovered);
        size = packed_size(p);
        t = malloc(size);
        if (t == NULL)
                return err_nomem(e, "a target");
        *t = (struct target){.job = p->in->job, .size = size};
        atomic_init(&t->refs, 1);
        t->config = scrape_config_ref(p->in->config);
        t->labels = (struct label *)(t + 1);
        t->n_labels = p->final.n;
        at = (char *)(t->labels + p->final.n);
        pack_labels(&at, t->labels, &p->final);
        t->model = p->model;
        p->model = NULL;
        t->discovered = (uint8_t *)at;
        label_model_write(t->model, &p->discovered, (uint8_t *)at);
        at += p->discovered_size;
        t->url = pack_string(&at, p->url);
        t->identity = pack_string(&at, p->identity);
        if (p->unix_socket.n > 0)
                t->unix_socket = pack_string(&at, p->unix_socket);
        t->interval = pack_string(&at, p->interval);
        t->timeout = pack_string(&at, p->timeout);
        t->interval_ms = p->interval_ms;
        t->timeout_ms = p->timeout_ms;
        t->labels_hash = labels_hash(&p->final);
        if (p->interval_ms > 0) {
                uint64_t h = hash_stable(t->url, p->url.n, t->labels_hash) ^ p->in->seed;

                t->offset_ms = (int64_t)(h % (uint64_t)p->interval_ms);
        }
        memory_account(MEMORY_TARGETS, (int64_t)size);
        *out = t;
        return 0;
}

int
target_build(
    const struct target_input *in, struct target **out, enum target_verdict *verdict, struct err *e)
{
        struct arena arena = ARENA_INIT(TARGET_MAX_BYTES);
        struct parts p = {.in = in,
            .url = {"", 0},
            .identity = {"", 0},
            .unix_socket = {"", 0},
            .interval = {"", 0},
            .timeout = {"", 0}};
        enum relabel_verdict kept = RELABEL_KEPT;
        int dropped_by = -1;
        int rc;

        labels_init(&p.final, &arena);
        labels_init(&p.discovered, &arena);
        rc = gather(in, &p.final, &p.discovered, e);
        if (rc == 0)
                rc = relabel_apply(&in->job->relabel, &p.final, &kept, &dropped_by, e);
        if (rc < 0)
                goto out;
        /* Without labels it is not dropped but has no address. */
        if (dropped_by < 0)
                kept = RELABEL_KEPT;
        if (kept == RELABEL_KEPT) {
                rc = settle(&p, e);
        } else {
                p.final.n = 0;
        }
        if (rc == 0)
                rc = pack(&p, out, e);
        if (rc == 0)
                *verdict = kept == RELABEL_KEPT ? TARGET_ACTIVE : TARGET_DROPPED;
out:
        label_model_unref(p.model);
        arena_release(&arena);
        return rc;
}

int
target_discovered(const struct target *t, struct labels *out, struct err *e)
{
        return label_model_read(t->model, t->discovered, out, e);
}

struct target *
target_ref(struct target *t)
{
        atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
        return t;
}

void
target_unref(struct target *t)
{
        if (t == NULL || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
                return;
        memory_account(MEMORY_TARGETS, -(int64_t)t->size);
        label_model_unref(t->model);
        scrape_config_unref(t->config);
        free(t);
}

void
target_set_free(struct target_set *s)
{
        if (s == NULL)
                return;
        for (size_t i = 0; i < s->n_active; i++)
                target_unref(s->active[i]);
        for (size_t i = 0; i < s->n_dropped; i++)
                target_unref(s->dropped[i]);
        free(s->active);
        free(s->dropped);
        free(s);
}
