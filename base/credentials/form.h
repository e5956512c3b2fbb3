/*
 * The fields of a form (application/x-www-form-urlencoded). Pure.
 */
#ifndef BASE_CREDENTIALS_FORM_H
#define BASE_CREDENTIALS_FORM_H

struct buf;
struct err;

/* Letters, digits and -_.~ stay, a blank is a +, the rest %XX. */
int form_escape(struct buf *out, const char *text, struct err *e);
/* Appends "name=value", an & before it when it is not the first. A NULL value adds nothing. */
int form_put(struct buf *out, const char *name, const char *value, struct err *e);

#endif
