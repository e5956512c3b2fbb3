#include "scrape/clients.h"

#include "base/http.h"
#include "scrape/job.h"

#include <stdlib.h>

struct job_client *
clients_take(struct clients *c, struct scrape_config *config, const struct scrape_job *job)
{
        struct job_client *x = c->head;

        while (x != NULL && x->job != job)
                x = x->next;
        if (x != NULL) {
                x->refs++;
                return x;
        }
        x = calloc(1, sizeof(*x));
        if (x == NULL)
                return NULL;
        x->refs = 1;
        x->config = scrape_config_ref(config);
        x->job = job;
        /* exporters have TLS 1.2, so that is the floor of scrapes */
        if (http_client_new(&job->http, TLS_1_2, &x->http, &x->err) < 0)
                x->http = NULL;
        x->next = c->head;
        c->head = x;
        return x;
}

void
clients_return(struct clients *c, struct job_client *x)
{
        struct job_client **at = &c->head;

        if (x == NULL || --x->refs > 0)
                return;
        while (*at != x)
                at = &(*at)->next;
        *at = x->next;
        http_client_free(x->http);
        scrape_config_unref(x->config);
        free(x);
}
