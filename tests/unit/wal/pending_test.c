#include "wal/pending.h"

#include "tests/testing/testing.h"
#include "wal/batch.h"

#include <string.h>

static struct wal_batch *
batch_with(enum batch_put_kind kind, uint64_t id, unsigned first, const char *text)
{
        struct wal_batch *b = NULL;
        struct batch_put put = {.kind = kind, .id = id, .first = first};

        testing_ok(wal_batch_new(1, 1, &b, NULL), NULL);
        testing_ok(buf_puts(&b->bytes, "before", NULL), NULL);
        testing_ok(buf_puts(&b->bytes, text, NULL), NULL);
        testing_ok(wal_batch_put(b, &put, 6, NULL), NULL);
        return b;
}

static void
test_keyframes(void **state)
{
        struct pending *p = NULL;
        struct wal_batch *a = batch_with(BATCH_KEYFRAME, 5, 0, "five");
        struct wal_batch *b = batch_with(BATCH_KEYFRAME, 5 + 1024, 0, "same bucket");
        struct wal_batch *c = batch_with(BATCH_TARGET, 9, 0, "state");
        struct buf out = BUF_INIT(100);

        (void)state;
        testing_ok(pending_new(&p, NULL), NULL);
        testing_ok(pending_add(p, a, NULL), NULL);
        testing_ok(pending_add(p, b, NULL), NULL);
        testing_ok(pending_add(p, c, NULL), NULL);
        testing_ok(pending_keyframe(p, 5, &out, NULL), NULL);
        assert_true(view_is(buf_view(&out), "five"));
        testing_ok(pending_keyframe(p, 5 + 1024, &out, NULL), NULL);
        assert_true(view_is(buf_view(&out), "same bucket"));
        assert_int_equal(pending_keyframe(p, 9, &out, NULL), ERR_NOTFOUND);
        pending_remove(p, a);
        assert_int_equal(pending_keyframe(p, 5, &out, NULL), ERR_NOTFOUND);
        testing_ok(pending_keyframe(p, 5 + 1024, &out, NULL), NULL);
        out.max = 3;
        buf_release(&out);
        assert_int_equal(pending_keyframe(p, 5 + 1024, &out, NULL), ERR_LIMIT);
        pending_remove(p, b);
        pending_remove(p, c);
        pending_free(p);
        pending_free(NULL);
        buf_release(&out);
        wal_batch_free(a);
        wal_batch_free(b);
        wal_batch_free(c);
}

static int
note(void *arg, unsigned first, const void *bytes, size_t n, struct err *e)
{
        return buf_printf(arg, e, "%u=%.*s ", first, (int)n, (const char *)bytes);
}

static void
test_layouts(void **state)
{
        struct pending *p = NULL;
        struct wal_batch *a = batch_with(BATCH_LAYOUT, 7, 0, "first");
        struct wal_batch *b = batch_with(BATCH_LAYOUT, 7, 300, "more");
        struct wal_batch *other = batch_with(BATCH_LAYOUT, 8, 0, "other");
        struct buf out = BUF_INIT(100);

        (void)state;
        testing_ok(pending_new(&p, NULL), NULL);
        testing_ok(pending_add(p, a, NULL), NULL);
        testing_ok(pending_add(p, b, NULL), NULL);
        testing_ok(pending_add(p, other, NULL), NULL);
        testing_ok(pending_layout(p, 7, note, &out, NULL), NULL);
        assert_true(view_is(buf_view(&out), "300=more 0=first "));
        buf_reset(&out);
        pending_remove(p, b);
        testing_ok(pending_layout(p, 7, note, &out, NULL), NULL);
        assert_true(view_is(buf_view(&out), "0=first "));
        pending_remove(p, a);
        pending_remove(p, other);
        buf_reset(&out);
        testing_ok(pending_layout(p, 7, note, &out, NULL), NULL);
        assert_int_equal(out.len, 0);
        pending_free(p);
        buf_release(&out);
        wal_batch_free(a);
        wal_batch_free(b);
        wal_batch_free(other);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_keyframes),
            cmocka_unit_test(test_layouts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
