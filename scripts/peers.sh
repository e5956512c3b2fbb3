#!/bin/sh
# Fetches the programs that demo.sh and the e2e tests run against, Debian's own builds, and unpacks
# them below build/peers: nothing is installed, no service starts. Cached; works as root and as a
# user. usage: peers.sh [DIRECTORY]
#
# Package lists: the system's; when they do not know a package, private ones below DIRECTORY.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
dir=${1:-$root/build/peers}
packages="prometheus victoria-metrics prometheus-node-exporter nginx kubernetes-client"
# What those link to; normally there as dependencies of the build's -dev packages.
libraries="libzstd1 libssl3 libpcre2-8-0 libcrypt1 zlib1g"

mkdir -p "$dir/have" "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial"
dir=$(cd "$dir" && pwd)
exec 9>"$dir/lock"
flock 9 # tests of several builds may start at once

private=""
sandbox=""
[ "$(id -u)" -ne 0 ] || sandbox="-o APT::Sandbox::User=root" # the folder may be closed to _apt

# shellcheck disable=SC2086 # options without blanks
download() {
        (cd "$dir/apt" && apt-get -qq $sandbox $private -o Acquire::Retries=3 download "$1")
}

use_private_lists() {
        private="-o Dir::State::lists=$dir/apt/lists -o Dir::Cache=$dir/apt/cache"
        # shellcheck disable=SC2086
        apt-get -qq $sandbox $private -o Acquire::Retries=3 update
}

fetch() {
        [ ! -e "$dir/have/$1" ] || return 0
        echo "fetching $1"
        rm -f "$dir/apt/$1"_*.deb
        if ! download "$1" 2>"$dir/apt/error"; then
                [ -z "$private" ] || { cat "$dir/apt/error" >&2; return 1; }
                use_private_lists
                download "$1"
        fi
        dpkg-deb -x "$dir/apt/$1"_*.deb "$dir"
        rm -f "$dir/apt/$1"_*.deb
        touch "$dir/have/$1"
}

for package in $packages; do
        fetch "$package"
done
for package in $libraries; do
        status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
        [ "$status" = "install ok installed" ] || fetch "$package"
done
