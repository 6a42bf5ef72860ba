#!/bin/bash
# Runs test programs of a build on an emulated CPU, one that has what this machine's may lack: AVX-512
# and its VNNI.
#
#   scripts/emulate.sh [-C BUILD] [-m MODEL] [-t SECONDS] [NAME=VALUE... TEST...]...
#
# TEST      a name of `meson test --list`, without its suite; its program must be built
# NAME=VALUE  environment of the tests behind it, over that of meson
# -C BUILD  the build folder; default build
# -m MODEL  a CPU of `bochs --help cpu`; default corei7_icelake_u, which has AVX-512 F, BW, DQ, VL and
#           VNNI; corei7_skylake_x has no VNNI
# -t SECONDS  the limit; default 900
#
# Bochs, which emulates a whole machine, starts Debian's kernel on a file system in memory: the
# programs, the libraries they are linked with and the files that they read, at the same paths as
# here. Tests run one after the other at some ten million instructions a second; their output comes
# over a serial line. Exit status: 0 when each has ended with 0, 1 when one has not or has not ended
# in time, 77 when the emulator is not installed.
#
# DOGBREED_CACHE=DIR  the cache folder, where the kernel is kept; default ~/.cache/dogbreed
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(bochs bochs-term bochsbios busybox-static cpio isolinux syslinux-common vgabios xorriso)
kernel_package=linux-image-cloud-amd64 # small, and compressed in a way that unpacks fast
build=build
model=corei7_icelake_u
limit=900
cache=${DOGBREED_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dogbreed}/emulate

say() {
    printf 'emulate: %s\n' "$*" >&2
}

while getopts C:m:t: option; do
    case $option in
    C) build=$OPTARG ;;
    m) model=$OPTARG ;;
    t) limit=$OPTARG ;;
    *)
        say "usage: scripts/emulate.sh [-C BUILD] [-m MODEL] [-t SECONDS] [NAME=VALUE... TEST...]..."
        exit 2
        ;;
    esac
done
shift $((OPTIND - 1))

missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    say "skipped: not installed: ${missing[*]}; scripts/setup.sh --test installs them"
    exit 77
fi

# The kernel's file, fetched once. It is not installed: only Bochs starts it.
kernel() {
    local name folder
    compgen -G "$cache/vmlinuz-*" | sort -V | tail -n 1 | grep . && return
    name=$(apt-cache depends "$kernel_package" | sed -n 's/^ *Depends: //p' | head -n 1)
    say "fetching ${name:-$kernel_package}, once"
    mkdir -p "$cache"
    folder=$(mktemp -d "$cache/part-XXXXXX")
    (cd "$folder" && apt-get download -q "${name:-$kernel_package}" && dpkg-deb -x ./*.deb .) >&2 || {
        rm -rf "$folder"
        return 1
    }
    mv "$folder"/boot/vmlinuz-* "$cache/"
    rm -rf "$folder"
    compgen -G "$cache/vmlinuz-*"
}

# Writes the guest's script of tests to the file $1 and prints the files that it needs.
plan() {
    meson introspect --tests "$build" | python3 -c '
import json, os, shlex, sys

tests = {test["name"]: test for test in json.load(sys.stdin)}
own = {}
lines = []
for word in sys.argv[3:]:
    if "=" in word:
        own.update([word.split("=", 1)])
        continue
    if word not in tests:
        sys.exit(f"emulate: {word}: no test of {sys.argv[2]}")
    test = tests[word]
    if not os.path.exists(test["cmd"][0]):
        sys.exit("emulate: %s is not built" % test["cmd"][0])
    print(test["cmd"][0])
    words = ["env"] + [f"{k}={v}" for k, v in {**test["env"], **own}.items()] + test["cmd"]
    lines += [f"echo \"== {word}\"", shlex.join(words), f"echo \"== {word}: status $?\""]
with open(sys.argv[1], "w", encoding="utf-8") as script:
    script.write("\n".join([*lines, ""]))
' "$1" "$build" "${tests[@]}"
}

tests=("$@")
vmlinuz=$(kernel) || {
    say "the kernel cannot be fetched: apt-get download $kernel_package"
    exit 1
}
home=$(mktemp -d "${TMPDIR:-/tmp}/dogbreed-emulate-XXXXXX")
trap 'rm -rf "$home"' EXIT
root=$home/root
disk=$home/disk
mkdir -p "$root"/{bin,dev,proc,tmp} "$disk/isolinux"

# --- the file system

mapfile -t programs < <(plan "$root/tests")
[ ${#programs[@]} -gt 0 ] || exit 1
copy() { # to the same path, without what only a debugger needs
    mkdir -p "$root$(dirname "$1")"
    strip --strip-debug -o "$root$1" "$1" 2>/dev/null || cp -L "$1" "$root$1"
}
mapfile -t libraries < <(ldd "${programs[@]}" | grep -o '/[^ :]*' | sort -u)
for file in "${programs[@]}" "${libraries[@]}" "$PWD"/tests/engine/golden/*; do
    [ ! -f "$file" ] || [ -e "$root$file" ] || copy "$file"
done
cp /bin/busybox "$root/bin/"
for name in echo env grep mount poweroff sh sleep; do
    ln -s busybox "$root/bin/$name"
done
cat >"$root/init" <<INIT
#!/bin/sh
export PATH=/bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
echo "== start"
grep -m 1 flags /proc/cpuinfo
cd '$PWD/$build'
. /tests
echo "== end"
sleep 1 # the serial line is slow
poweroff -f
INIT
chmod +x "$root/init"
mkdir -p "$root$PWD/$build"
(cd "$root" && find . | cpio --quiet -o -H newc -R 0:0) >"$disk/initrd"

# --- the machine

# Bochs 2.7 describes the state of protection keys and of compacted XSAVE wrongly, and the kernel turns
# off all of AVX then; fast short moves without fast moves lead the kernel astray.
append="console=ttyS0,115200 quiet mitigations=off nokaslr tsc=reliable lpj=200000 random.trust_cpu=on"
append+=" cryptomgr.notests clearcpuid=pku,xsavec,xsaves,fsrm"
cp "$vmlinuz" "$disk/linux"
cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$disk/isolinux/"
cat >"$disk/isolinux/isolinux.cfg" <<CONFIG
DEFAULT tests
LABEL tests
  KERNEL /linux
  INITRD /initrd
  APPEND $append
CONFIG
xorriso -as mkisofs -quiet -o "$home/disk.iso" -b isolinux/isolinux.bin -c isolinux/boot.cat \
    -no-emul-boot -boot-load-size 4 -boot-info-table "$disk" 2>"$home/xorriso.txt" || {
    cat "$home/xorriso.txt" >&2
    exit 1
}
# The display is a terminal that nobody opens. Debian's Bochs has a debugger, which must be told to
# continue.
cat >"$home/bochsrc" <<CONFIG
cpu: model=$model, count=1, ips=50000000, reset_on_triple_fault=0
memory: guest=512, host=512
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
display_library: term
ata0-master: type=cdrom, path=$home/disk.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$home/serial.txt
speaker: enabled=0
log: $home/bochs.txt
panic: action=fatal
clock: sync=none, time0=utc
CONFIG
echo continue >"$home/commands"
touch "$home/serial.txt"
# It does not end at SIGTERM.
TERM=vt100 timeout -s KILL "$limit" bochs-bin -q -f "$home/bochsrc" -rc "$home/commands" \
    </dev/null >"$home/bochs-out.txt" 2>&1 &
tail -n +1 -s 0.2 -f --pid=$! "$home/serial.txt" | sed -u 's/\r$//' | tee "$home/output.txt"
wait $! || true # powering off is an error to Bochs

if ! grep -qx '== end' "$home/output.txt"; then
    say "the machine has not come to the end of its tests within $limit s; its last words:"
    tail -n 5 "$home/bochs.txt" >&2 || tail -n 5 "$home/bochs-out.txt" >&2
    exit 1
fi
wrong=$(sed -n 's/^== \(.*\): status \([0-9]*\)$/\1 \2/p' "$home/output.txt" | grep -v ' 0$') || true
if [ -n "$wrong" ]; then
    say "failed: ${wrong//$'\n'/, }"
    exit 1
fi
