#include "agent/web_auth.h"

#include "agent/web_config.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/thread.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { REMEMBERED = 64, KEY_BYTES = 32, USER_MAX = 256 };

/* Digests of name, hash and password: the oldest one makes room. */
struct memory {
        unsigned char v[REMEMBERED][WEB_AUTH_DIGEST];
        size_t n;
        size_t next;
};

struct web_auth {
        void (*done)(struct web_question *q);
        unsigned char key[KEY_BYTES]; /* of the digests; of this process */
        struct memory good;
        struct memory bad;
        bool running; /* the asker's: the thread was started */
        pthread_t thread;
        pthread_mutex_t mtx;
        pthread_cond_t more;
        struct web_question *first; /* under mtx */
        struct web_question *last; /* under mtx */
        bool stop; /* under mtx */
};

struct credentials {
        char user[USER_MAX];
        char password[WEB_AUTH_PASSWORD_MAX];
};

/* ---- what was found before ---- */

static bool
remembers(const struct memory *m, const unsigned char *digest)
{
        bool found = false;

        for (size_t i = 0; i < m->n; i++)
                found = gnutls_memcmp(m->v[i], digest, WEB_AUTH_DIGEST) == 0 || found;
        return found;
}

static void
remember(struct memory *m, const unsigned char *digest)
{
        memcpy(m->v[m->next], digest, WEB_AUTH_DIGEST);
        m->next = (m->next + 1) % REMEMBERED;
        if (m->n < REMEMBERED)
                m->n++;
}

/* ---- the header ---- */

/* "Basic " and base64 of name:password (RFC 7617); false: it is none, or too long. */
static bool
parse(const char *header, struct credentials *out)
{
        static const char scheme[] = "Basic ";
        gnutls_datum_t text;
        gnutls_datum_t plain = {NULL, 0};
        const unsigned char *colon;
        size_t user_n;
        size_t password_n;
        bool good = false;

        if (header == NULL || strncasecmp(header, scheme, sizeof(scheme) - 1) != 0)
                return false;
        header += sizeof(scheme) - 1;
        text = (gnutls_datum_t){(unsigned char *)(uintptr_t)header, (unsigned)strlen(header)};
        if (text.size == 0 || gnutls_base64_decode2(&text, &plain) < 0)
                return false;
        colon = memchr(plain.data, ':', plain.size);
        if (colon != NULL && memchr(plain.data, '\0', plain.size) == NULL) {
                user_n = (size_t)(colon - plain.data);
                password_n = plain.size - user_n - 1;
                good = user_n < sizeof(out->user) && password_n < sizeof(out->password);
        }
        if (good) {
                memcpy(out->user, plain.data, user_n);
                out->user[user_n] = '\0';
                memcpy(out->password, colon + 1, password_n);
                out->password[password_n] = '\0';
        }
        gnutls_memset(plain.data, 0, plain.size);
        gnutls_free(plain.data);
        return good;
}

/* Who is not known gets the hash of one who is, always the same one: it costs as much. */
static const struct web_user *
find(const struct web_user *users, size_t n, const char *name, bool *known)
{
        *known = true;
        for (size_t i = 0; i < n; i++) {
                if (strcmp(users[i].name, name) == 0)
                        return &users[i];
        }
        *known = false;
        return &users[hash_seeded(name, strlen(name)) % n];
}

static bool
digest_of(const struct web_auth *a, const struct credentials *c, const struct web_question *q,
    unsigned char *out)
{
        gnutls_hmac_hd_t h;

        if (gnutls_hmac_init(&h, GNUTLS_MAC_SHA256, a->key, sizeof(a->key)) < 0)
                return false;
        (void)gnutls_hmac(h, c->user, strlen(c->user) + 1);
        (void)gnutls_hmac(h, q->hash, sizeof(q->hash));
        (void)gnutls_hmac(h, c->password, strlen(c->password) + 1);
        gnutls_hmac_deinit(h, out);
        return true;
}

/* ---- the thread ---- */

static void *
run(void *arg)
{
        struct web_auth *a = arg;

        (void)pthread_mutex_lock(&a->mtx);
        while (!a->stop) {
                struct web_question *q = a->first;

                if (q == NULL) {
                        (void)pthread_cond_wait(&a->more, &a->mtx);
                        continue;
                }
                a->first = q->next;
                (void)pthread_mutex_unlock(&a->mtx);
                q->matches = bcrypt_matches(q->hash, q->password);
                a->done(q);
                (void)pthread_mutex_lock(&a->mtx);
        }
        (void)pthread_mutex_unlock(&a->mtx);
        return NULL;
}

static bool
start(struct web_auth *a)
{
        struct err e = ERR_INIT;
        int rc = a->running ? 0 : bcrypt_load(&e);

        if (rc == 0 && !a->running)
                rc = thread_start(&a->thread, "auth", run, a, &e);
        if (rc < 0)
                log_error("cannot check a password, nobody is let in", LOG_STR("err", e.msg));
        a->running = rc == 0;
        return a->running;
}

/* ---- for the server ---- */

enum web_verdict
web_auth_ask(struct web_auth *a, const struct web_user *users, size_t n_users, const char *header,
    struct web_question *q)
{
        struct credentials c;
        enum web_verdict verdict = WEB_NO;

        if (n_users == 0 || !parse(header, &c))
                return WEB_NO;
        memcpy(q->hash, find(users, n_users, c.user, &q->known)->hash, sizeof(q->hash));
        if (!digest_of(a, &c, q, q->digest))
                goto out;
        if (q->known && remembers(&a->good, q->digest)) {
                verdict = WEB_YES;
                goto out;
        }
        if (remembers(&a->bad, q->digest) || !start(a))
                goto out;
        memcpy(q->password, c.password, sizeof(q->password));
        verdict = WEB_LATER;
out:
        explicit_bzero(&c, sizeof(c));
        return verdict;
}

void
web_auth_send(struct web_auth *a, struct web_question *q)
{
        q->next = NULL;
        q->matches = false;
        (void)pthread_mutex_lock(&a->mtx);
        if (a->first == NULL)
                a->first = q;
        else
                a->last->next = q;
        a->last = q;
        (void)pthread_cond_signal(&a->more);
        (void)pthread_mutex_unlock(&a->mtx);
}

enum web_verdict
web_auth_settle(struct web_auth *a, struct web_question *q)
{
        bool good = q->known && q->matches;

        remember(good ? &a->good : &a->bad, q->digest);
        explicit_bzero(q, sizeof(*q));
        return good ? WEB_YES : WEB_NO;
}

int
web_auth_new(void (*done)(struct web_question *q), struct web_auth **out, struct err *e)
{
        struct web_auth *a = calloc(1, sizeof(*a));

        if (a == NULL)
                return err_nomem(e, "passwords");
        if (gnutls_rnd(GNUTLS_RND_KEY, a->key, sizeof(a->key)) < 0) {
                free(a);
                return err_set(e, ERR_SYS, "cannot make a random key");
        }
        a->done = done;
        (void)pthread_mutex_init(&a->mtx, NULL);
        (void)pthread_cond_init(&a->more, NULL);
        *out = a;
        return 0;
}

void
web_auth_free(struct web_auth *a)
{
        if (a == NULL)
                return;
        if (a->running) {
                (void)pthread_mutex_lock(&a->mtx);
                a->stop = true;
                (void)pthread_cond_signal(&a->more);
                (void)pthread_mutex_unlock(&a->mtx);
                (void)pthread_join(a->thread, NULL);
        }
        while (a->first != NULL) {
                struct web_question *q = a->first;

                a->first = q->next;
                a->done(q);
        }
        (void)pthread_cond_destroy(&a->more);
        (void)pthread_mutex_destroy(&a->mtx);
        explicit_bzero(a, sizeof(*a));
        free(a);
}
