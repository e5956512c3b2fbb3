/*
 * A series selector as a query parameter has it: no crash; what it says of a series is the same
 * again and whatever the order of the labels, and what is told of a mistake is one line of text.
 */
#include "agent/selector.h"
#include "base/err.h"
#include "base/view.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { N_LABELS = 4 };

static const struct label labels[2][N_LABELS] = {
    {{VIEW_LIT("__name__"), VIEW_LIT("node_cpu_seconds_total")},
        {VIEW_LIT("instance"), VIEW_LIT("10.0.0.1:9100")}, {VIEW_LIT("job"), VIEW_LIT("node")},
        {VIEW_LIT("a.b"), VIEW_LIT("\xc3\xa9\n")}},
    {{VIEW_LIT("a.b"), VIEW_LIT("\xc3\xa9\n")}, {VIEW_LIT("job"), VIEW_LIT("node")},
        {VIEW_LIT("instance"), VIEW_LIT("10.0.0.1:9100")},
        {VIEW_LIT("__name__"), VIEW_LIT("node_cpu_seconds_total")}},
};

static void
check_matches(const struct selector *s)
{
        for (size_t count = 0; count <= N_LABELS; count += N_LABELS) {
                bool matched[2] = {false, true};
                int rc[2];

                for (size_t i = 0; i < 2; i++)
                        rc[i] = selector_matches(s, labels[i], count, &matched[i], NULL);
                /* which of several patterns gives up first may be another one */
                if (rc[0] == 0 && rc[1] == 0 && matched[0] != matched[1])
                        abort();
        }
}

/* Of a wrong pattern the message has the pattern, whatever that is. */
static void
check_message(int rc, const char *message)
{
        if (rc != ERR_PARSE)
                return;
        if (strncmp(message, "1:", 2) != 0)
                abort();
        for (const char *p = message; *p != '\0'; p++) {
                if (iscntrl((unsigned char)*p))
                        abort();
        }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        struct selector *s = NULL;
        struct err e = ERR_INIT;
        int rc = selector_new((struct view){(const char *)data, n}, &s, &e);

        if (rc == 0)
                check_matches(s);
        else
                check_message(rc, e.msg);
        selector_free(s);
        return 0;
}
