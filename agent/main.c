/*
 * gleaner: which subcommand, and whether what it said could be written; nothing else.
 */
#include "agent/command.h"

#include "base/nearest.h"

#include <errno.h>
#include <stdio.h>
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

enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static int
refuse(const char *word)
{
        struct nearest best = NEAREST_INIT(view_of(word));

        for (size_t i = 0; i < N_COMMANDS; i++)
                nearest_offer(&best, commands[i].name);
        if (best.name != NULL)
                (void)fprintf(stderr, "gleaner: \"%.64s\" is no subcommand, did you mean %s?\n",
                    word, best.name);
        else
                (void)fprintf(stderr, "gleaner: \"%.64s\" is no subcommand, see --help\n", word);
        return EXIT_USAGE;
}

static int
run(int argc, char **argv)
{
        for (size_t i = 0; argc > 1 && i < N_COMMANDS; i++) {
                if (strcmp(argv[1], commands[i].name) == 0)
                        return commands[i].run(argc - 1, argv + 1);
        }
        if (argc > 1 && strcmp(argv[1], "help") == 0) {
                argv[1] = (char[]){"--help"};
                return command_run(argc, argv);
        }
        if (argc > 1 && argv[1][0] != '-')
                return refuse(argv[1]);
        return command_run(argc, argv);
}

int
main(int argc, char **argv)
{
        int code = run(argc, argv);

        errno = 0;
        if ((fflush(stdout) != 0 || ferror(stdout) != 0) && code == EXIT_FINE) {
                (void)fprintf(stderr, "gleaner: cannot write to standard output%s%s\n",
                    errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
                return EXIT_FAILED;
        }
        return code;
}
