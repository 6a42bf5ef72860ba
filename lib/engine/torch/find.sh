#!/bin/sh
# Prints the folder of libtorch that the build should use, or nothing. $1: the option torch_root.
# Nothing is downloaded here: scripts/torch.sh does that.
for root in "$1" "${TORCH_ROOT:-}" \
    "${DOGBREED_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dogbreed}/libtorch-2.15.0/torch"; do
    if [ -n "$root" ]; then
        [ -f "$root/lib/libtorch_cpu.so" ] && printf '%s\n' "$root"
        exit 0
    fi
done
