#!/usr/bin/env python3
"""Writes text files as C strings: embed.py OUT.c HEADER NAME=FILE... HEADER declares the names. NAME=sha256:FILE is what
a content security policy calls the file by: 'sha256-...'. A page of HTML gets its style and script inside, where it
names files beside it: <link rel="stylesheet" href="a.css">, <script src="a.js"></script>, and sha256:a.css in its policy.
A string of C has 4,095 characters at most, so each is an array of bytes."""
import base64
import hashlib
import pathlib
import re
import sys


def policy_hash(path):
    return b"'sha256-" + base64.b64encode(hashlib.sha256(path.read_bytes()).digest()) + b"'"


def page(path):
    def beside(match):
        return path.parent / match[1].decode()

    text = re.sub(rb"sha256:([\w.]+)", lambda match: policy_hash(beside(match)), path.read_bytes())
    text = re.sub(rb'<link rel="stylesheet" href="([\w.]+)">',
                  lambda match: b"<style>" + beside(match).read_bytes() + b"</style>", text)
    return re.sub(rb'<script src="([\w.]+)"></script>',
                  lambda match: b"<script>" + beside(match).read_bytes() + b"</script>", text)


def content(word):
    kind, _, name = word.rpartition(":")
    path = pathlib.Path(name)
    return policy_hash(path) if kind == "sha256" else page(path) if path.suffix == ".html" else path.read_bytes()


with open(sys.argv[1], "w", encoding="ascii") as out:
    out.write(f'#include "{sys.argv[2]}"\n')
    for argument in sys.argv[3:]:
        variable, source = argument.split("=", 1)
        data = content(source) + b"\0"
        rows = [", ".join(str(byte) if byte < 128 else f"'\\x{byte:x}'" for byte in data[i:i + 24]) for i in range(0, len(data), 24)]
        out.write(f"const char {variable}[] = {{\n    " + ",\n    ".join(rows) + "};\n")
