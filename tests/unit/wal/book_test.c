#include "wal/book.h"

#include "tests/testing/testing.h"

#include <pthread.h>
#include <string.h>

static struct book *
new_book(void)
{
        struct book_options o = {{1, 0}, {11, 1000}, {.offered = 1000}, false};
        struct book *b = NULL;
        struct err e = ERR_INIT;

        testing_ok(book_new(&o, &b, &e), &e);
        return b;
}

static struct wal_endpoint *
open_endpoint(struct book *b, const char *name, enum wal_start start)
{
        struct wal_endpoint *ep = NULL;
        struct err e = ERR_INIT;

        testing_ok(book_endpoint_open(b, name, start, &ep, &e), &e);
        return ep;
}

static struct wal_cursor
look(struct book *b, struct wal_endpoint *ep)
{
        struct wal_cursor c;

        book_endpoint_get(b, ep, &c);
        assert_int_equal(c.appended, ledger_sum(&c.ledger) + c.pending);
        return c;
}

static void
test_where_endpoints_start(void **state)
{
        struct book *b = new_book();
        struct wal_endpoint *first = open_endpoint(b, "first", WAL_START_NOW);
        struct wal_endpoint *second = open_endpoint(b, "second", WAL_START_NOW);
        struct wal_endpoint *third = open_endpoint(b, "third", WAL_START_OLDEST);
        struct wal_endpoint *again = NULL;

        (void)state;
        /* the first one that a log ever has gets everything */
        assert_int_equal(look(b, first).settled, 1);
        assert_int_equal(look(b, first).pending, 1000);
        assert_int_equal(look(b, second).settled, 11);
        assert_int_equal(look(b, second).pending, 0);
        assert_int_equal(look(b, third).settled, 1);
        assert_int_equal(book_endpoint_open(b, "first", WAL_START_NOW, &again, NULL), ERR_CONFIG);
        book_endpoint_close(b, first);
        again = open_endpoint(b, "first", WAL_START_NOW); /* goes on where it was */
        assert_ptr_equal(again, first);
        assert_int_equal(look(b, first).pending, 1000);
        book_free(b);
}

static void
test_the_floor_is_the_slowest_configured_endpoint(void **state)
{
        struct book *b = new_book();
        struct wal_endpoint *a;
        struct wal_endpoint *c;
        uint64_t floor = 0;

        (void)state;
        assert_false(book_floor(b, &floor));
        a = open_endpoint(b, "a", WAL_START_OLDEST);
        c = open_endpoint(b, "c", WAL_START_OLDEST);
        (void)book_window_begin(b, a, (struct position){6, 500});
        assert_true(book_floor(b, &floor));
        assert_int_equal(floor, 1);
        book_window_end(b, a);
        assert_true(book_floor(b, &floor));
        assert_int_equal(floor, 1);
        assert_int_equal(book_unsettled(b, (struct position){4, 300}), 300);
        book_endpoint_close(b, c);
        assert_true(book_floor(b, &floor));
        assert_int_equal(floor, 6);
        assert_int_equal(book_unsettled(b, (struct position){4, 300}), 0);
        assert_int_equal(book_unsettled(b, (struct position){8, 700}), 200);
        book_free(b);
}

struct kept {
        uint8_t bytes[4][CURSOR_BYTES_MAX];
        size_t length[4];
        uint64_t key[4];
        size_t n;
};

static int
keep(void *arg, uint64_t key, struct view value, struct err *e)
{
        struct kept *k = arg;

        (void)e;
        assert_true(k->n < 4);
        if (value.n > 0)
                memcpy(k->bytes[k->n], value.p, value.n);
        k->length[k->n] = value.n;
        k->key[k->n++] = key;
        return 0;
}

static void
test_only_what_changed_is_collected(void **state)
{
        struct book *b = new_book();
        struct wal_endpoint *a = open_endpoint(b, "a", WAL_START_OLDEST);
        struct kept k = {.n = 0};
        uint64_t version;

        (void)state;
        (void)open_endpoint(b, "c", WAL_START_OLDEST);
        assert_true(book_dirty(b));
        testing_ok(book_collect(b, NULL, 7, keep, &k, NULL), NULL);
        assert_int_equal(k.n, 2);
        assert_true(book_dirty(b)); /* not before the commit is done */
        book_saved(b);
        assert_false(book_dirty(b));
        version = book_window_begin(b, a, (struct position){6, 500});
        k.n = 0;
        testing_ok(book_collect(b, NULL, 8, keep, &k, NULL), NULL);
        assert_int_equal(k.n, 1);
        book_window_end(b, a); /* changes while the commit is under way */
        assert_false(book_wait(b, a, version, 0));
        book_saved(b);
        assert_true(book_wait(b, a, version, 0));
        assert_true(book_dirty(b));
        book_free(b);
}

static void
test_a_failed_commit_leaves_cursors_dirty(void **state)
{
        struct book *b = new_book();
        struct kept k = {.n = 0};

        (void)state;
        (void)open_endpoint(b, "a", WAL_START_OLDEST);
        testing_ok(book_collect(b, NULL, 7, keep, &k, NULL), NULL);
        k.n = 0; /* no book_saved */
        testing_ok(book_collect(b, NULL, 7, keep, &k, NULL), NULL);
        assert_int_equal(k.n, 1);
        book_free(b);
}

static void
test_cursors_come_back(void **state)
{
        struct book *b = new_book();
        struct wal_endpoint *ep = open_endpoint(b, "a", WAL_START_OLDEST);
        const struct wal_ledger counts = {.acknowledged = 100};
        struct kept k = {.n = 0};
        struct wal_cursor c;
        uint64_t floor = 0;
        struct err e = ERR_INIT;

        (void)state;
        (void)book_window_begin(b, ep, (struct position){6, 500});
        book_window_settle(b, ep, 2, &counts);
        testing_ok(book_collect(b, NULL, 7, keep, &k, NULL), NULL);
        book_free(b);

        b = new_book();
        testing_ok(book_load(b, (struct view){(const char *)k.bytes[0], k.length[0]}, &e), &e);
        assert_true(book_floor(b, &floor)); /* holds back until its endpoint claims it */
        assert_int_equal(floor, 1);
        assert_false(book_dirty(b));
        book_release_unclaimed(b);
        assert_true(book_dirty(b)); /* the next start is to know */
        assert_false(book_floor(b, &floor));
        ep = open_endpoint(b, "a", WAL_START_NOW);
        c = look(b, ep);
        assert_int_equal(c.settled, 1);
        assert_int_equal(c.window_end, 6);
        assert_int_equal(c.groups_settled, 2);
        assert_true(c.resumed);
        assert_int_equal(c.ledger.acknowledged, 100);
        assert_int_equal(c.pending, 900);
        book_free(b);
}

static void
test_a_cursor_past_the_log_is_refused(void **state)
{
        struct book *b = new_book();
        struct kept k = {.n = 0};

        (void)state;
        book_appended(b, (struct position){20, 2000}, 0);
        (void)open_endpoint(b, "x", WAL_START_OLDEST);
        (void)open_endpoint(b, "a", WAL_START_NOW);
        testing_ok(book_collect(b, NULL, 7, keep, &k, NULL), NULL);
        book_free(b);
        b = new_book(); /* ends at block 11 */
        (void)open_endpoint(b, "first", WAL_START_NOW);
        assert_int_equal(
            book_load(b, (struct view){(const char *)k.bytes[1], k.length[1]}, NULL), ERR_CORRUPT);
        /* whose it was is not known: the next one gets everything */
        assert_int_equal(look(b, open_endpoint(b, "a", WAL_START_NOW)).settled, 1);
        book_free(b);
}

static void
test_a_trim_is_the_same_on_disk_and_in_memory(void **state)
{
        const struct book_trim trim = {{8, 700}, LOST_SIZE};
        struct book *b = new_book();
        struct wal_endpoint *ep = open_endpoint(b, "a", WAL_START_OLDEST);
        struct wal_endpoint *away = open_endpoint(b, "away", WAL_START_OLDEST);
        char name[CURSOR_NAME_MAX + 1];
        struct kept k = {.n = 0};
        struct cursor c;

        (void)state;
        book_endpoint_close(b, away);
        (void)book_window_begin(b, ep, (struct position){6, 500});
        testing_ok(book_collect(b, &trim, 7, keep, &k, NULL), NULL);
        book_saved(b);
        book_trimmed(b, &trim);
        testing_ok(
            cursor_decode((struct view){(const char *)k.bytes[0], k.length[0]}, &c, name, NULL),
            NULL);
        assert_memory_equal(
            &c.ledger, &(struct wal_ledger){.lost = {[LOST_SIZE] = 200}}, sizeof(c.ledger));
        assert_int_equal(look(b, ep).ledger.lost[LOST_SIZE], 200);
        assert_int_equal(look(b, ep).window_end, 6);
        book_window_end(b, ep);
        assert_int_equal(look(b, ep).ledger.lost[LOST_SIZE], 700);
        assert_int_equal(look(b, ep).settled, 8);
        /* one that is away, as it would come back */
        assert_int_equal(look(b, away).ledger.lost[LOST_AGE], 700);
        book_free(b);
}

/* Put back, it goes on where it was: what the log dropped meanwhile is lost to it, counted then. */
static void
test_an_endpoint_that_was_away(void **state)
{
        static const struct wal_ledger lost = {.lost = {[LOST_AGE] = 700}};
        const struct book_trim trim = {{8, 700}, LOST_SIZE};
        struct book_options later = {{8, 700}, {11, 1000}, {.offered = 1000}, true};
        struct book *b = new_book();
        struct wal_endpoint *ep = open_endpoint(b, "a", WAL_START_OLDEST);
        struct kept k = {.n = 0};
        struct wal_cursor c;

        (void)state;
        book_endpoint_close(b, ep);
        testing_ok(book_collect(b, &trim, 7, keep, &k, NULL), NULL);
        book_saved(b);
        book_trimmed(b, &trim);
        assert_false(book_dirty(b)); /* the trim is none of its business */
        c = look(b, open_endpoint(b, "a", WAL_START_NOW));
        assert_memory_equal(&c.ledger, &lost, sizeof(lost));
        assert_int_equal(c.settled, 8);
        assert_int_equal(c.pending, 300);
        assert_true(book_dirty(b));
        book_free(b);

        /* and so it does when it is put back at a later start */
        testing_ok(book_new(&later, &b, NULL), NULL);
        testing_ok(book_load(b, (struct view){(const char *)k.bytes[0], k.length[0]}, NULL), NULL);
        assert_false(book_dirty(b));
        c = look(b, open_endpoint(b, "a", WAL_START_NOW));
        assert_memory_equal(&c.ledger, &lost, sizeof(lost));
        book_free(b);
}

static void
test_cursors_nobody_claims_expire(void **state)
{
        struct book *b = new_book();
        struct wal_endpoint *ep = open_endpoint(b, "a", WAL_START_OLDEST);
        struct kept k = {.n = 0};

        (void)state;
        testing_ok(book_collect(b, NULL, 100, keep, &k, NULL), NULL);
        book_saved(b);
        book_endpoint_close(b, ep);
        k.n = 0;
        testing_ok(book_expire(b, 1099, 1000, keep, &k, NULL), NULL);
        assert_int_equal(k.n, 0);
        assert_int_equal(book_endpoints(b, NULL, 0), 1);
        testing_ok(book_expire(b, 1100, 1000, keep, &k, NULL), NULL);
        assert_int_equal(k.n, 1);
        assert_int_equal(book_endpoints(b, NULL, 0), 0);
        ep = open_endpoint(b, "a", WAL_START_NOW); /* a new one */
        assert_int_equal(look(b, ep).settled, 11);
        book_free(b);
}

/* The sum that must be `offered` when all is well. */
static uint64_t
tally_sum(const struct tally *t)
{
        return t->appended + t->queued + t->not_stored[NOT_STORED_DISK] +
            t->not_stored[NOT_STORED_QUEUE] + t->not_stored[NOT_STORED_MEMORY];
}

static void
test_what_was_offered(void **state)
{
        struct book *b = new_book();
        struct tally t;

        (void)state;
        book_offered(b, 50, 50);
        book_offered(b, 30, 30);
        book_tally(b, &t);
        assert_int_equal(t.offered, 1080);
        assert_int_equal(t.queued, 80);
        assert_int_equal(t.offered, tally_sum(&t));
        book_refused(b, NOT_STORED_QUEUE, 30);
        book_not_stored(b, NOT_STORED_MEMORY, 4);
        book_appended(b, (struct position){12, 1050}, 50);
        book_tally(b, &t);
        assert_int_equal(t.offered, 1084);
        assert_int_equal(t.appended, 1050);
        assert_int_equal(t.queued, 0);
        assert_int_equal(t.not_stored[NOT_STORED_QUEUE], 30);
        assert_int_equal(t.offered, tally_sum(&t));
        /* a commit that was said to have failed is on disk after all */
        book_offered(b, 7, 7);
        book_found_end(b, (struct position){13, 1057});
        book_refused(b, NOT_STORED_DISK, 7);
        book_tally(b, &t);
        assert_int_equal(t.offered, tally_sum(&t));
        /* it is a check: two samples that no record has, one that no block has */
        book_offered(b, 12, 10);
        book_appended(b, (struct position){14, 1066}, 10);
        book_tally(b, &t);
        assert_int_equal(t.offered, tally_sum(&t) + 3);
        book_free(b);
}

static void *
save_soon(void *arg)
{
        struct kept k = {.n = 0};

        (void)book_collect(arg, NULL, 1, keep, &k, NULL);
        book_saved(arg);
        return NULL;
}

static void
test_waiting_for_the_disk(void **state)
{
        struct book *b = new_book();
        struct wal_endpoint *ep = open_endpoint(b, "a", WAL_START_OLDEST);
        uint64_t version = book_window_begin(b, ep, (struct position){6, 500});
        pthread_t thread;

        (void)state;
        assert_int_equal(pthread_create(&thread, NULL, save_soon, b), 0);
        assert_true(book_wait(b, ep, version, 60000));
        assert_int_equal(pthread_join(thread, NULL), 0);
        book_free(b);
}

static void
test_bounds(void **state)
{
        struct book *b = new_book();
        char name[CURSOR_NAME_MAX + 2];
        struct wal_endpoint *ep;

        (void)state;
        memset(name, 'x', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        assert_int_equal(book_endpoint_open(b, name, WAL_START_NOW, &ep, NULL), ERR_CONFIG);
        for (int i = 0; i < BOOK_ENDPOINTS_MAX; i++) {
                (void)snprintf(name, sizeof(name), "endpoint %d", i);
                (void)open_endpoint(b, name, WAL_START_NOW);
        }
        assert_int_equal(book_endpoint_open(b, "more", WAL_START_NOW, &ep, NULL), ERR_LIMIT);
        book_free(b);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_where_endpoints_start),
            cmocka_unit_test(test_the_floor_is_the_slowest_configured_endpoint),
            cmocka_unit_test(test_only_what_changed_is_collected),
            cmocka_unit_test(test_a_failed_commit_leaves_cursors_dirty),
            cmocka_unit_test(test_cursors_come_back),
            cmocka_unit_test(test_a_cursor_past_the_log_is_refused),
            cmocka_unit_test(test_a_trim_is_the_same_on_disk_and_in_memory),
            cmocka_unit_test(test_an_endpoint_that_was_away),
            cmocka_unit_test(test_cursors_nobody_claims_expire),
            cmocka_unit_test(test_what_was_offered),
            cmocka_unit_test(test_waiting_for_the_disk),
            cmocka_unit_test(test_bounds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
