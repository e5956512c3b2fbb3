/*
 * The two loops in which the splitter spends its time: to the end of a name, and to the brace that
 * closes a series. Where the machine has SSE2 they look at 16 and 64 bytes at a time, without a
 * branch per byte; the splitter goes on byte by byte where they give up.
 */
#ifndef SCRAPE_TEXTSCAN_H
#define SCRAPE_TEXTSCAN_H

#include "scrape/textclass.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>

enum { TEXTSCAN_VECTOR = 16, TEXTSCAN_BLOCK = 64 };

static inline __m128i
textscan_load(const char *p)
{
        return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline __m128i
textscan_equal(__m128i v, char c)
{
        return _mm_cmpeq_epi8(v, _mm_set1_epi8(c));
}

static inline unsigned
textscan_bits(__m128i v)
{
        return (unsigned)_mm_movemask_epi8(v);
}

/* Bytes from low to high (both below 0x80); those above 0x7f are negative and never match. */
static inline __m128i
textscan_within(__m128i v, char low, char high)
{
        return _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8((char)(low - 1))),
            _mm_cmplt_epi8(v, _mm_set1_epi8((char)(high + 1))));
}

/* A bit for each of 16 bytes that is not a name's. */
static inline unsigned
textscan_name_mask(const char *p)
{
        __m128i v = textscan_load(p);
        __m128i letter = textscan_within(_mm_or_si128(v, _mm_set1_epi8(0x20)), 'a', 'z');
        __m128i digit = textscan_within(v, '0', ':'); /* ':' comes after '9' */

        return textscan_bits(_mm_or_si128(_mm_or_si128(letter, digit), textscan_equal(v, '_'))) ^
            0xffffU;
}

/* A bit for each byte of a block: quotes, closing braces, and what needs a closer look. */
struct textscan_masks {
        uint64_t quote;
        uint64_t close;
        uint64_t odd; /* backslashes and line feeds */
};

static inline struct textscan_masks
textscan_block(const char *p)
{
        struct textscan_masks m = {0, 0, 0};

        for (unsigned i = 0; i < TEXTSCAN_BLOCK; i += TEXTSCAN_VECTOR) {
                __m128i v = textscan_load(p + i);
                __m128i odd = _mm_or_si128(textscan_equal(v, '\\'), textscan_equal(v, '\n'));

                m.quote |= (uint64_t)textscan_bits(textscan_equal(v, '"')) << i;
                m.close |= (uint64_t)textscan_bits(textscan_equal(v, '}')) << i;
                m.odd |= (uint64_t)textscan_bits(odd) << i;
        }
        return m;
}

/* Each bit becomes the parity of the bits up to it: from quotes, what lies within quotes. */
static inline uint64_t
textscan_parity(uint64_t bits)
{
        for (unsigned shift = 1; shift < 64; shift *= 2)
                bits ^= bits << shift;
        return bits;
}
#endif

/* To the first byte that is not a name's; the last byte of [p, end) is none. */
static inline const char *
textscan_name(const char *p, const char *end)
{
#ifdef __SSE2__
        for (; end - p >= TEXTSCAN_VECTOR; p += TEXTSCAN_VECTOR) {
                unsigned mask = textscan_name_mask(p);

                if (mask != 0)
                        return p + __builtin_ctz(mask);
        }
#else
        (void)end;
#endif
        while (textclass_is(*p, TEXTCLASS_NAME))
                p++;
        return p;
}

/* From within braces to the closing one; NULL when there is a backslash or a line feed before it,
 * or too few bytes to look at. */
static inline const char *
textscan_close(const char *p, const char *end)
{
#ifdef __SSE2__
        uint64_t within = 0; /* all ones: the block before ended within quotes */

        for (; end - p >= TEXTSCAN_BLOCK; p += TEXTSCAN_BLOCK) {
                struct textscan_masks m = textscan_block(p);
                uint64_t quoted = textscan_parity(m.quote) ^ within;
                uint64_t stop = (m.close & ~quoted) | m.odd;

                if (stop != 0) {
                        p += __builtin_ctzll(stop);
                        return *p == '}' ? p : NULL;
                }
                within = (quoted >> 63) != 0 ? UINT64_MAX : 0;
        }
#else
        (void)p;
        (void)end;
#endif
        return NULL;
}

#endif
