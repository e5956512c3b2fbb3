#include "agent/global_url.h"

#include "base/buf.h"
#include "tests/testing/testing.h"

#include <string.h>

static void
test_global_urls(void **state)
{
        static const struct global_url_self named = {"https", "edge.example:8443", "9095"};
        static const struct global_url_self bare = {"http", "[fe80::1]", "9095"};
        static const struct {
                const struct global_url_self *self;
                const char *url;
                const char *want;
        } rows[] = {
            {&named, "http://10.0.0.1:9100/metrics", "http://10.0.0.1:9100/metrics"},
            {&named, "http://127.0.0.1:9100/metrics?a=b", "http://edge.example:9100/metrics?a=b"},
            {&named, "http://localhost:9100/m", "http://edge.example:9100/m"},
            {&named, "http://[::1]:9100/m", "http://edge.example:9100/m"},
            {&named, "http://localhost:9095/metrics", "https://edge.example:8443/metrics"},
            {&named, "http://localhost/m", "http://edge.example/m"},
            {&named, "http://localhost.x:1/m", "http://localhost.x:1/m"},
            {&named, "http://[::2]/m", "http://[::2]/m"},
            {&named, "http://localhost:1", "http://edge.example:1"},
            {&bare, "http://127.0.0.1:1/m", "http://[fe80::1]:1/m"},
            {&named, "nonsense", "nonsense"},
            {&named, "", ""},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct buf out = BUF_INIT(1024);

                testing_ok(global_url_put(rows[i].url, rows[i].self, &out, NULL), NULL);
                testing_ok(buf_putc(&out, '\0', NULL), NULL);
                assert_string_equal(out.ptr, rows[i].want);
                buf_release(&out);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_global_urls)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
