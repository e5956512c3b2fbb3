#include "remotewrite/flight.h"

#include "base/memory.h"
#include "remotewrite/decode.h"
#include "remotewrite/settle.h"
#include "tests/unit/remotewrite/fake_wal.h"

#include <stdio.h>

static const int64_t start = INT64_C(1700000000000);

struct world {
        struct wal *wal;
        struct builder *builder;
        struct flight flight;
        uint64_t samples; /* of all requests taken */
};

static void
world_init(struct world *w)
{
        *w = (struct world){.wal = fake_wal_new()};
        testing_ok(builder_new(&w->builder, NULL), NULL);
        flight_init(&w->flight, w->wal, NULL, builder_packer(w->builder));
        flight_begin(&w->flight);
}

static void
world_release(struct world *w)
{
        flight_release(&w->flight);
        builder_free(w->builder);
        fake_wal_free(w->wal);
}

/* One request of `series` series with two samples each. */
struct shape {
        unsigned series;
        unsigned groups; /* that end in it, all but the tail's series before */
        unsigned tail; /* series of a group that goes on */
        uint64_t bytes; /* bound; 0: wide */
        bool ambiguous;
        bool continues; /* a series of the request before */
};

static void
take(struct world *w, const struct shape *s)
{
        const struct builder_bounds bounds = {s->bytes > 0 ? s->bytes : 900000, 1 << 20, WRITE_1};
        struct request *r = NULL;
        struct buf encoded = BUF_INIT(65536);

        builder_begin(w->builder, &bounds);
        for (unsigned i = 0; i < s->series; i++) {
                char number[16];
                const struct encode_sample samples[2] = {{start, i}, {start + 15000, i}};
                struct label label = {VIEW_LIT("i"), {0}};
                struct identity_result id = {.kept = true};

                if (s->groups > 0 && i == s->series - s->tail) {
                        for (unsigned g = 0; g < s->groups; g++)
                                builder_group_end(w->builder);
                }
                (void)snprintf(number, sizeof(number), "%u", i);
                label.value = view_of(number);
                buf_reset(&encoded);
                testing_ok(encode_labels(&label, 1, &encoded, NULL), NULL);
                id.labels = buf_view(&encoded);
                testing_ok(builder_add(w->builder, &id, samples, 2, NULL), NULL);
        }
        if (s->tail == 0) {
                for (unsigned g = 0; g < s->groups; g++)
                        builder_group_end(w->builder);
        }
        testing_ok(builder_finish(w->builder, &r, NULL), NULL);
        w->samples += 2 * s->series;
        r->continues = s->continues;
        flight_take(&w->flight, &r, s->ambiguous);
        buf_release(&encoded);
}

static void
answer(struct world *w, struct part *p, enum verdict v, uint64_t lost)
{
        struct judgement j = {
            .verdict = v, .ambiguous = p->ambiguous, .lost = lost, .reason = LOST_CONFLICT};
        struct err e = ERR_INIT;

        testing_ok(flight_answer(&w->flight, p, &j, &e), &e);
}

static void
every_verdict_adds_up(void **state)
{
        static const struct {
                enum verdict verdict;
                uint64_t lost; /* that it counts */
                struct wal_ledger want; /* of ten series, 20 samples */
        } cases[] = {
            {VERDICT_SETTLED, 0, {.acknowledged = 20}},
            {VERDICT_UNCONFIRMED, 0, {.unconfirmed = 20}},
            {VERDICT_COUNTED, 7, {.acknowledged = 13, .lost = {[LOST_CONFLICT] = 7}}},
            {VERDICT_PARTLY, 1, {.unconfirmed = 19, .lost = {[LOST_CONFLICT] = 1}}},
            {VERDICT_DROPPED, 0, {.lost = {[LOST_CONFLICT] = 20}}},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct world w;

                world_init(&w);
                take(&w, &(struct shape){.series = 10, .groups = 1});
                answer(&w, flight_next(&w.flight), cases[i].verdict, cases[i].lost);
                assert_true(flight_empty(&w.flight));
                assert_memory_equal(
                    &w.wal->cursor.ledger, &cases[i].want, sizeof(struct wal_ledger));
                assert_int_equal(w.wal->cursor.groups_settled, 1);
                world_release(&w);
        }
}

static void
settles_in_order_whatever_comes_first(void **state)
{
        struct world w;
        struct part *first;
        struct part *second;

        (void)state;
        world_init(&w);
        take(&w, &(struct shape){.series = 10, .groups = 3, .tail = 4});
        take(&w, &(struct shape){.series = 5}); /* all of it in the middle of a group */
        take(&w, &(struct shape){.series = 6, .groups = 2});
        first = flight_next(&w.flight);
        first->flying = true;
        second = flight_next(&w.flight);
        assert_ptr_not_equal(first, second);
        second->flying = true;
        answer(&w, flight_next(&w.flight), VERDICT_SETTLED, 0); /* the third request */
        assert_int_equal(w.wal->cursor.groups_settled, 0);
        answer(&w, first, VERDICT_SETTLED, 0);
        assert_int_equal(w.wal->cursor.groups_settled, 3);
        assert_int_equal(w.wal->cursor.ledger.acknowledged, 12); /* not the tail's eight */
        assert_false(flight_empty(&w.flight));
        answer(&w, second, VERDICT_UNCONFIRMED, 0);
        assert_int_equal(w.wal->cursor.groups_settled, 5);
        assert_int_equal(w.wal->cursor.ledger.acknowledged, 32);
        assert_int_equal(w.wal->cursor.ledger.unconfirmed, 10);
        assert_true(flight_empty(&w.flight));
        world_release(&w);
}

static void
further_samples_of_a_series_wait_for_those_before(void **state)
{
        struct world w;
        struct part *first;
        struct part *second;
        struct judgement again = {.verdict = VERDICT_RETRY};

        (void)state;
        world_init(&w);
        take(&w, &(struct shape){.series = 2, .groups = 1});
        take(&w, &(struct shape){.series = 1});
        assert_false(flight_blocked(&w.flight));
        take(&w, &(struct shape){.series = 1, .groups = 1, .continues = true});
        assert_true(flight_blocked(&w.flight));
        first = flight_next(&w.flight);
        first->flying = true;
        second = flight_next(&w.flight);
        second->flying = true;
        assert_null(flight_next(&w.flight));
        answer(&w, second, VERDICT_SETTLED, 0);
        assert_null(flight_next(&w.flight)); /* settled is in order */
        testing_ok(flight_answer(&w.flight, first, &again, NULL), NULL);
        assert_ptr_equal(flight_next(&w.flight), first);
        answer(&w, first, VERDICT_SETTLED, 0);
        assert_false(flight_blocked(&w.flight));
        answer(&w, flight_next(&w.flight), VERDICT_SETTLED, 0);
        assert_true(flight_empty(&w.flight));
        world_release(&w);
}

static void
request_with_nothing_to_send_settles_at_once(void **state)
{
        struct world w;
        struct request *r = NULL;

        (void)state;
        world_init(&w);
        builder_begin(w.builder, &(struct builder_bounds){900000, 100, WRITE_1});
        builder_count(w.builder, &(struct wal_ledger){.filtered = 9});
        builder_group_end(w.builder);
        testing_ok(builder_finish(w.builder, &r, NULL), NULL);
        flight_take(&w.flight, &r, false);
        assert_null(r);
        assert_true(flight_empty(&w.flight));
        assert_int_equal(w.wal->cursor.ledger.filtered, 9);
        world_release(&w);
}

static void
retries_keep_the_part_and_what_is_known(void **state)
{
        struct world w;
        struct part *p;
        struct judgement j = {.verdict = VERDICT_RETRY, .ambiguous = true};

        (void)state;
        world_init(&w);
        take(&w, &(struct shape){.series = 10, .groups = 1});
        p = flight_next(&w.flight);
        assert_false(p->ambiguous);
        p->flying = true;
        assert_null(flight_next(&w.flight));
        testing_ok(flight_answer(&w.flight, p, &j, NULL), NULL);
        assert_ptr_equal(flight_next(&w.flight), p);
        assert_true(p->ambiguous);
        assert_int_equal(p->attempts, 1);
        j.verdict = VERDICT_RETRY_AT_ONCE;
        testing_ok(flight_answer(&w.flight, p, &j, NULL), NULL);
        assert_true(p->again_at_once);
        j.verdict = VERDICT_HOLD;
        testing_ok(flight_answer(&w.flight, p, &j, NULL), NULL);
        assert_false(p->again_at_once);
        j.verdict = VERDICT_RETRY;
        j.shrink = true; /* the link cannot carry it in time: two smaller ones */
        testing_ok(flight_answer(&w.flight, p, &j, NULL), NULL);
        p = flight_next(&w.flight);
        assert_int_equal(p->series + p->next->series, 10);
        assert_int_equal(settle_sum(&w.wal->cursor.ledger), 0);
        world_release(&w);
}

static bool
has_poison(const struct part *p)
{
        /* series 37 has the samples with value 37: it stands in the body as it is */
        static const char poison[] = "\x01i\x12\x02"
                                     "37";
        struct buf raw = BUF_INIT(1 << 20);
        bool found;

        testing_ok(snappy_unpack(p->body, &raw, NULL), NULL);
        found = memmem(raw.ptr, raw.len, poison, sizeof(poison) - 1) != NULL;
        buf_release(&raw);
        return found;
}

struct choice {
        unsigned every;
        unsigned run;
        bool found;
};

static int
choose(void *arg, const struct decode_series *s, struct err *e)
{
        struct choice *c = arg;
        unsigned number = 0;

        (void)e;
        for (size_t i = 0; i < s->labels[0].value.n; i++)
                number = number * 10 + (unsigned)(s->labels[0].value.p[i] - '0');
        c->found = c->found || number % c->every < c->run;
        return 0;
}

/* A series whose number is below `run` when divided by `every`. */
static bool
has_one_of(const struct part *p, unsigned every, unsigned run)
{
        struct choice c = {.every = every, .run = run};

        testing_ok(decode_request(p->body, WRITE_1, choose, &c, NULL), NULL);
        return c.found;
}

static void
refused_series_are_found(void **state)
{
        struct world w;
        struct part *p;
        unsigned requests = 0;

        (void)state;
        world_init(&w);
        take(&w, &(struct shape){.series = 200, .groups = 1});
        while ((p = flight_next(&w.flight)) != NULL) {
                requests++;
                answer(&w, p, has_poison(p) ? VERDICT_REFUSED : VERDICT_SETTLED, 0);
        }
        assert_true(flight_empty(&w.flight));
        assert_int_equal(w.wal->cursor.ledger.acknowledged, 398);
        assert_int_equal(w.wal->cursor.ledger.lost[LOST_CONFLICT], 2);
        assert_in_range(requests, 10, 18);
        assert_int_equal(w.flight.dropped, 2);
        world_release(&w);
}

static void
search_for_refused_series_has_an_end(void **state)
{
        struct world w;
        struct part *p;
        unsigned requests = 0;

        (void)state;
        world_init(&w);
        take(&w, &(struct shape){.series = 1000, .groups = 1});
        while ((p = flight_next(&w.flight)) != NULL) {
                requests++;
                answer(&w, p, VERDICT_REFUSED, 0);
        }
        assert_int_equal(requests, FLIGHT_SEARCHES + 1);
        assert_int_equal(w.wal->cursor.ledger.lost[LOST_CONFLICT], 2000);
        assert_int_equal(w.flight.unsearched, 2000);
        flight_begin(&w.flight); /* the next window may search again */
        take(&w, &(struct shape){.series = 2, .groups = 1});
        answer(&w, flight_next(&w.flight), VERDICT_REFUSED, 0);
        assert_int_equal(flight_next(&w.flight)->series, 1);
        world_release(&w);
}

/* Every n-th of 1,000 series is refused; how many samples are lost with how many requests? */
static void
few_are_lost_beside_the_refused(void **state)
{
        static const struct {
                const char *name;
                unsigned every;
                unsigned run; /* so many that stand together */
                unsigned requests; /* in the window */
                uint64_t at_most; /* lost, of 2,000 for each request */
                unsigned searches; /* at most */
        } cases[] = {
            {"one in each of fifty requests", 1000, 1, 50, 100, FLIGHT_SEARCHES_MAX},
            {"one in each of ten requests", 1000, 1, 10, 20, 200},
            {"ten that are spread", 100, 1, 1, 20, 200},
            {"a third that stands together", 1000, 333, 1, 800, 100},
            {"every third", 3, 1, 1, 2000, 100},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct world w;
                struct part *p;
                unsigned searches = 0;
                uint64_t lost;

                world_init(&w);
                for (unsigned n = 0; n < cases[i].requests; n++) {
                        take(&w, &(struct shape){.series = 1000, .groups = 1});
                        while ((p = flight_next(&w.flight)) != NULL) {
                                bool refused = has_one_of(p, cases[i].every, cases[i].run);

                                searches++;
                                answer(&w, p, refused ? VERDICT_REFUSED : VERDICT_SETTLED, 0);
                        }
                }
                lost = w.wal->cursor.ledger.lost[LOST_CONFLICT];
                if (lost > cases[i].at_most || searches > cases[i].searches + cases[i].requests)
                        fail_msg("%s: %llu lost, %u requests", cases[i].name,
                            (unsigned long long)lost, searches);
                assert_int_equal(settle_sum(&w.wal->cursor.ledger), w.samples);
                world_release(&w);
        }
}

/* Most likely it was taken as a whole. But a series that is always refused may have kept all of it
 * from being taken. */
static void
repeat_that_is_refused_is_searched_a_little(void **state)
{
        struct world w;
        struct part *p;
        unsigned requests = 0;

        (void)state;
        world_init(&w);
        take(&w, &(struct shape){.series = 1000, .groups = 1, .ambiguous = true});
        while ((p = flight_next(&w.flight)) != NULL) {
                requests++;
                answer(&w, p, VERDICT_REFUSED, 0);
        }
        assert_int_equal(requests, FLIGHT_SEARCHES_REPEAT + 1);
        assert_int_equal(w.wal->cursor.ledger.unconfirmed, 2000);
        take(&w, &(struct shape){.series = 1000, .groups = 1, .ambiguous = true});
        while ((p = flight_next(&w.flight)) != NULL)
                answer(&w, p, has_poison(p) ? VERDICT_REFUSED : VERDICT_SETTLED, 0);
        assert_int_equal(w.wal->cursor.ledger.unconfirmed, 2002);
        assert_int_equal(w.wal->cursor.ledger.acknowledged, 1998);
        assert_int_equal(w.flight.unsearched, 0);
        world_release(&w);
}

static void
too_large_is_split_down_to_one_series(void **state)
{
        struct world w;
        struct part *p;

        (void)state;
        world_init(&w);
        take(&w, &(struct shape){.series = 40, .groups = 1, .ambiguous = true});
        while ((p = flight_next(&w.flight)) != NULL) {
                assert_true(p->ambiguous); /* of a resumed window: all of it */
                if (p->series > 1 || has_poison(p))
                        answer(&w, p, VERDICT_SPLIT, 0);
                else
                        answer(&w, p, VERDICT_SETTLED, 0);
        }
        assert_int_equal(w.wal->cursor.ledger.acknowledged, 78);
        assert_int_equal(w.wal->cursor.ledger.lost[LOST_CONFLICT], 2);
        assert_int_equal(w.flight.split, 39);
        world_release(&w);
}

static void
several_parts_settle_as_one(void **state)
{
        struct world w;
        struct part *p;
        unsigned parts = 0;

        (void)state;
        world_init(&w);
        take(&w, &(struct shape){.series = 500, .groups = 1, .bytes = 1024});
        while ((p = flight_next(&w.flight)) != NULL) {
                assert_int_equal(w.wal->cursor.groups_settled, 0);
                answer(&w, p, VERDICT_SETTLED, 0);
                parts++;
        }
        assert_true(parts > 2);
        assert_int_equal(w.wal->cursor.groups_settled, 1);
        assert_int_equal(w.wal->cursor.ledger.acknowledged, 1000);
        world_release(&w);
}

static void
what_grew_too_old_is_lost_by_age(void **state)
{
        struct world w;
        struct part *p;

        (void)state;
        world_init(&w);
        take(&w, &(struct shape){.series = 10, .groups = 1});
        p = flight_next(&w.flight);
        p->attempts = 3;
        testing_ok(flight_age(&w.flight, p, start + 1, NULL), NULL);
        p = flight_next(&w.flight);
        assert_int_equal(p->samples, 10);
        assert_int_equal(p->attempts, 3);
        testing_ok(flight_age(&w.flight, p, start + 20000, NULL), NULL);
        assert_true(flight_empty(&w.flight));
        assert_int_equal(w.wal->cursor.ledger.lost[LOST_AGE], 20);
        world_release(&w);
}

static void
random_answers_always_add_up(void **state)
{
        struct testing_random r = {42};

        (void)state;
        for (int round = 0; round < 60; round++) {
                struct world w;
                unsigned groups = 0;
                struct part *p;

                world_init(&w);
                for (unsigned i = 0; i < 4; i++) {
                        struct shape s = {.series = 1 + (unsigned)testing_random_below(&r, 50),
                            .bytes = testing_random_below(&r, 2) == 0 ? 0 : 1024};

                        s.groups = i == 3 ? 1 : (unsigned)testing_random_below(&r, 3);
                        if (i < 3 && s.groups > 0)
                                s.tail = (unsigned)testing_random_below(&r, s.series);
                        groups += s.groups;
                        take(&w, &s);
                }
                for (int n = 0; n < 5000 && (p = flight_next(&w.flight)) != NULL; n++) {
                        enum verdict v = (enum verdict)testing_random_below(&r, VERDICT_HOLD + 1);

                        answer(&w, p, v, testing_random_below(&r, p->samples + 1));
                }
                assert_true(flight_empty(&w.flight));
                assert_int_equal(settle_sum(&w.wal->cursor.ledger), w.samples);
                assert_int_equal(w.wal->cursor.groups_settled, groups);
                world_release(&w);
        }
}

static void
given_up_requests_give_their_memory_back(void **state)
{
        int64_t before = memory_of(MEMORY_SEND);
        struct world w;

        (void)state;
        world_init(&w);
        take(&w, &(struct shape){.series = 500, .bytes = 1024});
        take(&w, &(struct shape){.series = 500});
        world_release(&w);
        assert_int_equal(memory_of(MEMORY_SEND), before);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_verdict_adds_up),
            cmocka_unit_test(settles_in_order_whatever_comes_first),
            cmocka_unit_test(further_samples_of_a_series_wait_for_those_before),
            cmocka_unit_test(request_with_nothing_to_send_settles_at_once),
            cmocka_unit_test(retries_keep_the_part_and_what_is_known),
            cmocka_unit_test(refused_series_are_found),
            cmocka_unit_test(search_for_refused_series_has_an_end),
            cmocka_unit_test(few_are_lost_beside_the_refused),
            cmocka_unit_test(repeat_that_is_refused_is_searched_a_little),
            cmocka_unit_test(too_large_is_split_down_to_one_series),
            cmocka_unit_test(several_parts_settle_as_one),
            cmocka_unit_test(what_grew_too_old_is_lost_by_age),
            cmocka_unit_test(random_answers_always_add_up),
            cmocka_unit_test(given_up_requests_give_their_memory_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
