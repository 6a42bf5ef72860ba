"""Decoding against Pillow's convert("RGB"): PngSuite, CMYK, gray, 16-bit tables, EXIF, photos, and
regions against the same part of a whole decode."""

import glob
import os
import sys

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from image_dump import SOURCE, Dump, Refused, data, finish

# PngSuite's 16-bit gray pictures: Pillow's conversion saturates at 255, we keep the high byte.
GRAY16 = ("I;16", "I;16B", "I")


def theirs(path, orient=False):
    """Pillow's pixels; None when it refuses the file."""
    try:
        with Image.open(path) as opened:
            mode = opened.mode
            opened.load()
            upright = ImageOps.exif_transpose(opened) if orient else opened
            if mode in GRAY16:
                high = (np.asarray(upright).astype(np.uint32) >> 8).astype(np.uint8)
                return np.repeat(high[:, :, None], 3, axis=2)
            return np.asarray(upright.convert("RGB"))
    except (OSError, SyntaxError, UnidentifiedImageError, ValueError, Image.DecompressionBombError):
        return None


def compare(dump, different, path, warnings=0, orient=0, ours_may_refuse=False):
    expected = theirs(path, orient == 1)
    name = os.path.basename(path)
    try:
        got = dump.decode(path, warnings, orient)
    except Refused as error:
        if expected is not None and not ours_may_refuse:
            different.append(f"{name}: refused by us only: {error}")
        return
    if expected is None:
        different.append(f"{name}: refused by Pillow only")
    elif expected.shape != got.shape or (expected != got).any():
        wrong = int((expected != got).sum()) if expected.shape == got.shape else got.shape
        different.append(f"{name}: {wrong} bytes")


def png(dump, different):
    files = sorted(glob.glob(data("images/pngsuite") + "/*.png"))
    for path in files:
        # A bad checksum of pixel data: Pillow does not look, libpng refuses.
        compare(dump, different, path, ours_may_refuse=path.endswith("xcsn0g01.png"))
    return len(files)


def photos(dump, different):
    files = sorted(glob.glob(data("images/dogs-original") + "/*.JPEG"))
    files += sorted(glob.glob(data("images/pillow") + "/*.jpg"))
    files += sorted(glob.glob(data("flowers5") + "/*/*/*.jpg"))
    files += sorted(glob.glob(data("dogs120") + "/test/*/*.jpg"))
    for path in files:
        compare(dump, different, path, warnings=1)
    exif = sorted(glob.glob(data("images/exif") + "/*.jpg"))
    for path in exif:
        compare(dump, different, path)
        compare(dump, different, path, orient=1)
    return len(files) + 2 * len(exif)


def golden(dump, different):
    """The committed files, with both policies."""
    files = sorted(glob.glob(os.path.join(SOURCE, "image/golden/files/*.*")))
    for path in files:
        name = os.path.basename(path)
        if name != "gtext_bomb.png":  # Pillow unpacks text chunks and refuses
            compare(dump, different, path, 1, 1, ours_may_refuse=name.startswith("x"))
    return len(files)


def regions(dump, different):
    rng = np.random.default_rng(3)
    files = sorted(glob.glob(data("images/dogs-original") + "/*.JPEG"))[::3]
    files += sorted(glob.glob(data("images/pillow") + "/*.jpg"))
    files += sorted(glob.glob(data("flowers5") + "/*/*/*.jpg"))[::20]
    files += sorted(glob.glob(data("images/pngsuite") + "/bas*.png"))
    files += [path for path in sorted(glob.glob(os.path.join(SOURCE, "image/golden/files/j*")))]
    count = 0
    for path in files:
        whole = dump.decode(path, 1)
        height, width, _ = whole.shape
        for _ in range(30):
            left, top = int(rng.integers(0, width)), int(rng.integers(0, height))
            right, bottom = int(rng.integers(left, width)) + 1, int(rng.integers(top, height)) + 1
            part = dump.decode(path, 1, 0, (left, top, right, bottom))
            count += 1
            wrong = int((part != whole[top:bottom, left:right]).sum())
            if wrong:
                different.append(f"{os.path.basename(path)} {left},{top},{right},{bottom}: "
                                 f"{wrong} bytes")
    return count


def main():
    different = []
    parts = {"png": png, "photos": photos, "golden": golden, "regions": regions}
    count = parts[sys.argv[2]](Dump(sys.argv[1]), different)
    finish(count, different)


main()
