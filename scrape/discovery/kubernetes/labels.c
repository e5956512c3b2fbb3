#include "scrape/discovery/kubernetes/labels.h"

#include "scrape/job.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

void
kube_out_init(struct kube_out *o, kube_emit emit, void *arg)
{
        *o = (struct kube_out){
            .emit = emit, .arg = arg, .arena = ARENA_INIT(KUBE_SCRATCH_BYTES), .err = ERR_INIT};
}

void
kube_out_release(struct kube_out *o)
{
        arena_release(&o->arena);
        free(o->v);
}

void
kube_out_next(struct kube_out *o)
{
        arena_reset(&o->arena);
        o->n = 0;
        o->n_group = 0;
}

void
kube_out_group(struct kube_out *o)
{
        o->n_group = o->n;
}

void
kube_out_target(struct kube_out *o, const char *address)
{
        struct target_group group = {
            .targets = &address, .n_targets = 1, .labels = o->v, .n_labels = o->n};

        if (o->rc == 0)
                o->rc = o->emit(o->arg, &group, &o->err);
        o->n = o->n_group;
}

static void
fail(struct kube_out *o)
{
        if (o->rc == 0)
                o->rc = err_nomem(&o->err, "labels of a Kubernetes object");
}

static void
add(struct kube_out *o, struct view name, struct view value)
{
        if (o->n == o->cap) {
                size_t cap = o->cap > 0 ? o->cap * 2 : 64;
                struct label *v =
                    cap <= (size_t)KUBE_MAX_LABELS * 2 ? realloc(o->v, cap * sizeof(*v)) : NULL;

                if (v == NULL) {
                        fail(o);
                        return;
                }
                o->v = v;
                o->cap = cap;
        }
        o->v[o->n++] = (struct label){name, value};
}

void
kube_label(struct kube_out *o, const char *name, struct view value)
{
        add(o, view_of(name), value);
}

static bool
is_word(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '_';
}

/* One _ for each character that is none of a name, whatever its bytes. */
static size_t
sanitise(char *to, struct view key)
{
        size_t n = 0;

        for (size_t i = 0; i < key.n; i++) {
                if (is_word(key.p[i]))
                        to[n++] = key.p[i];
                else if (((unsigned char)key.p[i] & 0xc0) != 0x80)
                        to[n++] = '_';
        }
        return n;
}

void
kube_label_key(struct kube_out *o, const char *prefix, struct view key, struct view value)
{
        size_t n = sizeof(KUBE_PREFIX) - 1 + strlen(prefix);
        char *name = arena_alloc(&o->arena, n + key.n + 1);

        if (name == NULL) {
                fail(o);
                return;
        }
        (void)snprintf(name, n + 1, KUBE_PREFIX "%s", prefix);
        n += sanitise(name + n, key);
        add(o, (struct view){name, n}, value);
}

void
kube_label_map(struct kube_out *o, const char *prefix, const char *present, struct kube_value map)
{
        for (struct kube_items i = kube_items(map); kube_next(&i);) {
                kube_label_key(o, prefix, i.key, kube_text(i.value));
                kube_label_key(o, present, i.key, VIEW_LIT("true"));
        }
}

/* what and ending, joined in the arena. */
static const char *
join(struct kube_out *o, const char *what, const char *ending)
{
        size_t n = strlen(what) + strlen(ending) + 1;
        char *s = arena_alloc(&o->arena, n);

        if (s == NULL) {
                fail(o);
                return "";
        }
        (void)snprintf(s, n, "%s%s", what, ending);
        return s;
}

void
kube_label_meta(struct kube_out *o, const char *what, struct kube_value object)
{
        struct kube_value meta = kube_get(object, "metadata");

        kube_label_map(
            o, join(o, what, "_label_"), join(o, what, "_labelpresent_"), kube_get(meta, "labels"));
        kube_label_map(o, join(o, what, "_annotation_"), join(o, what, "_annotationpresent_"),
            kube_get(meta, "annotations"));
}

void
kube_label_object(struct kube_out *o, const char *what, struct kube_value object)
{
        kube_label_key(
            o, what, VIEW_LIT("_name"), kube_get_text(kube_get(object, "metadata"), "name"));
        kube_label_meta(o, what, object);
}

const char *
kube_address(struct kube_out *o, struct view host, struct view port)
{
        bool six = port.p != NULL && memchr(host.p, ':', host.n) != NULL;
        char *s = arena_alloc(&o->arena, host.n + port.n + 4);
        char *at = s;

        if (s == NULL) {
                fail(o);
                return "";
        }
        if (six)
                *at++ = '[';
        memcpy(at, host.p, host.n);
        at += host.n;
        if (six)
                *at++ = ']';
        if (port.p != NULL) {
                *at++ = ':';
                memcpy(at, port.p, port.n);
                at += port.n;
        }
        *at = '\0';
        return s;
}

struct view
kube_lower(struct kube_out *o, struct view v)
{
        struct view copy = arena_view(&o->arena, v);

        if (copy.p == NULL) {
                fail(o);
                return (struct view){"", 0};
        }
        for (size_t i = 0; i < v.n; i++)
                ((char *)(uintptr_t)copy.p)[i] = (char)tolower((unsigned char)v.p[i]);
        return copy;
}
