#include "wal/store_page.h"

#include "base/err.h"

#include <string.h>

enum {
        NODE_HEAD_BYTES = 8,
        NODE_OWN_PAGES = 0x01, /* the value has pages of its own */
        HALF_WORD_BITS = 16,
        META_VERSION = 1,
};

static const uint32_t meta_magic = 0xBEEFC0DE;

/* LMDB's struct is laid out as this one is. */
_Static_assert(sizeof(struct page_tree) == 8 + 5 * sizeof(size_t), "as in the file");
_Static_assert(
    sizeof(struct page_meta) == 8 + 4 * sizeof(size_t) + 2 * sizeof(struct page_tree), "as there");

static uint16_t
half(const uint8_t *p)
{
        uint16_t n;

        memcpy(&n, p, sizeof(n));
        return n;
}

static size_t
word(const uint8_t *p)
{
        size_t n;

        memcpy(&n, p, sizeof(n));
        return n;
}

bool
page_meta_read(const uint8_t *page, size_t page_size, struct page_meta *out)
{
        if (page_size < PAGE_HEAD_BYTES + sizeof(*out) ||
            (half(page + sizeof(size_t) + 2) & PAGE_META) == 0)
                return false;
        memcpy(out, page + PAGE_HEAD_BYTES, sizeof(*out));
        return out->magic == meta_magic && out->version == META_VERSION;
}

bool
page_meta_is_foreign(const uint8_t *page)
{
        static const uint8_t little[] = {0xDE, 0xC0, 0xEF, 0xBE};
        static const uint8_t big[] = {0xBE, 0xEF, 0xC0, 0xDE};
        bool is_little = memcmp(&meta_magic, little, sizeof(little)) == 0;

        for (size_t head = 12; head <= 16; head += 4) {
                const uint8_t *mine = is_little ? little : big;
                const uint8_t *other = is_little ? big : little;

                if (memcmp(page + head, other, sizeof(little)) == 0 ||
                    (head != PAGE_HEAD_BYTES && memcmp(page + head, mine, sizeof(little)) == 0))
                        return true;
        }
        return false;
}

static const uint8_t *
node(const struct page_nodes *nodes, size_t i)
{
        return nodes->p + half(nodes->p + PAGE_HEAD_BYTES + 2 * i);
}

static bool
node_fits(const struct page_nodes *nodes, size_t i, size_t page_size)
{
        size_t at = half(nodes->p + PAGE_HEAD_BYTES + 2 * i);

        return at >= half(nodes->p + sizeof(size_t) + 6) && at % 2 == 0 &&
            at + NODE_HEAD_BYTES <= page_size &&
            at + NODE_HEAD_BYTES + half(nodes->p + at + 6) <= page_size;
}

int
page_nodes_read(const uint8_t *page, size_t page_size, size_t number, enum page_kind kind,
    struct page_nodes *out, struct err *e)
{
        size_t lower = half(page + sizeof(size_t) + 4);
        size_t upper = half(page + sizeof(size_t) + 6);
        struct page_nodes nodes = {page, 0};

        if (word(page) != number)
                return err_set(
                    e, ERR_CORRUPT, "page %zu says that it is page %zu", number, word(page));
        if (half(page + sizeof(size_t) + 2) != (unsigned)kind)
                return err_set(e, ERR_CORRUPT, "page %zu is none of the tree", number);
        if (lower <= PAGE_HEAD_BYTES || lower % 2 != 0 || lower > upper || upper > page_size)
                return err_set(e, ERR_CORRUPT, "page %zu has no nodes", number);
        nodes.n = (lower - PAGE_HEAD_BYTES) / 2;
        for (size_t i = 0; i < nodes.n; i++) {
                if (!node_fits(&nodes, i, page_size))
                        return err_set(
                            e, ERR_CORRUPT, "node %zu of page %zu leads out of it", i, number);
        }
        *out = nodes;
        return 0;
}

struct view
page_key(const struct page_nodes *nodes, size_t i)
{
        const uint8_t *p = node(nodes, i);

        return (struct view){(const char *)p + NODE_HEAD_BYTES, half(p + 6)};
}

size_t
page_child(const struct page_nodes *nodes, size_t i)
{
        const uint8_t *p = node(nodes, i);
        size_t number = half(p) | (size_t)half(p + 2) << HALF_WORD_BITS;

        if (sizeof(size_t) > 4)
                number |= (size_t)half(p + 4) << (HALF_WORD_BITS + HALF_WORD_BITS);
        return number;
}

size_t
page_run_of(size_t size, size_t page_size)
{
        return (PAGE_HEAD_BYTES - 1 + size) / page_size + 1;
}

bool
page_item(const struct page_nodes *nodes, size_t i, size_t page_size, struct page_item *out)
{
        const uint8_t *p = node(nodes, i);
        struct view key = page_key(nodes, i);
        const uint8_t *value = p + NODE_HEAD_BYTES + key.n;
        size_t left = page_size - (size_t)(value - nodes->p);
        unsigned flags = half(p + 4);

        *out = (struct page_item){.key = key};
        out->size = half(p) | (size_t)half(p + 2) << HALF_WORD_BITS;
        if (flags == NODE_OWN_PAGES && left >= sizeof(size_t)) {
                out->first_page = word(value);
                out->n_pages = page_run_of(out->size, page_size);
                return true;
        }
        out->value = (struct view){(const char *)value, out->size};
        return flags == 0 && out->size <= left;
}

bool
page_run_fits(const uint8_t *head, size_t number, size_t n_pages)
{
        uint32_t pages;

        memcpy(&pages, head + sizeof(size_t) + 4, sizeof(pages));
        return word(head) == number && half(head + sizeof(size_t) + 2) == PAGE_RUN &&
            pages == n_pages;
}
