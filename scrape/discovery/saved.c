#include "scrape/discovery/saved.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "scrape/discovery/groups.h"
#include "scrape/discovery/source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 64 << 10, SUM_DIGITS = 16 };

static const char first_line[] = "gleaner targets 1\n";

/* ---- writing ---- */

struct writer {
        const struct saved_content *content;
        struct buf text; /* what is not in the file yet; all of it when there is no file */
        int fd; /* -1: none */
        const char *path; /* for messages */
        uint64_t sum; /* of what is in the file */
        size_t written;
        bool more; /* a group stands before, in this slot */
};

static int
write_out(struct writer *w, const char *p, size_t n, struct err *e)
{
        w->written += n;
        while (n > 0) {
                ssize_t k = write(w->fd, p, n);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return err_sys(e, errno, "cannot write \"%s\"", w->path);
                p += k;
                n -= (size_t)k;
        }
        return 0;
}

/* Whole pieces go into the file, so that the sum does not depend on how the text came. */
static int
flush_pieces(struct writer *w, struct err *e)
{
        int rc = 0;

        if (w->written + w->text.len > SAVED_MAX_BYTES)
                return err_set(
                    e, ERR_LIMIT, "the targets take more than %d bytes", SAVED_MAX_BYTES);
        while (rc == 0 && w->fd >= 0 && w->text.len >= PIECE) {
                w->sum = hash_stable(w->text.ptr, PIECE, w->sum);
                rc = write_out(w, w->text.ptr, PIECE, e);
                buf_consume(&w->text, PIECE);
        }
        return rc;
}

static int
put_labels(struct writer *w, const struct target_group *g, struct err *e)
{
        const char *before = ",\"labels\":{";
        int rc = 0;

        for (size_t i = 0; i < g->n_labels && rc == 0; i++) {
                if (view_eq(g->labels[i].name, w->content->own.name))
                        continue;
                rc = buf_puts(&w->text, before, e);
                if (rc == 0)
                        rc = json_put_string(&w->text, g->labels[i].name, e);
                if (rc == 0)
                        rc = buf_putc(&w->text, ':', e);
                if (rc == 0)
                        rc = json_put_string(&w->text, g->labels[i].value, e);
                before = ",";
        }
        if (rc == 0 && before[1] == '\0')
                rc = buf_putc(&w->text, '}', e);
        return rc;
}

static int
put_group(struct writer *w, const struct target_group *g, struct err *e)
{
        int rc = buf_puts(&w->text, w->more ? ",{\"targets\":[" : "{\"targets\":[", e);

        w->more = true;
        for (size_t i = 0; i < g->n_targets && rc == 0; i++) {
                if (i > 0)
                        rc = buf_putc(&w->text, ',', e);
                if (rc == 0)
                        rc = json_put_string(&w->text, view_of(g->targets[i]), e);
        }
        if (rc == 0)
                rc = buf_putc(&w->text, ']', e);
        if (rc == 0)
                rc = put_labels(w, g, e);
        if (rc == 0)
                rc = buf_putc(&w->text, '}', e);
        return rc == 0 ? flush_pieces(w, e) : rc;
}

static int
take_groups(void *arg, const struct target_group *groups, size_t n, struct err *e)
{
        int rc = 0;

        for (size_t i = 0; i < n && rc == 0; i++)
                rc = put_group(arg, &groups[i], e);
        return rc;
}

static int
put_slot(struct writer *w, size_t slot, struct err *e)
{
        const struct saved_content *c = w->content;
        const struct group_sink sink = {take_groups, w};
        int rc;

        if (!c->known(c->arg, slot))
                return buf_puts(&w->text, "null\n", e);
        w->more = false;
        rc = buf_putc(&w->text, '[', e);
        if (rc == 0)
                rc = c->visit(c->arg, slot, &sink, e);
        return rc == 0 ? buf_puts(&w->text, "]\n", e) : rc;
}

static int
put_all(struct writer *w, struct err *e)
{
        int rc = buf_puts(&w->text, first_line, e);

        for (size_t i = 0; i < w->content->n && rc == 0; i++)
                rc = put_slot(w, i, e);
        if (rc == 0)
                rc = flush_pieces(w, e);
        return rc;
}

static int
write_file(struct writer *w, struct err *e)
{
        int rc = put_all(w, e);

        if (rc == 0 && w->text.len > 0)
                w->sum = hash_stable(w->text.ptr, w->text.len, w->sum);
        if (rc == 0)
                rc = buf_printf(&w->text, e, "%016" PRIx64 "\n", w->sum);
        if (rc == 0)
                rc = write_out(w, w->text.ptr, w->text.len, e);
        if (rc == 0 && fsync(w->fd) < 0)
                rc = err_sys(e, errno, "cannot sync \"%s\"", w->path);
        return rc;
}

/* The rename is on disk when the folder is. */
static void
sync_folder(const char *path)
{
        const char *slash = strrchr(path, '/');
        char folder[PATH_MAX];
        int fd;

        (void)snprintf(folder, sizeof(folder), "%.*s", slash != NULL ? (int)(slash - path) : 1,
            slash != NULL ? path : ".");
        fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return;
        (void)fsync(fd);
        (void)close(fd);
}

int
saved_write(const char *path, const struct saved_content *content, size_t *out_bytes, struct err *e)
{
        struct writer w = {.content = content, .path = path, .text = BUF_INIT(SAVED_MAX_BYTES)};
        char beside[PATH_MAX];
        int rc;

        if (snprintf(beside, sizeof(beside), "%s.new", path) >= (int)sizeof(beside))
                return err_set(e, ERR_LIMIT, "the path \"%s\" is too long", path);
        w.fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (w.fd < 0)
                return err_sys(e, errno, "cannot make \"%s\"", beside);
        rc = write_file(&w, e);
        (void)close(w.fd);
        buf_release(&w.text);
        if (rc == 0 && rename(beside, path) < 0)
                rc = err_sys(e, errno, "cannot rename \"%s\"", beside);
        if (rc < 0) {
                (void)unlink(beside);
                return rc;
        }
        sync_folder(path);
        *out_bytes = w.written;
        return 0;
}

void
saved_confirm(const char *path)
{
        (void)utimensat(AT_FDCWD, path, NULL, 0);
}

/* ---- reading ---- */

void
saved_release(struct saved *s)
{
        for (size_t i = 0; i < s->n; i++)
                groups_free(s->v[i]);
        free(s->v);
        *s = (struct saved){0};
}

static int
corrupt(struct err *e, const char *why)
{
        return err_set(e, ERR_CORRUPT, "the kept targets are damaged: %s", why);
}

static int
parse_slot(struct saved *s, struct view line, struct label own, struct err *e)
{
        const struct groups_input in = {
            .format = GROUPS_JSON, .text = line, .name = "kept targets", .meta = own};

        if (s->n == SAVED_MAX_SLOTS)
                return corrupt(e, "too many lines");
        if (view_is(line, "null")) {
                s->v[s->n++] = NULL;
                return 0;
        }
        if (groups_parse(&in, &s->v[s->n], e) < 0)
                return e != NULL && e->code == ERR_NOMEM ? ERR_NOMEM : ERR_CORRUPT;
        s->n++;
        return 0;
}

static int
parse_slots(struct view text, struct label own, struct saved *out, struct err *e)
{
        struct saved s = {0};
        size_t lines = 0;
        int rc = 0;

        for (size_t i = 0; i < text.n; i++)
                lines += text.p[i] == '\n';
        s.v = calloc(lines + 1, sizeof(struct group_list *));
        if (s.v == NULL)
                return err_nomem(e, "kept targets");
        while (text.n > 0 && rc == 0) {
                const char *end = memchr(text.p, '\n', text.n);
                size_t n = end != NULL ? (size_t)(end - text.p) : text.n;

                rc = parse_slot(&s, (struct view){text.p, n}, own, e);
                n += end != NULL;
                text = (struct view){text.p + n, text.n - n};
        }
        if (rc < 0)
                saved_release(&s);
        else
                *out = s;
        return rc;
}

static uint64_t
sum_of(struct view text)
{
        uint64_t sum = 0;

        while (text.n > 0) {
                size_t n = text.n < PIECE ? text.n : PIECE;

                sum = hash_stable(text.p, n, sum);
                text = (struct view){text.p + n, text.n - n};
        }
        return sum;
}

int
saved_parse(struct view text, struct label own, struct saved *out, struct err *e)
{
        const size_t head = sizeof(first_line) - 1;
        const size_t tail = SUM_DIGITS + 1;
        char sum[SUM_DIGITS + 2];

        if (text.n < head + tail)
                return corrupt(e, "too short");
        if (memcmp(text.p, first_line, head) != 0)
                return corrupt(e, "not a file of this version");
        text.n -= tail;
        (void)snprintf(sum, sizeof(sum), "%016" PRIx64 "\n", sum_of(text));
        if (memcmp(text.p + text.n, sum, tail) != 0)
                return corrupt(e, "the checksum is wrong");
        return parse_slots((struct view){text.p + head, text.n - head}, own, out, e);
}

int
saved_read(const char *path, struct label own, struct saved *out, struct err *e)
{
        struct buf text = BUF_INIT(SAVED_MAX_BYTES + PIECE);
        struct stat st = {0};
        struct saved s = {0};
        int rc = file_read(path, &text, e);

        if (rc == 0)
                rc = saved_parse(buf_view(&text), own, &s, e);
        buf_release(&text);
        if (rc < 0)
                return rc;
        if (stat(path, &st) == 0)
                s.confirmed_wall_ms =
                    (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
        *out = s;
        return 0;
}

int
saved_copy(const struct saved_content *content, struct saved *out, struct err *e)
{
        struct writer w = {.content = content, .fd = -1, .text = BUF_INIT(SAVED_MAX_BYTES)};
        const size_t head = sizeof(first_line) - 1;
        int rc = put_all(&w, e);

        if (rc == 0)
                rc = parse_slots(
                    (struct view){w.text.ptr + head, w.text.len - head}, content->own, out, e);
        buf_release(&w.text);
        return rc;
}
