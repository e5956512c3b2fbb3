#include "scrape/discovery/net.h"

#include "base/err.h"

#include <stdlib.h>

enum { CONNECTIONS_KEPT = 8 };

int
net_new(struct source_net **out, struct err *e)
{
        struct source_net *n = calloc(1, sizeof(*n));

        if (n == NULL)
                return err_nomem(e, "the discovery's transfers");
        n->multi = curl_multi_init();
        if (n->multi == NULL) {
                free(n);
                return err_nomem(e, "the discovery's transfers");
        }
        (void)curl_multi_setopt(n->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
        *out = n;
        return 0;
}

void
net_free(struct source_net *n)
{
        if (n == NULL)
                return;
        (void)curl_multi_cleanup(n->multi);
        free(n);
}

int
net_start(struct source_net *n, CURL *easy, struct net_transfer *t, struct err *e)
{
        (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
        if (curl_multi_add_handle(n->multi, easy) != CURLM_OK)
                return err_nomem(e, "a transfer");
        return 0;
}

void
net_stop(struct source_net *n, CURL *easy)
{
        (void)curl_multi_remove_handle(n->multi, easy);
}

void
net_turn(struct source_net *n)
{
        int running = 0;
        int left = 0;
        CURLMsg *m;

        (void)curl_multi_perform(n->multi, &running);
        while ((m = curl_multi_info_read(n->multi, &left)) != NULL) {
                struct net_transfer *t = NULL;
                CURL *easy = m->easy_handle;
                CURLcode code = m->data.result;

                if (m->msg != CURLMSG_DONE)
                        continue;
                (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&t);
                t->done(t->arg, code);
                (void)curl_multi_remove_handle(n->multi, easy);
        }
}
