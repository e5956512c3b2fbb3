#include "remotewrite/part.h"

#include "base/compress.h"
#include "base/memory.h"
#include "remotewrite/decode.h"
#include "remotewrite/encode.h"
#include "tests/testing/testing.h"

#include <stdio.h>
#include <string.h>

enum { SERIES = 3000, SAMPLES = 2 };

static enum write_message message; /* that every test packs: all of them run for both */

/* Series i: {__name__="m", i="<i>", noise…} with samples at i*10 and i*10+5. */
static void
encode(unsigned i, size_t noise, struct buf *out)
{
        static struct testing_random r = {3};
        char number[16];
        static char text[100000];
        struct label labels[3] = {{VIEW_LIT("__name__"), VIEW_LIT("m")}, {VIEW_LIT("i"), {0}},
            {VIEW_LIT("noise"), {text, noise}}};
        const struct encode_sample samples[SAMPLES] = {
            {(int64_t)i * 10 + 1, i}, {(int64_t)i * 10 + 6, i + 1}};
        struct buf encoded = BUF_INIT(1 << 20);

        (void)snprintf(number, sizeof(number), "%u", i);
        labels[1].value = view_of(number);
        for (size_t n = 0; n < noise; n++)
                text[n] = (char)('!' + testing_random_below(&r, 90));
        testing_ok(encode_labels(labels, 3, &encoded, NULL), NULL);
        testing_ok(encode_series(buf_view(&encoded), samples, SAMPLES, out, NULL), NULL);
        buf_release(&encoded);
}

static void
pack(struct packer *p, unsigned n, size_t noise, uint64_t max_bytes, struct part **out)
{
        struct buf bytes = BUF_INIT(1 << 20);
        struct err e = ERR_INIT;

        packer_begin(p, &(struct packer_bounds){max_bytes, message});
        for (unsigned i = 0; i < n; i++) {
                buf_reset(&bytes);
                encode(i, noise, &bytes);
                testing_ok(packer_add(p,
                               &(struct packer_series){buf_view(&bytes), SAMPLES,
                                   (int64_t)i * 10 + 1, (int64_t)i * 10 + 6},
                               &e),
                    &e);
        }
        buf_release(&bytes);
        testing_ok(packer_finish(p, out, &e), &e);
}

struct seen {
        unsigned next; /* series that must come next */
        uint64_t samples;
        unsigned series;
};

static int
check_series(void *arg, const struct decode_series *s, struct err *e)
{
        struct seen *seen = arg;
        char number[16];

        (void)e;
        (void)snprintf(number, sizeof(number), "%u", seen->next++);
        assert_true(view_is(s->labels[1].value, number));
        seen->samples += s->n_samples;
        seen->series++;
        return 0;
}

/* Decodes all parts of a list: whole series, in order, counted right. Returns how many parts. */
static unsigned
check(const struct part *list, unsigned n_series)
{
        struct seen seen = {0};
        unsigned parts = 0;

        for (; list != NULL; list = list->next) {
                struct seen part = {.next = seen.next};
                struct err e = ERR_INIT;

                testing_ok(decode_request(list->body, list->message, check_series, &part, &e), &e);
                assert_int_equal(part.series, list->series);
                assert_int_equal(part.samples, list->samples);
                assert_true(list->oldest_ms <= (int64_t)seen.next * 10 + 1);
                assert_true(list->newest_ms >= (int64_t)(part.next - 1) * 10 + 6);
                seen.next = part.next;
                parts++;
        }
        assert_int_equal(seen.next, n_series);
        return parts;
}

static void
free_parts(struct part *list)
{
        while (list != NULL) {
                struct part *next = list->next;

                part_free(list);
                list = next;
        }
}

static void
bodies_keep_their_bound(void **state)
{
        static const struct {
                const char *name;
                size_t noise;
                uint64_t max_bytes;
                unsigned at_least; /* parts */
                unsigned at_most;
        } cases[] = {
            {"fits", 0, 900000, 1, 1},
            {"several pieces in one part", 200, 900000, 1, 1},
            {"a tight bound", 0, 20000, 3, 8},
            {"a bound below a piece", 0, 1500, 40, 120},
            {"noise", 100, 30000, 10, 30},
            {"a bound below a series: each alone", 600, 300, SERIES, SERIES},
        };
        struct packer *p = NULL;

        (void)state;
        testing_ok(packer_new(&p, NULL), NULL);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct part *list = NULL;
                unsigned parts;

                pack(p, SERIES, cases[i].noise, cases[i].max_bytes, &list);
                parts = check(list, SERIES);
                for (struct part *x = list; x != NULL; x = x->next) {
                        if (x->body.n > cases[i].max_bytes && x->series > 1)
                                fail_msg("%s: %zu bytes", cases[i].name, x->body.n);
                }
                if (parts < cases[i].at_least || parts > cases[i].at_most)
                        fail_msg("%s: %u parts", cases[i].name, parts);
                free_parts(list);
        }
        packer_free(p);
}

static void
series_longer_than_a_piece(void **state)
{
        struct packer *p = NULL;
        struct part *list = NULL;

        (void)state;
        testing_ok(packer_new(&p, NULL), NULL);
        pack(p, 5, 90000, 900000, &list);
        assert_int_equal(check(list, 5), 1);
        free_parts(list);
        pack(p, 0, 0, 900000, &list);
        assert_null(list);
        packer_free(p);
}

static void
halves_have_everything_and_know_what_was_known(void **state)
{
        struct packer *p = NULL;
        struct part *list = NULL;
        struct part *halves = NULL;
        struct request *request = (struct request *)&halves;

        (void)state;
        testing_ok(packer_new(&p, NULL), NULL);
        for (unsigned n = 2; n < 400; n = n * 3 / 2 + 1) {
                pack(p, n, 50, 900000, &list);
                list->ambiguous = true;
                list->request = request;
                testing_ok(packer_halve(p, list, &halves, NULL), NULL);
                assert_int_equal(check(halves, n), 2);
                assert_true(halves->ambiguous && halves->next->ambiguous);
                assert_ptr_equal(halves->next->request, request);
                assert_true(halves->raw_bytes < list->raw_bytes * 3 / 4 + 200);
                assert_int_equal(halves->attempts, 0);
                free_parts(halves);
                free_parts(list);
        }
        pack(p, 1, 50, 900000, &list);
        assert_int_equal(packer_halve(p, list, &halves, NULL), ERR_LIMIT);
        free_parts(list);
        packer_free(p);
}

static void
one_large_series_among_small_ones_is_cut_off(void **state)
{
        struct packer *p = NULL;
        struct part *list = NULL;
        struct part *halves = NULL;
        struct buf bytes = BUF_INIT(1 << 20);

        (void)state;
        testing_ok(packer_new(&p, NULL), NULL);
        for (unsigned large = 0; large < 3; large++) {
                packer_begin(p, &(struct packer_bounds){900000, message});
                for (unsigned i = 0; i < 3; i++) {
                        buf_reset(&bytes);
                        encode(i, i == large ? 5000 : 0, &bytes);
                        testing_ok(packer_add(p,
                                       &(struct packer_series){buf_view(&bytes), SAMPLES,
                                           (int64_t)i * 10 + 1, (int64_t)i * 10 + 6},
                                       NULL),
                            NULL);
                }
                testing_ok(packer_finish(p, &list, NULL), NULL);
                testing_ok(packer_halve(p, list, &halves, NULL), NULL);
                assert_int_equal(check(halves, 3), 2);
                free_parts(halves);
                free_parts(list);
        }
        buf_release(&bytes);
        packer_free(p);
}

static int
check_age(void *arg, const struct decode_series *s, struct err *e)
{
        uint64_t *samples = arg;

        (void)e;
        for (size_t i = 0; i < s->n_samples; i++)
                assert_true(s->samples[i].time_ms >= 506);
        *samples += s->n_samples;
        return 0;
}

static void
old_samples_are_left_out(void **state)
{
        struct packer *p = NULL;
        struct part *list = NULL;
        struct part *younger = NULL;
        uint64_t samples = 0;

        (void)state;
        testing_ok(packer_new(&p, NULL), NULL);
        pack(p, 100, 0, 900000, &list);
        list->ambiguous = true;
        testing_ok(packer_age(p, list, 506, &younger, NULL), NULL);
        testing_ok(
            decode_request(younger->body, younger->message, check_age, &samples, NULL), NULL);
        assert_int_equal(samples, 99);
        assert_int_equal(younger->samples, 99);
        assert_int_equal(younger->series, 50);
        assert_true(younger->oldest_ms >= 506);
        assert_true(younger->ambiguous);
        free_parts(younger);
        testing_ok(packer_age(p, list, 5000, &younger, NULL), NULL);
        assert_null(younger);
        free_parts(list);
        packer_free(p);
}

static void
a_part_becomes_the_other_message(void **state)
{
        static const struct {
                uint64_t max_bytes;
                unsigned at_least; /* parts */
        } cases[] = {{UINT64_MAX, 1}, {900000, 1}, {20000, 3}, {1500, 20}};
        const enum write_message other = message == WRITE_1 ? WRITE_2 : WRITE_1;
        struct packer *p = NULL;
        struct part *list = NULL;
        struct part *changed = NULL;

        (void)state;
        testing_ok(packer_new(&p, NULL), NULL);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct packer_bounds bounds = {cases[i].max_bytes, other};

                pack(p, 1000, 20, 900000, &list);
                list->ambiguous = true;
                testing_ok(packer_change(p, list, &bounds, &changed, NULL), NULL);
                assert_true(check(changed, 1000) >= cases[i].at_least);
                for (struct part *x = changed; x != NULL; x = x->next) {
                        assert_int_equal(x->message, other);
                        assert_true(x->ambiguous);
                        assert_true(x->body.n <= cases[i].max_bytes);
                }
                free_parts(changed);
                free_parts(list);
        }
        packer_free(p);
}

static void
damaged_body_is_an_error(void **state)
{
        struct packer *p = NULL;
        struct part *list = NULL;
        struct part *halves = NULL;
        struct err e = ERR_INIT;

        (void)state;
        testing_ok(packer_new(&p, NULL), NULL);
        pack(p, 100, 0, 900000, &list);
        list->body.n -= 20;
        assert_int_equal(packer_halve(p, list, &halves, &e), ERR_PARSE);
        assert_null(halves);
        free_parts(list);
        packer_free(p);
}

static void
memory_goes_back(void **state)
{
        int64_t before = memory_of(MEMORY_SEND);
        struct packer *p = NULL;
        struct part *list = NULL;

        (void)state;
        testing_ok(packer_new(&p, NULL), NULL);
        pack(p, SERIES, 100, 20000, &list);
        assert_true(memory_of(MEMORY_SEND) - before > 200000);
        free_parts(list);
        packer_reset(p);
        assert_true(memory_of(MEMORY_SEND) - before < 1000);
        packer_free(p);
        assert_int_equal(memory_of(MEMORY_SEND), before);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(bodies_keep_their_bound),
            cmocka_unit_test(series_longer_than_a_piece),
            cmocka_unit_test(halves_have_everything_and_know_what_was_known),
            cmocka_unit_test(one_large_series_among_small_ones_is_cut_off),
            cmocka_unit_test(old_samples_are_left_out),
            cmocka_unit_test(a_part_becomes_the_other_message),
            cmocka_unit_test(damaged_body_is_an_error),
            cmocka_unit_test(memory_goes_back),
        };

        int failed = cmocka_run_group_tests_name("1.0", tests, NULL, NULL);

        message = WRITE_2;
        return failed + cmocka_run_group_tests_name("2.0", tests, NULL, NULL);
}
