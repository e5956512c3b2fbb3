/*
 * A part: one request body as it goes over the wire, with what is needed to settle it. Most
 * requests are one part; one that is too large or refused is cut into more (request.h).
 *
 * The packer makes bodies of series: snappy works on pieces of 64 KiB that do not know each other,
 * so a 1.0 body is compressed piece by piece, and ends before the piece that would pass its bound.
 * A 2.0 body begins with the texts of all its series, so it is compressed as a whole, and cut when
 * that is too large. Series come in and are read again as 1.0 has them, whichever is made of them.
 *
 * One thread. Memory is accounted under MEMORY_SEND.
 */
#ifndef REMOTEWRITE_PART_H
#define REMOTEWRITE_PART_H

#include "base/buf.h"
#include "base/view.h"
#include "remotewrite/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct packer;
struct request;

struct part {
        struct part *next; /* of the same request */
        struct request *request; /* that it belongs to */
        char *bytes; /* owned */
        struct view body; /* in bytes */
        enum write_message message; /* that the body is */
        uint64_t series;
        uint64_t samples;
        uint64_t raw_bytes; /* of its series, as 1.0 has them */
        int64_t oldest_ms; /* none of its samples is earlier */
        int64_t newest_ms; /* or later */
        unsigned attempts; /* begun */
        bool ambiguous; /* the receiver may have taken it before */
        bool again_at_once; /* the attempt before met a stale connection */
        bool flying;
};

void part_free(struct part *p);

int packer_new(struct packer **out, struct err *e);
void packer_free(struct packer *p);
/* Gives the memory back. */
void packer_reset(struct packer *p);

struct packer_bounds {
        uint64_t bytes; /* of a body, compressed (more only for one series alone) */
        enum write_message message;
};
void packer_begin(struct packer *p, const struct packer_bounds *bounds);
/* One series, encoded, and what it adds to its part. */
struct packer_series {
        struct view field;
        uint32_t samples;
        int64_t oldest_ms;
        int64_t newest_ms;
};
int packer_add(struct packer *p, const struct packer_series *s, struct err *e);
/* Ends: moves the list of parts to *out, NULL when nothing was added. On failure none is left. */
int packer_finish(struct packer *p, struct part **out, struct err *e);

/*
 * Packs a part's series again into two parts of about the same size, in order. ERR_LIMIT: it has
 * only one series. The new parts inherit what is known of the old one, which stays the caller's.
 */
int packer_halve(struct packer *p, const struct part *part, struct part **out, struct err *e);
/*
 * Packs a part again without its samples before oldest_ms; *out is NULL when nothing is left.
 */
int packer_age(
    struct packer *p, const struct part *part, int64_t oldest_ms, struct part **out, struct err *e);
/* Packs a part again, as another message. */
int packer_change(struct packer *p, const struct part *part, const struct packer_bounds *bounds,
    struct part **out, struct err *e);

#endif
