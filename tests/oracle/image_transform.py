"""Transforms against torchvision on PIL images: Resize + CenterCrop + ToTensor + Normalize bit for
bit, crop + resize + flip, the ranges of RandomResizedCrop, ColorJitter."""

import sys

import numpy as np
import torch
from PIL import Image
from torchvision import transforms as T
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F

from image_dump import Dump, finish

MODES = {name: getattr(InterpolationMode, name.upper())
         for name in ("bilinear", "bicubic", "lanczos")}
NORMALIZE = T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def picture(rng, width, height):
    """Noise over gradients: smooth parts, edges and all values."""
    y, x = np.mgrid[0:height, 0:width]
    base = np.stack([x * 255 // max(1, width), y * 255 // max(1, height), (x * y) % 256], -1)
    noise = rng.integers(-40, 41, base.shape)
    return np.clip(base + noise, 0, 255).astype(np.uint8)


def evaluation(dump, different):
    rng = np.random.default_rng(4)
    sizes = [(int(w), int(h)) for w, h in rng.integers(1, 700, (60, 2))]
    sizes += [(256, 256), (224, 224), (225, 225), (100, 30), (1, 1), (3, 500), (500, 333)]
    for index, (width, height) in enumerate(sizes):
        array = picture(rng, width, height)
        dump.image(array)
        resize, crop = [(256, 224), (232, 224), (224, 224), (64, 64), (50, 63), (33, 7)][index % 6]
        name = list(MODES)[index % 3]
        steps = T.Compose([T.Resize(resize, MODES[name]), T.CenterCrop(crop), T.ToTensor(),
                           NORMALIZE])
        expected = steps(Image.fromarray(array)).numpy()
        got = dump.eval(resize, crop, name)
        if expected.tobytes() != got.tobytes():
            different.append(f"{width}x{height} {resize} {crop} {name}: "
                             f"{int((expected != got).sum())} floats")
    array = picture(rng, 301, 200)
    dump.image(array)
    expected = T.Compose([T.CenterCrop(224), T.ToTensor(), NORMALIZE])(Image.fromarray(array))
    if expected.numpy().tobytes() != dump.eval(0, 224).tobytes():
        different.append("no resize")
    return len(sizes) + 1


def crop(dump, different):
    rng = np.random.default_rng(5)
    count = 0
    for index in range(150):
        width, height = (int(v) for v in rng.integers(20, 600, 2))
        array = picture(rng, width, height)
        dump.image(array)
        left, top, right, bottom, flip = dump.random(index, width, height)
        name = list(MODES)[index % 3]
        image = F.resized_crop(Image.fromarray(array), top, left, bottom - top, right - left,
                               [224, 224], MODES[name])
        if flip:
            image = F.hflip(image)
        got = dump.crop((left, top, right, bottom), flip, 224, name)
        count += 1
        if (np.asarray(image) != got).any():
            different.append(f"{width}x{height} {left},{top},{right},{bottom} {flip} {name}")
    return count


def random_crop(dump, different):
    """The distribution of our crops beside torchvision's: means of area and of log ratio."""
    for width, height in ((500, 333), (100, 100), (40, 400)):
        image = torch.empty(3, height, width)
        torch.manual_seed(0)
        theirs = [T.RandomResizedCrop.get_params(image, (0.08, 1.0), (3 / 4, 4 / 3))
                  for _ in range(4000)]
        theirs = np.array([(j, i, j + w, i + h) for i, j, h, w in theirs], dtype=float)
        ours = np.array([dump.random(seed, width, height)[:4] for seed in range(4000)], dtype=float)
        for box in ours:
            inside = 0 <= box[0] < box[2] <= width and 0 <= box[1] < box[3] <= height
            if not inside:
                different.append(f"{width}x{height}: {box}")

        def measures(boxes):
            w, h = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
            return np.stack([w * h / (width * height), np.log(w / h), boxes[:, 0] / width,
                             boxes[:, 1] / height], -1)
        a, b = measures(theirs), measures(ours)
        error = np.sqrt(a.var(0) / len(a) + b.var(0) / len(b)) + 1e-9
        score = np.abs(a.mean(0) - b.mean(0)) / error
        if (score > 4.5).any():
            different.append(f"{width}x{height}: means {a.mean(0)} and {b.mean(0)}")
    return 12000


def jitter(dump, different):
    rng = np.random.default_rng(6)
    steps = [F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue]
    count = 0
    for index in range(120):
        array = picture(rng, int(rng.integers(1, 90)), int(rng.integers(1, 90)))
        factors = [*rng.uniform(0, 2, 3), rng.uniform(-0.5, 0.5)]
        if index < 8:  # the ends of the ranges
            factors = [index % 2, index // 2 % 2, index // 4 % 2, (0, 0.5, -0.5)[index % 3]]
        order = [int(v) for v in rng.permutation(4)]
        image = Image.fromarray(array)
        for step in order:
            image = steps[step](image, factors[step])
        dump.image(array)
        got = dump.jitter(factors, order)
        count += 1
        wrong = int((np.asarray(image) != got).sum())
        if wrong:
            different.append(f"{factors} {order}: {wrong} bytes")
    # Every colour, turned by one step.
    levels = np.arange(256, dtype=np.uint8)
    for red in range(256):
        array = np.empty((256, 256, 3), dtype=np.uint8)
        array[:, :, 0] = red
        array[:, :, 1] = levels[:, None]
        array[:, :, 2] = levels
        dump.image(array)
        got = dump.jitter((1, 1, 1, 0.1), (0, 1, 2, 3))
        expected = np.asarray(F.adjust_hue(Image.fromarray(array), 0.1))
        count += 1
        wrong = int((expected != got).sum())
        if wrong:
            different.append(f"hue of red {red}: {wrong} bytes")
    return count


def main():
    different = []
    parts = {"evaluation": evaluation, "crop": crop, "random_crop": random_crop, "jitter": jitter}
    count = parts[sys.argv[2]](Dump(sys.argv[1]), different)
    finish(count, different)


main()
