#include "scrape/textparse.h"

#include "tests/unit/scrape/textparse_result.h"

static void
test_last_line_needs_no_line_feed(void **state)
{
        static const char *const rows[] = {
            "a 1", "a 1\n", "a 1\n\n", "a 1\n#", "a 1\n# TYPE a gauge", "a 1\n ", "a{b=\"c\"}1"};
        struct result r;

        (void)state;
        result_init(&r, 0);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                testing_ok(parse(&r, view_of(rows[i]), 0, NULL, NULL), NULL);
                assert_int_equal(r.count, 1);
        }
        result_release(&r);
}

static void
test_empty_page(void **state)
{
        struct result r;

        (void)state;
        result_init(&r, 0);
        testing_ok(textparse_feed(r.parser, NULL, 0, NULL), NULL);
        testing_ok(textparse_finish(r.parser, NULL), NULL);
        assert_int_equal(r.count, 0);
        result_release(&r);
}

static void
test_type_does_not_outlive_the_page(void **state)
{
        struct testing_random random = {1};
        struct result r;
        struct result fresh;

        (void)state;
        result_init(&r, 0);
        result_init(&fresh, 0);
        testing_ok(parse(&r, VIEW_LIT("# TYPE a histogram\n"), 0, &random, NULL), NULL);
        testing_ok(parse(&r, VIEW_LIT("a{le=\"1\"} 1\n"), 0, &random, NULL), NULL);
        testing_ok(parse(&fresh, VIEW_LIT("a{le=\"1\"} 1\n"), 0, &random, NULL), NULL);
        assert_true(same(&r, &fresh));
        result_release(&r);
        result_release(&fresh);
}

/* A failed page stays failed until the next one begins. */
static void
test_failure_is_final(void **state)
{
        struct err e = ERR_INIT;
        struct result r;

        (void)state;
        result_init(&r, 0);
        assert_int_equal(textparse_feed(r.parser, "1\n", 2, &e), ERR_PARSE);
        assert_int_equal(textparse_feed(r.parser, "a 1\n", 4, &e), ERR_PARSE);
        assert_int_equal(textparse_finish(r.parser, &e), ERR_PARSE);
        assert_int_equal(r.count, 0);
        testing_ok(parse(&r, VIEW_LIT("a 1\n"), 0, NULL, &e), &e);
        assert_int_equal(r.count, 1);
        result_release(&r);
}

static void
test_nul_ends_the_page(void **state)
{
        struct testing_random random = {1};
        struct result r;

        (void)state;
        result_init(&r, 0);
        for (size_t piece = 0; piece < 2; piece++) {
                testing_ok(parse(&r, VIEW_LIT("a 1\n\0 b\n1\n"), piece, &random, NULL), NULL);
                assert_int_equal(r.count, 1);
        }
        result_release(&r);
}

/* A line of `n` bytes and a line feed: all in one label value, in which every line of the text is
 * `feed_every` bytes long (0: no line feeds). */
static void
long_line(struct buf *out, size_t n, size_t feed_every)
{
        size_t from = out->len;

        testing_ok(buf_puts(out, "a{b=\"", NULL), NULL);
        while (out->len - from < n - 4) {
                bool feed = feed_every > 0 && (out->len - from) % feed_every == 0;

                testing_ok(buf_putc(out, feed ? '\n' : 'x', NULL), NULL);
        }
        testing_ok(buf_puts(out, "\"} 1\n", NULL), NULL);
}

static void
test_line_bound(void **state)
{
        enum { MAX = 5000 };
        static const size_t feeds[] = {0, 1, 7, 1000};
        struct testing_random random = seeded();
        struct result r;

        (void)state;
        result_init(&r, MAX);
        for (size_t i = 0; i < sizeof(feeds) / sizeof(feeds[0]); i++) {
                for (size_t n = MAX - 2; n <= MAX + 2; n++) {
                        struct buf page = BUF_INIT(PAGE_MAX);
                        static const size_t pieces[] = {0, 1, 100, 6000};

                        testing_ok(buf_puts(&page, "first 1\n", NULL), NULL);
                        long_line(&page, n, feeds[i]);
                        assert_int_equal(page.len, n + 9);
                        testing_ok(buf_puts(&page, "last 2\n", NULL), NULL);
                        for (size_t k = 0; k < sizeof(pieces) / sizeof(pieces[0]); k++) {
                                struct err e = ERR_INIT;
                                int rc = parse(&r, buf_view(&page), pieces[k], &random, &e);

                                assert_int_equal(rc, n <= MAX ? 0 : ERR_LIMIT);
                                assert_true(textparse_memory(r.parser) < 3 * MAX);
                                if (n <= MAX)
                                        assert_int_equal(r.count, 3);
                                else
                                        assert_string_equal(e.msg,
                                            "line 2, column 1: the line is longer than 5000 bytes");
                        }
                        buf_release(&page);
                }
        }
        result_release(&r);
}

/* A quoted string that never ends is given up at the bound, in linear time. */
static void
test_endless_string(void **state)
{
        struct err e = ERR_INIT;
        struct result r;
        int rc;

        (void)state;
        result_init(&r, 0);
        rc = textparse_feed(r.parser, "a{b=\"", 5, &e);
        for (size_t i = 0; rc == 0 && i < (2 << 20); i++)
                rc = textparse_feed(r.parser, "\n", 1, &e);
        assert_int_equal(rc, ERR_LIMIT);
        assert_string_equal(e.msg, "line 1, column 1: the line is longer than 1048576 bytes");
        assert_true(textparse_memory(r.parser) < 3 << 20);
        textparse_reset(r.parser);
        assert_true(textparse_memory(r.parser) < 128 << 10); /* a large buffer is given back */
        result_release(&r);
}

static const struct {
        const char *name;
        const char *page;
        const char *want;
        uint64_t line;
        uint64_t column;
} positions[] = {
    {"value", "a 1\nb x\n", "line 2, column 3: expected a number that fits a double, got \"x\"", 2,
        3},
    {"labels", "a 1\n\nb{c=\"d\",,} 1\n", "line 3, column 9: expected a label name, got ','", 3, 9},
    {"labels behind a line feed", "a{b=\"\n\n\",c} 1\n",
        "line 3, column 4: expected '=' after a label name, got '}'", 3, 4},
    {"string without end", "a 1\nb{c=\"d} 1\ne 2\n",
        "line 2, column 5: a quoted string that does not end", 2, 5},
    {"type name without end", "a 1\n# TYPE \"a\n\n",
        "line 5, column 1: expected the end of a quoted name, got the end of the line", 5, 1},
    {"behind a record of three lines", "a{b=\"\n\n\"} 1\nb x\n",
        "line 4, column 3: expected a number that fits a double, got \"x\"", 4, 3},
};

static void
test_positions(void **state)
{
        struct testing_random random = seeded();
        struct result r;

        (void)state;
        result_init(&r, 0);
        for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++) {
                struct err e = ERR_INIT;
                uint64_t line;
                uint64_t column;

                print_message("%s\n", positions[i].name);
                assert_int_equal(parse(&r, view_of(positions[i].page), 0, &random, &e), ERR_PARSE);
                assert_string_equal(e.msg, positions[i].want);
                textparse_position(r.parser, &line, &column);
                assert_int_equal(line, positions[i].line);
                assert_int_equal(column, positions[i].column);
                assert_int_equal(
                    parse_every_way(&r, view_of(positions[i].page), &random), ERR_PARSE);
        }
        result_release(&r);
}

static int
refuse_second(void *arg, const struct text_sample *s, struct err *e)
{
        int *seen = arg;

        (void)s;
        return ++*seen < 2 ? 0 : err_set(e, ERR_LIMIT, "too many samples");
}

/* An error of the sink ends the page, comes back as it is and gets the place of its line. */
static void
test_sink_error(void **state)
{
        int seen = 0;
        const struct textparse_options o = {.sink = refuse_second, .arg = &seen};
        struct err e = ERR_INIT;
        struct textparse *t;
        uint64_t line;
        uint64_t column;

        (void)state;
        testing_ok(textparse_new(&o, &t, &e), &e);
        assert_int_equal(textparse_feed(t, "a 1\n\nb 2\nc 3\n", 13, &e), ERR_LIMIT);
        assert_string_equal(e.msg, "line 3, column 1: too many samples");
        textparse_position(t, &line, &column);
        assert_int_equal(line, 3);
        assert_int_equal(column, 1);
        assert_int_equal(seen, 2);
        textparse_reset(t);
        seen = 0;
        assert_int_equal(textparse_feed(t, "a 1\n\nb 2\nc 3\n", 13, NULL), ERR_LIMIT);
        textparse_free(t);
        textparse_free(NULL);
}

/* Any bytes, in any pieces: the same outcome. */
static void
test_random_pages(void **state)
{
        static const char *const tokens[] = {"a", "{", "}", "\"", "\\", "\n", " ", ",", "=", "1",
            "# TYPE a histogram\n", "# HELP ", "a{b=\"c\"} 1\n", "le=\"1\"", "\"x\"", "NaN", "\r",
            "\xc3\xa9", "\xff", "{\"a\"} 2 3\n", "\\n", "-", ".5"};
        struct testing_random random = seeded();
        struct result r;

        (void)state;
        result_init(&r, 0);
        for (int round = 0; round < 2000; round++) {
                struct buf page = BUF_INIT(4096);

                for (uint64_t i = testing_random_below(&random, 40); i > 0; i--) {
                        size_t k =
                            testing_random_below(&random, 1 + sizeof(tokens) / sizeof(tokens[0]));

                        if (k == sizeof(tokens) / sizeof(tokens[0]))
                                testing_ok(buf_putc(&page, '\0', NULL), NULL);
                        else
                                testing_ok(buf_puts(&page, tokens[k], NULL), NULL);
                }
                (void)parse_every_way(&r, buf_view(&page), &random);
                buf_release(&page);
        }
        result_release(&r);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_last_line_needs_no_line_feed),
            cmocka_unit_test(test_empty_page),
            cmocka_unit_test(test_type_does_not_outlive_the_page),
            cmocka_unit_test(test_failure_is_final),
            cmocka_unit_test(test_nul_ends_the_page),
            cmocka_unit_test(test_line_bound),
            cmocka_unit_test(test_endless_string),
            cmocka_unit_test(test_positions),
            cmocka_unit_test(test_sink_error),
            cmocka_unit_test(test_random_pages),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
