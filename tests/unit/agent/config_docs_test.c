#include "tests/unit/agent/config_cases.h"

#include "agent/config_docs.h"
#include "agent/config_keys.h"

#include <stdio.h>

static void
every_key_is_in_the_reference(void **state)
{
        struct buf out = BUF_INIT(1 << 20);
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(config_docs_print(&out, &e), &e);
        testing_ok(buf_putc(&out, '\0', NULL), NULL);
        for (size_t i = 0; i < config_sections_count; i++) {
                const struct config_section *section = config_sections[i];
                const char *start = out.ptr;
                char title[128];

                (void)snprintf(title, sizeof(title), "\n## %s\n",
                    section->name[0] != '\0' ? section->name : "Top level");
                start = strstr(start, title);
                if (start == NULL)
                        fail_msg("no section %s", section->name);
                for (size_t k = 0; k < section->n_keys; k++) {
                        char row[128];

                        (void)snprintf(row, sizeof(row), "\n| `%s` | ", section->keys[k].name);
                        if (strstr(start, row) == NULL)
                                fail_msg("no %s.%s", section->name, section->keys[k].name);
                }
        }
        assert_non_null(strstr(out.ptr, "| `max_size` | size | `1GiB`, at least `4MiB` | "));
        assert_non_null(strstr(
            out.ptr, "| `certificate` | map |  | Not supported. Applications with a certificate "));
        assert_non_null(
            strstr(out.ptr, "| `send_exemplars` | true or false | `false` | No effect. "));
        assert_non_null(strstr(out.ptr, "| `capacity` | number | `10000` | No effect. "));
        buf_release(&out);
}

static void
the_bound_of_the_buffer_is_kept(void **state)
{
        struct buf out = BUF_INIT(4096);

        (void)state;
        assert_int_equal(config_docs_print(&out, NULL), ERR_LIMIT);
        buf_release(&out);
}

/* scripts/docs.sh sets GLEANER_WRITE_DOCS: then the file is written instead. */
static void
the_committed_reference_is_up_to_date(void **state)
{
        const char *write = getenv("GLEANER_WRITE_DOCS");
        struct buf want = BUF_INIT(1 << 20);
        struct buf got = BUF_INIT(1 << 20);

        (void)state;
        testing_ok(config_docs_print(&want, NULL), NULL);
        if (write != NULL) {
                char path[1024];

                (void)snprintf(path, sizeof(path), "%s/CONFIG.md", write);
                testing_write(path, want.ptr, want.len);
        } else {
                testing_read("../../docs/CONFIG.md", &got);
                if (!view_eq(buf_view(&got), buf_view(&want)))
                        fail_msg("docs/CONFIG.md is not up to date: run scripts/docs.sh");
        }
        buf_release(&want);
        buf_release(&got);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_key_is_in_the_reference),
            cmocka_unit_test(the_bound_of_the_buffer_is_kept),
            cmocka_unit_test(the_committed_reference_is_up_to_date),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
