#include "tests/unit/wal/fixture.h"

#include "wal/key.h"

#include <unistd.h>

static int
sum_slots(void *arg, struct layout_part *part, struct err *e)
{
        unsigned *next = arg;
        const struct layout_head *h = layout_part_head(part);

        (void)e;
        assert_int_equal(h->first, *next); /* in slot order */
        *next = h->first + h->slots;
        layout_part_free(part);
        return 0;
}

/* Another part of the source's layout, slots [first, first + n). */
static struct wal_batch *
more_layout(struct source *s, uint64_t serial, unsigned first, unsigned n)
{
        struct wal_batch *b = source_batch(s, serial);
        struct layout_head head = {s->chunk, s->target, first, n};
        struct batch_put put = {.kind = BATCH_LAYOUT, .id = s->chunk, .first = first};
        struct label label = {VIEW_LIT("__name__"), VIEW_LIT("more")};
        struct layout_builder *builder = NULL;

        testing_ok(layout_builder_new(&builder, NULL), NULL);
        for (unsigned i = 0; i < n; i++)
                testing_ok(layout_builder_add(builder, &label, 1, NULL), NULL);
        testing_ok(layout_builder_encode(builder, &head, s->z, &b->bytes, NULL), NULL);
        testing_ok(wal_batch_put(b, &put, 0, NULL), NULL);
        layout_builder_free(builder);
        return b;
}

static void
test_queued_is_as_good_as_stored(void **state)
{
        struct fixture *f = *state;
        uint64_t column[CHUNK_SLOTS];
        unsigned slots = 0;
        unsigned next = 0;
        struct source s;
        struct wal_stats stats;
        struct err e = ERR_INIT;

        source_init(&s, f->w);
        fixture_submit(f, source_scrape(&s, 1, fixture_epoch_ms));
        for (int i = 0; i < 2; i++) {
                wal_stats(f->w, &stats);
                assert_int_equal(stats.samples_appended > 0, i == 1);
                testing_ok(wal_read_keyframe(f->w, s.keyframe, column, &slots, &e), &e);
                assert_int_equal(slots, FIXTURE_SLOTS);
                assert_memory_equal(column, s.column, FIXTURE_SLOTS * sizeof(column[0]));
                next = 0;
                testing_ok(wal_read_layout(f->w, s.chunk, sum_slots, &next, &e), &e);
                assert_int_equal(next, FIXTURE_SLOTS);
                wal_flush(f->w);
        }
        /* a part on disk and two in the queue, in slot order */
        fixture_submit(f, more_layout(&s, 2, FIXTURE_SLOTS + 7, 3));
        fixture_submit(f, more_layout(&s, 3, FIXTURE_SLOTS, 7));
        next = 0;
        testing_ok(wal_read_layout(f->w, s.chunk, sum_slots, &next, &e), &e);
        assert_int_equal(next, FIXTURE_SLOTS + 10);
        assert_int_equal(wal_read_keyframe(f->w, 12345, column, &slots, &e), ERR_NOTFOUND);
        assert_int_equal(wal_read_layout(f->w, 12345, sum_slots, &next, &e), ERR_NOTFOUND);
        source_release(&s);
}

static int
count_part(void *arg, struct layout_part *part, struct err *e)
{
        (void)e;
        ++*(unsigned *)arg;
        layout_part_free(part);
        return 0;
}

static int
note_target(void *arg, const struct target_state *x, struct err *e)
{
        return buf_printf(arg, e, "%s;", x->identity);
}

static int
stop_at_once(void *arg, const struct target_state *x, struct err *e)
{
        (void)x;
        (void)e;
        ++*(int *)arg;
        return 1;
}

static void
test_targets(void **state)
{
        struct fixture *f = *state;
        struct buf names = BUF_INIT(1000);
        char want[200];
        struct target_state one;
        struct source s[2];
        struct wal_batch *forget;
        struct batch_put put = {.kind = BATCH_FORGET_TARGET};
        struct err e = ERR_INIT;
        int n = 0;

        for (int i = 0; i < 2; i++) {
                source_init(&s[i], f->w);
                fixture_submit(
                    f, source_scrape(&s[i], (uint64_t)i + 1, clock_wall(&f->clock.clock)));
        }
        wal_flush(f->w);
        testing_ok(wal_read_targets(f->w, note_target, &names, &e), &e);
        (void)snprintf(
            want, sizeof(want), "target %d;target %d;", (int)s[0].target, (int)s[1].target);
        assert_true(view_is(buf_view(&names), want));
        assert_int_equal(wal_read_targets(f->w, stop_at_once, &n, &e), 1);
        assert_int_equal(n, 1);
        testing_ok(wal_read_target(f->w, s[1].target, &one, &e), &e);
        assert_int_equal(one.chunks[0].chunk, s[1].chunk);
        target_state_release(&one);
        forget = source_batch(&s[1], 3);
        put.id = s[1].target;
        testing_ok(wal_batch_put(forget, &put, 0, &e), &e);
        fixture_submit(f, forget);
        wal_flush(f->w);
        assert_int_equal(wal_read_target(f->w, s[1].target, &one, &e), ERR_NOTFOUND);
        buf_release(&names);
        source_release(&s[0]);
        source_release(&s[1]);
}

/* ---- damage: a bit inside a value, while the log is closed ---- */

static void
test_a_damaged_block_is_skipped_and_counted(void **state)
{
        struct fixture *f = *state;
        struct readback *r = calloc(1, sizeof(*r));
        struct wal_endpoint *ep = fixture_endpoint(f, "central");
        struct wal_ledger counts = {0};
        struct buf bytes = BUF_INIT(1 << 20);
        struct wal_stats stats;
        struct wal_cursor c;
        struct source s;
        uint64_t serial = 1;

        assert_non_null(r);
        source_init(&s, f->w);
        fixture_run(f, &s, &serial, 20, true);
        fixture_close(f);
        fixture_damage(f, ENVELOPE_BLOCK, 7);
        fixture_open(f);
        s.w = f->w;
        ep = fixture_endpoint(f, "central");
        wal_stats(f->w, &stats);
        wal_window_begin(f->w, ep, stats.next_block);
        for (int i = 0; i < 2; i++) { /* every scan meets it, it is counted once */
                fixture_read(f, &s, 1, 0, r);
                assert_int_equal(r->n_times, 19);
                assert_int_equal(r->undecodable, 0);
        }
        wal_stats(f->w, &stats);
        assert_int_equal(stats.damaged_blocks, 1);
        assert_int_equal(wal_read_block(f->w, 8, &bytes, NULL), ERR_CORRUPT);
        testing_ok(wal_read_block(f->w, 9, &bytes, NULL), NULL);
        assert_int_equal(wal_read_block(f->w, 10000, &bytes, NULL), ERR_NOTFOUND);
        /* the sender settles what it could read; the rest is damaged */
        counts.acknowledged = r->samples;
        wal_window_settle(f->w, ep, 1, &counts);
        wal_window_end(f->w, ep);
        c = fixture_cursor(f, ep);
        assert_int_equal(c.pending, 0);
        assert_int_equal(c.ledger.acknowledged, r->samples);
        assert_int_equal(c.ledger.lost[LOST_DAMAGED], stats.samples_appended - r->samples);
        buf_release(&bytes);
        source_release(&s);
        free(r);
}

/* A window whose end lies at a damaged block still adds up. */
static void
test_windows_around_a_damaged_block(void **state)
{
        struct fixture *f = *state;
        struct wal_endpoint *ep;
        struct wal_stats stats;
        struct source s;
        uint64_t serial = 1;

        source_init(&s, f->w);
        fixture_run(f, &s, &serial, 20, true);
        fixture_close(f);
        fixture_damage(f, ENVELOPE_BLOCK, 7); /* block 8 */
        fixture_damage(f, ENVELOPE_BLOCK, 19); /* the last one */
        fixture_damage(f, ENVELOPE_BLOCK, 0); /* the first one */
        fixture_open(f);
        ep = fixture_endpoint(f, "central");
        wal_stats(f->w, &stats);
        for (uint64_t end = 8; end <= stats.next_block; end++) {
                wal_window_begin(f->w, ep, end);
                (void)fixture_cursor(f, ep);
                wal_window_end(f->w, ep);
        }
        assert_int_equal(fixture_cursor(f, ep).pending, 0);
        source_release(&s);
}

static void
test_damaged_values_are_counted(void **state)
{
        struct fixture *f = *state;
        uint64_t column[CHUNK_SLOTS];
        struct wal_stats stats;
        struct target_state target;
        unsigned slots;
        unsigned parts = 0;
        struct source s;

        source_init(&s, f->w);
        fixture_submit(f, source_scrape(&s, 1, fixture_epoch_ms));
        fixture_submit(f, more_layout(&s, 2, FIXTURE_SLOTS, 7));
        fixture_close(f);
        fixture_damage(f, ENVELOPE_KEYFRAME, 0);
        fixture_damage(f, ENVELOPE_LAYOUT, 1);
        fixture_damage(f, ENVELOPE_TARGET, 0);
        fixture_open(f);
        wal_stats(f->w, &stats);
        assert_int_equal(stats.damaged_values, 1); /* the target: opening reads those */
        assert_int_equal(wal_read_keyframe(f->w, s.keyframe, column, &slots, NULL), ERR_CORRUPT);
        assert_int_equal(wal_read_target(f->w, s.target, &target, NULL), ERR_CORRUPT);
        /* the other part is still good */
        testing_ok(wal_read_layout(f->w, s.chunk, count_part, &parts, NULL), NULL);
        assert_int_equal(parts, 1);
        wal_stats(f->w, &stats);
        assert_int_equal(stats.damaged_values, 4);
        source_release(&s);
}

static unsigned
u16_at(const struct buf *file, size_t at)
{
        return (uint8_t)file->ptr[at] | (unsigned)(uint8_t)file->ptr[at + 1] << 8;
}

/* Lets the branch page's nodes for blocks in this range point past the end of the file. */
static int
damage_branch(struct buf *file, size_t at, size_t page, uint64_t above, uint64_t below)
{
        size_t keys = (u16_at(file, at + 12) - 16) / 2;
        int n = 0;

        for (size_t i = 1; i < keys; i++) { /* the first one has no key */
                size_t node = at + u16_at(file, at + 16 + 2 * i);
                uint64_t seq;

                if (node + 17 > at + page || file->ptr[node + 8] != 'Z')
                        continue;
                seq = be64_get((const uint8_t *)file->ptr + node + 9);
                if (seq > above && seq < below) {
                        file->ptr[node + 4] = 1; /* bits 32 to 47 of the page's number */
                        n++;
                }
        }
        return n;
}

static void
damage_tree(struct fixture *f, uint64_t above, uint64_t below)
{
        struct buf file = BUF_INIT((size_t)256 << 20);
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        char path[600];
        int n = 0;

        (void)snprintf(path, sizeof(path), "%s/wal/data.mdb", f->dir);
        testing_ok(file_read(path, &file, NULL), NULL);
        for (size_t at = 2 * page; at + page <= file.len; at += page) {
                if (u16_at(&file, at + 10) == 1)
                        n += damage_branch(&file, at, page, above, below);
        }
        assert_true(n > 0);
        testing_write(path, file.ptr, file.len);
        buf_release(&file);
}

/* LMDB reports a damaged tree: what lies behind it is still delivered, and storing goes on. */
static void
test_a_damaged_page_of_the_tree(void **state)
{
        struct fixture *f = *state;
        struct readback *r = calloc(1, sizeof(*r));
        struct wal_endpoint *ep = fixture_endpoint(f, "central");
        struct wal_stats stats;
        struct source s[2];
        uint64_t serial = 1;

        assert_non_null(r);
        source_init(&s[0], f->w);
        for (int i = 0; i < 1000; i++) {
                struct wal_batch *b =
                    source_scrape(&s[0], serial++, fixture_epoch_ms + i * (int64_t)1000);

                b->barrier = true; /* a block each */
                fixture_submit(f, b);
                if (i % 100 == 99)
                        wal_flush(f->w);
        }
        fixture_close(f);
        damage_tree(f, 200, 500);
        fixture_open(f);
        ep = fixture_endpoint(f, "central");
        s[0].w = f->w;
        fixture_read(f, s, 1, 0, r);
        assert_in_range(r->n_times, 400, 900);
        assert_int_equal(r->times[0], fixture_epoch_ms);
        assert_int_equal(r->times[r->n_times - 1], fixture_epoch_ms + 999000);
        assert_int_equal(r->undecodable, 0);
        wal_stats(f->w, &stats);
        assert_true(stats.damaged_blocks > 0);
        fixture_settle_all(f, ep);
        wal_flush(f->w); /* cannot delete, but goes on */
        source_init(&s[1], f->w);
        serial = 1;
        fixture_run(f, &s[1], &serial, 5, true);
        for (uint64_t i = 1; i < serial; i++)
                assert_int_equal(fixture_answered(f, i), 1);
        source_release(&s[0]);
        source_release(&s[1]);
        free(r);
}

static int
stop_after_three(void *arg, const struct block_head *head, struct view bytes, struct err *e)
{
        (void)head;
        (void)bytes;
        (void)e;
        return ++*(int *)arg == 3 ? 1 : 0;
}

static int
fail_at_once(void *arg, const struct block_head *head, struct view bytes, struct err *e)
{
        (void)arg;
        (void)head;
        (void)bytes;
        return err_set(e, ERR_LIMIT, "enough");
}

static int
count_blocks(void *arg, const struct block_head *head, struct view bytes, struct err *e)
{
        (void)head;
        (void)bytes;
        (void)e;
        ++*(int *)arg;
        return 0;
}

static void
test_scans(void **state)
{
        struct fixture *f = *state;
        struct wal_batch *b;
        struct source s;
        int n = 0;

        source_init(&s, f->w);
        testing_ok(wal_scan(f->w, 0, count_blocks, &n, NULL), NULL);
        assert_int_equal(n, 0);
        for (int i = 0; i < 2500; i++) { /* more than one transaction's worth */
                b = source_scrape(&s, (uint64_t)i + 1, fixture_epoch_ms + i * 1000);
                b->barrier = true; /* a block each */
                fixture_submit(f, b);
                if (i % 100 == 0)
                        wal_flush(f->w);
        }
        wal_flush(f->w);
        testing_ok(wal_scan(f->w, 0, count_blocks, &n, NULL), NULL);
        assert_int_equal(n, 2500);
        n = 0;
        testing_ok(wal_scan(f->w, 2001, count_blocks, &n, NULL), NULL);
        assert_int_equal(n, 500);
        n = 0;
        testing_ok(wal_scan(f->w, 0, stop_after_three, &n, NULL), NULL);
        assert_int_equal(n, 3);
        assert_int_equal(wal_scan(f->w, 0, fail_at_once, NULL, NULL), ERR_LIMIT);
        wal_give_back(f->w);
        source_release(&s);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
        const struct CMUnitTest tests[] = {
            CASE(test_queued_is_as_good_as_stored),
            CASE(test_targets),
            CASE(test_a_damaged_block_is_skipped_and_counted),
            CASE(test_windows_around_a_damaged_block),
            CASE(test_damaged_values_are_counted),
            CASE(test_a_damaged_page_of_the_tree),
            CASE(test_scans),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
