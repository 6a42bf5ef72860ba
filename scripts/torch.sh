#!/bin/sh
# Prints the folder of a usable libtorch (the one with include/ and lib/) on stdout; messages go to
# stderr. With --present nothing is fetched: no output when there is none.
#
# TORCH_ROOT is checked and used when it is set. Otherwise the wheel of PyTorch is unpacked,
# with the two small NVIDIA wheels that libtorch_cpu.so needs, into a cache outside the tree; no
# Python package is installed. A second run only checks what is there. DOGBREED_WHEELS names a folder
# where the wheels stay (scripts/test.sh installs them into its own environment).
set -eu

version=2.15.0
floor=2.11
nvidia='13.2.*'
cache=${DOGBREED_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dogbreed}
target=$cache/libtorch-$version
machine=$(uname -m)

say() {
    printf '%s\n' "$*" >&2
}

die() {
    say "torch.sh: $*"
    exit 1
}

# major.minor.patch of the headers under $1, or nothing.
header_version() {
    cat "$1/include/torch/headeronly/version.h" \
        "$1/include/torch/csrc/api/include/torch/version.h" 2>/dev/null |
        sed -n 's/^#define TORCH_VERSION_\(MAJOR\|MINOR\|PATCH\) \([0-9]*\)$/\2/p' |
        head -n 3 | paste -sd .
}

# Fails with a reason unless $1 holds headers and libraries that load.
check() {
    found=$(header_version "$1")
    [ -n "$found" ] || { reason="no torch/version.h with a TORCH_VERSION under $1/include"; return 1; }
    oldest=$(printf '%s\n%s\n' "$floor" "$found" | sort -V | head -n 1)
    [ "$oldest" = "$floor" ] || { reason="$1 holds libtorch $found, $floor or newer is needed"; return 1; }
    for name in libc10.so libtorch_cpu.so; do
        [ -f "$1/lib/$name" ] || { reason="$1/lib/$name is missing"; return 1; }
    done
    missing=$(ldd "$1/lib/libtorch_cpu.so" 2>&1 | sed -n 's/^[[:space:]]*\([^ ]*\) => not found.*/\1/p')
    [ -z "$missing" ] || { reason="$1/lib/libtorch_cpu.so needs $(echo "$missing" | tr '\n' ' ')"; return 1; }
}

if [ -n "${TORCH_ROOT:-}" ]; then
    check "$TORCH_ROOT" || die "TORCH_ROOT: $reason"
    printf '%s\n' "$TORCH_ROOT"
    exit 0
fi

if check "$target/torch"; then
    printf '%s\n' "$target/torch"
    exit 0
fi
[ "${1:-}" != --present ] || exit 0

[ "$machine" = x86_64 ] || [ "$machine" = aarch64 ] ||
    die "no wheel of torch $version for $machine: set TORCH_ROOT to a libtorch $floor or newer"
# The first python3 may be one without pip (a virtual environment): then the system's.
python=python3
"$python" -m pip --version >/dev/null 2>&1 || python=/usr/bin/python3
"$python" -m pip --version >/dev/null 2>&1 || die "python3 with pip is needed (Debian: apt install python3-pip)"

say "getting libtorch $version (about 600 MB) into $target"
mkdir -p "$cache"
part=$(mktemp -d "$cache/libtorch-$version.part-XXXXXX")
trap 'rm -rf "$part"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The platform and the Python version are named, so that any python3 fetches the same files.
platforms="--platform manylinux2014_$machine"
for glibc in 17 24 25 26 27 28; do
    platforms="$platforms --platform manylinux_2_${glibc}_$machine"
done
wheels=${DOGBREED_WHEELS:-$part/wheels}
progress="--quiet --progress-bar off"
[ ! -t 2 ] || progress="--progress-bar on"
fetch() {
    # shellcheck disable=SC2086
    PIP_REQUIRE_VIRTUALENV=0 "$python" -m pip download --no-deps --only-binary=:all: --no-cache-dir --disable-pip-version-check $progress \
        --implementation cp --python-version 3.11 --abi cp311 --abi none \
        $platforms --dest "$wheels" "$@" >&2
}
fetch "torch==$version" "nvidia-cuda-runtime==$nvidia" "nvidia-cuda-cupti==$nvidia" ||
    die "pip could not download torch $version; without network set TORCH_ROOT to a libtorch $floor or newer"

say "unpacking"
"$python" - "$wheels" "$part/root" <<'PYTHON' || die "could not unpack the wheels under $cache"
import pathlib, sys, zipfile

wheels, root = sys.argv[1:]
keep = ("torch/lib/", "torch/include/", "torch/share/", "nvidia/")
for wheel in sorted(pathlib.Path(wheels).glob("*.whl")):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(root, [n for n in archive.namelist() if n.startswith(keep) or ".dist-info/" in n])
PYTHON

check "$part/root/torch" || die "the unpacked libtorch cannot be used: $reason"
# A copy that failed the check above makes room; a concurrent run that was faster wins.
if [ -e "$target" ]; then
    mv -T "$target" "$part/old"
fi
mv -T "$part/root" "$target" 2>/dev/null || check "$target/torch" || die "could not move libtorch to $target"
say "libtorch $version is in $target"
printf '%s\n' "$target/torch"
