#include "tests/testing/testing.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

char *
testing_directory(void)
{
        const char *tmp = getenv("TMPDIR");
        char path[512];

        (void)snprintf(path, sizeof(path), "%s/gleaner-test-XXXXXX", tmp != NULL ? tmp : "/tmp");
        assert_non_null(mkdtemp(path));
        return strdup(path);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        (void)st;
        (void)type;
        (void)ftw;
        return remove(path);
}

void
testing_remove(char *dir)
{
        assert_int_equal(nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
        free(dir);
}

void
testing_read(const char *name, struct buf *out)
{
        const char *data = getenv("GLEANER_TEST_DATA");
        char path[1024];
        char piece[8192];
        gzFile f;
        int n;

        (void)snprintf(path, sizeof(path), "%s/%s", data != NULL ? data : "tests/data", name);
        /* zlib reads a file that is not gzip as it is */
        f = gzopen(path, "rb");
        if (f == NULL)
                fail_msg("cannot open test data %s", path);
        while ((n = gzread(f, piece, sizeof(piece))) > 0)
                testing_ok(buf_append(out, piece, (size_t)n, NULL), NULL);
        assert_int_equal(n, 0);
        assert_int_equal(gzclose(f), Z_OK);
}

json_t *
testing_json(const char *name)
{
        struct buf text = BUF_INIT((size_t)64 << 20);
        json_error_t error;
        json_t *json;

        testing_read(name, &text);
        json = json_loadb(text.ptr, text.len, JSON_ALLOW_NUL, &error);
        if (json == NULL)
                fail_msg("%s:%d: %s", name, error.line, error.text);
        buf_release(&text);
        return json;
}

void
testing_write(const char *path, const void *p, size_t n)
{
        FILE *f = fopen(path, "wb");

        assert_non_null(f);
        assert_int_equal(fwrite(p, 1, n, f), n);
        assert_int_equal(fclose(f), 0);
}

void
testing_ok(int rc, const struct err *e)
{
        if (rc < 0)
                fail_msg("error %d: %s", rc, e != NULL ? e->msg : "(no message)");
}

uint64_t
testing_random(struct testing_random *r)
{
        uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15)); /* splitmix64 */

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

uint64_t
testing_random_below(struct testing_random *r, uint64_t bound)
{
        return testing_random(r) % bound;
}
