#include "agent/command.h"
#include "agent/options.h"
#include "base/err.h"

#include <curl/curl.h>
#include <stdio.h>

int
command_version(int argc, char **argv)
{
        bool help = false;
        const struct option_row rows[] = {{"help", NULL, &help, NULL, "prints this and ends"}};
        struct err e = ERR_INIT;
        int n = options_parse(argc, argv, rows, sizeof(rows) / sizeof(rows[0]), &e);

        if (n > 0)
                n = err_set(&e, ERR_CONFIG, "it takes no arguments, see --help");
        if (n < 0) {
                (void)fprintf(stderr, "gleaner version: %s\n", e.msg);
                return EXIT_USAGE;
        }
        if (help) {
                (void)printf("usage: gleaner version\n\n");
                options_print(rows, sizeof(rows) / sizeof(rows[0]));
        } else {
                (void)printf("gleaner %s\n%s\n", GLEANER_VERSION, curl_version());
        }
        return EXIT_FINE;
}
