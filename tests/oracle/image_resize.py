"""Resizing against Pillow: every dog photo at 224 and 299 px with three filters, random sizes with
five, boxes. 0 bytes may differ."""

import glob
import sys

import numpy as np
import PIL
from PIL import Image, features

from image_dump import Dump, data, finish

PILLOW = {name: getattr(Image.Resampling, name.upper())
          for name in ("bilinear", "bicubic", "lanczos", "box", "hamming")}


def geometry(width, height, side):
    """torchvision's Resize(side) + CenterCrop(side)."""
    short, long = min(width, height), max(width, height)
    scaled = int(side * long / short)
    size = (side, scaled) if width <= height else (scaled, side)
    left, top = round((size[0] - side) / 2.0), round((size[1] - side) / 2.0)
    return size, (left, top, left + side, top + side)


def photos(dump, different):
    files = sorted(glob.glob(data("images/dogs-original") + "/*.JPEG"))
    count = 0
    for path in files:
        with Image.open(path) as opened:
            image = opened.convert("RGB")
        dump.image(np.asarray(image))
        for side in (224, 299):
            size, box = geometry(*image.size, side)
            for name in ("bilinear", "bicubic", "lanczos"):
                theirs = np.asarray(image.resize(size, PILLOW[name]).crop(box))
                whole = dump.resize(*size, name)
                ours = whole[box[1]:box[3], box[0]:box[2]]
                loaded = dump.load(path, -1, side, side, name)
                count += 2
                for what, array in (("resize", ours), ("load", loaded)):
                    wrong = int((array != theirs).sum())
                    if wrong:
                        different.append(f"{path} {side} {name} {what}: {wrong} bytes")
    return count


def random_sizes(dump, different, rounds):
    rng = np.random.default_rng(1)
    count = 0
    for index in range(rounds):
        width, height, to_width, to_height = (int(v) for v in rng.integers(1, 601, 4))
        if index % 7 == 0:
            to_width = width
        if index % 11 == 0:
            to_height = height
        array = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        if index % 5 == 0:  # hard edges: overshoot must clip
            array = (array & 1) * np.uint8(255)
        image = Image.fromarray(array)
        dump.image(array)
        left, top = int(rng.integers(0, width)), int(rng.integers(0, height))
        box = (left, top, int(rng.integers(left + 1, width + 1)),
               int(rng.integers(top + 1, height + 1)))
        for name, filter in PILLOW.items():
            for part in (None, box):
                theirs = np.asarray(image.resize((to_width, to_height), filter, part))
                ours = dump.resize(to_width, to_height, name, part or (0, 0, 0, 0))
                count += 1
                wrong = int((ours != theirs).sum())
                if wrong:
                    different.append(f"{width}x{height} {part} to {to_width}x{to_height} {name}: "
                                     f"{wrong} bytes")
    return count


def pass_order(dump, different, rounds):
    """Sizes around the border where Pillow changes the order of its two passes, and long strips."""
    rng = np.random.default_rng(2)
    count = 0
    for index in range(rounds):
        width, height = (int(v) for v in rng.integers(2, 200, 2))
        if index % 10 == 0:
            width, height = int(rng.integers(1, 5)), int(rng.integers(300, 3000))
        to_height = max(1, int(height * rng.uniform(0.3, 1.3)))
        border = width - (height - to_height) / 2
        to_width = max(1, round(border) + int(rng.integers(-2, 3)))
        array = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        dump.image(array)
        theirs = Image.fromarray(array).resize((to_width, to_height), PILLOW["bicubic"])
        ours = dump.resize(to_width, to_height, "bicubic")
        count += 1
        wrong = int((ours != np.asarray(theirs)).sum())
        if wrong:
            different.append(f"{width}x{height} to {to_width}x{to_height}: {wrong} bytes")
    return count


def main():
    dump = Dump(sys.argv[1])
    print("Pillow", PIL.__version__, "libjpeg-turbo", features.version("libjpeg_turbo"))
    different = []
    part = sys.argv[2]
    if part == "photos":
        count = photos(dump, different)
    else:
        count = random_sizes(dump, different, 100) + pass_order(dump, different, 1000)
    finish(count, different)


main()
