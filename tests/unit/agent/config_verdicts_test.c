/*
 * Some seventy thousand pieces of configuration, each judged as Prometheus in agent mode judged it:
 * tests/data/config_verdicts.json, recorded from the real one, which tests/e2e/test_verdicts.py
 * asks again. The marks that mean a difference are explained in docs/DIFFERENCES.md.
 */
#include "tests/unit/agent/config_cases.h"

#include <stdio.h>

enum { TEXT_MAX = 1 << 16, SHOWN = 20 };

/* Under a sanitizer every few values are enough: the dev build has tried them all. */
#if defined(__SANITIZE_ADDRESS__)
enum { STEP = 17 };
#else
enum { STEP = 1 };
#endif

struct tally {
        size_t tried;
        size_t wrong;
};

static void
judge(struct tally *t, const char *text, char mark)
{
        struct config_report report = {0};
        struct config *c = NULL;
        int rc;

        if (mark == '?')
                return;
        rc = config_load_text("/etc/t/agent.yml", view_of(text), &cases_env, &c, &report, NULL);
        t->tried++;
        if ((rc == 0) != (mark == '+' || mark == 'i')) {
                char *said = cases_print(&report);

                t->wrong++;
                if (t->wrong <= SHOWN)
                        print_error("%s, but the mark is %c:\n%s%s\n",
                            rc == 0 ? "taken" : "refused", mark, text, said);
                free(said);
        }
        config_free(c);
        config_report_release(&report);
}

static void
put_until(struct buf *out, const char **rest, const char *word, const char *value)
{
        const char *found = strstr(*rest, word);

        assert_non_null(found);
        testing_ok(buf_append(out, *rest, (size_t)(found - *rest), NULL), NULL);
        testing_ok(buf_puts(out, value, NULL), NULL);
        *rest = found + strlen(word);
}

static void
try_value(struct tally *t, const char *pattern, const char *const words[2], char mark)
{
        struct buf text = BUF_INIT(TEXT_MAX);
        const char *rest = pattern;

        put_until(&text, &rest, "KEY", words[0]);
        put_until(&text, &rest, "VALUE", words[1]);
        testing_ok(buf_puts(&text, rest, NULL), NULL);
        testing_ok(buf_putc(&text, '\0', NULL), NULL);
        judge(t, text.ptr, mark);
        buf_release(&text);
}

static void
keys_take_the_values_that_prometheus_takes(void **state)
{
        json_t *data = testing_json("config_verdicts.json");
        const json_t *values = json_object_get(data, "values");
        struct tally t = {0};
        size_t turn = 0;
        json_t *section;
        size_t i;

        (void)state;
        json_array_foreach(json_object_get(data, "sections"), i, section)
        {
                const char *pattern = json_string_value(json_object_get(section, "text"));
                const char *key;
                json_t *marks;

                json_object_foreach(json_object_get(section, "keys"), key, marks)
                {
                        const char *row = json_string_value(marks);

                        assert_int_equal(strlen(row), json_array_size(values));
                        for (size_t k = turn++ % STEP; row[k] != '\0'; k += STEP) {
                                const char *value = json_string_value(json_array_get(values, k));

                                try_value(&t, pattern, (const char *const[]){key, value}, row[k]);
                                if (strlen(row) - k <= STEP)
                                        break;
                        }
                }
        }
        assert_true(t.tried > 60000 / STEP);
        assert_int_equal(t.wrong, 0);
        json_decref(data);
}

static void
documents_are_judged_as_prometheus_does(void **state)
{
        json_t *data = testing_json("config_verdicts.json");
        struct tally t = {0};
        json_t *row;
        size_t i;

        (void)state;
        json_array_foreach(json_object_get(data, "documents"), i, row)
            judge(&t, json_string_value(json_object_get(row, "text")),
                json_string_value(json_object_get(row, "mark"))[0]);
        assert_true(t.tried > 1000);
        assert_int_equal(t.wrong, 0);
        json_decref(data);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(keys_take_the_values_that_prometheus_takes),
            cmocka_unit_test(documents_are_judged_as_prometheus_does),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
