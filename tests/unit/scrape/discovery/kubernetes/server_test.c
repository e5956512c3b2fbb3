#include "scrape/discovery/kubernetes/server.h"

#include "scrape/job.h"
#include "tests/testing/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct scrape_config *config;
static char *folder;

static int
set_up(void **state)
{
        (void)state;
        testing_ok(scrape_config_new(&config, NULL), NULL);
        folder = testing_directory();
        return 0;
}

static int
tear_down(void **state)
{
        (void)state;
        scrape_config_unref(config);
        testing_remove(folder);
        return 0;
}

static void
write_file(const char *name, const char *text)
{
        char path[512];

        (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
        testing_write(path, text, strlen(text));
}

static void
own_cluster(void **state)
{
        const struct kubernetes_sd sd = {.role = KUBERNETES_POD};
        struct kube_session *x = NULL;
        struct kube_server *s = NULL;
        const char *namespace = NULL;
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(kube_server_new(&sd, config, &s, NULL), NULL);
        s->folder = folder;
        (void)unsetenv("KUBERNETES_SERVICE_HOST");
        assert_int_equal(kube_server_open(s, 0, &x, &e), ERR_CONFIG);
        (void)setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
        (void)setenv("KUBERNETES_SERVICE_PORT", "443", 1);
        testing_ok(kube_server_open(s, 0, &x, &e), &e);
        assert_string_equal(x->url, "https://[fd00::1]:443");
        assert_non_null(strstr(x->own.credentials_file, "/token"));
        kube_session_put(x);
        assert_int_equal(kube_server_namespace(s, &namespace, &e), ERR_CONFIG);
        write_file("namespace", "mine\n");
        testing_ok(kube_server_namespace(s, &namespace, &e), &e);
        assert_string_equal(namespace, "mine");
        kube_server_free(s);
}

/* After a 401 the file is read again; what was read before lasts as long as its requests. */
static void
kubeconfig_is_read_again(void **state)
{
        static const char text[] =
            "current-context: c\ncontexts: [{name: c, context: {cluster: k}}]\n"
            "clusters: [{name: k, cluster: {server: \"http://%s\"}}]\n";
        char path[512];
        char file[512];
        struct kubernetes_sd sd = {.kubeconfig_file = path};
        struct kube_session *first = NULL;
        struct kube_session *second = NULL;
        struct kube_server *s = NULL;
        struct err e = ERR_INIT;

        (void)state;
        (void)snprintf(path, sizeof(path), "%s/config", folder);
        testing_ok(kube_server_new(&sd, config, &s, NULL), NULL);
        assert_true(kube_server_open(s, 0, &first, &e) < 0);
        (void)snprintf(file, sizeof(file), text, "first");
        write_file("config", file);
        testing_ok(kube_server_open(s, 0, &first, &e), &e);
        (void)snprintf(file, sizeof(file), text, "second");
        write_file("config", file);
        testing_ok(kube_server_open(s, 0, &second, &e), &e);
        assert_ptr_equal(second, first);
        kube_session_put(second);
        kube_server_refused(s, first);
        testing_ok(kube_server_open(s, 0, &second, &e), &e);
        assert_string_equal(second->url, "http://second");
        assert_string_equal(first->url, "http://first");
        kube_server_refused(s, first); /* a late answer to the old one changes nothing */
        assert_ptr_equal(s->session, second);
        kube_session_put(first);
        kube_session_put(second);
        kube_server_free(s);
}

static void
write_config(const char *command)
{
        char file[1024];

        (void)snprintf(file, sizeof(file),
            "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
            "clusters: [{name: k, cluster: {server: \"http://a\"}}]\nusers: [{name: u, user: "
            "{exec: {command: \"%s\", apiVersion: client.authentication.k8s.io/v1beta1, "
            "installHint: look there}}}]\n",
            command);
        write_file("config", file);
}

static void
write_program(const char *text)
{
        char path[512];

        write_file("program", text);
        (void)snprintf(path, sizeof(path), "%s/program", folder);
        assert_int_equal(chmod(path, 0700), 0);
}

/* Until the program has ended, which takes real time; now_ms is the test's. */
static void
wait_for_program(struct kube_server *s, int64_t now_ms)
{
        while (s->program != NULL) {
                kube_server_turn(s, now_ms);
                (void)usleep(1000);
        }
}

#define CREDENTIAL \
        "#!/bin/sh\necho '{\"kind\":\"ExecCredential\",\"apiVersion\":" \
        "\"client.authentication.k8s.io/v1beta1\",\"status\":{\"token\":\"hush\""

static void
programs_give_credentials(void **state)
{
        char path[512];
        struct kubernetes_sd sd = {.kubeconfig_file = path};
        struct kube_session *x = NULL;
        struct kube_server *s = NULL;
        struct err e = ERR_INIT;
        int fds[2];

        (void)state;
        (void)snprintf(path, sizeof(path), "%s/config", folder);
        write_config("./program");
        testing_ok(kube_server_new(&sd, config, &s, NULL), NULL);
        assert_true(kube_server_open(s, 0, &x, &e) < 0);
        assert_non_null(strstr(e.msg, "No such file or directory; look there"));
        write_program("#!/bin/sh\necho no such account >&2\nexit 1\n");
        testing_ok(kube_server_open(s, 0, &x, &e), &e);
        assert_null(x); /* it has to be waited for */
        assert_true(kube_server_fds(s, fds, 2) > 0);
        assert_true(kube_server_due(s) <= 30000);
        wait_for_program(s, 0);
        assert_int_equal(s->failures, 1);
        assert_non_null(strstr(s->why.msg, "failed with status 1: no such account"));
        /* one that says when it expires, and it has: it serves those that wait */
        write_program(CREDENTIAL ",\"expirationTimestamp\":\"2001-01-01T00:00:00Z\"}}'\n");
        testing_ok(kube_server_open(s, 0, &x, &e), &e);
        wait_for_program(s, 5000);
        testing_ok(kube_server_open(s, 5000, &x, &e), &e);
        assert_string_equal(x->own.credentials, "hush");
        kube_session_put(x);
        write_program(CREDENTIAL "}}'\n");
        testing_ok(kube_server_open(s, 6000, &x, &e), &e);
        assert_null(x);
        wait_for_program(s, 6000);
        /* one without an end lasts until it is refused */
        testing_ok(kube_server_open(s, INT64_MAX - 1, &x, &e), &e);
        assert_non_null(x);
        kube_server_refused(s, x);
        kube_session_put(x);
        testing_ok(kube_server_open(s, 0, &x, &e), &e);
        assert_null(x);
        kube_server_free(s); /* while it runs */
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(own_cluster, set_up, tear_down),
            cmocka_unit_test_setup_teardown(kubeconfig_is_read_again, set_up, tear_down),
            cmocka_unit_test_setup_teardown(programs_give_credentials, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
