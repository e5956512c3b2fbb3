#include "base/credentials/aws_plan.h"

#include "base/credentials/aws.h"
#include "tests/testing/testing.h"

#include <stdio.h>
#include <stdlib.h>

static char *folder;
static struct aws_plan plan;

static const char *const variables[] = {"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID",
    "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_EC2_METADATA_DISABLED", "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL",
    "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"};

static int
set_up(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
                (void)unsetenv(variables[i]);
        folder = testing_directory();
        (void)setenv("HOME", folder, 1);
        aws_plan_init(&plan);
        return 0;
}

static int
tear_down(void **state)
{
        (void)state;
        aws_plan_release(&plan);
        testing_remove(folder);
        return 0;
}

static void
write_profiles(const char *text)
{
        char path[512];

        (void)snprintf(path, sizeof(path), "%s/config", folder);
        testing_write(path, text, strlen(text));
        (void)setenv("AWS_CONFIG_FILE", path, 1);
}

static void
make(const struct http_sigv4_options *o)
{
        struct err e = ERR_INIT;

        testing_ok(aws_plan_make(&plan, o, &e), &e);
}

static void
fails(const struct http_sigv4_options *o, const char *reason)
{
        struct err e = ERR_INIT;

        if (aws_plan_make(&plan, o, &e) != ERR_CONFIG || strstr(e.msg, reason) == NULL)
                fail_msg("no \"%s\" in %s", reason, e.msg);
}

/* Each in turn gives way to the one after it. */
static void
sources_in_their_order(void **state)
{
        struct http_sigv4_options o = {0};

        (void)state;
        fails(&o, "there is no region");
        (void)setenv("AWS_DEFAULT_REGION", "us-west-2", 1);
        make(&o);
        assert_int_equal(plan.base, AWS_INSTANCE);
        assert_string_equal(plan.metadata_url, "http://169.254.169.254");
        (void)setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv6", 1);
        make(&o);
        assert_string_equal(plan.metadata_url, "http://[fd00:ec2::254]");
        (void)setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1/", 1);
        make(&o);
        assert_string_equal(plan.metadata_url, "http://127.0.0.1:1");
        (void)setenv("AWS_EC2_METADATA_DISABLED", "TRUE", 1);
        fails(&o, "there are no keys");
        (void)setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/c", 1);
        fails(&o, "has the host example.com");
        (void)setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/c", 1);
        make(&o);
        assert_int_equal(plan.base, AWS_CONTAINER);
        (void)setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/c", 1);
        make(&o);
        assert_string_equal(plan.container_url, "http://169.254.170.2/v2/c");
        write_profiles("[default]\naws_access_key_id = file\naws_secret_access_key = s\n"
                       "region = eu-west-1\n");
        make(&o);
        assert_int_equal(plan.base, AWS_KEYS);
        assert_string_equal(plan.id, "file");
        assert_true(plan.from_file);
        assert_string_equal(plan.region, "us-west-2");
        (void)setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/t", 1);
        fails(&o, "no role for it");
        (void)setenv("AWS_ROLE_ARN", "arn:w", 1);
        make(&o);
        assert_int_equal(plan.base, AWS_WEB_IDENTITY);
        assert_string_equal(plan.web.arn, "arn:w");
        (void)setenv("AWS_ACCESS_KEY_ID", "environment", 1);
        (void)setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
        (void)setenv("AWS_SESSION_TOKEN", "t", 1);
        make(&o);
        assert_string_equal(plan.id, "environment");
        assert_string_equal(plan.session, "t");
        o.profile = "default"; /* named in our file: before the environment */
        make(&o);
        assert_string_equal(plan.id, "file");
        o.access_key = "own";
        o.secret_key = "s";
        o.role_arn = "arn:r";
        o.external_id = "x";
        o.region = "cn-north-1";
        make(&o);
        assert_string_equal(plan.id, "own");
        assert_null(plan.session);
        assert_string_equal(plan.sts_url, "https://sts.cn-north-1.amazonaws.com.cn/");
        assert_int_equal(plan.n_roles, 1);
        assert_string_equal(plan.roles[0].external_id, "x");
}

static void
profiles_behind_profiles(void **state)
{
        static const char text[] =
            "[profile a]\nrole_arn = arn:a\nsource_profile = b\nexternal_id = ea\n"
            "duration_seconds = 3600\nrole_session_name = me\n"
            "[profile b]\nrole_arn = arn:b\nsource_profile = c\n"
            "[profile c]\naws_access_key_id = id\naws_secret_access_key = s\n"
            "[profile self]\nrole_arn = arn:s\nsource_profile = self\naws_access_key_id = id\n"
            "aws_secret_access_key = s\n"
            "[profile web]\nrole_arn = arn:w\nweb_identity_token_file = /t\n"
            "[profile env]\nrole_arn = arn:e\ncredential_source = Environment\n"
            "[profile ec2]\nrole_arn = arn:e\ncredential_source = Ec2InstanceMetadata\n"
            "[profile ecs]\nrole_arn = arn:e\ncredential_source = EcsContainer\n"
            "[profile odd]\ncredential_source = Moon\n"
            "[profile loop]\nsource_profile = pool\nrole_arn = x\n"
            "[profile pool]\nsource_profile = loop\nrole_arn = x\n"
            "[profile lost]\nsource_profile = nobody\nrole_arn = x\n"
            "[profile mfa]\nsource_profile = c\nrole_arn = x\nmfa_serial = y\n"
            "[profile sso]\nsso_session = x\n"
            "[profile process]\ncredential_process = x\n"
            "[profile alone]\nsource_profile = alone\nrole_arn = x\n";
        static const char *const bad[][2] = {{"odd", "credential_source expects"},
            {"loop", "leads in a circle"}, {"lost", "profile nobody: it is a source_profile"},
            {"mfa", "mfa_serial"}, {"sso", "sso_session is not supported"},
            {"process", "credential_process is not supported"}, {"alone", "has no keys"},
            {"nobody", "there is none of this name"}, {"env", "no keys in the environment"},
            {"ecs", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set"}};
        struct http_sigv4_options o = {.region = "us-gov-west-1", .profile = "a"};

        (void)state;
        write_profiles(text);
        make(&o);
        assert_string_equal(plan.id, "id");
        assert_int_equal(plan.n_roles, 2);
        assert_string_equal(plan.roles[0].arn, "arn:b");
        assert_string_equal(plan.roles[1].arn, "arn:a");
        assert_string_equal(plan.roles[1].external_id, "ea");
        assert_string_equal(plan.roles[1].session, "me");
        assert_int_equal(plan.roles[1].seconds, 3600);
        o.profile = "self";
        make(&o);
        assert_int_equal(plan.n_roles, 1);
        o.profile = "web";
        o.role_arn = "arn:last";
        make(&o);
        assert_int_equal(plan.base, AWS_WEB_IDENTITY);
        assert_int_equal(plan.n_roles, 1);
        assert_string_equal(plan.roles[0].arn, "arn:last");
        o.role_arn = NULL;
        o.profile = "ec2";
        make(&o);
        assert_int_equal(plan.base, AWS_INSTANCE);
        assert_int_equal(plan.n_roles, 1);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                o.profile = bad[i][0];
                fails(&o, bad[i][1]);
        }
}

static void
regions_and_endpoints(void **state)
{
        static const char *const rows[][3] = {
            {"eu-west-1", "https://sts.eu-west-1.amazonaws.com/",
                "https://sts-fips.eu-west-1.amazonaws.com/"},
            {"us-gov-west-1", "https://sts.us-gov-west-1.amazonaws.com/",
                "https://sts.us-gov-west-1.amazonaws.com/"},
            {"us-iso-east-1", "https://sts.us-iso-east-1.c2s.ic.gov/",
                "https://sts-fips.us-iso-east-1.c2s.ic.gov/"},
        };
        struct http_sigv4_options o = {.access_key = "k", .secret_key = "s"};

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                o.region = rows[i][0];
                o.use_fips_sts_endpoint = false;
                make(&o);
                assert_string_equal(plan.sts_url, rows[i][1]);
                o.use_fips_sts_endpoint = true;
                make(&o);
                assert_string_equal(plan.sts_url, rows[i][2]);
        }
        (void)setenv("AWS_ENDPOINT_URL", "http://all", 1);
        make(&o);
        assert_string_equal(plan.sts_url, "http://all");
        (void)setenv("AWS_ENDPOINT_URL_STS", "http://sts", 1);
        make(&o);
        assert_string_equal(plan.sts_url, "http://sts");
        o.region = "a.b/c";
        fails(&o, "not a name of one");
        o.region = NULL;
        write_profiles("[default]\nregion = eu-north-1\n[profile p]\nregion = eu-south-1\n");
        make(&o);
        assert_string_equal(plan.region, "eu-north-1");
        (void)setenv("AWS_PROFILE", "p", 1);
        make(&o);
        assert_string_equal(plan.region, "eu-south-1");
        (void)setenv("AWS_REGION", "eu-west-9", 1);
        make(&o);
        assert_string_equal(plan.region, "eu-west-9");
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(sources_in_their_order, set_up, tear_down),
            cmocka_unit_test_setup_teardown(profiles_behind_profiles, set_up, tear_down),
            cmocka_unit_test_setup_teardown(regions_and_endpoints, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
