/*
 * Answers of a Kubernetes API server: lists and watches, cut into pieces, packed, stored and made
 * into targets of every role. The first byte says which kind, the second how it is cut up.
 */
#include "base/err.h"
#include "base/log.h"
#include "scrape/discovery/kubernetes/roles.h"
#include "scrape/discovery/kubernetes/watch.h"
#include "scrape/discovery/net.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
take(void *arg, const struct target_group *group, struct err *e)
{
        size_t *n = arg;

        (void)e;
        for (size_t i = 0; i < group->n_labels; i++)
                *n += group->labels[i].name.n + group->labels[i].value.n;
        *n += strlen(group->targets[0]);
        return 0;
}

static void
feed(struct kube_watch *w, struct view text, size_t step)
{
        struct buf url = BUF_INIT(1 << 16);
        struct kube_end end = {.status = 200};
        struct err e = ERR_INIT;
        unsigned seconds;

        if (kube_watch_begin(w, 0, &url, &seconds, &e) < 0)
                abort();
        for (size_t i = 0; i < text.n && end.rc == 0; i += step)
                end.rc = kube_watch_take(
                    w, 200, (struct view){text.p + i, text.n - i < step ? text.n - i : step}, &e);
        end.why = e.msg;
        kube_watch_end(w, &end, 0);
        buf_release(&url);
}

static void
make_targets(const struct kube_store *store)
{
        struct kubernetes_sd sd = {.attach_node = true,
            .attach_namespace = true,
            .attach_deployment = true,
            .attach_job = true,
            .attach_cronjob = true};
        struct kube_sight sight = {.sd = &sd};
        size_t n = 0;

        for (size_t i = 0; i < KUBERNETES_ROLES; i++)
                sd.selectors[i] = (struct kubernetes_selector){"", ""};
        for (size_t i = 0; i < KUBE_KINDS; i++)
                sight.of[i] = (struct kube_stores){&store, 1};
        for (int role = 0; role < KUBERNETES_ROLES; role++) {
                struct kube_out out;

                sd.role = (enum kubernetes_role)role;
                kube_out_init(&out, take, &n);
                kube_role_run(&sight, &out);
                kube_out_release(&out);
        }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct kubernetes_counters counters = {0};
        struct kube_watch *w = NULL;
        struct kube_subject subject = {KUBE_PODS, "", "", ""};
        struct view text;

        if (size < 2)
                return 0;
        log_setup(LOG_ERROR, LOG_FORMAT_LOGFMT, NULL);
        subject.kind = (enum kube_kind)(data[0] % KUBE_KINDS);
        text = (struct view){(const char *)data + 2, size - 2};
        if (kube_watch_new(&subject, NULL, &counters, &w, NULL) < 0)
                abort();
        feed(w, text, (size_t)data[1] + 1);
        w->state = KUBE_WATCHING;
        feed(w, text, (size_t)data[1] + 1);
        make_targets(&w->store);
        kube_watch_free(w);
        return 0;
}
