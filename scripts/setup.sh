#!/bin/bash
# Makes everything that building needs and builds: Debian packages (only what is missing) and the
# build folder. A second run takes seconds.
#
#   scripts/setup.sh [--torch] [--test] [--werror]
#
# --torch   also libtorch (600 MB, once, into a cache outside the tree), for engine torch: fast
#           training of whole networks, GPUs. The built-in engines do the rest: features, heads on a
#           frozen backbone, evaluation and prediction on CPUs.
# --test    also the packages that scripts/test.sh needs, and the tests and measuring programs
# --werror  compiler warnings are errors
#
# Without --torch nothing of libtorch is fetched. Engine torch is still built when a libtorch is there
# already: TORCH_ROOT names one, or an earlier --torch has left one in the cache.
#
# TORCH_ROOT=DIR          use this libtorch (2.11 or newer)
# DOGBREED_TORCH=off      build without engine torch, whatever is there
# DOGBREED_CACHE=DIR      the cache folder; default ~/.cache/dogbreed
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(build-essential meson ninja-build pkg-config git ca-certificates
    libjansson-dev libjpeg62-turbo-dev libpng-dev libssl-dev zlib1g-dev libsqlite3-dev libcmocka-dev libcairo2-dev libpango1.0-dev
    python3 python3-pip)
test_packages=(clang libclang-rt-14-dev python3-venv valgrind sqlite3 postgresql libpq-dev libmicrohttpd-dev chromium poppler-utils)
test_packages+=(bochs bochs-term bochsbios busybox-static cpio isolinux syslinux-common vgabios xorriso) # emulate.sh
test_packages+=(libcurl4-openssl-dev memcached swift-account swift-container swift-object swift-proxy) # servers for S3
test_packages+=(curl nginx-light prometheus wrk slowhttptest) # clients of the server, what stands before it, promtool
test_packages+=(libseccomp2) # serve --sandbox
test_packages+=(fonts-wqy-microhei) # class names in Chinese characters
test_packages+=(python3-dev) # the SageMaker training toolkit is built from source
options=()
torch_word=--present
targets=(product)

for word in "$@"; do
    case $word in
    --test)
        packages+=("${test_packages[@]}")
        targets=(all)
        ;;
    --torch) torch_word= ;;
    --werror) options+=(-Dwerror=true) ;;
    *)
        echo "setup.sh: $word: unknown; usage: scripts/setup.sh [--torch] [--test] [--werror]" >&2
        exit 2
        ;;
    esac
done

say() {
    printf 'setup: %s\n' "$*" >&2
}

# Runs a command without its output, which is shown only when the command fails.
quietly() {
    local log status=0
    log=$(mktemp)
    "$@" </dev/null >"$log" 2>&1 || status=$?
    [ "$status" -eq 0 ] || cat "$log" >&2
    rm -f "$log"
    return "$status"
}

sudo=()

# Runs a command during which Debian starts no server that it installs: tests start their own.
without_services() {
    local policy=/usr/sbin/policy-rc.d status=0
    if [ -e "$policy" ]; then
        "$@"
        return
    fi
    printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee "$policy" >/dev/null && "${sudo[@]}" chmod 755 "$policy"
    "$@" || status=$?
    "${sudo[@]}" rm -f "$policy"
    return "$status"
}

install_packages() {
    local present missing=()
    if ! command -v dpkg-query >/dev/null; then
        say "not a Debian system: please install what corresponds to ${packages[*]}"
        return
    fi
    present=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "${packages[@]}" 2>/dev/null |
        sed -n 's/ installed$//p') || true
    for package in "${packages[@]}"; do
        grep -qx "$package" <<<"$present" || missing+=("$package")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        return
    fi
    local install=(apt-get install -y --no-install-recommends "${missing[@]}")
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || {
            say "packages are missing and there is no sudo; run as root: apt-get update && ${install[*]}"
            exit 1
        }
        sudo=(sudo)
    fi
    say "installing packages, a minute or two: ${missing[*]}"
    # A new machine may be updating itself: wait for it.
    if ! quietly "${sudo[@]}" apt-get update -o DPkg::Lock::Timeout=600 ||
        ! without_services quietly "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive "${install[@]}" -o DPkg::Lock::Timeout=600; then
        say "apt failed, see above; by hand as root: apt-get update && ${install[*]}"
        exit 1
    fi
}

# meson's own value of an option of the build folder.
configured() {
    python3 - "$1" <<'PYTHON' 2>/dev/null || true
import json, sys
with open("build/meson-info/intro-buildoptions.json", encoding="utf-8") as file:
    print(next(o["value"] for o in json.load(file) if o["name"] == sys.argv[1]))
PYTHON
}

install_packages

torch=
if [ "${DOGBREED_TORCH:-on}" != off ]; then
    torch=$(scripts/torch.sh ${torch_word:+"$torch_word"} </dev/null) || {
        say "libtorch is not usable; DOGBREED_TORCH=off builds without it"
        exit 1
    }
elif [ -z "$torch_word" ]; then
    say "--torch and DOGBREED_TORCH=off contradict each other"
    exit 2
fi
if [ -n "$torch" ]; then
    options+=(-Dengine_torch=enabled "-Dtorch_root=$torch")
else
    options+=(-Dengine_torch=disabled)
    say "without libtorch: engines native and ref; --torch adds engine torch"
fi

if [ ! -f build/build.ninja ]; then
    say "configuring build/; the first build takes a minute or two"
    quietly meson setup build "${options[@]}"
else
    changed=()
    for option in "${options[@]}"; do
        name=${option#-D}
        value=$(configured "${name%%=*}")
        [ "${value,,}" = "${name#*=}" ] || [ "$value" = "${name#*=}" ] || changed+=("$option")
    done
    if [ ${#changed[@]} -gt 0 ]; then
        say "configuring build/ anew: ${changed[*]}"
        quietly meson setup --reconfigure build "${changed[@]}"
    fi
fi
say "building"
progress=()
[ -t 2 ] || progress=(--quiet) # a terminal sees one line that counts
ninja -C build "${progress[@]}" "${targets[@]}" >&2 </dev/null
say "ready: build/dogbreed"
