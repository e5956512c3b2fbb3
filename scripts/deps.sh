#!/bin/sh
# Installs, by name, what building and testing need on Debian 12. Run by demo.sh and test.sh;
# does nothing when everything is there. Works as root and through sudo.
set -eu

BUILD="gcc libc6-dev cmake ninja-build pkg-config libcurl4-openssl-dev libssl-dev
libprotobuf-c-dev protobuf-c-compiler protobuf-compiler libsnappy-dev libyaml-dev liblmdb-dev
libzstd-dev zlib1g-dev libxxhash-dev libpcre2-dev libjansson-dev libmicrohttpd-dev libgnutls28-dev libcrypt-dev
libc-ares-dev python3"
RUN="openssl ca-certificates procps"
TEST="libcmocka-dev clang-14 llvm-14 libclang-rt-14-dev clang-format-14 clang-tidy-14 cppcheck
systemd valgrind"

packages="$BUILD $RUN"
[ "${1:-}" = "test" ] && packages="$packages $TEST"

missing=""
for package in $packages; do
        status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
        [ "$status" = "install ok installed" ] || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

if [ "$(id -u)" -eq 0 ]; then
        sudo=""
elif command -v sudo >/dev/null; then
        sudo="sudo"
else
        echo "error: these packages are missing and need root to be installed:$missing" >&2
        exit 1
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
# shellcheck disable=SC2086 # a list of names
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
