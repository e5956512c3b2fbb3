#include "base/labels.h"

#include "base/arena.h"

#include "tests/testing/testing.h"

#include <stdio.h>
#include <string.h>

struct fixture {
        struct arena arena;
        struct labels l;
};

static void
begin(struct fixture *f)
{
        f->arena = (struct arena)ARENA_INIT(1 << 20);
        labels_init(&f->l, &f->arena);
}

static void
set(struct fixture *f, const char *name, const char *value)
{
        struct err e = ERR_INIT;

        testing_ok(labels_set(&f->l, view_of(name), view_of(value), &e), &e);
}

static void
add(struct fixture *f, const char *name, const char *value)
{
        struct err e = ERR_INIT;

        testing_ok(labels_add(&f->l, view_of(name), view_of(value), &e), &e);
}

/* "a=1 b=2" in the set's order */
static void
assert_set(const struct fixture *f, const char *want)
{
        char text[512];
        size_t n = 0;

        text[0] = '\0';
        for (size_t i = 0; i < f->l.n; i++) {
                const struct label *x = &f->l.v[i];

                n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s=%.*s", i > 0 ? " " : "",
                    (int)x->name.n, x->name.p, (int)x->value.n, x->value.p);
        }
        assert_string_equal(text, want);
}

static void
set_replaces_and_deletes(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f);
        set(&f, "b", "1");
        set(&f, "a", "2");
        set(&f, "b", "3");
        assert_set(&f, "b=3 a=2");
        assert_true(view_is(labels_get(&f.l, VIEW_LIT("b")), "3"));
        set(&f, "b", "");
        set(&f, "never", "");
        assert_set(&f, "a=2");
        assert_false(labels_has(&f.l, VIEW_LIT("b")));
        assert_int_equal(labels_get(&f.l, VIEW_LIT("b")).n, 0);
        labels_del(&f.l, VIEW_LIT("a"));
        labels_del(&f.l, VIEW_LIT("a"));
        assert_int_equal(f.l.n, 0);
        add(&f, "twice", "1");
        add(&f, "x", "2");
        add(&f, "twice", "3");
        labels_freeze(&f.l);
        set(&f, "twice", "4");
        assert_set(&f, "twice=3 x=2 twice=4");
        arena_release(&f.arena);
}

static void
frozen_labels_move_behind_when_set(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f);
        set(&f, "c", "3");
        set(&f, "a", "1");
        set(&f, "b", "2");
        labels_freeze(&f.l);
        assert_set(&f, "a=1 b=2 c=3");
        assert_int_equal(f.l.frozen, 3);
        set(&f, "z", "9");
        set(&f, "a", "4"); /* a base label: to the end */
        assert_set(&f, "b=2 c=3 z=9 a=4");
        assert_int_equal(f.l.frozen, 2);
        set(&f, "z", "8"); /* an added one: in place */
        assert_set(&f, "b=2 c=3 z=8 a=4");
        labels_del(&f.l, VIEW_LIT("b"));
        assert_int_equal(f.l.frozen, 1);
        set(&f, "b", "7"); /* deleted and set again: at the end */
        assert_set(&f, "c=3 z=8 a=4 b=7");
        labels_sort(&f.l);
        assert_set(&f, "a=4 b=7 c=3 z=8");
        assert_int_equal(f.l.frozen, 0);
        arena_release(&f.arena);
}

static void
many_labels_are_sorted_and_duplicates_found(void **state)
{
        struct fixture f;
        char names[100][8];

        (void)state;
        begin(&f);
        for (size_t i = 0; i < 100; i++) {
                (void)snprintf(names[i], sizeof(names[i]), "n%02zu", i * 37 % 100);
                add(&f, names[i], "v");
        }
        labels_sort(&f.l);
        for (size_t i = 1; i < f.l.n; i++)
                assert_true(view_cmp(f.l.v[i - 1].name, f.l.v[i].name) < 0);
        assert_int_equal(labels_duplicate(&f.l).n, 0);
        add(&f, "n42", "w");
        labels_sort(&f.l);
        assert_true(view_is(labels_duplicate(&f.l), "n42"));
        arena_release(&f.arena);
}

static void
a_set_has_an_upper_bound(void **state)
{
        struct fixture f;
        struct err e = ERR_INIT;
        int rc = 0;
        size_t n = 0;

        (void)state;
        begin(&f);
        f.arena.max = (size_t)64 << 20;
        while (rc == 0 && n++ < 1000000)
                rc = labels_add(&f.l, VIEW_LIT("a"), VIEW_LIT("b"), &e);
        assert_int_equal(rc, ERR_LIMIT);
        arena_release(&f.arena);
        begin(&f);
        f.arena.max = 16;
        assert_int_equal(labels_add(&f.l, VIEW_LIT("a"), VIEW_LIT("b"), &e), ERR_NOMEM);
        assert_int_equal(f.l.n, 0);
        arena_release(&f.arena);
}

static uint64_t
hash_of(const char *const *pairs, size_t n)
{
        struct fixture f;
        uint64_t h;

        begin(&f);
        for (size_t i = 0; i < n; i += 2)
                add(&f, pairs[i], pairs[i + 1]);
        h = labels_hash(&f.l);
        arena_release(&f.arena);
        return h;
}

static void
hash_tells_sets_apart_and_is_fixed(void **state)
{
        static char huge[3000];
        const char *const sets[][4] = {
            {"a", "bc", "d", "e"},
            {"ab", "c", "d", "e"},
            {"a", "b", "cd", "e"},
            {"a", "bc", "de", ""},
            {"", "abc", "d", "e"},
            {"a", huge, "b", "c"},
            {"a", huge + 1, "b", "c"},
        };
        size_t n = sizeof(sets) / sizeof(sets[0]);

        (void)state;
        memset(huge, 'x', sizeof(huge) - 1);
        for (size_t i = 0; i < n; i++) {
                for (size_t j = 0; j < i; j++)
                        assert_int_not_equal(hash_of(sets[i], 4), hash_of(sets[j], 4));
        }
        assert_int_not_equal(hash_of(sets[0], 2), hash_of(sets[0], 4));
        /* kept on disk: these numbers must never change */
        assert_true(hash_of(sets[0], 0) == UINT64_C(0x2d06800538d394c2));
        assert_true(hash_of(sets[0], 4) == UINT64_C(0x21cf7e10cdb81335));
        assert_true(hash_of(sets[5], 4) == UINT64_C(0x327a8a37be9d43b9));
}

struct name_case {
        const char *name;
        size_t n;
        bool metric_legacy;
        bool label_legacy;
        bool utf8;
};

static void
names_are_checked_by_scheme(void **state)
{
        static const struct name_case cases[] = {
            {"", 0, false, false, false},
            {"up", 2, true, true, true},
            {"_x9", 3, true, true, true},
            {"9x", 2, false, false, true},
            {"a:b", 3, true, false, true},
            {":", 1, true, false, true},
            {"a-b", 3, false, false, true},
            {"a b", 3, false, false, true},
            {"\xc3\xa9", 2, false, false, true},
            {"\xff", 1, false, false, false},
            {"a\0b", 3, false, false, true},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct name_case *c = &cases[i];
                struct view v = {c->name, c->n};

                if (name_metric_valid(v, NAME_LEGACY) != c->metric_legacy ||
                    name_label_valid(v, NAME_LEGACY) != c->label_legacy ||
                    name_metric_valid(v, NAME_UTF8) != c->utf8 ||
                    name_label_valid(v, NAME_UTF8) != c->utf8)
                        fail_msg("name case %zu (%s)", i, c->name);
        }
}

static void
utf8_is_checked_strictly_at_every_place(void **state)
{
        char text[75];

        (void)state;
        assert_true(utf8_valid(VIEW_LIT("")));
        assert_true(utf8_valid(VIEW_LIT("gr\xc3\xbc\xc3\x9f"
                                        "e, \xe4\xb8\x96\xe7\x95\x8c")));
        for (size_t i = 0; i < sizeof(text); i++) {
                memset(text, 'a', sizeof(text));
                for (size_t n = i; n <= sizeof(text); n++)
                        assert_true(utf8_valid((struct view){text, n}));
                text[i] = '\xe9';
                for (size_t n = i + 1; n <= sizeof(text); n++)
                        assert_false(utf8_valid((struct view){text, n}));
                assert_true(utf8_valid((struct view){text, i}));
        }
        assert_false(utf8_valid(VIEW_LIT("\xed\xb0\x80")));
        assert_false(utf8_valid(VIEW_LIT("abcdefg\xc3")));
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(set_replaces_and_deletes),
            cmocka_unit_test(frozen_labels_move_behind_when_set),
            cmocka_unit_test(many_labels_are_sorted_and_duplicates_found),
            cmocka_unit_test(a_set_has_an_upper_bound),
            cmocka_unit_test(hash_tells_sets_apart_and_is_fixed),
            cmocka_unit_test(names_are_checked_by_scheme),
            cmocka_unit_test(utf8_is_checked_strictly_at_every_place),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
