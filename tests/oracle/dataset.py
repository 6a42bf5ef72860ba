"""Data sets against torchvision: classes and order against ImageFolder, the loader's evaluation
pictures against PIL + Resize + CenterCrop byte for byte, counts and statistics of the check against
NumPy, the fingerprint against hashlib.

dataset.py DATASET_DUMP PART; exit code 77 when the data folder is not there.
"""

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
from PIL import Image
from torchvision import transforms as T
from torchvision.datasets import ImageFolder

DATA = os.environ.get("DOGBREED_TEST_DATA", "../shared/data")
DUMP = sys.argv[1]


def folder(name):
    path = os.path.join(DATA, name)
    if not os.path.isdir(path):
        print(f"skipped: {path} is not here")
        sys.exit(77)
    return path


def run(*arguments):
    return subprocess.run([DUMP, *map(str, arguments)], check=True, stdout=subprocess.PIPE).stdout


def order():
    different = 0
    for name in ("dogs120", "flowers5"):
        for split in ("train", "valid", "test"):
            theirs = ImageFolder(os.path.join(folder(name), split)).samples
            lines = run("list", folder(name), split).decode().splitlines()
            ours = [(path, int(label)) for label, path in (line.split("\t") for line in lines)]
            different += ours != theirs
            print(f"{name} {split}: {len(ours)} samples, equal: {ours == theirs}")
    return different


def pixels():
    different = 0
    for resize, crop in ((256, 224), (64, 64)):
        steps = T.Compose([T.Resize(resize), T.CenterCrop(crop)])
        samples = ImageFolder(os.path.join(folder("flowers5"), "valid"), steps)
        theirs = np.stack([np.asarray(image) for image, _ in samples])
        for threads in (1, 3):
            ours = np.frombuffer(run("load", folder("flowers5"), "valid", resize, crop, threads),
                                 np.uint8)
            count = ours.size != theirs.size or int((ours.reshape(theirs.shape) != theirs).sum())
            different += count
            print(f"resize {resize} crop {crop}, {threads} threads: {count} of {theirs.size} bytes differ")
    return different


def report():
    root = folder("flowers5")
    ours = json.loads(run("check", root, "all"))
    means, squares, widths = [], [], []
    for split in ("train", "valid", "test"):
        for path, _ in ImageFolder(os.path.join(root, split)).samples:
            image = np.asarray(Image.open(path).convert("RGB"), np.float64) / 255
            widths.append(image.shape[1])
            if split == "train":
                means.append(image.mean((0, 1)))
                squares.append((image ** 2).mean((0, 1)))
    mean = np.mean(means, 0)
    deviation = np.sqrt(np.mean(squares, 0) - mean ** 2)
    checks = {
        "mean": np.abs(mean - ours["statistics"]["mean"]).max() < 1e-9,
        "deviation": np.abs(deviation - ours["statistics"]["deviation"]).max() < 1e-9,
        "files": ours["files"] == len(widths),
        "median width": ours["sizes"]["width"]["median"] == np.median(widths),
        "mean width": abs(ours["sizes"]["width"]["mean"] - np.mean(widths)) < 1e-9,
    }
    print(checks)
    return sum(not good for good in checks.values())


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def fingerprint():
    root = folder("flowers5")
    leaves = []
    for path, _ in ImageFolder(os.path.join(root, "valid")).samples:
        content = open(path, "rb").read()
        name = os.path.relpath(path, root).encode()
        leaves.append((name, sha(name, b"\0", str(len(content)).encode(), b"\0", sha(content))))
    hashes = [leaf for _, leaf in sorted(leaves)]
    while len(hashes) > 1:
        pairs = [sha(*hashes[i:i + 2]) for i in range(0, len(hashes) - 1, 2)]
        hashes = pairs + ([hashes[-1]] if len(hashes) % 2 else [])
    ours = run("fingerprint", root, "valid").decode().strip()
    print(f"ours {ours}, theirs {hashes[0].hex()}")
    return ours != hashes[0].hex()


if __name__ == "__main__":
    sys.exit(1 if {"order": order, "pixels": pixels, "report": report,
                   "fingerprint": fingerprint}[sys.argv[2]]() else 0)
