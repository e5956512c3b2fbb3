#include "scrape/schedule.h"

#include "base/err.h"

#include <assert.h>
#include <stdlib.h>

/* A binary heap of pointers, smallest due_ms first; each entry knows its place. */
struct schedule {
        struct schedule_entry **heap; /* owned; the entries are the callers' */
        size_t n;
        size_t cap;
};

int
schedule_new(struct schedule **out, struct err *e)
{
        struct schedule *s = calloc(1, sizeof(*s));

        if (s == NULL)
                return err_nomem(e, "the schedule");
        *out = s;
        return 0;
}

void
schedule_free(struct schedule *s)
{
        if (s == NULL)
                return;
        free(s->heap);
        free(s);
}

int64_t
schedule_next_tick(int64_t interval_ms, int64_t offset_ms, int64_t now_wall_ms)
{
        int64_t past = (now_wall_ms - offset_ms) % interval_ms;

        if (past < 0)
                past += interval_ms;
        return now_wall_ms - past + interval_ms;
}

static void
place(struct schedule *s, size_t at, struct schedule_entry *x)
{
        s->heap[at] = x;
        x->position = at;
}

static void
sift_up(struct schedule *s, size_t at)
{
        struct schedule_entry *x = s->heap[at];

        while (at > 0 && s->heap[(at - 1) / 2]->due_ms > x->due_ms) {
                place(s, at, s->heap[(at - 1) / 2]);
                at = (at - 1) / 2;
        }
        place(s, at, x);
}

static void
sift_down(struct schedule *s, size_t at)
{
        struct schedule_entry *x = s->heap[at];

        for (;;) {
                size_t child = 2 * at + 1;

                if (child >= s->n)
                        break;
                if (child + 1 < s->n && s->heap[child + 1]->due_ms < s->heap[child]->due_ms)
                        child++;
                if (s->heap[child]->due_ms >= x->due_ms)
                        break;
                place(s, at, s->heap[child]);
                at = child;
        }
        place(s, at, x);
}

int
schedule_add(struct schedule *s, struct schedule_entry *x, int64_t now_wall_ms, struct err *e)
{
        assert(x->interval_ms > 0);
        if (s->n == s->cap) {
                size_t cap = s->cap > 0 ? s->cap * 2 : 16;
                struct schedule_entry **heap =
                    realloc(s->heap, cap * sizeof(struct schedule_entry *));

                if (heap == NULL)
                        return err_nomem(e, "the schedule");
                s->heap = heap;
                s->cap = cap;
        }
        x->due_ms = schedule_next_tick(x->interval_ms, x->offset_ms, now_wall_ms);
        place(s, s->n++, x);
        sift_up(s, x->position);
        return 0;
}

void
schedule_remove(struct schedule *s, struct schedule_entry *x)
{
        size_t at = x->position;
        struct schedule_entry *last;

        if (at == SIZE_MAX)
                return;
        assert(at < s->n && s->heap[at] == x);
        last = s->heap[--s->n];
        x->position = SIZE_MAX;
        if (last == x)
                return;
        place(s, at, last);
        sift_up(s, at);
        sift_down(s, last->position);
}

struct schedule_entry *
schedule_peek(const struct schedule *s)
{
        return s->n > 0 ? s->heap[0] : NULL;
}

struct schedule_entry *
schedule_take(struct schedule *s, int64_t now_wall_ms, int64_t *out_tick_ms, uint64_t *out_skipped)
{
        struct schedule_entry *x = schedule_peek(s);
        int64_t next;

        if (x == NULL || x->due_ms > now_wall_ms)
                return NULL;
        next = schedule_next_tick(x->interval_ms, x->offset_ms, now_wall_ms);
        *out_tick_ms = next - x->interval_ms;
        *out_skipped = (uint64_t)((*out_tick_ms - x->due_ms) / x->interval_ms);
        x->due_ms = next;
        sift_down(s, 0);
        return x;
}

void
schedule_rebase(struct schedule *s, int64_t now_wall_ms)
{
        for (size_t i = 0; i < s->n; i++) {
                struct schedule_entry *x = s->heap[i];

                x->due_ms = schedule_next_tick(x->interval_ms, x->offset_ms, now_wall_ms);
        }
        for (size_t i = s->n / 2; i-- > 0;)
                sift_down(s, i);
}

size_t
schedule_count(const struct schedule *s)
{
        return s->n;
}
