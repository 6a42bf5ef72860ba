#!/usr/bin/env python3
"""What the built library exports and needs. Usage: check.py symbols|namespace LIBRARY [STATIC] [PLUGIN...]"""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def run(*command):
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def exported(library):
    return {re.sub("@.*", "", line.split()[-1]) for line in run("nm", "-D", "--defined-only", library).split("\n")
            if line and not re.search(r" A ", line)}


def symbols(library):
    with open(os.path.join(HERE, "symbols.txt"), encoding="utf-8") as file:
        listed = {line.split()[0] for line in file if line.strip() and line[0] != "#"}
    found = exported(library)
    for name in sorted(found ^ listed):
        print(f"{name}: {'not listed in symbols.txt' if name in found else 'not exported'}")
    return found == listed


def namespace(library, static, plugins):
    ok = True
    dynamic = run("readelf", "-d", library)
    needed = re.findall(r"NEEDED.*\[(.*?)\]", dynamic)
    for name in needed:
        if not re.match(r"(libc|libm|libdl|libpthread|libjansson|libjpeg|libpng16|libcrypto|libz|libsqlite3|ld-linux.*)\.so", name):
            print(f"{library}: needs {name}")
            ok = False
    if "NODELETE" not in dynamic:
        print(f"{library}: not marked NODELETE")
        ok = False
    soname = re.search(r"SONAME.*\[(.*?)\]", dynamic).group(1)
    if soname != "libdogbreed.so.0":
        print(f"{library}: SONAME {soname}")
        ok = False
    for line in run("nm", "--defined-only", "--extern-only", static).split("\n"):
        name = line.split()[-1] if len(line.split()) == 3 else ""
        if name and not re.match(r"(dogbreed_|dogb_|__asan|__ubsan|__odr_asan|__gcov|__llvm)", name):
            print(f"{static}: defines {name}")
            ok = False
    for plugin in plugins:
        entry = "dogb_plot_v1" if "plot" in os.path.basename(plugin) else "dogb_engine_v1"
        if exported(plugin) != {entry}:
            print(f"{plugin}: exports {sorted(exported(plugin))[:5]}")
            ok = False
    return ok


def main():
    what, library, rest = sys.argv[1], sys.argv[2], sys.argv[3:]
    good = symbols(library) if what == "symbols" else namespace(library, rest[0], rest[1:])
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
