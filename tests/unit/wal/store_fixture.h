/*
 * A store in a directory of its own, for the tests of store.c and store_values.c.
 */
#ifndef TESTS_WAL_STORE_FIXTURE_H
#define TESTS_WAL_STORE_FIXTURE_H

#include "tests/testing/testing.h"
#include "wal/store.h"

#include <stdlib.h>

struct fixture {
        char *dir;
        struct store *store;
        int fault; /* of the next commits */
        uint64_t map_bytes;
};

static inline int
fault(void *arg)
{
        return ((struct fixture *)arg)->fault;
}

static inline void
open_it(struct fixture *f)
{
        struct store_options o = {
            .dir = f->dir, .map_bytes = f->map_bytes, .commit_fault = fault, .commit_fault_arg = f};
        struct err e = ERR_INIT;

        testing_ok(store_open(&o, &f->store, &e), &e);
}

static inline int
setup(void **state)
{
        static struct fixture f;

        f = (struct fixture){.dir = testing_directory(), .map_bytes = 4 << 20};
        open_it(&f);
        *state = &f;
        return 0;
}

static inline int
teardown(void **state)
{
        struct fixture *f = *state;

        store_close(f->store);
        testing_remove(f->dir);
        return 0;
}

static inline struct store_txn
begin(struct fixture *f, bool write)
{
        struct store_txn t = STORE_TXN_INIT;
        struct err e = ERR_INIT;

        testing_ok(store_begin(f->store, write, &t, &e), &e);
        return t;
}

static inline void
put(struct store_txn *t, const struct key *k, const char *value)
{
        struct err e = ERR_INIT;

        testing_ok(store_put(t, k, view_of(value), false, &e), &e);
}

static inline void
end(struct store_txn *t)
{
        struct err e = ERR_INIT;

        testing_ok(store_commit(t, &e), &e);
}

static inline void
put_blocks(struct fixture *f, uint64_t from, uint64_t n)
{
        size_t size = store_block_size(f->store);
        char *block = calloc(1, size);
        struct store_txn t = begin(f, true);

        assert_non_null(block);
        for (uint64_t i = 0; i < n; i++) {
                struct key k = key_of(KEY_BLOCK, from + i);
                struct err e = ERR_INIT;

                testing_ok(store_put(&t, &k, (struct view){block, size}, true, &e), &e);
        }
        end(&t);
        free(block);
}

#endif
