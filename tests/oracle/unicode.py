"""Composed forms and case folding of names, by Python's unicodedata: every point, and drawn texts. Usage: unicode.py TOOL"""
import random
import subprocess
import sys
import unicodedata


def fold(text):
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).casefold())


def main():
    if unicodedata.unidata_version != "14.0.0":
        print(f"skipped: this Python has Unicode {unicodedata.unidata_version}, the tables are of 14.0.0")
        sys.exit(77)
    points = [chr(point) for point in range(0x20, 0x110000) if not 0xD800 <= point < 0xE000 and point not in (0x85, 0x2028, 0x2029)]
    marked = [point for point in points if unicodedata.combining(point) or unicodedata.decomposition(point) or fold(point) != point]
    marked += [chr(point) for point in range(0x1100, 0x1200)] + list("aeiouAEIOUsz")
    draw = random.Random(1)
    texts = points + ["".join(draw.choices(marked, k=draw.randint(2, 8))) for _ in range(200000)]
    texts += [unicodedata.normalize("NFD", text) for text in texts[::7]]
    done = subprocess.run([sys.argv[1]], input="\n".join(texts).encode() + b"\n", capture_output=True, check=True)
    lines = done.stdout.decode().split("\n")
    for index, text in enumerate(texts):
        composed = unicodedata.normalize("NFC", text)
        assert lines[2 * index] == composed, (ascii(text), ascii(lines[2 * index]), ascii(composed))
        assert lines[2 * index + 1] == fold(composed), (ascii(text), ascii(lines[2 * index + 1]))
    print(f"{len(texts)} texts")


main()
