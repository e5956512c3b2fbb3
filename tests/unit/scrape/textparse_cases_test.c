/*
 * The cases of textparse_cases.json and openmetrics_cases.json, and the pages of exposition/, in
 * both formats.
 */
#include "tests/unit/scrape/textparse_result.h"

#include <openssl/evp.h>

/* ---- the cases ---- */

static struct view
json_view(const json_t *s)
{
        return (struct view){json_string_value(s), json_string_length(s)};
}

static void
read_input(json_t *c, struct buf *out)
{
        json_t *coded = json_object_get(c, "input_base64");
        struct view v = json_view(coded != NULL ? coded : json_object_get(c, "input"));
        int n;

        testing_ok(buf_reserve(out, v.n + 4, NULL), NULL);
        if (coded == NULL) {
                testing_ok(buf_append(out, v.p, v.n, NULL), NULL);
                return;
        }
        n = EVP_DecodeBlock((unsigned char *)out->ptr, (const unsigned char *)v.p, (int)v.n);
        assert_true(n > 0);
        out->len = (size_t)n - (v.p[v.n - 1] == '=') - (v.p[v.n - 2] == '=');
}

static void
want_samples(json_t *entries, struct result *want)
{
        json_t *entry;
        size_t i;

        json_array_foreach(entries, i, entry)
        {
                json_t *ts = json_object_get(entry, "timestamp_ms");
                const char *name;
                json_t *value;
                struct labels l;

                if (strcmp(json_string_value(json_object_get(entry, "kind")), "series") != 0)
                        continue;
                labels_init(&l, &want->arena);
                json_object_foreach(json_object_get(entry, "labels"), name, value)
                {
                        testing_ok(labels_add(&l, view_of(name), json_view(value), NULL), NULL);
                }
                labels_sort(&l);
                testing_ok(put_labels(&want->samples, l.v, l.n, NULL), NULL);
                testing_ok(
                    put_numbers(&want->samples,
                        strtoull(json_string_value(json_object_get(entry, "value_bits")), NULL, 16),
                        json_is_integer(ts), json_integer_value(ts), NULL),
                    NULL);
                want->count++;
        }
}

static enum text_format
format_of(const json_t *c)
{
        const char *type = json_string_value(json_object_get(c, "content_type"));

        return strncmp(type, "text/plain", 10) == 0 ? TEXT_PROMETHEUS : TEXT_OPENMETRICS;
}

static void
run_case(json_t *c, struct testing_random *random)
{
        json_t *expect = json_object_get(c, "expect");
        const char *stage = json_string_value(json_object_get(expect, "stage"));
        bool fails = json_is_true(json_object_get(expect, "error"));
        struct buf input = BUF_INIT(PAGE_MAX);
        struct result got;
        struct result want;
        int rc;

        print_message("%s\n", json_string_value(json_object_get(c, "id")));
        result_init(&got, 0);
        result_set_format(&got, format_of(c));
        result_init(&want, 0);
        read_input(c, &input);
        rc = parse_every_way(&got, buf_view(&input), random);
        if (fails && strcmp(stage, "parse") == 0) {
                assert_int_equal(rc, ERR_PARSE);
        } else if (fails) {
                testing_ok(rc, NULL);
                assert_true(got.checks_failed);
        } else {
                testing_ok(rc, NULL);
                assert_false(got.checks_failed);
                want_samples(json_object_get(expect, "entries"), &want);
                assert_true(same(&got, &want));
        }
        result_release(&got);
        result_release(&want);
        buf_release(&input);
}

static void
test_cases(void **state)
{
        json_t *file = testing_json("textparse_cases.json");
        struct testing_random random = seeded();
        size_t run = 0;
        json_t *c;
        size_t i;

        (void)state;
        json_array_foreach(json_object_get(file, "cases"), i, c)
        {
                if (json_object_get(c, "kind") != NULL)
                        continue;
                run_case(c, &random);
                run++;
        }
        assert_true(run >= 135);
        json_decref(file);
}

/* ---- whole pages ---- */

static void
digest(struct view v, char out[65])
{
        unsigned char sum[32];

        assert_int_equal(EVP_Digest(v.p != NULL ? v.p : "", v.n, sum, NULL, EVP_sha256(), NULL), 1);
        for (size_t i = 0; i < sizeof(sum); i++)
                (void)snprintf(out + 2 * i, 3, "%02x", sum[i]);
}

static void
run_page(json_t *f, struct testing_random *random)
{
        json_t *expect = json_object_get(f, "expect");
        struct buf page = BUF_INIT(PAGE_MAX);
        struct result got;
        char name[256];
        char sum[65];
        int rc;

        (void)snprintf(
            name, sizeof(name), "exposition/%s", json_string_value(json_object_get(f, "file")));
        print_message("%s\n", name);
        testing_read(name, &page);
        result_init(&got, 0);
        result_set_format(&got, format_of(f));
        rc = parse_every_way(&got, buf_view(&page), random);
        if (json_is_true(json_object_get(expect, "parses"))) {
                testing_ok(rc, NULL);
                assert_int_equal(got.count, json_integer_value(json_object_get(expect, "samples")));
                digest(buf_view(&got.samples), sum);
                assert_string_equal(
                    sum, json_string_value(json_object_get(expect, "samples_sha256")));
                assert_int_equal(
                    !got.checks_failed, json_is_true(json_object_get(expect, "scrape_ok")));
        } else {
                assert_int_equal(rc, ERR_PARSE);
        }
        result_release(&got);
        buf_release(&page);
}

static void
test_pages(void **state)
{
        json_t *file = testing_json("exposition/manifest.json");
        struct testing_random random = seeded();
        size_t run = 0;
        json_t *f;
        size_t i;

        (void)state;
        json_array_foreach(json_object_get(file, "files"), i, f)
        {
                const char *type = json_string_value(json_object_get(f, "content_type"));

                if (strstr(type, "protobuf") != NULL)
                        continue;
                run_page(f, &random);
                run++;
        }
        assert_true(run >= 79);
        json_decref(file);
}

/* ---- the OpenMetrics project's own ---- */

static void
run_openmetrics(json_t *c, struct testing_random *random)
{
        struct buf input = BUF_INIT(PAGE_MAX);
        struct result got;
        char sum[65];
        int rc;

        print_message("%s\n", json_string_value(json_object_get(c, "id")));
        result_init(&got, 0);
        result_set_format(&got, TEXT_OPENMETRICS);
        read_input(c, &input);
        rc = parse_every_way(&got, buf_view(&input), random);
        assert_int_equal(rc, json_is_true(json_object_get(c, "parses")) ? 0 : ERR_PARSE);
        if (rc == 0) {
                digest(buf_view(&got.samples), sum);
                assert_string_equal(sum, json_string_value(json_object_get(c, "samples_sha256")));
                assert_int_equal(textparse_exemplars(got.parser),
                    json_integer_value(json_object_get(c, "exemplars")));
                assert_int_equal(!got.checks_failed, json_is_true(json_object_get(c, "scrape_ok")));
        }
        result_release(&got);
        buf_release(&input);
}

static void
test_openmetrics(void **state)
{
        json_t *file = testing_json("openmetrics_cases.json");
        struct testing_random random = seeded();
        json_t *c;
        size_t i;

        (void)state;
        json_array_foreach(json_object_get(file, "cases"), i, c)
        {
                run_openmetrics(c, &random);
        }
        assert_true(i >= 148);
        json_decref(file);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_cases),
            cmocka_unit_test(test_pages),
            cmocka_unit_test(test_openmetrics),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
