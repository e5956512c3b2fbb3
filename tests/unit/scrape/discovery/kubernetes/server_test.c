#include "scrape/discovery/kubernetes/server.h"

#include "scrape/job.h"
#include "tests/testing/testing.h"

#include <stdio.h>
#include <stdlib.h>

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
        struct kube_server *s = NULL;
        const char *namespace = NULL;
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(kube_server_new(&sd, config, &s, NULL), NULL);
        s->folder = folder;
        (void)unsetenv("KUBERNETES_SERVICE_HOST");
        assert_int_equal(kube_server_open(s, &e), ERR_CONFIG);
        (void)setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
        (void)setenv("KUBERNETES_SERVICE_PORT", "443", 1);
        testing_ok(kube_server_open(s, &e), &e);
        assert_string_equal(s->url, "https://[fd00::1]:443");
        assert_non_null(strstr(s->own.credentials_file, "/token"));
        assert_int_equal(kube_server_namespace(s, &namespace, &e), ERR_CONFIG);
        write_file("namespace", "mine\n");
        testing_ok(kube_server_namespace(s, &namespace, &e), &e);
        assert_string_equal(namespace, "mine");
        kube_server_free(s);
}

/* After a 401 the file is read again, once nothing uses what was read before. */
static void
kubeconfig_is_read_again(void **state)
{
        static const char text[] =
            "current-context: c\ncontexts: [{name: c, context: {cluster: k}}]\n"
            "clusters: [{name: k, cluster: {server: \"http://%s\"}}]\n";
        char path[512];
        char file[512];
        struct kubernetes_sd sd = {.kubeconfig_file = path};
        struct kube_server *s = NULL;
        struct err e = ERR_INIT;

        (void)state;
        (void)snprintf(path, sizeof(path), "%s/config", folder);
        testing_ok(kube_server_new(&sd, config, &s, NULL), NULL);
        assert_true(kube_server_open(s, &e) < 0);
        (void)snprintf(file, sizeof(file), text, "first");
        write_file("config", file);
        testing_ok(kube_server_open(s, &e), &e);
        assert_string_equal(s->url, "http://first");
        (void)snprintf(file, sizeof(file), text, "second");
        write_file("config", file);
        kube_server_refused(s);
        s->in_flight = 1;
        testing_ok(kube_server_open(s, &e), &e);
        assert_string_equal(s->url, "http://first");
        s->in_flight = 0;
        testing_ok(kube_server_open(s, &e), &e);
        assert_string_equal(s->url, "http://second");
        kube_server_free(s);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(own_cluster, set_up, tear_down),
            cmocka_unit_test_setup_teardown(kubeconfig_is_read_again, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
