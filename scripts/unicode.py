#!/usr/bin/env python3
"""Writes lib/core/unicode_pairs.h and unicode_marks.h from Python's unicodedata."""
import pathlib
import unicodedata

POINTS = [point for point in range(0x110000) if not 0xD800 <= point < 0xE000 and not 0xAC00 <= point <= 0xD7A3]


def rows(name, comment, items):
    lines, line = [], "   "
    for item in items:
        text = " {" + ",".join(f"{value:#x}" if value > 9 else str(value) for value in item) + "},"
        if len(line) + len(text) > 100:
            lines.append(line)
            line = "   "
        line += text
    return f"// {comment}\n{name}[] = {{\n" + "\n".join(lines + [line]) + "\n};\n"


def decompositions():
    for point in POINTS:
        text = unicodedata.decomposition(chr(point))
        if text and text[0] != "<":
            parts = [int(part, 16) for part in text.split()] + [0]
            yield point, parts[0], parts[1], int(unicodedata.normalize("NFC", chr(point)) == chr(point))


def classes():
    found = []
    for point in POINTS:
        value = unicodedata.combining(chr(point))
        if value and found and found[-1][1:] == [point - 1, value]:
            found[-1][1] = point
        elif value:
            found.append([point, point, value])
    return found


def folded(point):
    """Of a point that stands in decomposed text; others are not asked for."""
    whole = unicodedata.normalize("NFD", chr(point)) == chr(point)
    return [ord(c) for c in chr(point).casefold()] if whole else [point]


def folds():
    found = []
    for point in POINTS:
        target, last = folded(point), found[-1] if found else None
        if len(target) != 1 or target[0] == point:
            continue
        target = target[0]
        if last and last[3] - last[0] == target - point and point - last[1] in ((1, 2) if last[2] == 0 else (last[2],)):
            last[1], last[2] = point, point - last[1]
        else:
            found.append([point, point, 0, target])
    return [[first, last, max(step, 1), target] for first, last, step, target in found]


def ligatures():
    return [[point, *folded(point), 0][:4] for point in POINTS if len(folded(point)) > 1]


TYPES = {
    "pairs": """typedef struct unicode_pair {
    uint32_t point;
    uint32_t first;
    uint32_t second;   // 0: one letter alone
    uint32_t composes; // 1: the two become the point again
} unicode_pair;
""",
    "marks": """typedef struct unicode_class {
    uint32_t first;
    uint32_t last;
    uint32_t value;
} unicode_class;

typedef struct unicode_fold {
    uint32_t first;
    uint32_t last;
    uint32_t step;
    uint32_t target; // of first
} unicode_fold;

typedef struct unicode_ligature {
    uint32_t point;
    uint32_t first;
    uint32_t second;
    uint32_t third; // 0: none
} unicode_ligature;
""",
}


def write(name, *tables):
    path = pathlib.Path(__file__).resolve().parent.parent / f"lib/core/unicode_{name}.h"
    guard = f"DOGB_CORE_UNICODE_{name.upper()}_H"
    path.write_text(f"""// unicode_{name}.h - Unicode {unicodedata.unidata_version}, made by scripts/unicode.py: for unicode.c alone.
#ifndef {guard}
#define {guard}

#include <stdint.h>

{TYPES[name]}
// clang-format off
""" + "\n".join(rows(*table) for table in tables) + "\n// clang-format on\n\n#endif\n", encoding="utf-8")


write("pairs", ("static const unicode_pair unicode_pairs", "Canonical decompositions, by point.", decompositions()))
write("marks", ("static const unicode_class unicode_classes", "Canonical combining classes, by point.", classes()),
      ("static const unicode_fold unicode_folds", "Case folding of one point of decomposed text to one point, by point.", folds()),
      ("static const unicode_ligature unicode_ligatures", "And to several.", ligatures()))
