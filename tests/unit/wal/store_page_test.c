#include "wal/store_page.h"

#include "tests/testing/testing.h"

#include <string.h>

enum { PAGE = 4096 };

static void
put_half(uint8_t *page, size_t at, unsigned n)
{
        const uint16_t half = (uint16_t)n;

        memcpy(page + at, &half, sizeof(half));
}

/* Page 9 with one node at 4000: key "key", value of 10 bytes. */
static void
make_page(uint8_t *page, unsigned kind)
{
        const size_t number = 9;

        memset(page, 0, PAGE);
        memcpy(page, &number, sizeof(number));
        put_half(page, sizeof(size_t) + 2, kind);
        put_half(page, sizeof(size_t) + 4, PAGE_HEAD_BYTES + 2);
        put_half(page, sizeof(size_t) + 6, 4000);
        put_half(page, PAGE_HEAD_BYTES, 4000);
        put_half(page, 4000, 10);
        put_half(page, 4006, 3);
        memcpy(page + 4008, "key", 3);
}

static void
test_nodes(void **state)
{
        static const struct {
                const char *name;
                size_t at;
                unsigned half;
                int want;
        } cases[] = {
            {"as it is", 4, 0, 0},
            {"another number", 0, 8, ERR_CORRUPT},
            {"a branch", sizeof(size_t) + 2, PAGE_BRANCH, ERR_CORRUPT},
            {"marked besides", sizeof(size_t) + 2, PAGE_LEAF | 0x10, ERR_CORRUPT},
            {"no nodes", sizeof(size_t) + 4, PAGE_HEAD_BYTES, ERR_CORRUPT},
            {"half a node", sizeof(size_t) + 4, PAGE_HEAD_BYTES + 1, ERR_CORRUPT},
            {"list behind the nodes", sizeof(size_t) + 4, 4002, ERR_CORRUPT},
            {"nodes behind the page", sizeof(size_t) + 6, PAGE + 2, ERR_CORRUPT},
            {"a node before the nodes", PAGE_HEAD_BYTES, 3998, ERR_CORRUPT},
            {"a node at an odd place", PAGE_HEAD_BYTES, 4001, ERR_CORRUPT},
            {"a node at the page's end", PAGE_HEAD_BYTES, PAGE - 6, ERR_CORRUPT},
            {"a key to the page's end", 4006, PAGE - 4008, 0},
            {"a key beyond the page's end", 4006, PAGE - 4007, ERR_CORRUPT},
        };
        uint8_t page[PAGE];

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct page_nodes nodes = {NULL, 0};
                struct err e = ERR_INIT;

                print_message("%s\n", cases[i].name);
                make_page(page, PAGE_LEAF);
                put_half(page, cases[i].at, cases[i].half);
                assert_int_equal(
                    page_nodes_read(page, PAGE, 9, PAGE_LEAF, &nodes, &e), cases[i].want);
                assert_int_equal(nodes.n, cases[i].want == 0);
        }
}

static void
test_items(void **state)
{
        static const struct {
                const char *name;
                unsigned flags;
                unsigned size;
                bool want;
                size_t pages;
        } cases[] = {
            {"in its page", 0, 10, true, 0},
            {"to the page's end", 0, PAGE - 4011, true, 0},
            {"beyond the page's end", 0, PAGE - 4010, false, 0},
            {"on a page of its own", 1, PAGE - PAGE_HEAD_BYTES, true, 1},
            {"on two pages of its own", 1, PAGE - PAGE_HEAD_BYTES + 1, true, 2},
            {"a table within", 2, 10, false, 0},
        };
        uint8_t page[PAGE];

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const size_t first = 77;
                struct page_nodes nodes;
                struct page_item item;
                struct err e = ERR_INIT;

                print_message("%s\n", cases[i].name);
                make_page(page, PAGE_LEAF);
                put_half(page, 4000, cases[i].size);
                put_half(page, 4004, cases[i].flags);
                memcpy(page + 4011, &first, sizeof(first));
                testing_ok(page_nodes_read(page, PAGE, 9, PAGE_LEAF, &nodes, &e), &e);
                assert_int_equal(page_item(&nodes, 0, PAGE, &item), cases[i].want);
                if (!cases[i].want)
                        continue;
                assert_true(view_is(item.key, "key"));
                assert_int_equal(item.size, cases[i].size);
                assert_int_equal(item.n_pages, cases[i].pages);
                assert_int_equal(item.value.p == NULL, cases[i].pages > 0);
                assert_int_equal(item.first_page, cases[i].pages > 0 ? first : 0);
        }
}

static void
test_children(void **state)
{
        struct page_nodes nodes;
        struct err e = ERR_INIT;
        uint8_t page[PAGE];

        (void)state;
        make_page(page, PAGE_BRANCH);
        put_half(page, 4000, 2);
        put_half(page, 4002, 1);
        testing_ok(page_nodes_read(page, PAGE, 9, PAGE_BRANCH, &nodes, &e), &e);
        assert_int_equal(page_child(&nodes, 0), 0x10002);
}

static void
test_runs(void **state)
{
        uint8_t head[PAGE_HEAD_BYTES];
        const uint32_t pages = 3;

        (void)state;
        memset(head, 0, sizeof(head));
        head[0] = 12;
        put_half(head, sizeof(size_t) + 2, PAGE_RUN);
        memcpy(head + sizeof(size_t) + 4, &pages, sizeof(pages));
        assert_true(page_run_fits(head, 12, 3));
        assert_false(page_run_fits(head, 13, 3));
        assert_false(page_run_fits(head, 12, 2));
        head[sizeof(size_t) + 2] = PAGE_LEAF;
        assert_false(page_run_fits(head, 12, 3));
        assert_int_equal(page_run_of(1, PAGE), 1);
        assert_int_equal(page_run_of(PAGE - PAGE_HEAD_BYTES, PAGE), 1);
        assert_int_equal(page_run_of(PAGE, PAGE), 2);
}

static void
test_metas(void **state)
{
        static const uint8_t little[] = {0xDE, 0xC0, 0xEF, 0xBE};
        static const uint8_t big[] = {0xBE, 0xEF, 0xC0, 0xDE};
        const uint32_t words[] = {0xBEEFC0DE, 1};
        struct page_meta meta;
        uint8_t page[PAGE];

        (void)state;
        memset(page, 0, sizeof(page));
        put_half(page, sizeof(size_t) + 2, PAGE_META);
        memcpy(page + PAGE_HEAD_BYTES, words, sizeof(words));
        assert_true(page_meta_read(page, PAGE, &meta));
        assert_false(page_meta_is_foreign(page));
        page[PAGE_HEAD_BYTES + 4] = 2;
        assert_false(page_meta_read(page, PAGE, &meta));
        memset(page, 0, sizeof(page));
        assert_false(page_meta_read(page, PAGE, &meta));
        assert_false(page_meta_is_foreign(page));
        for (size_t at = 12; at <= 16; at += 4) {
                for (int k = 0; k < 2; k++) {
                        bool mine = at == PAGE_HEAD_BYTES &&
                            memcmp(words, k == 0 ? little : big, sizeof(little)) == 0;

                        memset(page, 0, sizeof(page));
                        memcpy(page + at, k == 0 ? little : big, sizeof(little));
                        assert_int_equal(page_meta_is_foreign(page), !mine);
                }
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_nodes),
            cmocka_unit_test(test_items),
            cmocka_unit_test(test_children),
            cmocka_unit_test(test_runs),
            cmocka_unit_test(test_metas),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
