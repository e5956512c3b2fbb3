#include "scrape/clients.h"

#include "base/http.h"
#include "scrape/job.h"
#include "tests/testing/testing.h"

static struct scrape_config *
make_config(void)
{
        struct scrape_config *c = NULL;

        testing_ok(scrape_config_new(&c, NULL), NULL);
        c->jobs = arena_calloc(&c->arena, 2, sizeof(*c->jobs));
        assert_non_null(c->jobs);
        c->n_jobs = 2;
        http_options_init(&c->jobs[0].http);
        http_options_init(&c->jobs[1].http);
        return c;
}

static void
shared_by_a_job(void **state)
{
        struct scrape_config *c = make_config();
        struct clients all = {0};
        struct job_client *a = clients_take(&all, c, &c->jobs[0]);
        struct job_client *again = clients_take(&all, c, &c->jobs[0]);
        struct job_client *b = clients_take(&all, c, &c->jobs[1]);

        (void)state;
        assert_ptr_equal(a, again);
        assert_ptr_not_equal(a, b);
        assert_non_null(a->http);
        scrape_config_unref(c); /* the clients hold it */
        clients_return(&all, a);
        assert_non_null(all.head->next);
        clients_return(&all, again);
        assert_ptr_equal(all.head, b);
        assert_null(b->next);
        clients_return(&all, b);
        assert_null(all.head);
        clients_return(&all, NULL);
}

static void
says_why_there_is_none(void **state)
{
        struct scrape_config *c = make_config();
        struct clients all = {0};
        struct job_client *a;

        (void)state;
        c->jobs[0].http.min_version = TLS_1_3;
        c->jobs[0].http.max_version = TLS_1_2;
        a = clients_take(&all, c, &c->jobs[0]);
        assert_non_null(a);
        assert_null(a->http);
        assert_non_null(strstr(a->err.msg, "max_version"));
        clients_return(&all, a);
        scrape_config_unref(c);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(shared_by_a_job),
            cmocka_unit_test(says_why_there_is_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
