#include "tests/unit/wal/fixture.h"

/* LMDB keeps old pages: the value is damaged wherever it stands, in any version. */
static void
damage_every_book(struct fixture *f)
{
        const char magic[] = {'g', 'l', 'e', ENVELOPE_BOOK};
        struct buf file = BUF_INIT((size_t)256 << 20);
        char path[600];
        int n = 0;

        (void)snprintf(path, sizeof(path), "%s/wal/data.mdb", f->dir);
        testing_ok(file_read(path, &file, NULL), NULL);
        for (size_t i = 0; i + sizeof(magic) < file.len; i++) {
                if (memcmp(file.ptr + i, magic, sizeof(magic)) == 0) {
                        file.ptr[i + ENVELOPE_BYTES + 20] ^= 1;
                        n++;
                }
        }
        assert_true(n > 0);
        testing_write(path, file.ptr, file.len);
        buf_release(&file);
}

static void
test_a_damaged_book_is_made_anew(void **state)
{
        struct fixture *f = *state;
        struct readback *r = calloc(1, sizeof(*r));
        struct wal_endpoint *ep = fixture_endpoint(f, "central");
        struct wal_stats before;
        struct wal_stats after;
        struct wal_cursor cursor;
        struct source s[2];
        uint64_t serial = 1;

        assert_non_null(r);
        source_init(&s[0], f->w);
        fixture_run(f, &s[0], &serial, 20, true);
        fixture_settle_all(f, ep);
        fixture_run(f, &s[0], &serial, 20, true);
        cursor = fixture_cursor(f, ep);
        wal_stats(f->w, &before);
        fixture_close(f);
        damage_every_book(f);
        fixture_open(f);
        wal_stats(f->w, &after);
        assert_int_equal(after.damaged_values, 1);
        assert_int_equal(after.next_block, before.next_block);
        assert_int_equal(after.samples_appended, before.samples_appended);
        ep = fixture_endpoint(f, "central");
        assert_int_equal(fixture_cursor(f, ep).pending, cursor.pending);
        assert_int_equal(fixture_cursor(f, ep).ledger.acknowledged, cursor.ledger.acknowledged);
        source_init(&s[1], f->w); /* ids that nobody has */
        assert_true(s[1].target > s[0].keyframe);
        serial = 1;
        fixture_run(f, &s[1], &serial, 5, true);
        s[0].w = f->w;
        fixture_read(f, s, 2, 0, r);
        assert_int_equal(r->undecodable, 0);
        assert_int_equal(r->records, 25);
        source_release(&s[0]);
        source_release(&s[1]);
        free(r);
}

/* Nothing is stored any more: the cursors still know. */
static void
test_an_empty_log_with_a_damaged_book(void **state)
{
        struct fixture *f = *state;
        struct wal_endpoint *ep = fixture_endpoint(f, "central");
        struct wal_stats before;
        struct wal_stats after;
        struct source s;
        uint64_t serial = 1;

        source_init(&s, f->w);
        fixture_run(f, &s, &serial, 20, true);
        fixture_settle_all(f, ep);
        wal_flush(f->w);
        wal_stats(f->w, &before);
        assert_int_equal(before.samples_stored, 0);
        fixture_close(f);
        damage_every_book(f);
        fixture_open(f);
        wal_stats(f->w, &after);
        assert_int_equal(after.next_block, before.next_block);
        assert_int_equal(after.samples_appended, before.samples_appended);
        ep = fixture_endpoint(f, "central");
        assert_int_equal(fixture_cursor(f, ep).pending, 0);
        source_release(&s);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
        const struct CMUnitTest tests[] = {
            CASE(test_a_damaged_book_is_made_anew),
            CASE(test_an_empty_log_with_a_damaged_book),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
