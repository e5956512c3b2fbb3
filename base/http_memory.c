#include "base/http_memory.h"

#include "base/memory.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

/* What the allocator set aside, which it knows again when the piece is freed. */
static int64_t
size_of(void *p)
{
        return (int64_t)malloc_usable_size(p);
}

static void *
counted(enum memory_part part, void *p)
{
        memory_account(part, size_of(p));
        return p;
}

static void
let_go(enum memory_part part, void *p)
{
        memory_account(part, -size_of(p));
        free(p);
}

static void *
resize(enum memory_part part, void *p, size_t n)
{
        int64_t before = size_of(p);
        void *now = realloc(p, n);

        if (now != NULL)
                memory_account(part, size_of(now) - before);
        return now;
}

/* ---- libcurl ---- */

static void *
curl_take(size_t n)
{
        return counted(MEMORY_CURL, malloc(n));
}

static void *
curl_take_zeros(size_t count, size_t n)
{
        return counted(MEMORY_CURL, calloc(count, n));
}

static void *
curl_resize(void *p, size_t n)
{
        return resize(MEMORY_CURL, p, n);
}

static char *
curl_copy(const char *text)
{
        return counted(MEMORY_CURL, strdup(text));
}

static void
curl_let_go(void *p)
{
        let_go(MEMORY_CURL, p);
}

/* ---- OpenSSL ---- */

static void *
tls_take(size_t n, const char *file, int line)
{
        (void)file;
        (void)line;
        return n > 0 ? counted(MEMORY_TLS, malloc(n)) : NULL;
}

static void
tls_let_go(void *p, const char *file, int line)
{
        (void)file;
        (void)line;
        let_go(MEMORY_TLS, p);
}

static void *
tls_resize(void *p, size_t n, const char *file, int line)
{
        if (n == 0) { /* as CRYPTO_realloc does */
                tls_let_go(p, file, line);
                return NULL;
        }
        return resize(MEMORY_TLS, p, n);
}

CURLcode
http_memory_init(void)
{
        /* refused once OpenSSL has allocated anything: then it goes on uncounted */
        (void)CRYPTO_set_mem_functions(tls_take, tls_resize, tls_let_go);
        return curl_global_init_mem(
            CURL_GLOBAL_DEFAULT, curl_take, curl_let_go, curl_resize, curl_copy, curl_take_zeros);
}
