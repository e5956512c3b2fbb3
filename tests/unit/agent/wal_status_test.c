#include "agent/wal_status.h"

#include "tests/unit/wal/fixture.h"

#include <jansson.h>

static void
test_the_object_and_the_text(void **state)
{
        struct fixture *f = *state;
        struct wal_endpoint *ep = fixture_endpoint(f, "central");
        const struct wal_ledger counts = {.acknowledged = 30, .lost = {[LOST_REFUSED] = 4}};
        struct buf json = BUF_INIT(1 << 20);
        struct buf text = BUF_INIT(1 << 20);
        struct err e = ERR_INIT;
        struct source s;
        uint64_t serial = 1;
        json_t *o;
        json_t *row;

        source_init(&s, f->w);
        fixture_run(f, &s, &serial, 10, true);
        wal_window_begin(f->w, ep, 3);
        wal_window_settle(f->w, ep, 1, &counts);
        wal_count_not_stored(f->w, NOT_STORED_QUEUE, 12);
        testing_ok(wal_status_json(f->w, &json, &e), &e);
        o = json_loadb(json.ptr, json.len, 0, NULL);
        assert_non_null(o);
        assert_int_equal(json_integer_value(json_object_get(o, "next_block")), 11);
        assert_int_equal(
            json_integer_value(json_object_get(json_object_get(o, "not_stored"), "queue")), 12);
        assert_true(json_is_true(json_object_get(o, "usable")));
        assert_true(json_integer_value(json_object_get(o, "seconds_until_full")) > 0);
        row = json_array_get(json_object_get(o, "endpoints"), 0);
        assert_string_equal(json_string_value(json_object_get(row, "name")), "central");
        assert_int_equal(json_integer_value(json_object_get(row, "acknowledged")), 30);
        assert_int_equal(json_integer_value(json_object_get(row, "window_end")), 3);
        assert_int_equal(
            json_integer_value(json_object_get(json_object_get(row, "lost"), "refused")), 4);
        json_decref(o);

        testing_ok(wal_status_text(buf_view(&json), &text, &e), &e);
        testing_ok(buf_putc(&text, '\0', &e), &e);
        assert_non_null(strstr(text.ptr, "blocks           10 (1 to 11)\n"));
        assert_non_null(strstr(text.ptr, "oldest record    2023-11-14 22:13:20 UTC\n"));
        assert_non_null(strstr(text.ptr, "not stored       queue 12\n"));
        assert_non_null(strstr(text.ptr, "endpoint central\n"));
        assert_non_null(strstr(text.ptr, "a window is under way"));
        assert_non_null(strstr(text.ptr, "acknowledged 30 "));
        assert_non_null(strstr(text.ptr, "lost: refused 4\n"));
        buf_release(&json);
        buf_release(&text);
        source_release(&s);
}

/* As a stopped agent leaves it: nothing lost, and no process that sends. */
static void
test_nothing_lost_and_nobody_there(void **state)
{
        static const char json[] =
            "{\"not_stored\":{\"queue\":0},\"endpoints\":[{\"name\":\"central\","
            "\"configured\":false,\"lost\":{\"age\":0}}]}";
        struct buf text = BUF_INIT(1 << 20);
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(wal_status_text(view_of(json), &text, &e), &e);
        testing_ok(buf_putc(&text, '\0', &e), &e);
        assert_non_null(strstr(text.ptr, "not stored       0\n"));
        assert_non_null(strstr(text.ptr, "endpoint central (nobody sends to it now)\n"));
        assert_non_null(strstr(text.ptr, "+ lost: 0\n"));
        buf_release(&text);
}

static void
test_other_answers(void **state)
{
        struct buf text = BUF_INIT(1 << 20);
        struct err e = ERR_INIT;

        (void)state;
        assert_int_equal(
            wal_status_text(VIEW_LIT("{\"error\":\"too busy\"}"), &text, &e), ERR_AGAIN);
        assert_string_equal(e.msg, "the agent says: too busy");
        assert_int_equal(wal_status_text(VIEW_LIT("{}"), &text, &e), ERR_PARSE);
        assert_int_equal(wal_status_text(VIEW_LIT("nonsense"), &text, &e), ERR_PARSE);
        assert_int_equal(wal_status_text(VIEW_LIT(""), &text, &e), ERR_PARSE);
        buf_release(&text);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(
                test_the_object_and_the_text, fixture_setup, fixture_teardown),
            cmocka_unit_test(test_nothing_lost_and_nobody_there),
            cmocka_unit_test(test_other_answers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
