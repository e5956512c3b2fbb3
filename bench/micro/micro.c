/*
 * bench_micro: runs the pure parts under an instruction counter. usage: bench_micro FOLDER PAGE.gz…
 *
 * FOLDER is an empty one for a log. Prints "function samples" for each part that was measured.
 */
#include "bench/micro/micro.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

static int
run_all(struct micro_input *in, struct err *e)
{
        /* What is printed is the function whose instructions the samples belong to. */
        static const struct {
                const char *functions; /* that share the run */
                micro_run run;
        } PARTS[] = {
            {"inflate", micro_inflate},
            {"lines", micro_lines},
            {"openmetrics", micro_openmetrics},
            {"number", micro_number},
            {"hash", micro_hash},
            {"labels", micro_labels},
            {"slots encode", micro_scrape},
            {"record_encode record_decode", micro_record},
            {"keyframe_encode keyframe_decode", micro_keyframe},
            {"layout_encode layout_decode", micro_layout},
            {"window group series identity add pack", micro_send},
            {"snappy", micro_snappy},
        };

        for (size_t i = 0; i < sizeof(PARTS) / sizeof(PARTS[0]); i++) {
                uint64_t samples = 0;
                int rc = PARTS[i].run(in, &samples, e);

                if (rc < 0)
                        return err_prefix(e, "%s", PARTS[i].functions);
                (void)printf("%llu %s\n", (unsigned long long)samples, PARTS[i].functions);
        }
        return 0;
}

int
main(int argc, char **argv)
{
        static struct micro_input in = {.arena = ARENA_INIT(MICRO_ARENA_BYTES)};
        struct err e = ERR_INIT;
        int rc = 0;

        if (argc < 3) {
                (void)fprintf(stderr, "usage: bench_micro FOLDER PAGE.gz…\n");
                return EXIT_FAILURE;
        }
        in.folder = argv[1];
        for (int i = 2; i < argc && rc == 0; i++)
                rc = micro_read_page(&in, argv[i], &e);
        if (rc == 0)
                rc = run_all(&in, &e);
        arena_release(&in.arena);
        if (rc < 0)
                (void)fprintf(stderr, "error: %s\n", e.msg);
        return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
