/*
 * What several unit tests use. Everything asserts: a helper that fails fails the test.
 */
#ifndef TESTING_TESTING_H
#define TESTING_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h> /* needs the four above before it */

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>

/* A new directory under $TMPDIR or /tmp; the caller frees the name. */
char *testing_directory(void);
/* Removes a directory made by testing_directory with all that is in it, and frees the name. */
void testing_remove(char *dir);

/* A file of tests/data, whole; gunzipped when its name ends in .gz. */
void testing_read(const char *name, struct buf *out);
/* A JSON file of tests/data; the caller decrefs it. */
json_t *testing_json(const char *name);
void testing_write(const char *path, const void *p, size_t n);

/* rc must be 0; else the message of e is shown. */
void testing_ok(int rc, const struct err *e);

/* The same sequence on every machine; seeds are printed by tests that use them. */
struct testing_random {
        uint64_t state;
};
uint64_t testing_random(struct testing_random *r);
/* Less than bound (> 0). */
uint64_t testing_random_below(struct testing_random *r, uint64_t bound);

#endif
