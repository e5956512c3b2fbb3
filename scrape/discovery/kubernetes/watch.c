#include "scrape/discovery/kubernetes/watch.h"

#include "base/hash.h"
#include "base/log.h"
#include "scrape/discovery/net.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum {
        ANSWER_MAX = 4096,
        HTTP_GONE = 410,
        HTTP_UNAUTHORIZED = 401,
        HTTP_SERVER_ERROR = 500,
        SHORT_WATCH_MS = 1000
};

/* ---- life ---- */

static char *
copy_of(const char *s)
{
        return strdup(s != NULL ? s : "");
}

int
kube_watch_new(const struct kube_subject *subject, struct kube_server *server,
    struct kubernetes_counters *stats, struct kube_watch **out, struct err *e)
{
        struct kube_watch *w = calloc(1, sizeof(*w));
        uintptr_t seed;

        if (w == NULL)
                return err_nomem(e, "a Kubernetes watch");
        w->subject = (struct kube_subject){subject->kind, copy_of(subject->namespace),
            copy_of(subject->label), copy_of(subject->field)};
        w->server = server;
        w->stats = stats;
        w->version = (struct buf)BUF_INIT(KUBE_MAX_VERSION);
        w->token = (struct buf)BUF_INIT(KUBE_MAX_CONTINUE);
        w->record = (struct buf)BUF_INIT(KUBE_MAX_RECORD);
        w->answer = (struct buf)BUF_INIT(ANSWER_MAX);
        seed = (uintptr_t)w;
        w->random = hash_seeded(&seed, sizeof(seed));
        if (w->subject.namespace == NULL || w->subject.label == NULL || w->subject.field == NULL) {
                kube_watch_free(w);
                return err_nomem(e, "a Kubernetes watch");
        }
        *out = w;
        return 0;
}

void
kube_watch_free(struct kube_watch *w)
{
        if (w == NULL)
                return;
        kube_split_release(&w->split);
        kube_store_release(&w->store);
        buf_release(&w->version);
        buf_release(&w->token);
        buf_release(&w->record);
        buf_release(&w->answer);
        free((char *)(uintptr_t)w->subject.namespace);
        free((char *)(uintptr_t)w->subject.label);
        free((char *)(uintptr_t)w->subject.field);
        free(w);
}

bool
kube_watch_is(const struct kube_watch *w, const struct kube_subject *s)
{
        return w->subject.kind == s->kind && strcmp(w->subject.namespace, s->namespace) == 0 &&
            strcmp(w->subject.label, s->label) == 0 && strcmp(w->subject.field, s->field) == 0;
}

/* ---- the objects ---- */

static void
count(struct kube_watch *w, enum kubernetes_event event, uint64_t n)
{
        if ((int)w->subject.kind < KUBERNETES_ROLES)
                w->stats->events[w->subject.kind][event] += n;
}

/* A store that is full goes on with what it has. */
static void
refuse(struct kube_watch *w, const struct err *why)
{
        w->stats->refused++;
        if (!w->refusing)
                log_warn("cannot keep a Kubernetes object, its targets are missing",
                    LOG_STR("kind", kube_kinds[w->subject.kind].resource),
                    LOG_STR("err", why->msg));
        w->refusing = true;
}

static int
put(struct kube_watch *w, const json_t *object, struct err *e)
{
        enum kube_change change = KUBE_SAME;
        struct err why = ERR_INIT;
        int rc;

        buf_reset(&w->record);
        rc = kube_pack(object, kube_kinds[w->subject.kind].fields, &w->record, &why);
        if (rc == 0)
                rc = kube_store_put(&w->store, buf_view(&w->record), &change, &why);
        if (rc == ERR_LIMIT) {
                refuse(w, &why);
                return 0;
        }
        if (rc < 0) {
                *e = why;
                return rc;
        }
        if (change == KUBE_ADDED)
                count(w, KUBERNETES_ADD, 1);
        else if (change == KUBE_UPDATED || w->state == KUBE_WATCHING)
                count(w, KUBERNETES_UPDATE, 1);
        w->generation += change != KUBE_SAME;
        return 0;
}

static int
set_text(struct buf *to, const json_t *v, struct err *e)
{
        buf_reset(to);
        return json_is_string(v) ? buf_append(to, json_string_value(v), json_string_length(v), e)
                                 : 0;
}

static void delete (struct kube_watch *w, const json_t *object)
{
        const json_t *meta = json_object_get(object, "metadata");
        const char *namespace = json_string_value(json_object_get(meta, "namespace"));
        const char *name = json_string_value(json_object_get(meta, "name"));

        if (name == NULL ||
            !kube_store_remove(
                &w->store, view_of(namespace != NULL ? namespace : ""), view_of(name)))
                return;
        count(w, KUBERNETES_DELETE, 1);
        w->generation++;
}

/* {"type": …, "object": …} */
static int
take_event(struct kube_watch *w, const json_t *event, struct err *e)
{
        const char *type = json_string_value(json_object_get(event, "type"));
        const json_t *object = json_object_get(event, "object");
        const json_t *version =
            json_object_get(json_object_get(object, "metadata"), "resourceVersion");
        int rc = 0;

        if (type == NULL || !json_is_object(object))
                return err_set(e, ERR_PARSE, "an event of the API server has no type or object");
        w->events++;
        if (strcmp(type, "ERROR") == 0) {
                const char *message = json_string_value(json_object_get(object, "message"));

                w->event_code = (int)json_integer_value(json_object_get(object, "code"));
                if (w->event_code == 0)
                        w->event_code = HTTP_SERVER_ERROR;
                return err_set(e, ERR_AGAIN, "the API server ended the watch: %.200s",
                    message != NULL ? message : "no reason given");
        }
        if (strcmp(type, "ADDED") == 0 || strcmp(type, "MODIFIED") == 0)
                rc = put(w, object, e);
        else if (strcmp(type, "DELETED") == 0)
                delete (w, object);
        if (rc == 0 && json_string_length(version) > 0)
                rc = set_text(&w->version, version, e);
        return rc;
}

static int
take_list_meta(struct kube_watch *w, const json_t *meta, struct err *e)
{
        int rc = set_text(&w->version, json_object_get(meta, "resourceVersion"), e);

        return rc == 0 ? set_text(&w->token, json_object_get(meta, "continue"), e) : rc;
}

static int
take_piece(void *arg, struct view key, struct view text, struct err *e)
{
        struct kube_watch *w = arg;
        bool item = view_is(key, "items");
        json_t *json;
        int rc = 0;

        if (key.n > 0 && !item && !view_is(key, "metadata"))
                return 0;
        json = json_loadb(text.p, text.n, 0, NULL);
        if (json_is_object(json))
                rc = key.n == 0 ? take_event(w, json, e)
                    : item      ? put(w, json, e)
                                : take_list_meta(w, json, e);
        else if (!item || !json_is_null(json))
                rc = err_set(e, ERR_PARSE, "an object of the API server is not valid JSON");
        json_decref(json);
        return rc;
}

/* ---- a request ---- */

static int
put_escaped(struct buf *out, const char *name, struct view value, struct err *e)
{
        static const char hex[] = "0123456789ABCDEF";
        int rc = buf_printf(out, e, "&%s=", name);

        for (size_t i = 0; i < value.n && rc == 0; i++) {
                unsigned char c = (unsigned char)value.p[i];
                char code[3] = {'%', hex[c >> 4], hex[c & 15]};
                bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                    (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_';

                rc = plain ? buf_putc(out, (char)c, e) : buf_append(out, code, sizeof(code), e);
        }
        return rc;
}

static int
put_path(const struct kube_watch *w, struct buf *out, struct err *e)
{
        const struct kube_kind_row *row = &kube_kinds[w->subject.kind];

        if (w->subject.namespace[0] == '\0')
                return buf_printf(out, e, "%s/%s", row->group, row->resource);
        return buf_printf(
            out, e, "%s/namespaces/%s/%s", row->group, w->subject.namespace, row->resource);
}

static int
put_list(struct kube_watch *w, struct buf *out, struct err *e)
{
        int rc;

        if (w->whole)
                return buf_puts(out, "?pretty=false", e);
        rc = buf_printf(out, e, "?limit=%d", KUBE_PAGE_OBJECTS);
        if (rc == 0 && w->token.len > 0)
                return put_escaped(out, "continue", buf_view(&w->token), e);
        if (rc == 0 && !w->listed)
                rc = buf_puts(out, "&resourceVersion=0", e);
        return rc;
}

static uint64_t
random_below(struct kube_watch *w, uint64_t bound)
{
        w->random = hash_stable(&w->random, sizeof(w->random), 1);
        return w->random % bound;
}

int
kube_watch_begin(
    struct kube_watch *w, int64_t now_ms, struct buf *out, unsigned *out_seconds, struct err *e)
{
        bool list = w->state == KUBE_LISTING;
        int rc = put_path(w, out, e);

        *out_seconds = 0;
        if (list && !w->paging) {
                w->paging = true;
                kube_store_begin(&w->store);
        }
        kube_split_release(&w->split);
        kube_split_init(&w->split, list, take_piece, w);
        buf_reset(&w->answer);
        w->event_code = 0;
        w->events = 0;
        w->begun_ms = now_ms;
        w->due_ms = INT64_MAX;
        w->stats->lists += list;
        if (rc == 0 && list)
                rc = put_list(w, out, e);
        if (rc == 0 && !list) {
                *out_seconds = KUBE_WATCH_MIN_S + (unsigned)random_below(w, KUBE_WATCH_MIN_S);
                rc = buf_printf(
                    out, e, "?watch=true&allowWatchBookmarks=true&timeoutSeconds=%u", *out_seconds);
                if (rc == 0)
                        rc = put_escaped(out, "resourceVersion", buf_view(&w->version), e);
        }
        if (rc == 0 && w->subject.label[0] != '\0')
                rc = put_escaped(out, "labelSelector", view_of(w->subject.label), e);
        if (rc == 0 && w->subject.field[0] != '\0')
                rc = put_escaped(out, "fieldSelector", view_of(w->subject.field), e);
        return rc;
}

int
kube_watch_take(struct kube_watch *w, long status, struct view bytes, struct err *e)
{
        size_t room = ANSWER_MAX - w->answer.len;

        if (status == 200)
                return kube_split_feed(&w->split, bytes, e);
        (void)buf_append(&w->answer, bytes.p, bytes.n < room ? bytes.n : room, NULL);
        return 0;
}

static void
set_working(struct kube_watch *w)
{
        if (w->failing)
                log_info("Kubernetes objects are watched again",
                    LOG_STR("kind", kube_kinds[w->subject.kind].resource));
        w->failing = false;
        w->retried = false;
}

void
kube_watch_accepted(struct kube_watch *w, int64_t now_ms)
{
        if (w->state != KUBE_WATCHING)
                return;
        w->confirmed_ms = now_ms;
        set_working(w);
}

/* ---- what follows ---- */

/* The next delay: doubling, its upper half drawn. */
static int64_t
back_off(struct kube_watch *w)
{
        int64_t step = w->backoff_ms * 2;

        if (step < KUBE_BACKOFF_MIN_MS)
                step = KUBE_BACKOFF_MIN_MS;
        if (step > KUBE_BACKOFF_MAX_MS)
                step = KUBE_BACKOFF_MAX_MS;
        w->backoff_ms = step;
        return step / 2 + (int64_t)random_below(w, (uint64_t)(step / 2 + 1));
}

/* The message of a Status, or what else the answer says. */
static void
describe(const struct kube_watch *w, const struct kube_end *end, char *out, size_t cap)
{
        json_t *json = json_loadb(w->answer.ptr != NULL ? w->answer.ptr : "", w->answer.len,
            JSON_DISABLE_EOF_CHECK, NULL);
        const char *message = json_string_value(json_object_get(json, "message"));

        if (end->status != 0 && end->status != 200)
                (void)snprintf(out, cap, "HTTP status %ld%s%.300s", end->status,
                    message != NULL ? ": " : "", message != NULL ? message : "");
        else
                (void)snprintf(out, cap, "%.400s", end->why != NULL ? end->why : "no answer");
        json_decref(json);
}

static void
fail(struct kube_watch *w, const struct kube_end *end, int64_t now_ms)
{
        const struct kube_subject *s = &w->subject;
        int64_t wait = back_off(w);
        char why[512];

        w->stats->failures++;
        w->paging = false;
        buf_reset(&w->token);
        if (wait < end->retry_after_ms)
                wait = end->retry_after_ms < KUBE_RETRY_AFTER_MAX_MS ? end->retry_after_ms
                                                                     : KUBE_RETRY_AFTER_MAX_MS;
        /* a token that has just expired is read anew by the next request */
        if (end->status == HTTP_UNAUTHORIZED && !w->retried) {
                w->retried = true;
                w->due_ms = now_ms;
                return;
        }
        w->due_ms = now_ms + wait;
        if (w->failing)
                return;
        w->failing = true;
        describe(w, end, why, sizeof(why));
        log_warn(w->synced ? "cannot watch Kubernetes objects, keeping those that are known"
                           : "cannot list Kubernetes objects, will try again",
            LOG_STR("kind", kube_kinds[s->kind].resource), LOG_STR("namespace", s->namespace),
            LOG_STR("err", why), LOG_INT("retry_ms", wait));
}

/* The list is whole: what it did not have is gone. */
static void
finish_list(struct kube_watch *w, int64_t now_ms)
{
        size_t gone = kube_store_sweep(&w->store);

        count(w, KUBERNETES_DELETE, gone);
        w->generation += gone > 0 || !w->synced;
        w->confirmed_ms = now_ms;
        w->synced = true;
        w->listed = true;
        w->whole = false;
        w->paging = false;
        w->refusing = w->refusing && w->store.n >= KUBE_STORE_MAX_OBJECTS;
        w->state = KUBE_WATCHING;
        w->due_ms = now_ms;
        set_working(w);
}

static void
list_again(struct kube_watch *w, int64_t now_ms)
{
        int64_t wait = w->backoff_ms > 0 ? back_off(w) : 0;

        /* the next time without a success in between is not at once */
        w->backoff_ms = w->backoff_ms > 0 ? w->backoff_ms : 1;
        w->whole = w->paging;
        w->paging = false;
        w->listed = true;
        w->state = KUBE_LISTING;
        buf_reset(&w->token);
        w->due_ms = now_ms + wait;
}

static void
end_list(struct kube_watch *w, const struct kube_end *end, int64_t now_ms)
{
        struct kube_end short_end = *end;

        if (end->status == HTTP_GONE) {
                list_again(w, now_ms);
        } else if (end->status != 200 || end->rc < 0) {
                fail(w, end, now_ms);
        } else if (!kube_split_complete(&w->split) || w->version.len == 0) {
                short_end.why = "the list is cut short or has no resourceVersion";
                fail(w, &short_end, now_ms);
        } else if (w->token.len > 0 && !w->whole) {
                w->due_ms = now_ms;
        } else {
                finish_list(w, now_ms);
        }
}

static void
end_watch(struct kube_watch *w, const struct kube_end *end, int64_t now_ms)
{
        bool gone = end->status == HTTP_GONE || w->event_code == HTTP_GONE;
        bool lasted = now_ms - w->begun_ms >= SHORT_WATCH_MS;

        if (lasted && end->status == 200 && w->event_code == 0)
                w->backoff_ms = 0;
        if (gone)
                list_again(w, now_ms);
        else if (end->status != 200 || w->event_code != 0 || end->rc == ERR_PARSE ||
            end->rc == ERR_LIMIT || end->rc == ERR_NOMEM)
                fail(w, end, now_ms);
        else /* its time is over, or the connection was lost: on from the same version */
                w->due_ms = now_ms + (lasted ? 0 : back_off(w));
}

void
kube_watch_end(struct kube_watch *w, const struct kube_end *end, int64_t now_ms)
{
        if (w->state == KUBE_LISTING)
                end_list(w, end, now_ms);
        else
                end_watch(w, end, now_ms);
        kube_split_release(&w->split);
        buf_release(&w->answer);
        w->split = (struct kube_split){0};
        w->answer = (struct buf)BUF_INIT(ANSWER_MAX);
}
