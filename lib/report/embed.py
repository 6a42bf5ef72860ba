#!/usr/bin/env python3
"""Writes text files as C strings: embed.py OUT.c NAME=FILE... A string of C has 4,095 characters at most, so each is
an array of bytes."""
import sys

with open(sys.argv[1], "w", encoding="ascii") as out:
    out.write('#include "report/page.h"\n')
    for word in sys.argv[2:]:
        name, path = word.split("=", 1)
        with open(path, "rb") as file:
            data = file.read() + b"\0"
        rows = [", ".join(str(byte) for byte in data[i:i + 24]) for i in range(0, len(data), 24)]
        out.write(f"const char {name}[] = {{\n    " + ",\n    ".join(rows) + "};\n")
