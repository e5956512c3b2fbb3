/*
 * What the two sides of layouts share: wal/layout_builder.c writes it, wal/layout.c reads it. The
 * bytes are described in FORMAT.md.
 *
 * A part is five runs of bytes: shapes (lists of label names), series, tokens (values), lengths
 * and text (of symbols). A series is a shape and, for each of its labels, a bit that says whether
 * the value differs from the last one that the same label name had; a token for each that does.
 * Symbols are numbered in the order in which they are first needed; their text is stored without
 * what it shares with the symbol made before for the same label name.
 */
#ifndef WAL_LAYOUT_FORMAT_H
#define WAL_LAYOUT_FORMAT_H

#include <stdint.h>

enum {
        LAYOUT_VERSION = 1,
        LAYOUT_FLAG_PACKED = 1, /* one zstd frame; else as it is */
        LAYOUT_HEAD_BYTES = 8 + 8 + 2 + 2 + 1 + 1 + 4, /* behind the envelope */
        LAYOUT_MAX_LABELS = 1 << 20, /* of all label sets of a part */
        /* tokens */
        LAYOUT_TOKEN_NEW = 0, /* the next symbol; from 1 on: zigzag distance + 1 */
        LAYOUT_SHAPE_NEW = 0, /* the next shape; from 1 on: zigzag distance + 1 */
};

/* Runs of a part, in stored order. Their lengths, but for the last, stand in front of them. */
enum layout_run { RUN_SHAPES, RUN_SERIES, RUN_TOKENS, RUN_LENGTHS, RUN_TEXT, LAYOUT_RUNS };

/* A string, and what is remembered of it as a label name (numbers of symbols + 1; 0: none). */
struct layout_symbol {
        uint32_t offset; /* into the text, what is shared included */
        uint32_t length;
        uint32_t last_value; /* that the label of this name had */
        uint32_t last_new; /* the symbol made last for a value of this name */
};

struct layout_shape {
        uint32_t first; /* of its names */
        uint32_t names;
};

#endif
