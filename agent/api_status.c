#include "agent/api_status.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/memory.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void
api_format_time(int64_t ms, char out[API_TIME_BYTES])
{
        time_t seconds = (time_t)(ms / 1000);
        struct tm tm;
        size_t n;

        (void)snprintf(out, API_TIME_BYTES, "0001-01-01T00:00:00Z");
        if (ms <= 0 || gmtime_r(&seconds, &tm) == NULL)
                return;
        n = strftime(out, API_TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
        (void)snprintf(out + n, API_TIME_BYTES - n, ".%03dZ", (int)(ms % 1000));
}

int
api_config(struct view yaml, struct buf *out, struct err *e)
{
        int rc = buf_puts(out, "{\"status\":\"success\",\"data\":{\"yaml\":", e);

        if (rc == 0)
                rc = json_put_string(out, yaml, e);
        return rc == 0 ? buf_puts(out, "}}", e) : rc;
}

int
api_put_build(struct buf *out, struct err *e)
{
        return buf_puts(out,
            "{\"version\":\"" GLEANER_VERSION
            "\",\"revision\":\"\",\"branch\":\"\",\"buildUser\":\"\",\"buildDate\":\"\","
            "\"goVersion\":\"\",\"application\":\"gleaner\"}",
            e);
}

int
api_build_info(struct buf *out, struct err *e)
{
        int rc = buf_puts(out, "{\"status\":\"success\",\"data\":", e);

        if (rc == 0)
                rc = api_put_build(out, e);
        return rc == 0 ? buf_putc(out, '}', e) : rc;
}

int
api_error(const char *kind, const char *message, struct buf *out, struct err *e)
{
        int rc = buf_printf(out, e, "{\"status\":\"error\",\"errorType\":\"%s\",\"error\":", kind);

        if (rc == 0)
                rc = json_put_string(out, view_of(message), e);
        return rc == 0 ? buf_putc(out, '}', e) : rc;
}

/* Threads of this process: each is a directory there. */
static long
count_threads(void)
{
        struct stat st;

        return stat("/proc/self/task", &st) == 0 && st.st_nlink > 2 ? (long)st.st_nlink - 2 : 0;
}

static int
put_named(struct buf *out, const char *key, const char *value, struct err *e)
{
        int rc = buf_printf(out, e, "\"%s\":", key);

        if (rc == 0)
                rc = json_put_string(out, view_of(value), e);
        return rc == 0 ? buf_putc(out, ',', e) : rc;
}

static int
put_named_time(struct buf *out, const char *key, int64_t ms, struct err *e)
{
        char text[API_TIME_BYTES];

        api_format_time(ms, text);
        return put_named(out, key, text, e);
}

int
api_runtime_info(const struct api_runtime *r, struct buf *out, struct err *e)
{
        char here[PATH_MAX];
        char host[HOST_NAME_MAX + 1] = "";
        int rc = buf_puts(out, "{\"status\":\"success\",\"data\":{", e);

        if (getcwd(here, sizeof(here)) == NULL)
                here[0] = '\0';
        (void)gethostname(host, sizeof(host) - 1);
        if (rc == 0)
                rc = put_named_time(out, "startTime", r->start_ms, e);
        if (rc == 0)
                rc = put_named(out, "CWD", here, e);
        if (rc == 0)
                rc = put_named(out, "hostname", host, e);
        if (rc == 0)
                rc = put_named_time(out, "serverTime", r->now_ms, e);
        if (rc == 0)
                rc = put_named_time(out, "lastConfigTime", r->config_ms, e);
        return rc < 0 ? rc
                      : buf_printf(out, e,
                            "\"reloadConfigSuccess\":%s,\"corruptionCount\":0,"
                            "\"goroutineCount\":%ld,\"GOMAXPROCS\":%ld,\"GOMEMLIMIT\":%llu,"
                            "\"GOGC\":\"\",\"GODEBUG\":\"\",\"storageRetention\":\"\"}}",
                            r->config_ok ? "true" : "false", count_threads(),
                            sysconf(_SC_NPROCESSORS_ONLN), (unsigned long long)memory_limit());
}

int
api_flags(const char *flags, struct buf *out, struct err *e)
{
        return buf_printf(out, e, "{\"status\":\"success\",\"data\":%s}", flags);
}

bool
api_is_unavailable(const char *path)
{
        static const char *const paths[] = {"alertmanagers", "alerts",
            "admin/tsdb/clean_tombstones", "admin/tsdb/delete_series", "admin/tsdb/snapshot",
            "format_query", "labels", "parse_query", "query", "query_exemplars", "query_range",
            "rules", "series", "status/tsdb"};
        static const char root[] = "/api/v1/";
        static const char label[] = "label/";
        static const char values[] = "/values";
        size_t n;

        if (strncmp(path, root, sizeof(root) - 1) != 0)
                return false;
        path += sizeof(root) - 1;
        for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
                if (strcmp(path, paths[i]) == 0)
                        return true;
        }
        if (strncmp(path, label, sizeof(label) - 1) != 0)
                return false;
        path += sizeof(label) - 1;
        n = strcspn(path, "/");
        return n > 0 && strcmp(path + n, values) == 0;
}
