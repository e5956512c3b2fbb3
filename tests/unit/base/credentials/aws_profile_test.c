#include "base/credentials/aws_profile.h"

#include "base/arena.h"
#include "tests/testing/testing.h"

#include <stdio.h>
#include <stdlib.h>

static const char config[] = "# a comment\n"
                             "orphan = 1\n"
                             "[default]\n"
                             "region = eu-west-1 # here\n"
                             "s3 =\n"
                             "    nested = 1\n"
                             "[profile  work ]\n"
                             "Role_ARN=arn:aws:iam::1:role/a=b\n"
                             "region=us-east-1\n"
                             "no equals\n"
                             "[sso-session x]\n"
                             "region = other\n"
                             "[work2]\n"
                             "region = not a profile's\n"
                             "[profile broken\n"
                             "region = lost";

static void
assert_value(const struct aws_profiles *p, const char *name, const char *key, const char *want)
{
        const char *got = aws_profile_get(p, name, key);

        if (want == NULL)
                assert_null(got);
        else if (got == NULL || strcmp(got, want) != 0)
                fail_msg("%s.%s: %s", name, key, got != NULL ? got : "(null)");
}

static void
what_the_files_say(void **state)
{
        struct arena arena = ARENA_INIT(1 << 20);
        struct aws_profiles p = {0};

        (void)state;
        testing_ok(aws_profiles_parse(view_of(config), true, &arena, &p, NULL), NULL);
        testing_ok(aws_profiles_parse(view_of("[default]\r\naws_access_key_id=id\r\nregion=\r\n"
                                              "[plain]\nregion = x;y ; z\n"),
                       false, &arena, &p, NULL),
            NULL);
        assert_value(&p, "default", "region", NULL); /* the credentials file emptied it */
        assert_value(&p, "default", "aws_access_key_id", "id");
        assert_value(&p, "default", "nested", NULL);
        assert_value(&p, "work", "role_arn", "arn:aws:iam::1:role/a=b");
        assert_value(&p, "work", "region", "us-east-1");
        assert_value(&p, "plain", "region", "x;y");
        assert_true(aws_profile_exists(&p, "work"));
        assert_false(aws_profile_exists(&p, "work2"));
        assert_false(aws_profile_exists(&p, "x"));
        assert_false(aws_profile_exists(&p, "broken"));
        arena_release(&arena);
}

static void
files_are_bounded_and_may_be_missing(void **state)
{
        struct arena arena = ARENA_INIT(4 << 20);
        struct aws_profiles p = {0};
        char *dir = testing_directory();
        char path[512];
        struct buf text = BUF_INIT(1 << 20);

        (void)state;
        (void)setenv("HOME", dir, 1);
        (void)unsetenv("AWS_CONFIG_FILE");
        (void)unsetenv("AWS_SHARED_CREDENTIALS_FILE");
        testing_ok(aws_profiles_read(&arena, &p, NULL), NULL);
        assert_int_equal(p.n, 0);
        testing_ok(buf_puts(&text, "[a]\n", NULL), NULL);
        for (int i = 0; i < AWS_PROFILE_MAX_ROWS; i++)
                testing_ok(buf_puts(&text, "k=v\n", NULL), NULL);
        (void)snprintf(path, sizeof(path), "%s/file", dir);
        testing_write(path, text.ptr, text.len);
        (void)setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
        assert_int_equal(aws_profiles_read(&arena, &p, NULL), ERR_LIMIT);
        testing_write(path, "[a]\nk=v\n", 8);
        testing_ok(aws_profiles_read(&arena, &p, NULL), NULL);
        assert_string_equal(aws_profile_get(&p, "a", "k"), "v");
        (void)unsetenv("AWS_SHARED_CREDENTIALS_FILE");
        buf_release(&text);
        arena_release(&arena);
        testing_remove(dir);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_the_files_say),
            cmocka_unit_test(files_are_bounded_and_may_be_missing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
