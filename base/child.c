#include "base/child.h"

#include "base/buf.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REAP_MS = 20, CHUNK = 4096, READS_MAX = 64 };

struct child {
        pid_t pid; /* 0: it was waited for */
        int fds[CHILD_FDS]; /* its output and errors; -1: at their end */
        struct buf output;
        struct buf errors;
        bool too_long;
        bool timed_out;
        int status; /* of waitpid */
        int64_t deadline_ms;
        int64_t due_ms;
        int64_t timeout_ms;
};

/* ---- its environment ---- */

static bool
replaced(const char *line, const struct child_options *o)
{
        const char *end = strchr(line, '=');
        size_t n = end != NULL ? (size_t)(end - line) + 1 : 0;

        for (size_t i = 0; n > 0 && i < o->n_env; i++) {
                if (strncmp(line, o->env[i], n) == 0)
                        return true;
        }
        return false;
}

/* An array alone: the lines are borrowed for the call of posix_spawn. */
static const char **
make_env(const struct child_options *o)
{
        size_t n = 0;
        size_t at = 0;
        const char **env;

        while (environ[n] != NULL)
                n++;
        env = calloc(n + o->n_env + 1, sizeof(*env));
        if (env == NULL)
                return NULL;
        for (size_t i = 0; i < n; i++) {
                if (!replaced(environ[i], o))
                        env[at++] = environ[i];
        }
        for (size_t i = 0; i < o->n_env; i++)
                env[at++] = o->env[i];
        return env;
}

/* ---- start ---- */

static int
set_attributes(posix_spawnattr_t *attr)
{
        sigset_t none;
        sigset_t all;

        (void)sigemptyset(&none);
        (void)sigfillset(&all);
        if (posix_spawnattr_setsigmask(attr, &none) != 0 ||
            posix_spawnattr_setsigdefault(attr, &all) != 0 ||
            posix_spawnattr_setpgroup(attr, 0) != 0)
                return -1;
        return posix_spawnattr_setflags(
            attr, (short)(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP));
}

static int
set_files(posix_spawn_file_actions_t *files, int out, int errors)
{
        if (posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0) != 0 ||
            posix_spawn_file_actions_adddup2(files, out, 1) != 0 ||
            posix_spawn_file_actions_adddup2(files, errors, 2) != 0)
                return -1;
        return posix_spawn_file_actions_addclosefrom_np(files, 3);
}

/* 0, or an errno. posix_spawn copies no memory of ours, unlike fork. */
static int
spawn(struct child *c, const struct child_options *o, const char **env, const int ends[CHILD_FDS])
{
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attr;
        int code = ENOMEM;

        if (posix_spawn_file_actions_init(&files) != 0)
                return code;
        if (posix_spawnattr_init(&attr) == 0) {
                if (set_attributes(&attr) == 0 && set_files(&files, ends[0], ends[1]) == 0)
                        code = posix_spawnp(&c->pid, o->argv[0], &files, &attr,
                            (char *const *)(uintptr_t)o->argv, (char *const *)(uintptr_t)env);
                (void)posix_spawnattr_destroy(&attr);
        }
        (void)posix_spawn_file_actions_destroy(&files);
        return code;
}

static void
close_fd(int *fd)
{
        if (*fd >= 0)
                (void)close(*fd);
        *fd = -1;
}

/* Our ends do not block; theirs are numbered over 2, so that none is closed by being put there. */
static int
make_pipes(struct child *c, int ends[CHILD_FDS])
{
        for (int i = 0; i < CHILD_FDS; i++) {
                int both[2];

                if (pipe2(both, O_CLOEXEC) < 0)
                        return -1;
                c->fds[i] = both[0];
                ends[i] = fcntl(both[1], F_DUPFD_CLOEXEC, 3);
                (void)close(both[1]);
                if (ends[i] < 0 || fcntl(both[0], F_SETFL, O_NONBLOCK) < 0)
                        return -1;
        }
        return 0;
}

int
child_start(const struct child_options *o, struct child **out, struct err *e)
{
        struct child *c = calloc(1, sizeof(*c));
        const char **env = c != NULL ? make_env(o) : NULL;
        int ends[CHILD_FDS] = {-1, -1};
        int code = 0;

        if (env == NULL) {
                free(c);
                return err_nomem(e, "a child process");
        }
        c->fds[0] = c->fds[1] = -1;
        c->output = (struct buf)BUF_INIT(CHILD_OUTPUT_MAX);
        c->errors = (struct buf)BUF_INIT(CHILD_ERRORS_MAX);
        c->timeout_ms = o->timeout_ms;
        c->deadline_ms = c->due_ms = o->now_ms + o->timeout_ms;
        if (make_pipes(c, ends) < 0)
                code = errno;
        if (code == 0)
                code = spawn(c, o, env, ends);
        close_fd(&ends[0]);
        close_fd(&ends[1]);
        free(env);
        if (code == 0) {
                *out = c;
                return 0;
        }
        c->pid = 0;
        child_free(c);
        (void)err_sys(e, code, "cannot run \"%s\"", o->argv[0]);
        if (code == ENOENT && e != NULL)
                e->code = ERR_NOTFOUND;
        return code == ENOENT ? ERR_NOTFOUND : ERR_SYS;
}

void
child_free(struct child *c)
{
        if (c == NULL)
                return;
        if (c->pid > 0) {
                (void)kill(-c->pid, SIGKILL);
                while (waitpid(c->pid, &c->status, 0) < 0 && errno == EINTR)
                        ;
        }
        close_fd(&c->fds[0]);
        close_fd(&c->fds[1]);
        if (c->output.ptr != NULL)
                explicit_bzero(c->output.ptr, c->output.cap);
        buf_release(&c->output);
        buf_release(&c->errors);
        free(c);
}

/* ---- while it runs ---- */

/* Keeps the end of what was written to its standard error: that is where the reason stands. */
static void
keep_errors(struct buf *b, const char *p, size_t n)
{
        if (n > b->max) {
                p += n - b->max;
                n = b->max;
        }
        if (b->len + n > b->max)
                buf_consume(b, b->len + n - b->max);
        (void)buf_append(b, p, n, NULL);
}

static void
read_from(struct child *c, int i)
{
        char chunk[CHUNK];
        ssize_t n = 0;

        /* bounded: one that never stops is looked at again */
        for (int reads = 0; c->fds[i] >= 0 && reads < READS_MAX; reads++) {
                n = read(c->fds[i], chunk, sizeof(chunk));
                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        break;
                if (n <= 0)
                        close_fd(&c->fds[i]);
                else if (i == 1)
                        keep_errors(&c->errors, chunk, (size_t)n);
                else if (buf_append(&c->output, chunk, (size_t)n, NULL) < 0)
                        c->too_long = true;
        }
        explicit_bzero(chunk, sizeof(chunk));
}

static void
kill_it(struct child *c)
{
        (void)kill(-c->pid, SIGKILL);
        while (waitpid(c->pid, &c->status, 0) < 0 && errno == EINTR)
                ;
        c->pid = 0;
        close_fd(&c->fds[0]);
        close_fd(&c->fds[1]);
}

bool
child_turn(struct child *c, int64_t now_ms)
{
        if (c->pid == 0)
                return true;
        read_from(c, 0);
        read_from(c, 1);
        if (c->too_long || now_ms >= c->deadline_ms) {
                c->timed_out = !c->too_long;
                kill_it(c);
                return true;
        }
        if (c->fds[0] >= 0 || c->fds[1] >= 0)
                return false;
        if (waitpid(c->pid, &c->status, WNOHANG) == c->pid) {
                c->pid = 0;
                return true;
        }
        c->due_ms = now_ms + REAP_MS < c->deadline_ms ? now_ms + REAP_MS : c->deadline_ms;
        return false;
}

size_t
child_fds(const struct child *c, int out[CHILD_FDS])
{
        size_t n = 0;

        for (int i = 0; i < CHILD_FDS; i++) {
                if (c->fds[i] >= 0)
                        out[n++] = c->fds[i];
        }
        return n;
}

int64_t
child_due(const struct child *c)
{
        return c->due_ms;
}

/* ---- when it is over ---- */

int
child_result(const struct child *c, struct err *e)
{
        if (c->too_long)
                return err_set(e, ERR_AGAIN, "it printed more than %d bytes", CHILD_OUTPUT_MAX);
        if (c->timed_out)
                return err_set(e, ERR_AGAIN, "it did not end within %lld s",
                    (long long)(c->timeout_ms / 1000));
        if (WIFSIGNALED(c->status))
                return err_set(e, ERR_AGAIN, "it was ended by signal %d", WTERMSIG(c->status));
        if (WEXITSTATUS(c->status) != 0)
                return err_set(e, ERR_AGAIN, "it failed with status %d", WEXITSTATUS(c->status));
        return 0;
}

struct view
child_output(const struct child *c)
{
        return (struct view){c->output.ptr != NULL ? c->output.ptr : "", c->output.len};
}

void
child_last_words(const struct child *c, char *out, size_t cap)
{
        struct view v = {c->errors.ptr, c->errors.len};
        size_t start;
        size_t n = 0;

        while (v.n > 0 && ((unsigned char)v.p[v.n - 1] <= 0x20))
                v.n--;
        start = v.n;
        while (start > 0 && v.p[start - 1] != '\n')
                start--;
        for (size_t i = start; i < v.n && n + 1 < cap; i++) {
                unsigned char ch = (unsigned char)v.p[i];

                out[n++] = (char)(ch >= 0x20 && ch < 0x7f ? ch : '?');
        }
        if (cap > 0)
                out[n] = '\0';
}
