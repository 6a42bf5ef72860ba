#!/usr/bin/env python3
"""Makes the golden files of tests/dataset: order.txt (torchvision's ImageFolder) and fingerprint.txt.

Needs torchvision. Usage: make.py, in any folder; it writes beside itself.
"""
import hashlib
import os
import re
import tempfile

from torchvision.datasets import ImageFolder

HERE = os.path.dirname(os.path.abspath(__file__))


def files_of_the_test():
    """The files of orders_like_image_folder in test_scan.c."""
    source = open(os.path.join(HERE, "..", "test_scan.c"), "rb").read()
    block = re.search(rb"files\[\] = \{(.*?)\};", source, re.S).group(1)
    names = re.findall(rb'"([^"]*)"', block)
    return [re.sub(rb"\\x(..)", lambda m: bytes([int(m.group(1), 16)]), name).decode() for name in names]


def make_order():
    with tempfile.TemporaryDirectory() as root, open(os.path.join(HERE, "order.txt"), "w") as out:
        for name in files_of_the_test():
            path = os.path.join(root, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            open(path, "w").write("x")
        folder = ImageFolder(root)
        for path, label in folder.samples:
            out.write(f"{label} {folder.classes[label]} {os.path.relpath(path, root)}\n")


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def root_of(hashes):
    while len(hashes) > 1:
        pairs = [sha(*hashes[i:i + 2]) for i in range(0, len(hashes) - 1, 2)]
        hashes = pairs + ([hashes[-1]] if len(hashes) % 2 else [])
    return hashes[0]


def fingerprint(files):
    leaves = []
    for path, content in sorted((path.encode(), content) for path, content in files.items()):
        size = b"-1" if content is None else str(len(content)).encode()
        inner = sha(b"unreadable\0", path) if content is None else sha(content)
        leaves.append(sha(path, b"\0", size, b"\0", inner))
    return root_of(leaves).hex()


def make_fingerprint():
    files = {"train/a/1.jpg": b"one", "train/a/2.jpg": b"two", "train/b/3.jpg": b"",
             "valid/a/4.jpg": b"four", "test/b/5.jpg": b"five", "train/b/6.jpg": None}
    with open(os.path.join(HERE, "fingerprint.txt"), "w") as out:
        for split in ["", "train/", "valid/", "test/"]:
            part = {path: content for path, content in files.items() if path.startswith(split)}
            out.write(fingerprint(part) + "\n")


if __name__ == "__main__":
    make_order()
    make_fingerprint()
