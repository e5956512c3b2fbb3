/*
 * What clouds, programs and files of profiles may say when they are asked for credentials: the
 * first byte chooses who is read. No crash; keys and tokens are one line each and print.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/credentials/aws_answer.h"
#include "base/credentials/aws_profile.h"
#include "base/err.h"
#include "scrape/discovery/kubernetes/credential.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check_text(const char *s, size_t n)
{
        if (strlen(s) != n)
                abort();
        for (size_t i = 0; i < n; i++) {
                if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
                        abort();
        }
}

static void
check_keys(const struct aws_keys *k, int rc)
{
        if ((rc == 0) != (k->id.len > 0) || (rc == 0) != (k->secret.len > 0))
                abort();
        if (rc < 0)
                return;
        check_text(k->id.ptr, k->id.len - 1);
        check_text(k->secret.ptr, k->secret.len - 1);
        if (k->session.len > 0)
                check_text(k->session.ptr, k->session.len - 1);
        if (k->expires_ms < 0)
                abort();
}

static void
read_answer(struct view body, bool xml)
{
        struct aws_keys k;
        struct err e = ERR_INIT;
        char why[512];

        aws_keys_init(&k);
        check_keys(&k, xml ? aws_answer_xml(body, &k, &e) : aws_answer_json(body, &k, &e));
        aws_keys_release(&k);
        aws_answer_refusal(body, why, sizeof(why));
        check_text(why, strlen(why));
}

static void
read_role(struct view body)
{
        struct buf role = BUF_INIT(1024);

        if (aws_answer_role(body, &role, NULL) == 0 &&
            (memchr(role.ptr, '/', role.len) != NULL || memchr(role.ptr, '?', role.len) != NULL))
                abort();
        buf_release(&role);
}

static void
read_profiles(struct view text)
{
        struct arena arena = ARENA_INIT(16 << 20);
        struct aws_profiles p = {0};

        if (aws_profiles_parse(text, true, &arena, &p, NULL) == 0 &&
            aws_profiles_parse(text, false, &arena, &p, NULL) == 0)
                (void)aws_profile_get(&p, "default", "region");
        if (p.n > AWS_PROFILE_MAX_ROWS)
                abort();
        arena_release(&arena);
}

static void
read_program(struct view text)
{
        struct arena arena = ARENA_INIT(1 << 20);
        struct kube_credential c = {0};
        struct err e = ERR_INIT;

        if (kube_credential_parse(text, "client.authentication.k8s.io/v1", &arena, &c, &e) == 0) {
                if (c.token != NULL)
                        check_text(c.token, strlen(c.token));
                if ((c.cert == NULL) != (c.key == NULL) || (c.token == NULL && c.cert == NULL))
                        abort();
        }
        arena_release(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        struct view text = {(const char *)data + 1, n > 0 ? n - 1 : 0};

        if (n == 0)
                return 0;
        switch (data[0] % 5) {
        case 0:
                read_answer(text, false);
                break;
        case 1:
                read_answer(text, true);
                break;
        case 2:
                read_role(text);
                break;
        case 3:
                read_profiles(text);
                break;
        default:
                read_program(text);
                break;
        }
        return 0;
}
