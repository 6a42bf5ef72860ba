"""Inference of our engine beside stock torch eager (NCHW and channels_last), in alternating blocks.

infer.py PROGRAM [--engine torch] [--arch mobilenet_v2] [--weights FILE] [--batches 1,16,64] [--threads 2]
         [--pairs 15] [--seconds 1] [--dtype f32]
PROGRAM is build/bench/infer. Prints, per batch size, images per second of each side, the median ratio of
neighbouring blocks with its interval, and the largest difference of the logits.
"""
import argparse
import os
import statistics
import subprocess
import tempfile
import time

import torch
import torchvision
from safetensors.torch import load_file, save_file


class Ours:
    def __init__(self, options, weights, x, folder):
        path = os.path.join(folder, "input")
        x.numpy().tofile(path)
        self.folder, self.shape = folder, (len(x), 1000)
        self.process = subprocess.Popen(
            [options.program, options.engine, options.arch, weights, path, str(len(x)), str(options.threads),
             {"f32": "0", "bf16": "1"}[options.dtype]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if not answer:
            raise SystemExit("our program ended")
        return answer

    def block(self, seconds):
        images, time_used = self.ask(f"block {seconds}")
        return int(images) / float(time_used)

    def logits(self):
        path = os.path.join(self.folder, "logits")
        self.ask(f"logits {path}")
        return torch.from_file(path, size=self.shape[0] * self.shape[1]).view(self.shape).clone()


def peer_block(net, x, seconds):
    images, begin, now = 0, time.perf_counter(), 0.0
    with torch.inference_mode():
        while now < seconds:
            net(x)
            images += len(x)
            now = time.perf_counter() - begin
    return images / now


def interval(ratios):
    """Where 95 % of medians of such samples lie: order statistics of the binomial distribution."""
    ordered, count = sorted(ratios), len(ratios)
    reach = int(0.98 * count ** 0.5)
    return ordered[max(count // 2 - reach, 0)], ordered[min(count // 2 + reach, count - 1)]


def measure(options, weights, net, batch, folder):
    torch.manual_seed(batch)
    x = torch.randn(batch, 3, 224, 224)
    ours = Ours(options, weights, x, folder)
    peers = {"eager NCHW": (net.to(memory_format=torch.contiguous_format), x)}
    with torch.inference_mode():
        expected = net(x)
    print(f"batch {batch}: largest logit difference {(ours.logits() - expected).abs().max():.3g}, "
          f"load {os.getloadavg()[0]:.1f}", flush=True)
    for title in ("eager NCHW", "eager channels_last"):
        if title == "eager channels_last":
            peers[title] = (net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last))
        ours.block(options.seconds)
        peer_block(*peers[title], options.seconds)
        fast, slow = [], []
        for _ in range(options.pairs):
            fast.append(ours.block(options.seconds))
            slow.append(peer_block(*peers[title], options.seconds))
        ratios = [a / b for a, b in zip(fast, slow)]
        low, high = interval(ratios)
        print(f"batch {batch}: ours {statistics.median(fast):.1f} img/s (best {max(fast):.1f}), {title} "
              f"{statistics.median(slow):.1f} (best {max(slow):.1f}): {statistics.median(ratios):.2f}x "
              f"[{low:.2f}, {high:.2f}] of {len(ratios)} pairs", flush=True)
    ours.process.stdin.close()
    ours.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--engine", default="torch")
    parser.add_argument("--arch", default="mobilenet_v2")
    parser.add_argument("--weights")
    parser.add_argument("--batches", default="1,16,64")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, {options.threads} threads, "
          f"{options.arch} {options.dtype}")
    with tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(0)
        net = getattr(torchvision.models, options.arch)().eval()
        weights = options.weights
        if weights is None:
            weights = os.path.join(folder, "weights.safetensors")
            save_file(net.state_dict(), weights)
        net.load_state_dict(load_file(weights))
        for batch in map(int, options.batches.split(",")):
            measure(options, weights, net, batch, folder)


main()
