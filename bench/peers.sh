#!/bin/sh
# Fetches Prometheus and vmagent for the comparison from the newest Debian suite that the system's
# own mirror has (unstable, else testing, stable, else the system's own suite), and unpacks them
# below build/bench/peers: nothing is installed. Cached; works as root and as a user.
# usage: peers.sh [DIRECTORY]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
dir=${1:-$root/build/bench/peers}
packages="prometheus victoria-metrics"

[ ! -e "$dir/have" ] || exit 0
mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial"
dir=$(cd "$dir" && pwd)
sandbox=""
[ "$(id -u)" -ne 0 ] || sandbox="-o APT::Sandbox::User=root" # the folder may be closed to _apt
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# shellcheck disable=SC2016 # apt's own placeholders
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' |
        grep -E '/debian/?$' | head -n 1 || true)

private="-o Dir::Etc::sourcelist=$dir/apt/sources.list -o Dir::Etc::sourceparts=/dev/null
-o Dir::State::lists=$dir/apt/lists -o Dir::Cache=$dir/apt/cache"

# shellcheck disable=SC2086 # options without blanks
download() {
        (cd "$dir/apt" && apt-get -qq $sandbox $1 -o Acquire::Retries=3 download $packages)
}

# What was downloaded must run on this system.
unpack() {
        rm -rf "$dir/usr" "$dir/versions"
        for file in "$dir"/apt/*.deb; do
                dpkg-deb -x "$file" "$dir"
                echo "$(dpkg-deb -f "$file" Package) $(dpkg-deb -f "$file" Version) from $1" \
                        >>"$dir/versions"
        done
        "$dir/usr/bin/prometheus" --version && "$dir/usr/bin/vmagent" -version
}

try_suite() {
        rm -f "$dir"/apt/*.deb
        echo "deb [signed-by=$keyring] $mirror $1 main" >"$dir/apt/sources.list"
        # shellcheck disable=SC2086
        apt-get -qq $sandbox $private -o Acquire::Retries=3 update &&
                download "$private" && unpack "$1"
}

fetched=""
if [ -n "$mirror" ]; then
        for suite in unstable testing stable; do
                if try_suite "$suite" >>"$dir/apt/log" 2>&1; then
                        fetched=$suite
                        break
                fi
        done
fi
if [ -z "$fetched" ]; then
        rm -f "$dir"/apt/*.deb
        { download "" && unpack "the system's suite"; } || {
                cat "$dir/apt/log" >&2
                exit 1
        }
fi
cat "$dir/versions"
rm -rf "$dir/apt"
# vmagent is one of many programs of its package: leave the others out.
find "$dir/usr/bin" -type f ! -name prometheus ! -name vmagent -delete
touch "$dir/have"
