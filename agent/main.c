/*
 * gleaner: which subcommand, nothing else.
 */
#include "agent/command.h"

#include <string.h>

struct command {
        const char *name;
        int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    {"check", command_check},
    {"scrape", command_scrape},
    {"wal", command_wal},
    {"receive", command_receive},
    {"version", command_version},
};

int
main(int argc, char **argv)
{
        for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
                if (strcmp(argv[1], commands[i].name) == 0)
                        return commands[i].run(argc - 1, argv + 1);
        }
        return command_run(argc, argv);
}
