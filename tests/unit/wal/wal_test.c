#include "tests/unit/wal/fixture.h"

#include "wal/aside.h"
#include "wal/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void
test_what_is_appended_is_read_back(void **state)
{
        struct fixture *f = *state;
        struct readback *r = calloc(1, sizeof(*r));
        struct source s[2];
        uint64_t serial = 1;

        assert_non_null(r);
        source_init(&s[0], f->w);
        source_init(&s[1], f->w);
        for (int i = 0; i < 30; i++) {
                fixture_submit(f, source_scrape(&s[0], serial++, clock_wall(&f->clock.clock)));
                fixture_submit(f, source_scrape(&s[1], serial++, clock_wall(&f->clock.clock)));
                clock_manual_advance(&f->clock, 1000);
        }
        wal_flush(f->w);
        for (uint64_t i = 1; i < serial; i++)
                assert_int_equal(fixture_answered(f, i), 1);
        fixture_read(f, s, 2, 0, r);
        assert_int_equal(r->records, 60);
        assert_int_equal(r->undecodable, 0);
        assert_int_equal(r->n_times, 30);
        assert_false(r->disordered);
        assert_true(r->markers > 0);
        for (int i = 0; i < 2; i++)
                source_release(&s[i]);
        free(r);
}

static void
test_nothing_is_lost_over_a_restart(void **state)
{
        struct fixture *f = *state;
        struct readback *r = calloc(1, sizeof(*r));
        struct source s[2];
        struct wal_stats before;
        struct wal_stats after;
        uint64_t serial = 1;
        uint64_t id;

        assert_non_null(r);
        source_init(&s[0], f->w);
        fixture_run(f, &s[0], &serial, 20, false);
        wal_stats(f->w, &before);
        assert_true(before.samples_queued > 0);
        assert_int_equal(before.samples_offered, before.samples_queued);
        id = wal_new_id(f->w);
        wal_count_not_stored(f->w, NOT_STORED_QUEUE, 7);
        fixture_close(f); /* commits what is queued */
        fixture_open(f);
        wal_stats(f->w, &before);
        assert_int_equal(before.samples_stored, before.samples_appended);
        assert_int_equal(before.not_stored[NOT_STORED_QUEUE], 7);
        assert_int_equal(before.samples_queued, 0);
        assert_int_equal(before.samples_offered, before.samples_appended + 7);
        assert_true(wal_new_id(f->w) > id);
        source_init(&s[1], f->w);
        serial = 1;
        fixture_run(f, &s[1], &serial, 20, false);
        wal_flush(f->w);
        s[0].w = f->w;
        fixture_read(f, s, 2, 0, r);
        assert_int_equal(r->records, 40);
        assert_int_equal(r->undecodable, 0);
        assert_int_equal(r->barriers, 2); /* one per process */
        wal_stats(f->w, &after);
        assert_true(after.next_block > before.next_block);
        assert_int_equal(after.oldest_ms, fixture_epoch_ms);
        assert_int_equal(after.newest_ms, fixture_epoch_ms + 39000);
        source_release(&s[0]);
        source_release(&s[1]);
        free(r);
}

static void
test_another_tenant_changes_nothing(void **state)
{
        struct fixture *f = *state;
        struct wal_options o = fixture_options(f);
        struct wal *other = NULL;
        struct err e = ERR_INIT;
        struct stat before;
        struct stat after;
        char path[600];

        assert_int_equal(wal_open(&o, &other, &e), ERR_AGAIN); /* it is open */
        assert_non_null(strstr(e.msg, "is held by process"));
        fixture_close(f);
        (void)snprintf(path, sizeof(path), "%s/wal/data.mdb", f->dir);
        assert_int_equal(stat(path, &before), 0);
        o.tenant = "tenant-b";
        assert_int_equal(wal_open(&o, &other, &e), ERR_CONFIG);
        assert_non_null(strstr(e.msg, "belongs to tenant \"tenant-a\", not to \"tenant-b\""));
        assert_int_equal(stat(path, &after), 0);
        assert_int_equal(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
        assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
        o.dir = "/proc/none";
        assert_int_equal(wal_open(&o, &other, &e), ERR_SYS);
        fixture_open(f);
}

static void
test_ids_are_never_used_twice(void **state)
{
        struct fixture *f = *state;
        uint64_t last = 0;

        for (int run = 0; run < 3; run++) {
                for (int i = 0; i < 3000; i++) {
                        uint64_t id = wal_new_id(f->w);

                        assert_true(id > last);
                        last = id;
                }
                fixture_close(f);
                fixture_open(f);
        }
}

static void
test_a_tool_looks_without_changing(void **state)
{
        struct fixture *f = *state;
        struct wal_options o = fixture_options(f);
        struct wal_endpoint_info info[4];
        struct wal *tool = NULL;
        struct wal_stats stats;
        struct source s;
        struct err e = ERR_INIT;
        uint64_t serial = 1;

        source_init(&s, f->w);
        (void)fixture_endpoint(f, "central");
        fixture_run(f, &s, &serial, 20, false);
        o.read_only_tool = true;
        assert_int_equal(wal_open(&o, &tool, &e), ERR_AGAIN);
        fixture_close(f);
        testing_ok(wal_open(&o, &tool, &e), &e);
        wal_stats(tool, &stats);
        assert_true(stats.samples_stored > 0);
        assert_int_equal(stats.bytes_max, f->max_size);
        assert_int_equal(stats.newest_ms, fixture_epoch_ms + 19000);
        assert_int_equal(wal_endpoints(tool, info, 4), 1);
        assert_string_equal(info[0].name, "central");
        assert_int_equal(info[0].cursor.pending, stats.samples_stored);
        wal_close(tool);
        source_release(&s);
        fixture_open(f);
}

/* A tree that is whole, but without our records. */
static void
test_a_foreign_database_is_left_alone(void **state)
{
        struct fixture *f = *state;
        struct wal_options o = fixture_options(f);
        struct wal *w = NULL;
        struct store *store = NULL;
        struct store_txn t;
        struct err e = ERR_INIT;
        struct key k = key_of(KEY_TARGET, 1);
        char path[600];

        fixture_close(f);
        (void)snprintf(path, sizeof(path), "%s/wal/data.mdb", f->dir);
        assert_int_equal(unlink(path), 0);
        (void)snprintf(path, sizeof(path), "%s/wal", f->dir);
        testing_ok(
            store_open(&(struct store_options){.dir = path, .map_bytes = 1 << 20}, &store, &e), &e);
        testing_ok(store_begin(store, true, &t, &e), &e);
        testing_ok(store_put(&t, &k, VIEW_LIT("another's"), false, &e), &e);
        testing_ok(store_commit(&t, &e), &e);
        store_close(store);
        assert_int_equal(wal_open(&o, &w, &e), ERR_CONFIG);
        assert_non_null(strstr(e.msg, "holds something that is not a gleaner log"));
        assert_int_equal(wal_count_aside(f->dir), 0);
        (void)snprintf(path, sizeof(path), "%s/wal/data.mdb", f->dir);
        assert_int_equal(unlink(path), 0);
        fixture_open(f);
}

/* ---- damaged logs ---- */

static void
cut_in_half(const char *path)
{
        assert_int_equal(truncate(path, 2 * 4096 + 100), 0);
}

static void
cut_to_nothing(const char *path)
{
        assert_int_equal(truncate(path, 0), 0);
}

static void
fill_with_junk(const char *path)
{
        char junk[8192];

        memset(junk, 'j', sizeof(junk));
        testing_write(path, junk, sizeof(junk));
}

static void
put_a_directory(const char *path)
{
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkdir(path, 0700), 0);
}

static void
replace_all(const char *path, const char *from, const char *to)
{
        struct buf file = BUF_INIT(64 << 20);
        struct err e = ERR_INIT;
        char *at;

        testing_ok(file_read(path, &file, &e), &e);
        while ((at = memmem(file.ptr, file.len, from, strlen(from))) != NULL)
                memcpy(at, to, strlen(to));
        testing_write(path, file.ptr, file.len);
        buf_release(&file);
}

static void
damage_the_format_record(const char *path)
{
        replace_all(path, "gleanwal", "gleamwal");
}

static void
damage_the_key_of_the_format_record(const char *path)
{
        replace_all(path, "Mformat ", "Mforma! ");
}

static void
test_a_damaged_log_is_set_aside(void **state)
{
        static const struct {
                const char *name;
                void (*damage)(const char *path);
        } cases[] = {
            {"cut in half", cut_in_half},
            {"cut to nothing", cut_to_nothing},
            {"junk", fill_with_junk},
            {"a directory in its place", put_a_directory},
            {"format record", damage_the_format_record},
            {"key of the format record", damage_the_key_of_the_format_record},
        };
        struct fixture *f = *state;
        struct wal_stats stats;

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct wal_options o = fixture_options(f);
                struct wal *tool = NULL;
                struct source s;
                uint64_t serial = 1;
                struct err e = ERR_INIT;
                char path[600];

                print_message("%s\n", cases[i].name);
                source_init(&s, f->w);
                fixture_run(f, &s, &serial, 20, false);
                source_release(&s);
                fixture_close(f);
                (void)snprintf(path, sizeof(path), "%s/wal/data.mdb", f->dir);
                cases[i].damage(path);
                o.read_only_tool = true;
                assert_int_equal(wal_open(&o, &tool, &e), ERR_CORRUPT);
                assert_non_null(strstr(e.msg, "damaged"));
                assert_int_equal(wal_count_aside(f->dir), i);
                fixture_open(f);
                wal_stats(f->w, &stats);
                assert_int_equal(stats.logs_set_aside, i + 1);
                assert_int_equal(stats.samples_appended, 0);
        }
}

/* The last but one commit is whole: the log goes on from it. */
static void
test_a_damaged_meta_page_costs_no_log(void **state)
{
        struct fixture *f = *state;
        struct source s;
        struct wal_stats before;
        struct wal_stats after;
        uint64_t serial = 1;
        char zeros[4096] = {0};

        source_init(&s, f->w);
        fixture_run(f, &s, &serial, 20, false);
        fixture_close(f);
        fixture_open(f);
        wal_stats(f->w, &before);
        assert_true(before.samples_appended > 0);
        for (int i = 0; i < 2; i++) {
                char path[600];
                int fd;

                fixture_close(f);
                (void)snprintf(path, sizeof(path), "%s/wal/data.mdb", f->dir);
                fd = open(path, O_WRONLY | O_CLOEXEC);
                assert_int_equal(
                    pwrite(fd, zeros, sizeof(zeros), i * (off_t)sizeof(zeros)), sizeof(zeros));
                (void)close(fd);
                fixture_open(f);
                wal_stats(f->w, &after);
                assert_int_equal(after.logs_set_aside, 0);
                assert_int_equal(after.samples_appended, before.samples_appended);
        }
        source_release(&s);
}

/* The layouts of living targets stay, whatever happens to their records; others are collected. */
static int
count_part(void *arg, struct layout_part *part, struct err *e)
{
        (void)e;
        ++*(int *)arg;
        layout_part_free(part);
        return 0;
}

static void
test_layouts_of_living_targets_outlive_a_restart(void **state)
{
        struct fixture *f = *state;
        struct wal_endpoint *ep = fixture_endpoint(f, "central");
        struct source s[2];
        uint64_t serial = 1;
        int parts = 0;

        source_init(&s[0], f->w);
        source_init(&s[1], f->w);
        fixture_run(f, &s[0], &serial, 3, false);
        /* a layout ahead of its first scrape, which never came: nobody lists it */
        fixture_submit(f, source_batch(&s[1], serial));
        {
                struct wal_batch *b = source_batch(&s[1], serial + 1);

                source_put_layout(&s[1], b);
                fixture_submit(f, b);
        }
        fixture_close(f);
        fixture_open(f);
        testing_ok(wal_read_layout(f->w, s[0].chunk, count_part, &parts, NULL), NULL);
        testing_ok(wal_read_layout(f->w, s[1].chunk, count_part, &parts, NULL), NULL);
        assert_int_equal(parts, 2);
        ep = fixture_endpoint(f, "central");
        fixture_settle_all(f, ep);
        wal_flush(f->w); /* the settled blocks go, and what was retired with them */
        parts = 0;
        testing_ok(wal_read_layout(f->w, s[0].chunk, count_part, &parts, NULL), NULL);
        assert_int_equal(wal_read_layout(f->w, s[1].chunk, count_part, &parts, NULL), ERR_NOTFOUND);
        assert_int_equal(parts, 1);
        assert_int_equal(fixture_cursor(f, ep).pending, 0);
        source_release(&s[0]);
        source_release(&s[1]);
}

/* Ends without closing the log, after a commit (of a trim) that left a scrape in the queue. */
static void
crash_with_a_scrape_queued(struct fixture *f)
{
        struct wal_stats stats;
        struct source s;
        uint64_t serial = 1;
        uint64_t first;

        f->max_age_ms = 2000;
        fixture_open(f);
        source_init(&s, f->w);
        fixture_run(f, &s, &serial, 3, true);
        wal_stats(f->w, &stats);
        first = stats.first_block;
        fixture_run(f, &s, &serial, 1, false);
        clock_manual_advance(&f->clock, 3000);
        for (int i = 0; i < 3000 && stats.first_block == first; i++) {
                (void)usleep(1000);
                wal_stats(f->w, &stats);
        }
        fixture_check_tally(f);
        _exit(stats.first_block > first && stats.samples_queued > 0 ? 0 : 1);
}

static void
test_what_is_queued_at_a_crash_is_in_no_book(void **state)
{
        struct fixture *f = *state;
        struct wal_stats stats;
        int status;
        pid_t pid;

        fixture_close(f);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                crash_with_a_scrape_queued(f);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        fixture_open(f);
        wal_stats(f->w, &stats);
        assert_int_equal(stats.samples_queued, 0);
        assert_true(stats.samples_appended > 0);
        fixture_check_tally(f);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
        const struct CMUnitTest tests[] = {
            CASE(test_what_is_appended_is_read_back),
            CASE(test_nothing_is_lost_over_a_restart),
            CASE(test_what_is_queued_at_a_crash_is_in_no_book),
            CASE(test_another_tenant_changes_nothing),
            CASE(test_ids_are_never_used_twice),
            CASE(test_a_tool_looks_without_changing),
            CASE(test_a_foreign_database_is_left_alone),
            CASE(test_a_damaged_log_is_set_aside),
            CASE(test_a_damaged_meta_page_costs_no_log),
            CASE(test_layouts_of_living_targets_outlive_a_restart),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
