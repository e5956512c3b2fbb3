#!/bin/sh
# Shows the whole pipe on this machine: installs what is missing, builds, starts a node-exporter, a
# recorded kube-state-metrics page, nginx with TLS 1.3 and a Prometheus as receiver, lets
# `gleaner --tenant tenant-a` run at 15 s / 30 s for 90 s and says what arrived.
# Loopback only; everything it writes is below build/. usage: demo.sh [SECONDS]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
seconds=${1:-90}
case $seconds in
'' | *[!0-9]*)
        echo "usage: demo.sh [SECONDS], at least 60" >&2
        exit 2
        ;;
esac

echo "== packages"
scripts/deps.sh
. scripts/as_owner.sh
scripts/peers.sh
echo "== build"
mkdir -p build/demo
log=build/demo/build.log
if ! { cmake --preset release -B build/demo/release -DGLEANER_TESTS=OFF &&
        cmake --build build/demo/release; } >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        echo "verdict: FAILED, the build broke (all of it: $log)" >&2
        exit 1
fi
export GLEANER_SOURCE="$root" GLEANER_BUILD="$root/build/demo/release" PYTHONDONTWRITEBYTECODE=1
export GLEANER="$GLEANER_BUILD/gleaner"
exec python3 scripts/demo.py "$seconds"
