#!/bin/sh
# Measures gleaner beside Prometheus's agent mode and vmagent on the same targets and receiver:
# installs what building needs, builds, fetches the peers (Debian's, nothing is installed), runs.
# Loopback only; everything it writes is below build/.
# usage: bench.sh [--quick] [--windows=N] [--agents=gleaner,prometheus,vmagent] [workload…]
#
# Workloads: edge 100k 1m outage restart churn bigpage shuffled tls edge-rw2 (none named: all of
# these). One takes five minutes per agent, the outage ten; with --quick two and five. By name only:
# growth (1k to 2m series), targets (100,000 series on 10 to 5,000), longoutage (an hour; --quick:
# ten minutes). bench/publish.py puts the results into the papers.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"

echo "== packages"
scripts/deps.sh
. scripts/as_owner.sh
bench/peers.sh
echo "== build"
mkdir -p build/bench
log=build/bench/build.log
if ! { cmake --preset release -B build/bench/release -DGLEANER_TESTS=OFF &&
        cmake --build build/bench/release --target gleaner bench_fleet bench_receiver; } \
        >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        echo "error: the build broke (all of it: $log)" >&2
        exit 1
fi
strip -o build/bench/gleaner build/bench/release/gleaner
export GLEANER="$root/build/bench/gleaner" BENCH_TOOLS="$root/build/bench/release/bench"
export PYTHONDONTWRITEBYTECODE=1
exec python3 bench/run.py "$@"
