#include "tests/unit/agent/config_cases.h"

#include "agent/config_docs.h"
#include "agent/config_keys.h"

#include <stdio.h>

static void
every_key_has_its_paragraph(void **state)
{
        struct buf out = BUF_INIT(1 << 20);
        const char *at;

        (void)state;
        testing_ok(config_man_print(&out, NULL), NULL);
        testing_ok(buf_putc(&out, '\0', NULL), NULL);
        at = out.ptr;
        for (size_t i = 0; i < config_sections_count; i++) {
                for (size_t k = 0; k < config_sections[i]->n_keys; k++) {
                        char row[128];

                        (void)snprintf(
                            row, sizeof(row), "\n.It Li %s\n", config_sections[i]->keys[k].name);
                        at = strstr(at, row);
                        if (at == NULL)
                                fail_msg("no %s", row);
                        at++;
                }
        }
        assert_non_null(strstr(out.ptr, "\n.It Li max_size\nsize, default 1GiB, at least 4MiB.\n"));
        assert_non_null(strstr(out.ptr, "\n.It Li capacity\nnumber, default 10000.\nNo effect.\n"));
        buf_release(&out);
}

/* A line that begins with a dot is one of the requests used, so no text is taken for one. */
static void
only_known_requests(void **state)
{
        static const char *const known[] = {".\\\"", ".Dd ", ".Dt ", ".Os\n", ".Sh ", ".Nm ",
            ".Nd ", ".Li ", ".Pa ", ".Fl ", ".Ic ", ".Pp\n", ".Bl ", ".It ", ".El\n", ".Sx ",
            ".Xr "};
        struct buf out = BUF_INIT(1 << 20);

        (void)state;
        testing_ok(config_man_print(&out, NULL), NULL);
        testing_ok(buf_putc(&out, '\0', NULL), NULL);
        for (const char *at = out.ptr; at != NULL; at = strchr(at, '\n')) {
                bool fine = false;

                at += *at == '\n';
                assert_int_not_equal(*at, '\'');
                if (*at != '.')
                        continue;
                for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
                        fine = fine || strncmp(at, known[i], strlen(known[i])) == 0;
                if (!fine)
                        fail_msg("%.40s", at);
        }
        buf_release(&out);
}

/* scripts/docs.sh sets GLEANER_WRITE_DOCS: then the file is written instead. */
static void
the_committed_page_is_up_to_date(void **state)
{
        const char *write = getenv("GLEANER_WRITE_DOCS");
        struct buf want = BUF_INIT(1 << 20);
        struct buf got = BUF_INIT(1 << 20);

        (void)state;
        testing_ok(config_man_print(&want, NULL), NULL);
        if (write != NULL) {
                char path[1024];

                (void)snprintf(path, sizeof(path), "%s/gleaner.yml.5", write);
                testing_write(path, want.ptr, want.len);
        } else {
                testing_read("../../docs/gleaner.yml.5", &got);
                if (!view_eq(buf_view(&got), buf_view(&want)))
                        fail_msg("docs/gleaner.yml.5 is not up to date: run scripts/docs.sh");
        }
        buf_release(&want);
        buf_release(&got);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_key_has_its_paragraph),
            cmocka_unit_test(only_known_requests),
            cmocka_unit_test(the_committed_page_is_up_to_date),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
