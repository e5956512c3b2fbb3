#include "scrape/mailbox.h"

#include "scrape/scrape.h"
#include "tests/testing/testing.h"

#include <pthread.h>
#include <stdatomic.h>

static void
count_wake(void *arg)
{
        atomic_fetch_add((atomic_uint *)arg, 1);
}

static void
keeps_answers_in_order(void **state)
{
        struct scraper_mailbox *m = NULL;
        const struct mailbox_answer *v = NULL;
        atomic_uint wakes = 0;

        (void)state;
        testing_ok(scraper_mailbox_new(&m, NULL), NULL);
        scraper_answer(m, 1, 1, true); /* nobody is there yet: thrown away */
        mailbox_attach(m, count_wake, &wakes);
        assert_int_equal(mailbox_take(m, &v), 0);
        scraper_answer(m, 7, 1, true);
        scraper_answer(m, 8, 2, false);
        assert_int_equal(atomic_load(&wakes), 1); /* one for both */
        assert_int_equal(mailbox_take(m, &v), 2);
        assert_int_equal(v[0].target, 7);
        assert_int_equal(v[0].serial, 1);
        assert_true(v[0].stored);
        assert_int_equal(v[1].target, 8);
        assert_false(v[1].stored);
        scraper_answer(m, 9, 3, true);
        assert_int_equal(atomic_load(&wakes), 2);
        assert_int_equal(v[0].target, 7); /* still valid */
        assert_int_equal(mailbox_take(m, &v), 1);
        assert_int_equal(v[0].target, 9);
        mailbox_attach(m, NULL, NULL);
        scraper_answer(m, 10, 4, true);
        assert_int_equal(mailbox_take(m, &v), 0);
        scraper_mailbox_free(m);
}

enum { ANSWERS = 20000 };

static void *
answer_many(void *arg)
{
        for (uint64_t i = 1; i <= ANSWERS; i++)
                scraper_answer(arg, i, i, i % 2 == 0);
        return NULL;
}

static void
loses_none_between_threads(void **state)
{
        struct scraper_mailbox *m = NULL;
        const struct mailbox_answer *v = NULL;
        atomic_uint wakes = 0;
        pthread_t thread;
        uint64_t next = 1;

        (void)state;
        testing_ok(scraper_mailbox_new(&m, NULL), NULL);
        mailbox_attach(m, count_wake, &wakes);
        assert_int_equal(pthread_create(&thread, NULL, answer_many, m), 0);
        while (next <= ANSWERS) {
                size_t n = mailbox_take(m, &v);

                for (size_t i = 0; i < n; i++) {
                        assert_int_equal(v[i].serial, next);
                        assert_int_equal(v[i].stored, next % 2 == 0);
                        next++;
                }
        }
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_true(atomic_load(&wakes) >= 1);
        scraper_mailbox_free(m);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(keeps_answers_in_order),
            cmocka_unit_test(loses_none_between_threads),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
