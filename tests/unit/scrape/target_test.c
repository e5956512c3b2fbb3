#include "scrape/target.h"

#include "base/memory.h"
#include "base/relabel.h"
#include "scrape/job.h"
#include "tests/testing/testing.h"

enum { MAX_LABELS = 24 };

struct rule {
        enum relabel_action action;
        const char *source;
        const char *regex;
        const char *target;
        const char *replacement;
};

struct build_case {
        const char *name;
        const char *address;
        const char *group[MAX_LABELS]; /* name, value, … */
        struct rule rules[3];
        const char *want_error; /* NULL: built */
        bool want_dropped;
        const char *want_url;
        const char *want_labels; /* name="value",… */
        int64_t want_interval_ms;
        int64_t want_timeout_ms;
};

static const struct build_case cases[] = {
    {.name = "defaults",
        .address = "host:9100",
        .want_url = "http://host:9100/metrics?module=m",
        .want_labels = "instance=\"host:9100\",job=\"node\"",
        .want_interval_ms = 15000,
        .want_timeout_ms = 10000},
    {.name = "labels of the group win over defaults",
        .address = "host",
        .group = {"job", "other", "instance", "i", "dc", "x", "__metrics_path__", "/m",
            "__scheme__", "https", "__scrape_interval__", "1m", "__scrape_timeout__", "30s",
            "__param_module", "p"},
        .want_url = "https://host/m?module=p",
        .want_labels = "dc=\"x\",instance=\"i\",job=\"other\"",
        .want_interval_ms = 60000,
        .want_timeout_ms = 30000},
    {.name = "the entry's address wins over the group's",
        .address = "entry",
        .group = {"__address__", "group"},
        .want_url = "http://entry/metrics?module=m",
        .want_labels = "instance=\"entry\",job=\"node\"",
        .want_interval_ms = 15000,
        .want_timeout_ms = 10000},
    {.name = "an empty label is like none",
        .address = "h",
        .group = {"job", "", "dc", ""},
        .want_url = "http://h/metrics?module=m",
        .want_labels = "instance=\"h\",job=\"node\"",
        .want_interval_ms = 15000,
        .want_timeout_ms = 10000},
    {.name = "meta and internal labels do not reach the series",
        .address = "h",
        .group = {"__meta_filepath", "/f", "__tmp", "t", "a", "b"},
        .want_url = "http://h/metrics?module=m",
        .want_labels = "a=\"b\",instance=\"h\",job=\"node\"",
        .want_interval_ms = 15000,
        .want_timeout_ms = 10000},
    {.name = "relabeling steers the target",
        .address = "h",
        .group = {"__meta_port", "8080"},
        .rules = {{RELABEL_REPLACE, "__meta_port", "(.*)", "__address__", "other:$1"},
            {RELABEL_REPLACE, "job", "(.*)", "job", "$1-x"}},
        .want_url = "http://other:8080/metrics?module=m",
        .want_labels = "instance=\"other:8080\",job=\"node-x\"",
        .want_interval_ms = 15000,
        .want_timeout_ms = 10000},
    {.name = "without labels it is not dropped, it has no address",
        .address = "h",
        .rules = {{RELABEL_LABELDROP, NULL, ".*", NULL, NULL}},
        .want_error = "no address"},
    {.name = "labelmap: of two labels for one name the job's wins over a discovered one",
        .address = "h",
        .group = {"zzz", "discovered", "job", ""},
        .rules = {{RELABEL_LABELMAP, NULL, "zzz|job", NULL, "to"}},
        .want_url = "http://h/metrics?module=m",
        .want_labels = "instance=\"h\",job=\"node\",to=\"node\",zzz=\"discovered\"",
        .want_interval_ms = 15000,
        .want_timeout_ms = 10000},
    {.name = "labelmap: and the scheme over the path",
        .address = "h",
        .rules = {{RELABEL_LABELMAP, NULL, "__s.*__|__m.*__", NULL, "to"}},
        .want_url = "http://h/metrics?module=m",
        .want_labels = "instance=\"h\",job=\"node\",to=\"http\"",
        .want_interval_ms = 15000,
        .want_timeout_ms = 10000},
    {.name = "dropped by relabeling",
        .address = "h",
        .rules = {{RELABEL_DROP, "job", "node", NULL, NULL}},
        .want_dropped = true},
    {.name = "kept by relabeling",
        .address = "h",
        .rules = {{RELABEL_KEEP, "job", "node", NULL, NULL}},
        .want_url = "http://h/metrics?module=m",
        .want_labels = "instance=\"h\",job=\"node\"",
        .want_interval_ms = 15000,
        .want_timeout_ms = 10000},
    {.name = "through a Unix socket without an address",
        .address = "h",
        .group = {"__unix_socket__", "/run/x.sock"},
        .rules = {{RELABEL_REPLACE, "job", "(.*)", "__address__", ""}},
        .want_url = "http://localhost/metrics?module=m",
        .want_labels = "instance=\"localhost\",job=\"node\"",
        .want_interval_ms = 15000,
        .want_timeout_ms = 10000},
    {.name = "no address",
        .address = "h",
        .rules = {{RELABEL_REPLACE, "job", "(.*)", "__address__", ""}},
        .want_error = "no address"},
    {.name = "a URL is no address",
        .address = "http://bad",
        .want_error = "\"http://bad\" is not a valid hostname"},
    {.name = "interval does not parse",
        .address = "h",
        .group = {"__scrape_interval__", "soon"},
        .want_error = "error parsing scrape interval: not a valid duration string: \"soon\""},
    {.name = "interval of nothing",
        .address = "h",
        .group = {"__scrape_interval__", "0"},
        .want_error = "scrape interval cannot be 0"},
    {.name = "timeout does not parse",
        .address = "h",
        .group = {"__scrape_timeout__", "x"},
        .want_error = "error parsing scrape timeout: not a valid duration string: \"x\""},
    {.name = "timeout of nothing",
        .address = "h",
        .group = {"__scrape_timeout__", "0s"},
        .want_error = "scrape timeout cannot be 0"},
    {.name = "timeout over interval",
        .address = "h",
        .group = {"__scrape_timeout__", "16s"},
        .want_error = "scrape timeout cannot be greater than scrape interval (\"16s\" > \"15s\")"},
    {.name = "no boolean",
        .address = "h",
        .group = {"__scrape_native_histograms__", "maybe"},
        .want_error =
            "label __scrape_native_histograms__ is \"maybe\", which is neither true nor false"},
    {.name = "what is not there yet",
        .address = "h",
        .group = {"__scrape_native_histograms__", "true"},
        .want_error = "label __scrape_native_histograms__ is true: native histograms are not "
                      "supported yet"},
    {.name = "not UTF-8",
        .address = "h",
        .group = {"dc", "a\xff"},
        .want_error = "invalid label value for \"dc\""},
};

static const char *module_values[] = {"m"};
static struct job_param module_param = {"module", module_values, 1};

/* A configuration with one job, its rules compiled from r. */
static struct scrape_config *
make_config(const struct rule *r, size_t n)
{
        struct scrape_config *c = NULL;
        struct err e = ERR_INIT;

        testing_ok(scrape_config_new(&c, &e), &e);
        c->jobs = arena_calloc(&c->arena, 1, sizeof(*c->jobs));
        assert_non_null(c->jobs);
        c->n_jobs = 1;
        c->jobs[0].name = "node";
        c->jobs[0].interval_ms = 15000;
        c->jobs[0].timeout_ms = 10000;
        c->jobs[0].metrics_path = "/metrics";
        c->jobs[0].scheme = "http";
        c->jobs[0].params = &module_param;
        c->jobs[0].n_params = 1;
        for (size_t i = 0; i < n && r[i].regex != NULL; i++) {
                struct view source = view_of(r[i].source != NULL ? r[i].source : "");
                struct relabel_options o;
                struct relabel_rule *rule = NULL;

                relabel_options_init(&o);
                o.action = r[i].action;
                o.source_labels = &source;
                o.n_source_labels = r[i].source != NULL ? 1 : 0;
                o.regex = view_of(r[i].regex);
                o.regex_written = true;
                if (r[i].target != NULL)
                        o.target_label = view_of(r[i].target);
                if (r[i].replacement != NULL)
                        o.replacement = view_of(r[i].replacement);
                testing_ok(relabel_compile(&o, &rule, &e), &e);
                testing_ok(relabel_rules_take(&c->jobs[0].relabel, &rule, &e), &e);
        }
        return c;
}

static size_t
group_of(const char *const *pairs, struct label *out)
{
        size_t n = 0;

        for (; n < MAX_LABELS / 2 && pairs[2 * n] != NULL; n++)
                out[n] = (struct label){view_of(pairs[2 * n]), view_of(pairs[2 * n + 1])};
        return n;
}

static void
check_labels(const struct label *v, size_t n, const char *want)
{
        struct buf text = BUF_INIT(1 << 16);

        for (size_t i = 0; i < n; i++)
                testing_ok(buf_printf(&text, NULL, "%s%.*s=\"%.*s\"", i > 0 ? "," : "",
                               (int)v[i].name.n, v[i].name.p, (int)v[i].value.n, v[i].value.p),
                    NULL);
        testing_ok(buf_putc(&text, '\0', NULL), NULL);
        assert_string_equal(text.ptr, want);
        buf_release(&text);
}

static void
builds(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct build_case *c = &cases[i];
                struct scrape_config *config = make_config(c->rules, 3);
                struct label group[MAX_LABELS / 2];
                struct target_input in = {.config = config,
                    .job = &config->jobs[0],
                    .address = c->address,
                    .group_labels = group,
                    .n_group_labels = group_of(c->group, group)};
                enum target_verdict verdict = TARGET_ACTIVE;
                struct arena arena = ARENA_INIT(1 << 20);
                struct labels discovered;
                struct target *t = NULL;
                struct err e = ERR_INIT;
                int rc = target_build(&in, &t, &verdict, &e);

                print_message("  %s\n", c->name);
                if (c->want_error != NULL) {
                        assert_int_equal(rc, ERR_CONFIG);
                        assert_string_equal(e.msg, c->want_error);
                        assert_null(t);
                        scrape_config_unref(config);
                        continue;
                }
                testing_ok(rc, &e);
                assert_int_equal(verdict, c->want_dropped ? TARGET_DROPPED : TARGET_ACTIVE);
                labels_init(&discovered, &arena);
                testing_ok(target_discovered(t, &discovered, &e), &e);
                assert_true(discovered.n >= 9);
                arena_release(&arena);
                if (!c->want_dropped) {
                        assert_string_equal(t->url, c->want_url);
                        check_labels(t->labels, t->n_labels, c->want_labels);
                        assert_int_equal(t->interval_ms, c->want_interval_ms);
                        assert_int_equal(t->timeout_ms, c->want_timeout_ms);
                        assert_in_range(t->offset_ms, 0, t->interval_ms - 1);
                } else {
                        assert_int_equal(t->n_labels, 0);
                }
                scrape_config_unref(config); /* the target holds its own reference */
                assert_string_equal(t->job->name, "node");
                target_unref(t);
        }
        assert_int_equal(memory_of(MEMORY_TARGETS), 0);
}

static struct target *
build_one(struct scrape_config *config, const char *address, const char *path, uint64_t seed)
{
        struct label group[] = {{VIEW_LIT("__metrics_path__"), view_of(path)},
            {VIEW_LIT("__meta_x"), VIEW_LIT("y")}, {VIEW_LIT("dc"), VIEW_LIT("a\"b")},
            {VIEW_LIT("instance"), VIEW_LIT("i")}};
        struct target_input in = {.config = config,
            .job = &config->jobs[0],
            .address = address,
            .group_labels = group,
            .n_group_labels = 4,
            .seed = seed};
        enum target_verdict verdict = TARGET_DROPPED;
        struct target *t = NULL;
        struct err e = ERR_INIT;

        testing_ok(target_build(&in, &t, &verdict, &e), &e);
        assert_int_equal(verdict, TARGET_ACTIVE);
        return t;
}

static void
keeps_what_was_discovered(void **state)
{
        struct scrape_config *config = make_config(NULL, 0);
        struct target *t = build_one(config, "h", "/m", 0);
        struct arena arena = ARENA_INIT(1 << 20);
        struct labels discovered;

        (void)state;
        labels_init(&discovered, &arena);
        testing_ok(target_discovered(t, &discovered, NULL), NULL);
        check_labels(discovered.v, discovered.n,
            "__address__=\"h\",__always_scrape_classic_histograms__=\"false\","
            "__convert_classic_histograms_to_nhcb__=\"false\",__meta_x=\"y\","
            "__metrics_path__=\"/m\",__param_module=\"m\",__scheme__=\"http\","
            "__scrape_interval__=\"15s\",__scrape_native_histograms__=\"false\","
            "__scrape_timeout__=\"10s\",dc=\"a\"b\",instance=\"i\",job=\"node\"");
        arena_release(&arena);
        target_unref(t);
        scrape_config_unref(config);
}

static void
identity_is_job_labels_and_url(void **state)
{
        struct scrape_config *config = make_config(NULL, 0);
        struct target *a = build_one(config, "h", "/m", 1);
        struct target *same = build_one(config, "h", "/m", 2);
        struct target *other = build_one(config, "h", "/other", 1);

        (void)state;
        assert_string_equal(a->identity,
            "\"node\" {\"dc\":\"a\\\"b\",\"instance\":\"i\",\"job\":\"node\"} "
            "\"http://h/m?module=m\"");
        assert_string_equal(a->identity, same->identity);
        assert_string_not_equal(a->identity, other->identity);
        assert_true(a->labels_hash == other->labels_hash);
        assert_true(
            view_eq(target_identity_labels(a->identity), target_identity_labels(other->identity)));
        target_unref(a);
        target_unref(same);
        target_unref(other);
        scrape_config_unref(config);
}

static void
labels_of_an_identity(void **state)
{
        static const char *const texts[][2] = {
            {"\"j\" {\"a\":\"b\"} \"http://h/\"", "{\"a\":\"b\"}"},
            {"\"j{\\\"}\" {\"a\":\"}\\\\\"} \"u\"", "{\"a\":\"}\\\\\"}"},
            {"\"j\" {} \"u\"", "{}"},
            {"\"j\" {\"a\"", ""},
            {"\\", ""},
            {"", ""},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                struct view got = target_identity_labels(texts[i][0]);

                if (!view_is(got, texts[i][1]))
                        fail_msg("%s: %.*s", texts[i][0], (int)got.n, got.p);
        }
}

/* A hundred targets fill the interval; the same ones lie elsewhere on another host. */
static void
offsets_are_spread(void **state)
{
        struct scrape_config *config = make_config(NULL, 0);
        uint64_t here = target_seed("here", config);
        uint64_t there = target_seed("there", config);
        unsigned in_tenth[10] = {0};
        unsigned moved = 0;

        (void)state;
        for (int i = 0; i < 100; i++) {
                char path[32];
                struct target *a;
                struct target *b;
                struct target *c;

                (void)snprintf(path, sizeof(path), "/%d", i);
                a = build_one(config, "h", path, here);
                b = build_one(config, "h", path, here);
                c = build_one(config, "h", path, there);
                assert_int_equal(a->offset_ms, b->offset_ms);
                moved += a->offset_ms != c->offset_ms;
                in_tenth[a->offset_ms / 1500]++;
                target_unref(a);
                target_unref(b);
                target_unref(c);
        }
        for (int i = 0; i < 10; i++)
                assert_in_range(in_tenth[i], 1, 30);
        assert_in_range(moved, 90, 100);
        scrape_config_unref(config);
}

static void
external_labels_move_the_seed(void **state)
{
        struct scrape_config *config = make_config(NULL, 0);
        struct label external = {VIEW_LIT("cluster"), VIEW_LIT("a")};
        uint64_t before = target_seed("host", config);

        (void)state;
        config->external_labels = &external;
        config->n_external_labels = 1;
        assert_true(before != target_seed("host", config));
        scrape_config_unref(config);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(builds),
            cmocka_unit_test(keeps_what_was_discovered),
            cmocka_unit_test(identity_is_job_labels_and_url),
            cmocka_unit_test(labels_of_an_identity),
            cmocka_unit_test(offsets_are_spread),
            cmocka_unit_test(external_labels_move_the_seed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
