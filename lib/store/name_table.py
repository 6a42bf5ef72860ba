#!/usr/bin/env python3
"""Writes name_table.c: python3 lib/store/name_table.py >lib/store/name_table.c. To be run with a newer Python when names
need a newer Unicode."""
import unicodedata


def folded(code):
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFD", chr(code)).casefold())
    return [ord(c) for c in text]


def is_left_out(code):
    """Surrogates; Hangul, which is computed; a thousand variants of Chinese characters, which nobody names files with."""
    return 0xd800 <= code < 0xe000 or 0xac00 <= code < 0xd7a4 or 0xf900 <= code < 0xfb00 or 0x2f800 <= code < 0x2fa20


def add_shift(rows, code, shift):
    """Rows of first, last, step, shift."""
    if rows and rows[-1][3] == shift and code - rows[-1][1] == (rows[-1][2] or code - rows[-1][1]) <= 2:
        rows[-1][1], rows[-1][2] = code, code - rows[-1][1]
    else:
        rows.append([code, code, 0, shift])


def add_class(rows, code, number):
    """Rows of first, last, class."""
    if rows and rows[-1][2] == number and rows[-1][1] == code - 1:
        rows[-1][1] = code
    else:
        rows.append([code, code, number])


def write(name, type_name, rows):
    print(f"\nconst {type_name} {name}[] = {{")
    line = "   "
    for row in rows:
        word = " {" + ", ".join(row) + "},"
        if len(line + word) > 100:
            print(line)
            line = "   "
        line += word
    print(line + "\n};")
    print(f"const size_t {name}_count = {len(rows)};")


def main():
    shifts, expansions, classes = [], [], []
    for code in range(0x110000):
        if is_left_out(code):
            continue
        number = unicodedata.combining(chr(code))
        if number:
            add_class(classes, code, number)
        after = folded(code)
        if len(after) > 1:
            expansions.append([hex(code), "{" + ", ".join(map(hex, after)) + "}"])
        elif after != [code]:
            add_shift(shifts, code, after[0] - code)
    print(f"// name_table.c - case folding, decomposition and combining classes of Unicode {unicodedata.unidata_version}.\n"
          "// Made by name_table.py.\n#include \"store/name_table.h\"\n\n// clang-format off")
    write("dogb_name_shifts", "dogb_name_shift", [[hex(r[0]), hex(r[1]), str(r[2] or 1), str(r[3])] for r in shifts])
    write("dogb_name_expansions", "dogb_name_expansion", expansions)
    write("dogb_name_classes", "dogb_name_class", [[hex(r[0]), hex(r[1]), str(r[2])] for r in classes])


main()
