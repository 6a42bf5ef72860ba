"""Talks to the image_dump program: our decoder and transforms as Python functions."""

import os
import subprocess
import sys

import numpy as np

DATA = os.environ.get("DOGBREED_TEST_DATA", "../shared/data")
SOURCE = os.environ.get("DOGBREED_TEST_SOURCE", "tests")
FILTERS = {"bilinear": 0, "bicubic": 1, "lanczos": 2, "box": 3, "hamming": 4}


class Refused(Exception):
    """Our library returned an error; the text is its message."""


class Dump:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, text, data=b""):
        self.process.stdin.write(text.encode() + b"\n" + data)
        self.process.stdin.flush()
        line = self.process.stdout.readline().decode().rstrip("\n")
        if line.startswith("error "):
            raise Refused(line[6:])
        if not line.startswith("ok"):
            raise RuntimeError(f"image_dump died at: {text}")
        return [int(word) for word in line.split()[1:]]

    def pixels(self, text, kind=np.uint8):
        width, height = self.ask(text)
        count = width * height * 3 * np.dtype(kind).itemsize
        raw = np.frombuffer(self.process.stdout.read(count), dtype=kind)
        return raw.reshape((height, width, 3) if kind == np.uint8 else (3, height, width))

    def decode(self, path, warnings=0, orient=0, rect=(0, 0, 0, 0)):
        left, top, right, bottom = rect
        return self.pixels(f"decode {warnings} {orient} {left} {top} {right} {bottom} {path}")

    def load(self, path, seed=-1, resize=256, crop=224, filter="bilinear", orient=0):
        return self.pixels(f"load {seed} {resize} {crop} {FILTERS[filter]} {orient} {path}")

    def random(self, seed, width, height):
        return self.ask(f"random {seed} {width} {height}")

    def image(self, array):
        height, width, _ = array.shape
        self.ask(f"image {width} {height}", np.ascontiguousarray(array).tobytes())

    def resize(self, width, height, filter, box=(0, 0, 0, 0)):
        return self.pixels("resize %d %d %d %d %d %d %d" % (width, height, FILTERS[filter], *box))

    def eval(self, resize, crop, filter="bilinear"):
        return self.pixels(f"eval {resize} {crop} {FILTERS[filter]}", np.float32)

    def crop(self, rect, flip, crop, filter="bilinear"):
        return self.pixels("crop %d %d %d %d %d %d %d" % (*rect, flip, crop, FILTERS[filter]))

    def jitter(self, factors, order):
        return self.pixels("jitter %.17g %.17g %.17g %.17g %d %d %d %d" % (*factors, *order))


def data(name):
    """A path in the optional data folder; ends the script as skipped when it is not there."""
    path = os.path.join(DATA, name)
    if not os.path.exists(path):
        print(f"skipped: {path} is not here")
        sys.exit(77)
    return path


def finish(compared, different):
    """Prints the count and ends the script: 1 when anything differs or nothing was compared."""
    for line in different[:20]:
        print("different:", line)
    print(f"{compared} compared, {len(different)} different")
    sys.exit(1 if different or compared == 0 else 0)
