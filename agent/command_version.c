#include "agent/command.h"

#include <curl/curl.h>
#include <stdio.h>

int
command_version(int argc, char **argv)
{
        (void)argc;
        (void)argv;
        (void)printf("gleaner %s\n%s\n", GLEANER_VERSION, curl_version());
        return EXIT_FINE;
}
