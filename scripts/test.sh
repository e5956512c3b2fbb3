#!/bin/sh
# Installs what is missing, builds and runs every test: units and end-to-end tests under the address
# and undefined-behaviour sanitizers, threads under the thread sanitizer, fuzz targets for a few
# seconds each, lint, a release build and its instruction counts. Its last line is "N passed, N failed".
# usage: test.sh [STAGE…] with stages of: asan tsan fuzz lint release (default: all)
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1
if [ "${SUDO_UID:-0}" -ne 0 ]; then # the first step below finds all there, then
        scripts/deps.sh test || exit 1
        . scripts/as_owner.sh
fi
stages=${*:-asan tsan fuzz lint release}
for stage in $stages; do
        case $stage in
        asan | tsan | fuzz | lint | release) ;;
        *)
                echo "error: there is no stage $stage; usage: test.sh [asan|tsan|fuzz|lint|release]…" >&2
                exit 2
                ;;
        esac
done
jobs=$(nproc)
passed=0
failed=0
logs="$root/build/test-logs"
mkdir -p "$logs"

step() { # counts one step that is no ctest case; NAME COMMAND…
        name=$1
        shift
        echo "== $name"
        begin=$(date +%s)
        if "$@" >"$logs/$name.log" 2>&1; then
                passed=$((passed + 1))
                echo "   passed in $(($(date +%s) - begin)) s"
        else
                failed=$((failed + 1))
                tail -n 60 "$logs/$name.log"
                echo "   FAILED: $name, all of its output is in $logs/$name.log"
                return 1
        fi
}

build() { # PRESET [TARGET…]
        preset=$1
        shift
        cmake --preset "$preset" &&
                cmake --build "build/$preset" -j "$jobs" ${*:+--target "$@"}
}

run_tests() { # NAME BUILD-DIRECTORY CTEST-OPTIONS…; adds ctest's own counts
        name=$1
        directory=$2
        shift 2
        echo "== $name"
        ctest --test-dir "$directory" --output-on-failure "$@" 2>&1 | tee "$logs/$name.log" |
                grep --line-buffered -v '^ *Start '
        # "97% tests passed, 2 tests failed out of 66"
        counts=$(sed -n 's/^.*tests passed, \([0-9]*\) tests failed out of \([0-9]*\)$/\1 \2/p' \
                "$logs/$name.log")
        if [ -z "$counts" ]; then
                failed=$((failed + 1))
                echo "   FAILED: $name: no test ran"
                return
        fi
        bad=${counts% *}
        all=${counts#* }
        passed=$((passed + all - bad))
        failed=$((failed + bad))
}

stage_asan() {
        step build-asan build asan || return
        run_tests units build/asan -LE 'e2e' -j "$jobs"
        # These wait more than they work.
        run_tests e2e build/asan -L e2e -j "$((jobs + 1))"
}

stage_tsan() {
        step build-tsan build tsan || return
        run_tests tsan build/tsan -L tsan -j "$jobs"
}

stage_fuzz() {
        step build-fuzz build fuzz || return
        run_tests fuzz build/fuzz -L fuzz -j "$jobs"
}

stage_lint() { # the clang build is the lint build: warnings are errors there too
        step build-clang build lint || return
        step lint cmake --build build/lint --target lint
}

stage_release() {
        step build-release build release || return
        run_tests release build/release -L smoke -j "$jobs"
        # Instructions per sample, beside the baseline: counts do not mind a busy machine.
        step micro bench/micro.py build/release && cat "$logs/micro.log"
}

started=$(date +%s)
if step install scripts/deps.sh test; then
        for stage in $stages; do
                "stage_$stage"
        done
fi
echo "took $(($(date +%s) - started)) s"
[ "$passed" -gt 1 ] || failed=$((failed + 1)) # only the installation: nothing was tested
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
