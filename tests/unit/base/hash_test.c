#include "base/hash.h"

#include "tests/testing/testing.h"

/* Kept on disk: these numbers must never change. (XXH3, 64 bit; the test vectors of its format.) */
static void
stable_hashes_are_the_same_everywhere(void **state)
{
        (void)state;
        assert_true(hash_stable("", 0, 0) == UINT64_C(0x2d06800538d394c2));
        assert_true(hash_stable("abc", 3, 0) == UINT64_C(0x78af5f94892f3950));
        assert_true(hash_stable("abc", 3, 0) != hash_stable("abc", 3, 1));
        assert_int_equal(hash_checksum("abc", 3), 0x892f3950);
}

static void
md5_gives_what_hashmod_takes(void **state)
{
        static const struct {
                const char *text;
                uint64_t modulus;
                uint64_t want;
        } cases[] = {
            {"baz", 1000, 976},
            {"foo\nbar", 1000, 734},
            {"", 1000000007, 493334464},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                uint64_t n = 0;

                testing_ok(hash_md5_mod_source(view_of(cases[i].text), &n, NULL), NULL);
                assert_int_equal(n % cases[i].modulus, cases[i].want);
        }
}

/* Last: the secret stays. */
static void
seeded_hashes_follow_the_secret(void **state)
{
        uint64_t before = hash_seeded("abc", 3);
        uint64_t first;

        (void)state;
        testing_ok(hash_setup(NULL), NULL);
        first = hash_seeded("abc", 3);
        assert_true(first != before);
        assert_true(first == hash_seeded("abc", 3));
        assert_true(first != hash_seeded("abd", 3));
        testing_ok(hash_setup(NULL), NULL);
        assert_true(first != hash_seeded("abc", 3));
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(stable_hashes_are_the_same_everywhere),
            cmocka_unit_test(md5_gives_what_hashmod_takes),
            cmocka_unit_test(seeded_hashes_follow_the_secret),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
