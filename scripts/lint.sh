#!/bin/sh
# clang-format, clang-tidy and cppcheck over the whole tree; any finding is a failure.
# usage: lint.sh BUILD-DIRECTORY (one configured with clang, for compile_commands.json)
set -eu
cd "$(dirname "$0")/.."
build=$1
sources=$(find agent base scrape wal remotewrite bench tests -name '*.c' -o -name '*.h' | sort)
units=$(find agent base scrape wal remotewrite bench -name '*.c' | sort)

# shellcheck disable=SC2086 # lists of names without blanks
{
        clang-format-14 --dry-run --Werror $sources
        echo "clang-format: clean"
        printf '%s\n' $units | xargs -P "$(nproc)" -n 1 clang-tidy-14 --quiet -p "$build"
        echo "clang-tidy: clean"
        cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr \
                --enable=warning,performance,portability --suppress=missingIncludeSystem \
                -D_GNU_SOURCE -DGLEANER_VERSION='"lint"' -I . \
                -j "$(nproc)" $units
        echo "cppcheck: clean"
}
