/*
 * What is kept of a Kubernetes object: only the fields that labels need, packed into bytes. Names
 * of fields take one byte, numbers and booleans are text (labels are), nulls are left out.
 *
 *      value   1 length text | 2 value… 0 (list) | 3 (key value)… 0 (map)
 *      key     1…254: of a table | 255 length text
 *
 * Records are made here and never come from outside, so reading trusts them. Pure.
 */
#ifndef SCRAPE_DISCOVERY_KUBERNETES_RECORD_H
#define SCRAPE_DISCOVERY_KUBERNETES_RECORD_H

#include "base/view.h"

#include <jansson.h>
#include <stdint.h>

struct buf;
struct err;

/* A field to keep. fields NULL: a scalar, or a list or map of scalars. A list ends with key NULL.
 * Of a list of objects, fields are those of each. */
struct kube_field {
        const char *key;
        const struct kube_field *fields;
};

/* Appends the packed object. ERR_LIMIT: out's bound; ERR_NOMEM. What has another type than the
 * fields say is left out. */
int kube_pack(
    const json_t *object, const struct kube_field *fields, struct buf *out, struct err *e);

/* A value in a record, valid as long as that; p NULL: it is not there. */
struct kube_value {
        const uint8_t *p;
};

/* The value of a map's key; not there when v is no map. */
struct kube_value kube_get(struct kube_value v, const char *key);
/* The text of a scalar; "" when it is none. */
struct view kube_text(struct kube_value v);
/* Both of them. */
struct view kube_get_text(struct kube_value v, const char *key);
static inline bool
kube_is(struct kube_value v)
{
        return v.p != NULL;
}

/*
 * What is in a list or a map, in order:
 *      for (struct kube_items i = kube_items(list); kube_next(&i);) … i.key, i.value
 */
struct kube_items {
        const uint8_t *next; /* NULL: nothing more */
        bool map;
        struct view key; /* of a map */
        struct kube_value value;
};
struct kube_items kube_items(struct kube_value v);
bool kube_next(struct kube_items *i);

#endif
