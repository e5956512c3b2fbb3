/*
 * UTF-8, strictly: no surrogates, no overlong forms, nothing above U+10FFFF. Pure; any thread.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UTF8_MAX = 4 };

/* The code point at p (n > 0 bytes follow) into *out; returns its bytes, 0 when there is none. */
size_t utf8_decode(const char *p, size_t n, uint32_t *out);
/* Writes at most UTF8_MAX bytes; returns their number. c is a code point, no surrogate. */
size_t utf8_encode(uint32_t c, char *out);
/* Bytes of the text that fit into max without splitting a character; n itself when all do. */
size_t utf8_cut(const char *p, size_t n, size_t max);
/*
 * Not to be shown as it is: the controls (C0, DEL, C1), which steer terminals, separators of lines
 * and paragraphs, and the marks that turn the direction of the text around.
 */
bool utf8_hidden(uint32_t c);

#endif
