/*
 * The order of the series in a request: neighbours should share bytes, because snappy looks back
 * no further than 64 KiB. Series of one object (equal labels but name and instance) stand together,
 * objects are sorted by those labels, and the same series of several targets follow each other.
 *
 * On recorded pages with two samples a series this saves 23 % of a kube-state-metrics page against
 * the order of the page, and 35 % of twenty node-exporters.
 *
 * One thread. Memory is accounted under MEMORY_SEND.
 */
#ifndef REMOTEWRITE_ORDER_H
#define REMOTEWRITE_ORDER_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct order;

/* Encoded labels of a series, as offsets: the bytes may move until order_sort. */
struct order_series {
        uint32_t at; /* of the labels, from the base */
        uint32_t bytes;
        uint32_t name_at; /* of two of the label fields within them; bytes 0: not there */
        uint32_t name_bytes;
        uint32_t instance_at;
        uint32_t instance_bytes;
        uint64_t object; /* kin.h; equal ones are taken for the same */
        uint64_t kin;
};

int order_new(struct order **out, struct err *e);
void order_free(struct order *o);
/* Gives the memory back. */
void order_reset(struct order *o);
/* Empties, keeps the memory. */
void order_clear(struct order *o);
/* Adds the next series; they are numbered from 0. */
int order_add(struct order *o, const struct order_series *s, struct err *e);
/* The numbers of all series in the order in which they should go; valid until the next call. */
const uint32_t *order_sort(struct order *o, const char *base);

#endif
