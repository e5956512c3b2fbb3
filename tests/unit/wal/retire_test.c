#include "wal/retire.h"

#include "tests/testing/testing.h"
#include "wal/batch.h"
#include "wal/pack.h"
#include "wal/store.h"

#include <string.h>

static struct store *
open_store(const char *dir)
{
        struct store_options o = {.dir = dir, .map_bytes = 8 << 20};
        struct store *s = NULL;
        struct err e = ERR_INIT;

        testing_ok(store_open(&o, &s, &e), &e);
        return s;
}

static struct store_txn
begin(struct store *s)
{
        struct store_txn t = STORE_TXN_INIT;

        testing_ok(store_begin(s, true, &t, NULL), NULL);
        return t;
}

static void
put(struct store_txn *t, struct key k)
{
        struct err e = ERR_INIT;

        testing_ok(store_put(t, &k, VIEW_LIT("value"), false, &e), &e);
}

static bool
is_there(struct store_txn *t, struct key k)
{
        struct view v;

        return store_get(t, &k, &v, NULL) == 0;
}

static struct wal_batch *
batch_of(enum batch_put_kind kind, const uint64_t *ids, size_t n)
{
        struct wal_batch *b = NULL;

        testing_ok(wal_batch_new(1, 1, &b, NULL), NULL);
        for (size_t i = 0; i < n; i++) {
                struct batch_put put_one = {.kind = kind, .id = ids[i]};

                testing_ok(wal_batch_put(b, &put_one, 0, NULL), NULL);
        }
        return b;
}

static void
test_the_lowest_living_keyframe(void **state)
{
        static const uint64_t made[] = {12, 10, 11};
        static struct plan_retired gone[] = {{1, 10, false}, {1, 11, true}, {1, 99, false}};
        struct plan p = {.head = batch_of(BATCH_KEYFRAME, made, 3)};
        struct live l = {NULL, 0, 0};

        (void)state;
        assert_int_equal(live_low(&l, NULL, 50), 50);
        assert_int_equal(live_low(&l, &p, 50), 10); /* before the plan is on disk */
        testing_ok(live_reserve(&l, &p, NULL), NULL);
        live_apply(&l, &p);
        assert_int_equal(l.n, 3);
        assert_int_equal(live_low(&l, NULL, 50), 10);
        wal_batch_free(p.head);
        p.head = NULL;
        p.retired = gone;
        p.n_retired = 3;
        live_apply(&l, &p); /* chunk 11 is no keyframe, 99 is not known */
        assert_int_equal(l.n, 2);
        assert_int_equal(live_low(&l, NULL, 50), 11);
        live_release(&l);
}

static void
test_collected_when_no_block_can_use_them(void **state)
{
        static struct plan_retired gone[] = {
            {5, 1, false}, {6, 2, false}, {5, 1, true}, {9, 3, true}};
        struct plan p = {.retired = gone, .n_retired = 4};
        char *dir = testing_directory();
        struct store *s = open_store(dir);
        struct store_txn t = begin(s);

        (void)state;
        for (uint64_t id = 1; id <= 3; id++) {
                put(&t, key_of(KEY_KEYFRAME, id));
                put(&t, key_layout(id, 0));
                put(&t, key_layout(id, 500));
        }
        testing_ok(retire_put(&t, &p, NULL), NULL);
        testing_ok(retire_collect(&t, 5, 100, NULL), NULL); /* block 5 is still there */
        assert_true(is_there(&t, key_of(KEY_KEYFRAME, 1)));
        testing_ok(retire_collect(&t, 6, 100, NULL), NULL);
        assert_false(is_there(&t, key_of(KEY_KEYFRAME, 1)));
        assert_false(is_there(&t, key_layout(1, 0)));
        assert_false(is_there(&t, key_layout(1, 500)));
        assert_false(is_there(&t, key_retired(5, KEY_KEYFRAME, 1)));
        assert_true(is_there(&t, key_of(KEY_KEYFRAME, 2)));
        assert_true(is_there(&t, key_layout(2, 0)));
        testing_ok(retire_collect(&t, 100, 1, NULL), NULL); /* bounded */
        assert_false(is_there(&t, key_of(KEY_KEYFRAME, 2)));
        assert_true(is_there(&t, key_layout(3, 0)));
        testing_ok(retire_collect(&t, 100, 1, NULL), NULL);
        assert_false(is_there(&t, key_layout(3, 0)));
        assert_true(is_there(&t, key_of(KEY_KEYFRAME, 3))); /* not retired */
        assert_true(is_there(&t, key_layout(2, 500)));
        store_abort(&t);
        store_close(s);
        testing_remove(dir);
}

static void
test_the_last_run_is_retired_at_its_end(void **state)
{
        static const uint64_t living[] = {3, 4};
        const struct retire_last_run r = {20, 77, living, 2};
        char *dir = testing_directory();
        struct store *s = open_store(dir);
        struct store_txn t = begin(s);

        (void)state;
        put(&t, key_of(KEY_KEYFRAME, 19)); /* an earlier run's, retired then */
        put(&t, key_of(KEY_KEYFRAME, 20));
        put(&t, key_of(KEY_KEYFRAME, 25));
        for (uint64_t id = 1; id <= 4; id++) {
                put(&t, key_layout(id, 0));
                put(&t, key_layout(id, 9));
        }
        put(&t, key_retired(50, KEY_LAYOUT, 1)); /* already */
        testing_ok(retire_last_run(&t, &r, NULL), NULL);
        assert_false(is_there(&t, key_retired(77, KEY_KEYFRAME, 19)));
        assert_true(is_there(&t, key_retired(77, KEY_KEYFRAME, 20)));
        assert_true(is_there(&t, key_retired(77, KEY_KEYFRAME, 25)));
        assert_false(is_there(&t, key_retired(77, KEY_LAYOUT, 1)));
        assert_true(is_there(&t, key_retired(77, KEY_LAYOUT, 2)));
        assert_false(is_there(&t, key_retired(77, KEY_LAYOUT, 3)));
        assert_false(is_there(&t, key_retired(77, KEY_LAYOUT, 4)));
        store_abort(&t);
        store_close(s);
        testing_remove(dir);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_the_lowest_living_keyframe),
            cmocka_unit_test(test_collected_when_no_block_can_use_them),
            cmocka_unit_test(test_the_last_run_is_retired_at_its_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
