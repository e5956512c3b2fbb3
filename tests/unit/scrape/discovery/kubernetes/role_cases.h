/*
 * What the tests of the roles share: the objects of tests/data/kubernetes.json in stores, a section
 * that looks at them, and the targets as text.
 */
#ifndef UNIT_KUBERNETES_ROLE_CASES_H
#define UNIT_KUBERNETES_ROLE_CASES_H

#include "scrape/discovery/kubernetes/roles.h"
#include "scrape/job.h"
#include "tests/testing/testing.h"

struct role_case {
        struct kubernetes_sd sd;
        struct kube_store stores[KUBE_KINDS];
        const struct kube_store *pointers[KUBE_KINDS];
        struct kube_sight sight;
        struct buf text; /* a line per target: address, then name="value" in the order given */
};

static inline int
role_case_take(void *arg, const struct target_group *group, struct err *e)
{
        struct buf *text = arg;
        size_t start = text->len;

        testing_ok(buf_printf(text, e, "%s", group->targets[0]), e);
        for (size_t i = 0; i < group->n_labels; i++) {
                const struct label *l = &group->labels[i];

                if (l->value.n > 0)
                        testing_ok(buf_printf(text, e, " %.*s=\"%.*s\"", (int)l->name.n, l->name.p,
                                       (int)l->value.n, l->value.p),
                            e);
        }
        /* a line feed ends a target */
        for (size_t i = start; i < text->len; i++) {
                if (text->ptr[i] == '\n')
                        text->ptr[i] = ' ';
        }
        testing_ok(buf_putc(text, '\n', e), e);
        return 0;
}

static inline void
role_case_put(struct kube_store *store, enum kube_kind kind, const json_t *object)
{
        struct buf record = BUF_INIT(KUBE_MAX_RECORD);
        enum kube_change change;
        struct err e = ERR_INIT;

        testing_ok(kube_pack(object, kube_kinds[kind].fields, &record, &e), &e);
        testing_ok(kube_store_put(store, buf_view(&record), &change, &e), &e);
        buf_release(&record);
}

static inline void
role_case_init(struct role_case *c, enum kubernetes_role role)
{
        json_t *all = testing_json("kubernetes.json");

        *c = (struct role_case){.sd = {.role = role}, .text = BUF_INIT(1 << 20)};
        for (size_t i = 0; i < KUBERNETES_ROLES; i++)
                c->sd.selectors[i] = (struct kubernetes_selector){"", ""};
        c->sight.sd = &c->sd;
        for (int kind = 0; kind < KUBE_KINDS; kind++) {
                const json_t *list = json_object_get(all, kube_kinds[kind].resource);

                for (size_t i = 0; i < json_array_size(list); i++)
                        role_case_put(
                            &c->stores[kind], (enum kube_kind)kind, json_array_get(list, i));
                c->pointers[kind] = &c->stores[kind];
                c->sight.of[kind] = (struct kube_stores){&c->pointers[kind], 1};
        }
        json_decref(all);
}

static inline void
role_case_run(struct role_case *c)
{
        struct kube_out out;

        buf_reset(&c->text);
        kube_out_init(&out, role_case_take, &c->text);
        kube_role_run(&c->sight, &out);
        testing_ok(out.rc, &out.err);
        kube_out_release(&out);
        testing_ok(buf_putc(&c->text, '\0', NULL), NULL);
}

static inline void
role_case_release(struct role_case *c)
{
        for (int kind = 0; kind < KUBE_KINDS; kind++)
                kube_store_release(&c->stores[kind]);
        buf_release(&c->text);
}

/* The line of this address has all these, each with the blank before it. */
static inline void
role_case_has(const struct role_case *c, const char *address, const char *const *want, size_t n)
{
        char *start = NULL;
        char *line;
        size_t len = strlen(address);

        for (char *p = c->text.ptr; p != NULL && *p != '\0'; p = strchr(p, '\n') + 1) {
                if (strncmp(p, address, len) == 0 && (p[len] == ' ' || p[len] == '\n'))
                        start = p;
        }
        if (start == NULL)
                fail_msg("no target %s in\n%s", address, c->text.ptr);
        line = strndup(start, strcspn(start, "\n"));
        for (size_t i = 0; i < n; i++) {
                if (strstr(line, want[i]) == NULL)
                        fail_msg("%s is not in %s", want[i], line);
        }
        free(line);
}

static inline size_t
role_case_count(const struct role_case *c)
{
        size_t n = 0;

        for (const char *p = c->text.ptr; *p != '\0'; p++)
                n += *p == '\n';
        return n;
}

#define ROLE_HAS(c, address, ...) \
        role_case_has((c), (address), (const char *const[]){__VA_ARGS__}, \
            sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

#endif
