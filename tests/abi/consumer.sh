#!/bin/sh
# Installs into an empty folder, builds examples/consumer with pkg-config alone, runs it, and looks at what it needs.
# Usage: consumer.sh BUILD SOURCE
set -eu
build=$1
source=$2
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
DESTDIR="$stage" meson install -C "$build" --no-rebuild --quiet
pc=$(find "$stage" -name dogbreed.pc)
export PKG_CONFIG_PATH="${pc%/*}" PKG_CONFIG_SYSROOT_DIR="$stage"
lib=$(dirname "$(find "$stage" -name 'libdogbreed.so.0' | head -n 1)")
# shellcheck disable=SC2046 # flags are words
${CC:-cc} -std=c99 -Wall -Wextra -Werror "$source"/examples/consumer/consumer.c -o "$stage/consumer" \
    $(pkg-config --cflags --libs dogbreed)
LD_LIBRARY_PATH="$lib" "$stage/consumer"
needed=$(readelf -d "$stage/consumer" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | sort | tr '\n' ' ')
test "$needed" = "libc.so.6 libdogbreed.so.0 " || { echo "the consumer needs: $needed"; exit 1; }
