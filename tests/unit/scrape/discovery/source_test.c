#include "scrape/discovery/source.h"

#include "tests/unit/scrape/discovery/world.h"

static const struct source_class class_of_test = {.mechanism = "test", .slots = source_one_slot};

static void
begins(void **state)
{
        struct scrape_config *c = world_config("job");
        const struct source_input in = {.config = c, .job = &c->jobs[0]};
        const struct sd_key key = {.identity = 1, .hash = 2};
        struct source s;

        (void)state;
        memset(&s, 0xa5, sizeof(s));
        source_init(&s, &class_of_test, &in, &key);
        assert_ptr_equal(s.class, &class_of_test);
        assert_string_equal(s.job->name, "job");
        assert_int_equal(s.identity, 1);
        assert_int_equal(s.hash, 2);
        assert_int_equal(s.own.name.n, 0);
        assert_int_equal(s.generation + s.refreshes + s.failures, 0);
        assert_int_equal(s.confirmed_ms, 0);
        assert_int_equal(s.class->slots(&s), 1);
        scrape_config_unref(c);
        assert_string_equal(s.config->jobs[0].name, "job"); /* a reference of its own */
        scrape_config_unref(s.config);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(begins)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
