#include "base/http_memory.h"

#include "base/memory.h"
#include "tests/testing/testing.h"

#include <openssl/crypto.h>

enum { SIZE = 100000 };

static void
what_curl_holds_is_counted(void **state)
{
        int64_t before = memory_of(MEMORY_CURL);
        CURL *easy = curl_easy_init();

        (void)state;
        assert_non_null(easy);
        assert_true(memory_of(MEMORY_CURL) > before + 1000);
        assert_int_equal(curl_easy_setopt(easy, CURLOPT_URL, "http://127.0.0.1/"), CURLE_OK);
        curl_easy_cleanup(easy);
        assert_int_equal(memory_of(MEMORY_CURL), before);
}

static void
what_openssl_holds_is_counted(void **state)
{
        int64_t before = memory_of(MEMORY_TLS);
        void *p = OPENSSL_malloc(SIZE);

        (void)state;
        assert_non_null(p);
        assert_in_range(memory_of(MEMORY_TLS) - before, SIZE, 2 * SIZE);
        p = OPENSSL_realloc(p, 4 * (size_t)SIZE);
        assert_non_null(p);
        assert_in_range(memory_of(MEMORY_TLS) - before, 4 * SIZE, 5 * SIZE);
        assert_null(OPENSSL_realloc(p, 0));
        assert_int_equal(memory_of(MEMORY_TLS), before);
        OPENSSL_free(NULL);
        assert_null(OPENSSL_malloc(0));
        assert_int_equal(memory_of(MEMORY_TLS), before);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_curl_holds_is_counted),
            cmocka_unit_test(what_openssl_holds_is_counted),
        };
        int failed;

        if (http_memory_init() != CURLE_OK)
                return 1;
        failed = cmocka_run_group_tests(tests, NULL, NULL);
        curl_global_cleanup();
        return failed;
}
