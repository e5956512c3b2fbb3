/*
 * What was discovered of many targets, in few bytes: the label sets of one job's targets have
 * mostly the same names, and many of the same values. A model is one such set, kept once; the
 * others are written as what differs from it:
 *
 *      per label of the model, in its order: 0 (the model's value), or 1 + length, and a value
 *
 * A model is immutable and reference-counted: any thread. struct label_models, where models are
 * looked up and made, belongs to the thread that builds targets.
 */
#ifndef SCRAPE_LABEL_MODEL_H
#define SCRAPE_LABEL_MODEL_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct label_model;
struct labels;

enum { LABEL_MODELS = 256 }; /* that are looked up; older ones live as long as their targets */

/* All zero: none are known; label_models_release gives them back. */
struct label_models {
        struct label_model *v[LABEL_MODELS]; /* references, by hash of their names */
};

/*
 * A reference to a model with the names of a sorted set: a known one, or the set itself. NULL
 * without memory. models may be NULL: then it is always the set itself.
 */
struct label_model *label_models_take(struct label_models *models, const struct labels *set);
void label_models_release(struct label_models *models);

/* Gives a reference back; the last one frees. NULL-safe. */
void label_model_unref(struct label_model *m);

/* Bytes that the set takes; it has the model's names. */
size_t label_model_size(const struct label_model *m, const struct labels *set);
void label_model_write(const struct label_model *m, const struct labels *set, uint8_t *to);
/* Appends the set; its views are of the model and of the bytes. m NULL: an empty one. */
int label_model_read(
    const struct label_model *m, const uint8_t *from, struct labels *out, struct err *e);

#endif
