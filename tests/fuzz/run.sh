#!/bin/sh
# Runs one fuzz target for a few seconds on a copy of its corpus; what it finds that crashes is
# left beside the program as crash-*. usage: run.sh PROGRAM CORPUS SECONDS
# GLEANER_FUZZ_SECONDS outranks the argument.
set -eu
program=$1
corpus=$2
seconds=${GLEANER_FUZZ_SECONDS:-$3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ ! -d "$corpus" ] || cp -r "$corpus/." "$work"
"$program" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=20 \
        -print_final_stats=1 -artifact_prefix="$program-" "$work"
