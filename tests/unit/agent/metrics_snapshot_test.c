#include "agent/metrics_snapshot.h"

#include "agent/metrics.h"
#include "base/clock.h"
#include "base/resident.h"
#include "tests/testing/testing.h"
#include "tests/unit/agent/fake_parts.h"

#include <string.h>
#include <unistd.h>

static struct scrape_job jobs[] = {{.name = "one"}, {.name = "two"}};
static struct target targets[] = {{.job = &jobs[0]}, {.job = &jobs[1]}};

static void
take(struct metrics_snapshot *s)
{
        struct metrics_input in = {
            .parts = fake_parts(), .clock = clock_system(), .start_ms = 1700000000500};
        struct err e = ERR_INIT;

        testing_ok(metrics_snapshot_take(&in, s, &e), &e);
}

static void
test_process(void **state)
{
        struct metrics_snapshot before;
        struct metrics_snapshot after;
        int fds[2];

        (void)state;
        memset(&fake, 0, sizeof(fake));
        take(&before);
        assert_int_equal(pipe(fds), 0);
        take(&after);
        assert_true(after.process.open_fds == before.process.open_fds + 2);
        assert_true(after.process.open_fds <= after.process.max_fds);
        assert_true(after.process.cpu_seconds > 0);
        assert_true(after.process.resident_bytes > 100 << 10);
        assert_true(after.process.virtual_bytes >= after.process.resident_bytes);
        assert_true(after.process.start_seconds == 1700000000.5);
        (void)close(fds[0]);
        (void)close(fds[1]);
        metrics_snapshot_release(&before);
        metrics_snapshot_release(&after);
}

static void
test_pools_are_counted_by_job(void **state)
{
        struct metrics_snapshot s;

        (void)state;
        memset(&fake, 0, sizeof(fake));
        fake.active[0].target = &targets[0];
        fake.active[1].target = &targets[1];
        fake.active[2].target = &targets[0];
        fake.active[3].target = &targets[0];
        fake.active[3].leaving = true;
        fake.n_active = 4;
        fake.jobs[0].name = "one";
        fake.jobs[0].n.discovered = 7;
        fake.jobs[1].name = "none"; /* has no targets, and says so */
        fake.n_jobs = 2;
        take(&s);
        assert_string_equal(s.pools->job, "one");
        assert_int_equal(s.pools->active, 2);
        assert_int_equal(s.pools->discovered, 7);
        assert_string_equal(s.pools->next->job, "none");
        assert_int_equal(s.pools->next->active, 0);
        assert_int_equal(s.pools->next->discovered, 0);
        assert_string_equal(s.pools->next->next->job, "two");
        assert_int_equal(s.pools->next->next->active, 1);
        assert_null(s.pools->next->next->next);
        metrics_snapshot_release(&s);
}

static void
test_usable(void **state)
{
        struct metrics_snapshot s;

        (void)state;
        memset(&fake, 0, sizeof(fake));
        take(&s);
        assert_true(s.has_log);
        assert_false(s.log.usable);
        metrics_snapshot_release(&s);
        fake.usable = true;
        take(&s);
        assert_true(s.log.usable);
        metrics_snapshot_release(&s);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_process),
            cmocka_unit_test(test_pools_are_counted_by_job),
            cmocka_unit_test(test_usable),
        };

        resident_setup();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
