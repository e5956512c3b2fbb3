#include "wal/store_check.h"

#include "base/err.h"
#include "base/log.h"
#include "wal/key.h"
#include "wal/store_page.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
        METAS = 2,
        MAX_DEPTH = 32, /* of a tree: LMDB's own bound */
        MAX_KEY_BYTES = 511, /* LMDB's own bound */
        FREE_TREE_FLAGS = 0x08, /* keys are numbers */
        LIST_MAX_BYTES = 64 << 20, /* of free pages, of one commit */
        UNWRITTEN_BYTES = 16 << 20, /* pages of a commit that were freed in it are not written */
};

/* The file, and the tree that is looked at. */
struct walk {
        int fd;
        size_t page_size;
        uint64_t file_pages; /* whole ones */
        const struct page_meta *meta;
        const struct page_tree *tree;
        struct page_tree met; /* what the tree has */
        size_t lost; /* places of it that lead nowhere */
        uint8_t *taken; /* owned; a bit per page of the file */
        uint8_t *pages; /* owned; one per level of the tree */
        size_t next[MAX_DEPTH]; /* node to look at */
        uint8_t last_key[MAX_KEY_BYTES];
        size_t last_key_size; /* 0: none yet */
};

static int
read_at(const struct walk *w, uint64_t at, void *dst, size_t n, struct err *e)
{
        size_t done = 0;

        while (done < n) {
                ssize_t got = pread(w->fd, (uint8_t *)dst + done, n - done, (off_t)(at + done));

                if (got < 0 && errno == EINTR)
                        continue;
                if (got <= 0)
                        return err_set(e, ERR_CORRUPT, "page %llu cannot be read: %s",
                            (unsigned long long)(at / w->page_size),
                            got < 0 ? strerror(errno) : "the file ends before it");
                done += (size_t)got;
        }
        return 0;
}

static uint64_t
offset_of(const struct walk *w, size_t number)
{
        return (uint64_t)number * w->page_size;
}

/*
 * A number past the log's last page, between blocks: LMDB looks at the number before it looks at
 * the page, so reading reports it, and what lies beside it is still good. Not where the log grows.
 */
static bool
leads_nowhere(struct walk *w, size_t number, struct view key)
{
        if (w->tree != &w->meta->main || number <= w->meta->last_page || key.n == 0 ||
            key.p[0] != KEY_BLOCK)
                return false;
        w->lost++;
        return true;
}

/* The page that the next node leads to; the first one's key is left out, and so it is never left
 * out itself. */
static bool
next_child(struct walk *w, const struct page_nodes *nodes, size_t level, size_t *number)
{
        size_t i = w->next[level]++;
        struct view after = i + 1 < nodes->n ? page_key(nodes, i + 1) : (struct view){NULL, 0};

        *number = page_child(nodes, i);
        return after.n == 0 || after.p[0] != KEY_BLOCK ||
            !leads_nowhere(w, *number, page_key(nodes, i));
}

/* Each page of the file is used once, by a tree or as a free one. */
static int
take(struct walk *w, size_t first, size_t n, struct err *e)
{
        if (first < METAS || first > w->meta->last_page || n > w->meta->last_page - first + 1)
                return err_set(e, ERR_CORRUPT, "page %zu is none of the log", first);
        if (first + (uint64_t)n > w->file_pages)
                return err_set(e, ERR_CORRUPT,
                    "the file has %llu pages, but page %zu is one of the log",
                    (unsigned long long)w->file_pages, first + n - 1);
        for (size_t i = first; i < first + n; i++) {
                uint8_t bit = (uint8_t)(1U << (i % 8));

                if ((w->taken[i / 8] & bit) != 0)
                        return err_set(e, ERR_CORRUPT, "page %zu is used twice", i);
                w->taken[i / 8] |= bit;
        }
        return 0;
}

/* ---- the list of pages that a commit freed: how many, their numbers from high to low ---- */

static int
check_list(struct walk *w, const size_t *list, size_t size, struct err *e)
{
        size_t n;

        if (size < sizeof(*list) || list[0] > size / sizeof(*list) - 1)
                return err_set(e, ERR_CORRUPT, "a list of free pages has no end");
        n = list[0];
        for (size_t i = 1; i <= n; i++) {
                if (list[i] > w->meta->last_page || (i > 1 && list[i] >= list[i - 1]))
                        return err_set(e, ERR_CORRUPT, "a list of free pages is out of order");
                if (list[i] < w->file_pages && take(w, list[i], 1, e) < 0)
                        return ERR_CORRUPT;
        }
        return 0;
}

static int
check_free_item(struct walk *w, const struct page_item *item, struct err *e)
{
        size_t *list;
        int rc = 0;

        if (item->size > LIST_MAX_BYTES)
                return err_set(e, ERR_CORRUPT, "a list of free pages is too long");
        list = malloc(item->size + sizeof(*list));
        if (list == NULL)
                return err_nomem(e, "a list of free pages");
        if (item->value.p != NULL)
                memcpy(list, item->value.p, item->size);
        else
                rc = read_at(
                    w, offset_of(w, item->first_page) + PAGE_HEAD_BYTES, list, item->size, e);
        if (rc == 0)
                rc = check_list(w, list, item->size, e);
        free(list);
        return rc;
}

/* ---- a tree ---- */

static bool
is_free_tree(const struct walk *w)
{
        return w->tree == &w->meta->free;
}

/* Of numbers by their value, of bytes as memcmp does, a shorter one before what it begins. */
static bool
key_rises(const struct walk *w, struct view key)
{
        size_t n = key.n < w->last_key_size ? key.n : w->last_key_size;
        size_t now;
        size_t last;
        int order;

        if (w->last_key_size == 0)
                return true;
        if (is_free_tree(w)) {
                memcpy(&now, key.p, sizeof(now));
                memcpy(&last, w->last_key, sizeof(last));
                return now > last;
        }
        order = memcmp(key.p, w->last_key, n);
        return order > 0 || (order == 0 && key.n > w->last_key_size);
}

/*
 * LMDB frees as many pages as the first one's head says. Of blocks, keyframes and layouts, which
 * are many, that is looked at when they are deleted (store_values.c).
 */
static int
check_run(struct walk *w, const struct page_item *item, struct err *e)
{
        uint8_t head[PAGE_HEAD_BYTES];
        char kind = item->key.p[0];
        int rc = take(w, item->first_page, item->n_pages, e);

        if (rc < 0 ||
            (!is_free_tree(w) && (kind == KEY_BLOCK || kind == KEY_KEYFRAME || kind == KEY_LAYOUT)))
                return rc;
        rc = read_at(w, offset_of(w, item->first_page), head, sizeof(head), e);
        if (rc == 0 && !page_run_fits(head, item->first_page, item->n_pages))
                rc = err_set(e, ERR_CORRUPT, "page %zu is none of a value", item->first_page);
        return rc;
}

static int
check_item(struct walk *w, const struct page_item *item, struct err *e)
{
        struct view key = item->key;

        if (key.n == 0 || key.n > MAX_KEY_BYTES || (is_free_tree(w) && key.n != sizeof(size_t)))
                return err_set(e, ERR_CORRUPT, "a key has %zu bytes", key.n);
        if (!key_rises(w, key))
                return err_set(e, ERR_CORRUPT, "keys are out of order");
        memcpy(w->last_key, key.p, key.n);
        w->last_key_size = key.n;
        w->met.entries++;
        w->met.value_pages += item->n_pages;
        if (item->value.p == NULL && leads_nowhere(w, item->first_page, key))
                return 0;
        if (item->value.p == NULL && check_run(w, item, e) < 0)
                return ERR_CORRUPT;
        return is_free_tree(w) ? check_free_item(w, item, e) : 0;
}

static int
check_leaf(struct walk *w, const struct page_nodes *nodes, struct err *e)
{
        w->met.leaves++;
        for (size_t i = 0; i < nodes->n; i++) {
                struct page_item item;
                int rc;

                if (!page_item(nodes, i, w->page_size, &item))
                        return err_set(e, ERR_CORRUPT, "a value leads out of its page");
                rc = check_item(w, &item, e);
                if (rc < 0)
                        return rc;
        }
        return 0;
}

/* Reads a page of the tree, at this level below the root. */
static int
enter(struct walk *w, size_t number, size_t level, struct page_nodes *out, struct err *e)
{
        enum page_kind kind = level + 1 == w->tree->depth ? PAGE_LEAF : PAGE_BRANCH;
        uint8_t *page = w->pages + level * w->page_size;
        int rc = take(w, number, 1, e);

        if (rc == 0)
                rc = read_at(w, offset_of(w, number), page, w->page_size, e);
        if (rc == 0)
                rc = page_nodes_read(page, w->page_size, number, kind, out, e);
        if (rc == 0 && kind == PAGE_BRANCH && out->n < 2 && !is_free_tree(w))
                rc = err_set(e, ERR_CORRUPT, "page %zu branches to one page", number);
        if (rc == 0 && kind == PAGE_BRANCH)
                w->met.branches++;
        w->next[level] = 0;
        return rc;
}

/* From the root to the leaves, in the order of the keys. */
static int
descend(struct walk *w, struct err *e)
{
        struct page_nodes nodes[MAX_DEPTH] = {{NULL, 0}};
        size_t number = w->tree->root;
        size_t level = 0;

        for (;;) {
                int rc = enter(w, number, level, &nodes[level], e);

                if (rc == 0 && level + 1 == w->tree->depth)
                        rc = check_leaf(w, &nodes[level], e);
                if (rc < 0)
                        return rc;
                if (level + 1 < w->tree->depth)
                        level++;
                do {
                        while (level > 0 && w->next[level - 1] == nodes[level - 1].n)
                                level--;
                        if (level == 0)
                                return 0;
                } while (!next_child(w, &nodes[level - 1], level - 1, &number));
        }
}

static int
check_tree(struct walk *w, const struct page_tree *t, struct err *e)
{
        int rc = 0;

        w->tree = t;
        w->met = (struct page_tree){.root = t->root, .depth = t->depth};
        w->last_key_size = 0;
        w->lost = 0;
        if (t->root != PAGE_NONE) {
                if (t->depth == 0 || t->depth > MAX_DEPTH)
                        return err_set(
                            e, ERR_CORRUPT, "the tree has %u levels", (unsigned)t->depth);
                w->pages = calloc(t->depth, w->page_size);
                if (w->pages == NULL)
                        return err_nomem(e, "a tree's pages");
                rc = descend(w, e);
                free(w->pages);
        }
        if (rc == 0 && w->lost == 0 &&
            (w->met.entries != t->entries || w->met.branches != t->branches ||
                w->met.leaves != t->leaves || w->met.value_pages != t->value_pages))
                rc = err_set(e, ERR_CORRUPT, "the tree has not as many pages and keys as it says");
        return rc;
}

/* ---- the file ---- */

struct file {
        int fd;
        bool mend;
        size_t page_size;
        uint64_t bytes;
        uint8_t *heads; /* owned; both meta pages */
        struct page_meta metas[METAS];
        bool sound[METAS]; /* can be read; its tree may be damaged */
};

static int
check_meta(const struct file *f, const struct page_meta *m, struct err *e)
{
        struct walk w = {.fd = f->fd, .page_size = f->page_size, .meta = m};
        int rc;

        w.file_pages = f->bytes / f->page_size;
        if (m->free.flags != FREE_TREE_FLAGS || m->main.flags != 0)
                return err_set(e, ERR_CORRUPT, "its meta page is damaged");
        if (m->last_page < METAS - 1 ||
            m->last_page > w.file_pages + UNWRITTEN_BYTES / f->page_size)
                return err_set(e, ERR_CORRUPT, "the file has %llu pages, the log %zu",
                    (unsigned long long)w.file_pages, m->last_page + 1);
        w.taken = calloc(1, w.file_pages / 8 + 1);
        if (w.taken == NULL)
                return err_nomem(e, "a map of the file's pages");
        rc = check_tree(&w, &m->main, e);
        if (rc == 0)
                rc = check_tree(&w, &m->free, e);
        free(w.taken);
        return rc;
}

/* Puts the meta page `from` in the other one's place. */
static int
mend(const struct file *f, int from, const char *why, struct err *e)
{
        const int to = 1 - from;
        const size_t number = (size_t)to;
        uint8_t *page = f->heads + (size_t)from * f->page_size;
        off_t at = (off_t)((size_t)to * f->page_size);

        if (!f->mend)
                return err_set(e, ERR_CORRUPT, "%s", why);
        memcpy(page, &number, sizeof(number));
        if (pwrite(f->fd, page, f->page_size, at) != (ssize_t)f->page_size || fdatasync(f->fd) != 0)
                return err_sys(e, errno, "cannot mend the log's meta page");
        log_warn("a meta page of the log was damaged, the other one stands in: at most the last "
                 "commit is lost",
            LOG_STR("damage", why));
        return 0;
}

/* The newer tree is used, so that one must be whole; the older one may stand in for it. */
static int
choose(const struct file *f, struct err *e)
{
        int newest = f->sound[1] && (!f->sound[0] || f->metas[1].txn > f->metas[0].txn) ? 1 : 0;
        struct err why = ERR_INIT;
        int rc = check_meta(f, &f->metas[newest], &why);

        if (rc == 0)
                return f->sound[1 - newest] ? 0 : mend(f, newest, "a meta page cannot be read", e);
        if (rc == ERR_CORRUPT && f->sound[1 - newest] &&
            check_meta(f, &f->metas[1 - newest], NULL) == 0)
                return mend(f, 1 - newest, why.msg, e);
        return err_set(e, rc, "%s", why.msg);
}

/* No meta page is as we write it. */
static int
judge_foreign(const struct file *f, struct err *e)
{
        struct page_meta m;

        if (page_meta_read(f->heads, f->page_size, &m))
                return err_set(e, ERR_CONFIG,
                    "it has pages of %u bytes, this machine has %zu; logs cannot be moved between "
                    "such machines",
                    (unsigned)m.free.page_size, f->page_size);
        if (page_meta_is_foreign(f->heads))
                return err_set(e, ERR_CONFIG,
                    "it was written by a machine of another kind; logs cannot be moved between "
                    "such machines");
        return err_set(e, ERR_CORRUPT, "no meta page can be read");
}

static int
check_file(struct file *f, struct err *e)
{
        struct walk w = {.fd = f->fd, .page_size = f->page_size};
        int rc;

        if (f->bytes < METAS * f->page_size)
                return err_set(
                    e, ERR_CORRUPT, "the file has %llu bytes only", (unsigned long long)f->bytes);
        rc = read_at(&w, 0, f->heads, METAS * f->page_size, e);
        if (rc < 0)
                return rc;
        for (int i = 0; i < METAS; i++)
                f->sound[i] = page_meta_read(f->heads + (size_t)i * f->page_size, f->page_size,
                                  &f->metas[i]) &&
                    f->metas[i].free.page_size == f->page_size;
        return f->sound[0] || f->sound[1] ? choose(f, e) : judge_foreign(f, e);
}

int
store_check(const char *path, bool mend_it, struct err *e)
{
        struct file f = {.fd = open(path, (mend_it ? O_RDWR : O_RDONLY) | O_CLOEXEC),
            .mend = mend_it,
            .page_size = (size_t)sysconf(_SC_PAGESIZE)};
        struct stat st;
        int rc;

        if (f.fd < 0 && errno == ENOENT)
                return err_set(e, ERR_NOTFOUND, "there is no file");
        if (f.fd < 0)
                return errno == EISDIR || errno == ENOTDIR || errno == EIO
                    ? err_set(e, ERR_CORRUPT, "it cannot be opened: %s", strerror(errno))
                    : err_sys(e, errno, "cannot open \"%s\"", path);
        if (fstat(f.fd, &st) != 0) {
                rc = err_sys(e, errno, "cannot look at \"%s\"", path);
        } else if (!S_ISREG(st.st_mode)) {
                rc = err_set(e, ERR_CORRUPT, "it is not a file");
        } else {
                f.bytes = (uint64_t)st.st_size;
                (void)posix_fadvise(f.fd, 0, 0, POSIX_FADV_RANDOM); /* single pages: store_room.c */
                f.heads = malloc(METAS * f.page_size);
                rc = f.heads != NULL ? check_file(&f, e) : err_nomem(e, "the log's meta pages");
        }
        free(f.heads);
        (void)close(f.fd);
        return rc;
}
