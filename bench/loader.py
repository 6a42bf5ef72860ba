"""The loader alone beside two peer pipelines, in one interleaved run: JPEG bytes in memory -> decode,
random resized crop 224, flip, normalise to float32. Peers: Pillow + torchvision transforms (what an
ImageFolder DataLoader runs per picture) and torchvision.io.decode_jpeg + transforms v2 on tensors.

    ninja -C build bench/loader
    python bench/loader.py build/bench/loader [FOLDER] [--pairs N] [--block N]

FOLDER (default ../shared/data/flowers5) is searched for *.jpg. Blocks of pictures alternate between
ours and a peer on one thread each; the median of the ratios is printed with its 90 % interval, from
wall time and from processor time (the one to believe on a busy machine).
"""

import argparse
import glob
import io
import os
import platform
import time

import numpy as np
import PIL
import torch
import torchvision
from PIL import Image
from program import Program
from torchvision import transforms as T
from torchvision.transforms import v2

MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
PIL_STEPS = T.Compose([T.RandomResizedCrop(224), T.RandomHorizontalFlip(), T.ToTensor(),
                       T.Normalize(MEAN, DEVIATION)])
V2_STEPS = v2.Compose([v2.RandomResizedCrop(224, antialias=True), v2.RandomHorizontalFlip(),
                       v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, DEVIATION)])


def pil(data):
    return PIL_STEPS(Image.open(io.BytesIO(data)).convert("RGB"))


def tensor(data):
    raw = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    return V2_STEPS(torchvision.io.decode_jpeg(raw, torchvision.io.ImageReadMode.RGB))


class Ours(Program):
    def block(self, threads, start, count):
        wall, cpu, _ = self.ask(f"run {threads} {start} {count}")
        return float(wall), float(cpu)


def peer_block(step, blobs, start, count):
    wall, cpu = time.perf_counter(), time.process_time()
    for index in range(start, start + count):
        step(blobs[index % len(blobs)])
    return time.perf_counter() - wall, time.process_time() - cpu


def interval(values):
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    return f"{middle:.2f} ({low:.2f}-{high:.2f})"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("folder", nargs="?", default="../shared/data/flowers5")
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--block", type=int, default=100)
    arguments = parser.parse_args()
    files = sorted(glob.glob(arguments.folder + "/**/*.jpg", recursive=True))
    blobs = []
    for path in files:
        with open(path, "rb") as file:
            blobs.append(file.read())
    torch.set_num_threads(1)
    ours = Ours(arguments.program, *files)
    print("torch", torch.__version__, "torchvision", torchvision.__version__, "Pillow",
          PIL.__version__, "on", platform.machine(), "load", os.getloadavg())
    print(len(files), "files, mean", int(np.mean([len(b) for b in blobs])), "bytes; checksum",
          ours.ask("check")[0])
    count = arguments.block
    for name, step in (("Pillow + transforms", pil), ("torchvision.io + v2", tensor)):
        peer_block(step, blobs, 0, 20)
        ours.block(1, 0, 20)
        ratios, own, other = [], [], []
        for pair in range(arguments.pairs):
            a = ours.block(1, pair * count, count)
            b = peer_block(step, blobs, pair * count, count)
            c = ours.block(1, pair * count, count)
            mean = ((a[0] + c[0]) / 2, (a[1] + c[1]) / 2)
            ratios.append((b[0] / mean[0], b[1] / mean[1]))
            own.append(mean[1] / count)
            other.append(b[1] / count)
        wall, cpu = zip(*ratios)
        print(f"{name}: {interval(wall)} times the wall time, {interval(cpu)} times the processor "
              f"time of ours ({np.median(other) * 1e3:.3f} and {np.median(own) * 1e3:.3f} ms each)")
    ratios = []
    for pair in range(arguments.pairs):
        one = ours.block(1, pair * count, count)
        two = ours.block(2, pair * count, 2 * count)
        ratios.append(2 * one[0] / two[0])
    print(f"two threads: {interval(ratios)} times the pictures/s of one; load", os.getloadavg())


main()
