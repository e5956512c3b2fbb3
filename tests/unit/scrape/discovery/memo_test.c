#include "scrape/discovery/memo.h"

#include "base/memory.h"
#include "scrape/job.h"
#include "scrape/target.h"
#include "tests/testing/testing.h"

static struct scrape_job jobs[] = {{.name = "one"}, {.name = "two"}};
static struct scrape_config config = {.jobs = jobs, .n_jobs = 2};
static struct label plain[] = {{{"a", sizeof("a") - 1}, {"bc", sizeof("bc") - 1}},
    {{"d", sizeof("d") - 1}, {"", sizeof("") - 1}}};
static struct label moved[] = {{{"ab", sizeof("ab") - 1}, {"c", sizeof("c") - 1}},
    {{"d", sizeof("d") - 1}, {"", sizeof("") - 1}}};
static struct label turned[] = {{{"d", sizeof("d") - 1}, {"", sizeof("") - 1}},
    {{"a", sizeof("a") - 1}, {"bc", sizeof("bc") - 1}}};

static const struct {
        const char *name;
        size_t job;
        const char *address;
        struct label *labels;
        size_t n;
        bool want_same;
} cases[] = {
    {"the same", 0, "h:1", plain, 2, true},
    {"another job", 1, "h:1", plain, 2, false},
    {"another address", 0, "h:2", plain, 2, false},
    {"text moved from value to name", 0, "h:1", moved, 2, false},
    {"a label less", 0, "h:1", plain, 1, false},
    {"none", 0, "h:1", NULL, 0, false},
    {"another order: the later of two would win", 0, "h:1", turned, 2, false},
};

static void
keys(void **state)
{
        const struct target_input first = {.config = &config,
            .job = &jobs[0],
            .address = "h:1",
            .group_labels = plain,
            .n_group_labels = 2};

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct target_input in = {.config = &config,
                    .job = &jobs[cases[i].job],
                    .address = cases[i].address,
                    .group_labels = cases[i].labels,
                    .n_group_labels = cases[i].n};

                print_message("%s\n", cases[i].name);
                assert_int_equal(memo_key(&first) == memo_key(&in), cases[i].want_same);
        }
}

static void
remembers(void **state)
{
        struct memo m = {.index = SLOTMAP_INIT};
        struct target t = {.job = &jobs[0]};
        const struct memo_entry active = {.target = &t, .identity = 7, .verdict = MEMO_ACTIVE};
        const struct memo_entry dropped = {.verdict = MEMO_DROPPED};

        (void)state;
        atomic_init(&t.refs, 1);
        assert_null(memo_find(&m, 1));
        testing_ok(memo_add(&m, 1, &active, NULL), NULL);
        for (uint64_t key = 2; key < 1000; key++)
                testing_ok(memo_add(&m, key, &dropped, NULL), NULL);
        assert_int_equal(atomic_load(&t.refs), 2);
        assert_ptr_equal(memo_find(&m, 1)->target, &t);
        assert_int_equal(memo_find(&m, 1)->identity, 7);
        assert_int_equal(memo_find(&m, 999)->verdict, MEMO_DROPPED);
        assert_null(memo_find(&m, 1000));
        memo_release(&m);
        assert_int_equal(atomic_load(&t.refs), 1);
        assert_null(memo_find(&m, 1));
        assert_int_equal(memory_of(MEMORY_TARGETS), 0);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(keys),
            cmocka_unit_test(remembers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
