#include "scrape/openmetrics.h"

#include "tests/unit/scrape/textparse_result.h"

/* An initialiser; VIEW_LIT is no constant expression. */
#define TEXT(s) \
        { \
                (s), sizeof(s) - 1 \
        }
#define END "# EOF\n"

/* Writes "series value[@timestamp] type|" per sample. */
static int
write_sample(void *arg, const struct text_sample *s, struct err *e)
{
        struct buf *out = arg;
        double d;
        int rc = buf_append(out, s->series.p, s->series.n, e);

        memcpy(&d, &s->bits, sizeof(d));
        if (rc == 0)
                rc = buf_printf(out, e, " %.17g", d);
        if (rc == 0 && s->has_timestamp)
                rc = buf_printf(out, e, "@%" PRId64, s->timestamp_ms);
        if (rc == 0)
                rc = buf_printf(out, e, " %d|", (int)s->type);
        return rc;
}

static int
read_page(struct view page, struct buf *out, uint64_t *exemplars, struct err *e)
{
        const struct textparse_options o = {.sink = write_sample, .arg = out};
        struct textparse *t = NULL;
        int rc;

        testing_ok(textparse_new(&o, &t, NULL), NULL);
        textparse_set_format(t, TEXT_OPENMETRICS);
        rc = textparse_feed(t, page.p, page.n, e);
        if (rc == 0)
                rc = textparse_finish(t, e);
        *exemplars = textparse_exemplars(t);
        textparse_free(t);
        (void)buf_putc(out, '\0', NULL);
        return rc;
}

struct good {
        struct view page;
        const char *want;
        uint64_t exemplars;
};

static const struct good goods[] = {
    {TEXT(END), "", 0},
    {TEXT("# EOF"), "", 0},
    {TEXT("a 1\n" END), "a 1 0|", 0},
    {TEXT("a{} 1\na{b=\"c\",} 2\n" END), "a{} 1 0|a{b=\"c\",} 2 0|", 0},
    {TEXT("{\"a.b\",c=\"d\"} 1\n" END), "{\"a.b\",c=\"d\"} 1 0|", 0},
    /* in pieces, the first line is looked at again only when it has grown by half */
    {TEXT("{\"a23456789012345678901234567890123456789\nb\"} 1\n" END),
        "{\"a23456789012345678901234567890123456789\nb\"} 1 0|", 0},
    {TEXT("{\"a\nb\"} 1\n" END), "{\"a\nb\"} 1 0|", 0},
    {TEXT("a +Inf\na -inf\na Infinity\n" END), "a inf 0|a -inf 0|a inf 0|", 0},
    {TEXT("a 1e3\na 01\na 1E-2\na .5\na 5.\n" END), "a 1000 0|a 1 0|a 0.01 0|a 0.5 0|a 5 0|", 0},
    /* seconds, towards zero, in doubles: 1.001 * 1000 is below 1001 */
    {TEXT("a 1 1.001\na 1 1.9999\na 1 -1.5\na 1 1e3\na 1 0.0005\na 1 -0.0005\n" END),
        "a 1@1000 0|a 1@1999 0|a 1@-1500 0|a 1@1000000 0|a 1@0 0|a 1@0 0|", 0},
    {TEXT("a 1 1520879607.789\na 1 1e300\na 1 -1e300\n" END),
        "a 1@1520879607789 0|a 1@-9223372036854775808 0|a 1@-9223372036854775808 0|", 0},
    {TEXT("# TYPE a counter\na_total 1\n# TYPE b gauge\nb 1\n# TYPE c histogram\nc_count 1\n" END),
        "a_total 1 1|b 1 2|c_count 1 3|", 0},
    {TEXT("# TYPE d summary\nd_sum 1\n# TYPE e info\ne_info 1\n# TYPE f stateset\nf 1\n" END),
        "d_sum 1 4|e_info 1 0|f 1 0|", 0},
    {TEXT("# TYPE g gaugehistogram\ng_gsum 1\n# TYPE h unknown\nh 1\n" END), "g_gsum 1 0|h 1 0|",
        0},
    {TEXT("# HELP a \n# HELP a b  c \\n \\\"\n# UNIT a_s s\n# UNIT a \n# TYPE \"a b\" gauge\n" END),
        "", 0},
    {TEXT("# UNIT \"x y_s\" s\n" END), "", 0},
    /* a counter without _total, one that is negative, an info that is 2: taken as they are */
    {TEXT("# TYPE a counter\na -1\n# TYPE b info\nb 2\n# TYPE a counter\n" END), "a -1 1|b 2 0|",
        0},
    {TEXT("# TYPE a counter\na_total 1\na_created 1e9\n" END),
        "a_total 1 1|a_created 1000000000 1|", 0},
    {TEXT("a 1 # {} 1\n" END), "a 1 0|", 1},
    {TEXT("a 1 5 # {x=\"y\",} 1 7.5\nb 2 # {x=\"\\\"\",\"y z\"=\"}\"} NaN\n" END),
        "a 1@5000 0|b 2 0|", 2},
    {TEXT("a 1 # {x=\"\xc3\xa9 # {\"} 1\n" END), "a 1 0|", 1},
    /* NUL bytes where Prometheus's lexer passes over them */
    {TEXT("#  EOF\n"), NULL, 0},
    {TEXT("# H\0ELP \0a \0b\n\0\0a 1\n" END), "a 1 0|", 0},
    {TEXT("a 1\n# E\0OF\0\n\0\0"), "a 1 0|", 0},
    {TEXT("a 1\n# EOF\0"), "a 1 0|", 0},
};

static void
test_good(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
                struct buf out = BUF_INIT(4096);
                struct err e = ERR_INIT;
                uint64_t exemplars = 0;
                int rc = read_page(goods[i].page, &out, &exemplars, &e);

                print_message("%s\n", goods[i].page.p);
                if (goods[i].want == NULL) {
                        assert_int_equal(rc, ERR_PARSE);
                } else {
                        testing_ok(rc, &e);
                        assert_string_equal(out.ptr, goods[i].want);
                        assert_int_equal(exemplars, goods[i].exemplars);
                }
                buf_release(&out);
        }
}

struct bad {
        struct view page;
        const char *want;
        const char *samples; /* given before it failed */
};

#define NO_EOF "the page does not end with \"# EOF\""
#define BEHIND_EOF "there is data after \"# EOF\""

static const struct bad bads[] = {
    {TEXT("a 1\n"), "line 2, column 1: " NO_EOF, "a 1 0|"},
    {TEXT("a 1\nb 2"), "line 2, column 4: " NO_EOF, "a 1 0|"},
    {TEXT("a 1\nb"), "line 2, column 2: expected one blank and a number, got the end of the line",
        "a 1 0|"},
    {TEXT("b 2 5"), "line 1, column 6: " NO_EOF, ""},
    {TEXT("b 2 5 # {} 1 2"), "line 1, column 15: " NO_EOF, ""},
    {TEXT("# TYPE a gauge"), "line 1, column 15: " NO_EOF, ""},
    {TEXT(END "\n"), "line 2, column 1: " BEHIND_EOF, ""},
    {TEXT(END "a 1\n"), "line 2, column 1: " BEHIND_EOF, ""},
    {TEXT("# EOF "), "line 1, column 6: " BEHIND_EOF, ""},
    {TEXT(END "x"), "line 2, column 1: " BEHIND_EOF, ""},
    {TEXT(END "\0\n"), "line 2, column 2: " BEHIND_EOF, ""},
    {TEXT("#EOF\n"), "line 1, column 2: expected a blank after '#', got 'E'", ""},
    {TEXT("# eof\n"), "line 1, column 3: expected HELP, TYPE, UNIT or EOF after \"# \", got 'e'",
        ""},
    {TEXT("# comment\n" END),
        "line 1, column 3: expected HELP, TYPE, UNIT or EOF after \"# \", got 'c'", ""},
    {TEXT("\n" END),
        "line 1, column 1: expected a metric name, '{' or '#', got the end of the line", ""},
    {TEXT(" a 1\n" END), "line 1, column 1: expected a metric name, '{' or '#', got a blank", ""},
    {TEXT("a 1\r\n" END), "line 1, column 4: expected the end of the line, got a carriage return",
        ""},
    {TEXT("a  1\n" END), "line 1, column 2: expected one blank and a number, got a blank", ""},
    {TEXT("a\t1\n" END), "line 1, column 2: expected one blank and a number, got \\x09", ""},
    {TEXT("a {b=\"c\"} 1\n" END),
        "line 1, column 3: expected a number that fits a double, got \"{b=\"c\"}\"", ""},
    {TEXT("a 0x1p-2\n" END),
        "line 1, column 3: expected a number that fits a double, got \"0x1p-2\"", ""},
    {TEXT("a 1_0\n" END), "line 1, column 3: expected a number that fits a double, got \"1_0\"",
        ""},
    {TEXT("a 1e999\n" END), "line 1, column 3: expected a number that fits a double, got \"1e999\"",
        ""},
    {TEXT("a +NaN\n" END), "line 1, column 3: expected a number that fits a double, got \"+NaN\"",
        ""},
    {TEXT("a 1 NaN\n" END), "line 1, column 5: expected a timestamp in seconds, got \"NaN\"", ""},
    {TEXT("a 1 +Inf\n" END), "line 1, column 5: expected a timestamp in seconds, got \"+Inf\"", ""},
    {TEXT("a 1 2 3\n" END),
        "line 1, column 6: expected an exemplar or the end of the line after the timestamp, got a "
        "blank",
        ""},
    /* what is wrong right behind the value comes after the sample */
    {TEXT("a 1 \n" END),
        "line 1, column 4: expected a timestamp, an exemplar or the end of the line, got a blank",
        "a 1 0|"},
    {TEXT("a 1 # x\n" END),
        "line 1, column 4: expected a timestamp, an exemplar or the end of the line, got a blank",
        "a 1 0|"},
    {TEXT("a 1 #x\n" END), "line 1, column 5: expected a number that fits a double, got \"#x\"",
        ""},
    {TEXT("a 1\0\n" END),
        "line 1, column 4: expected a timestamp, an exemplar or the end of the line, got \\x00",
        "a 1 0|"},
    {TEXT("a 1 # {x} 1\n" END), "line 1, column 9: expected '=' after a label name, got '}'", ""},
    {TEXT("a 1 # {,} 1\n" END), "line 1, column 8: expected a label name, got ','", ""},
    {TEXT("a 1 # {x=\"y\"z=\"y\"} 1\n" END), "line 1, column 13: expected ',' or '}', got 'z'", ""},
    {TEXT("a 1 # {x=y} 1\n" END), "line 1, column 10: expected a quoted label value, got 'y'", ""},
    {TEXT("a 1 # {x=\"y\n" END),
        "line 1, column 12: expected the end of a quoted string, got the end of the line", ""},
    {TEXT("a 1 # {x=\"\xff\"} 1\n" END),
        "line 1, column 11: expected a label value in UTF-8, got \\xff", ""},
    {TEXT("a 1 # {}\n" END),
        "line 1, column 9: expected one blank and a number, got the end of the line", ""},
    {TEXT("a 1 # {} 1 \n" END), "line 1, column 11: expected one blank and a number, got a blank",
        ""},
    {TEXT("a 1 # {} 1 Inf\n" END),
        "line 1, column 12: expected a timestamp in seconds, got \"Inf\"", ""},
    {TEXT("a 1 # {} 1 2 3\n" END),
        "line 1, column 13: expected the end of the line after the exemplar, got a blank", ""},
    {TEXT("# TYPE a untyped\n" END),
        "line 1, column 10: expected counter, gauge, histogram, gaugehistogram, summary, info, "
        "stateset or unknown after one blank, got \"untyped\"",
        ""},
    {TEXT("# TYPE a\n" END),
        "line 1, column 9: expected a blank after the name, got the end of the line", ""},
    {TEXT("# TYPE \n" END), "line 1, column 8: expected a metric name, got the end of the line",
        ""},
    {TEXT("# UNIT a s\n" END),
        "line 1, column 10: expected a unit that the metric's name ends with, got \"s\"", ""},
    {TEXT("# UNIT as s\n" END),
        "line 1, column 11: expected a unit that the metric's name ends with, got \"s\"", ""},
    {TEXT("# UNIT s s\n" END),
        "line 1, column 10: expected a unit that the metric's name ends with, got \"s\"", ""},
    {TEXT("# HELP a \xff\n" END), "line 1, column 10: expected help text in UTF-8, got \\xff", ""},
    {TEXT("\0a 1\n" END), "line 1, column 1: expected a metric name, '{' or '#', got \\x00", ""},
    {TEXT("# TYPE a gauge\n\0a 1\n" END),
        "line 2, column 1: expected a metric name, '{' or '#', got \\x00", ""},
};

static void
test_bad(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
                struct buf out = BUF_INIT(4096);
                struct err e = ERR_INIT;
                uint64_t exemplars;

                print_message("%s\n", bads[i].page.p);
                assert_int_equal(read_page(bads[i].page, &out, &exemplars, &e), ERR_PARSE);
                assert_string_equal(e.msg, bads[i].want);
                assert_string_equal(out.ptr, bads[i].samples);
                buf_release(&out);
        }
}

/* The same in pieces of every size, and with every series known from before. */
static void
test_pieces(void **state)
{
        struct testing_random random = seeded();

        (void)state;
        for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
                struct result got;

                result_init(&got, 0);
                result_set_format(&got, TEXT_OPENMETRICS);
                (void)parse_every_way(&got, goods[i].page, &random);
                result_release(&got);
        }
        for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
                struct result got;

                result_init(&got, 0);
                result_set_format(&got, TEXT_OPENMETRICS);
                assert_int_equal(parse_every_way(&got, bads[i].page, &random), ERR_PARSE);
                result_release(&got);
        }
}

/* Cut anywhere, a page fails; whole, the series that are known are taken without being parsed. */
static void
test_cut_anywhere(void **state)
{
        static const char page[] = "# TYPE a histogram\na_bucket{le=\"1\"} 2 # {x=\"y\"} 1 5\n"
                                   "a_count 3 7\n{\"b c\"} 4\nd{e=\"f\"} 5\n" END;
        struct testing_random random = seeded();
        struct result whole;
        struct result again;

        (void)state;
        result_init(&whole, 0);
        result_set_format(&whole, TEXT_OPENMETRICS);
        for (size_t n = 1; n < sizeof(page) - 2; n++)
                assert_int_equal(
                    parse(&whole, (struct view){page, n}, 0, &random, NULL), ERR_PARSE);
        testing_ok(parse(&whole, (struct view){page, sizeof(page) - 2}, 0, &random, NULL), NULL);
        testing_ok(parse(&whole, (struct view){page, sizeof(page) - 1}, 0, &random, NULL), NULL);
        assert_int_equal(whole.count, 4);
        result_init(&again, 0);
        result_set_format(&again, TEXT_OPENMETRICS);
        again.before = &whole;
        testing_ok(parse(&again, (struct view){page, sizeof(page) - 1}, 0, &random, NULL), NULL);
        assert_true(same(&again, &whole));
        assert_true(again.guessed > 0);
        result_release(&again);
        result_release(&whole);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_good),
            cmocka_unit_test(test_bad),
            cmocka_unit_test(test_pieces),
            cmocka_unit_test(test_cut_anywhere),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
