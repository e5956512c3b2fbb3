#include "base/credentials/aws_answer.h"

#include "base/err.h"
#include "base/http_secret.h"
#include "base/timestamp.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIME_MAX = 64, ROLE_MAX = 256, WORD_MAX = 64, MESSAGE_MAX = 300 };

void
aws_keys_init(struct aws_keys *k)
{
        *k = (struct aws_keys){.id = BUF_INIT(AWS_KEY_MAX),
            .secret = BUF_INIT(AWS_KEY_MAX),
            .session = BUF_INIT(AWS_SESSION_MAX)};
}

void
aws_keys_release(struct aws_keys *k)
{
        http_secret_release(&k->id);
        http_secret_release(&k->secret);
        http_secret_release(&k->session);
        k->expires_ms = 0;
}

/* They become headers: one line, nothing that does not print. */
static bool
is_clean(const char *s)
{
        for (; *s != '\0'; s++) {
                if ((unsigned char)*s <= 0x20 || (unsigned char)*s >= 0x7f)
                        return false;
        }
        return true;
}

static int
put(struct buf *to, const char *text, struct err *e)
{
        int rc;

        if (!is_clean(text))
                return err_set(e, ERR_AGAIN, "a key has a character in it that does not print");
        rc = buf_puts(to, text, NULL);
        if (rc == 0)
                rc = buf_putc(to, '\0', NULL);
        return rc == 0 ? 0 : err_set(e, ERR_AGAIN, "a key is too long");
}

int
aws_keys_set(
    struct aws_keys *k, const char *id, const char *secret, const char *session, struct err *e)
{
        int rc;

        aws_keys_release(k);
        if (id == NULL || id[0] == '\0' || secret == NULL || secret[0] == '\0')
                return err_set(e, ERR_AGAIN, "the answer has no keys");
        rc = put(&k->id, id, e);
        if (rc == 0)
                rc = put(&k->secret, secret, e);
        if (rc == 0 && session != NULL && session[0] != '\0')
                rc = put(&k->session, session, e);
        if (rc < 0)
                aws_keys_release(k);
        return rc;
}

static int
set_expiry(struct aws_keys *k, const char *text, struct err *e)
{
        if (text == NULL || text[0] == '\0')
                return 0;
        if (timestamp_parse(view_of(text), &k->expires_ms))
                return 0;
        aws_keys_release(k);
        return err_set(e, ERR_AGAIN, "the answer's Expiration is not a time");
}

/* ---- JSON ---- */

static const char *
text_at(const json_t *map, const char *name)
{
        return json_string_value(json_object_get(map, name));
}

int
aws_answer_json(struct view body, struct aws_keys *out, struct err *e)
{
        json_t *root = json_loadb(body.p != NULL ? body.p : "", body.n, 0, NULL);
        const char *code = text_at(root, "Code");
        const char *message = text_at(root, "Message");
        int rc;

        if (!json_is_object(root))
                rc = err_set(e, ERR_AGAIN, "the answer is not a JSON object");
        else if (code != NULL && strcasecmp(code, "Success") != 0)
                rc = err_set(e, ERR_AGAIN, "%.64s: %.200s", code, message != NULL ? message : "");
        else
                rc = aws_keys_set(out, text_at(root, "AccessKeyId"),
                    text_at(root, "SecretAccessKey"), text_at(root, "Token"), e);
        if (rc == 0)
                rc = set_expiry(out, text_at(root, "Expiration"), e);
        json_decref(root);
        return rc;
}

/* ---- XML ---- */

/*
 * What stands between <name> and </name>: all that is needed of AWS's documents, whose elements of
 * interest have no attributes and no others in them. False: it is not there, or too long.
 */
static bool
element(struct view body, const char *name, char *out, size_t cap)
{
        static const char *const entities[][2] = {
            {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&apos;", "'"}, {"&amp;", "&"}};
        char tag[WORD_MAX];
        const char *p;
        const char *end;
        size_t n = 0;

        (void)snprintf(tag, sizeof(tag), "<%s>", name);
        p = body.n > 0 ? memmem(body.p, body.n, tag, strlen(tag)) : NULL;
        if (p == NULL)
                return false;
        p += strlen(tag);
        (void)snprintf(tag, sizeof(tag), "</%s>", name);
        end = memmem(p, (size_t)(body.p + body.n - p), tag, strlen(tag));
        while (end != NULL && p < end) {
                size_t i = 0;

                while (i < 5 &&
                    ((size_t)(end - p) < strlen(entities[i][0]) ||
                        memcmp(p, entities[i][0], strlen(entities[i][0])) != 0))
                        i++;
                if (n + 1 >= cap)
                        return false;
                memcpy(out + n++, i < 5 ? entities[i][1] : p, 1);
                p += i < 5 ? strlen(entities[i][0]) : 1;
        }
        out[n] = '\0';
        return end != NULL && strlen(out) == n;
}

int
aws_answer_xml(struct view body, struct aws_keys *out, struct err *e)
{
        char id[AWS_KEY_MAX];
        char secret[AWS_KEY_MAX];
        char expires[TIME_MAX] = "";
        char *session = calloc(1, AWS_SESSION_MAX);
        int rc;

        if (session == NULL)
                return err_nomem(e, "keys");
        if (!element(body, "AccessKeyId", id, sizeof(id)) ||
            !element(body, "SecretAccessKey", secret, sizeof(secret)) ||
            !element(body, "SessionToken", session, AWS_SESSION_MAX)) {
                rc = err_set(e, ERR_AGAIN, "the answer has no keys");
        } else {
                rc = aws_keys_set(out, id, secret, session, e);
                if (rc == 0 && element(body, "Expiration", expires, sizeof(expires)))
                        rc = set_expiry(out, expires, e);
        }
        explicit_bzero(secret, sizeof(secret));
        explicit_bzero(session, AWS_SESSION_MAX);
        free(session);
        return rc;
}

void
aws_answer_refusal(struct view body, char *out, size_t cap)
{
        char code[WORD_MAX] = "";
        char message[MESSAGE_MAX] = "";

        out[0] = '\0';
        if (!element(body, "Code", code, sizeof(code)))
                return;
        (void)element(body, "Message", message, sizeof(message));
        (void)snprintf(out, cap, "%s%s%s", code, message[0] != '\0' ? ": " : "", message);
        for (char *p = out; *p != '\0'; p++) {
                if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
                        *p = ' ';
        }
}

/* ---- roles ---- */

int
aws_answer_role(struct view body, struct buf *out, struct err *e)
{
        const char *end = body.n > 0 ? memchr(body.p, '\n', body.n) : NULL;
        struct view line = {body.p, end != NULL ? (size_t)(end - body.p) : body.n};

        while (line.n > 0 && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == ' '))
                line.n--;
        if (line.n == 0 || line.n > ROLE_MAX)
                return err_set(e, ERR_AGAIN, "the instance has no role");
        for (size_t i = 0; i < line.n; i++) { /* IAM's names: letters, digits and +=,.@_- */
                char c = line.p[i];

                if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                        (c != '\0' && strchr("+=,.@_-", c) != NULL)))
                        return err_set(e, ERR_AGAIN, "the instance's role has no name of one");
        }
        return buf_append(out, line.p, line.n, e);
}
