/*
 * What AWS's services answer to who asks for keys: the instance's metadata and containers in JSON,
 * the Security Token Service in XML. Pure.
 */
#ifndef BASE_CREDENTIALS_AWS_ANSWER_H
#define BASE_CREDENTIALS_AWS_ANSWER_H

#include "base/buf.h"
#include "base/view.h"

#include <stdint.h>

struct err;

enum { AWS_KEY_MAX = 256, AWS_SESSION_MAX = 32 << 10 };

struct aws_keys { /* each with a 0 behind it */
        struct buf id;
        struct buf secret;
        struct buf session; /* empty: none */
        int64_t expires_ms; /* wall time; 0: never */
};

void aws_keys_init(struct aws_keys *k);
/* Wipes and frees; it may be used again. */
void aws_keys_release(struct aws_keys *k);
int aws_keys_set(
    struct aws_keys *k, const char *id, const char *secret, const char *session, struct err *e);

/* ERR_AGAIN with the reason, which quotes nothing of the keys. */
int aws_answer_json(struct view body, struct aws_keys *out, struct err *e);
int aws_answer_xml(struct view body, struct aws_keys *out, struct err *e);
/* The first line of a list of roles, which becomes a part of a URL. */
int aws_answer_role(struct view body, struct buf *out, struct err *e);
/* Of a refusal in XML: "AccessDenied: User … is not authorized", what does not print replaced. */
void aws_answer_refusal(struct view body, char *out, size_t cap);

#endif
