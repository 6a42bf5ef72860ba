#!/usr/bin/env python3
"""Wall time of the main job beside a plain torchvision script: first epoch (with all decoding and features), later
epochs. Rounds alternate: peer, ours, peer, ours. Needs a Python with torch, torchvision and safetensors for the peer.

Usage: train.py DATA WEIGHTS [--rounds 3] [--build build] [--python python3] [--batch 32] [--hidden 256]"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def peer(options):
    """Seconds of one epoch, training and validation, without the start of Python."""
    out = subprocess.run([options.python, os.path.join(HERE, "peer_train.py"), options.data, options.weights, "1",
                          str(options.batch), "0.000375", "2", str(options.hidden)],
                         capture_output=True, text=True, check=True).stdout.split()
    return float(out[1]) + float(out[2]), float(out[3])


def ours(options):
    """Seconds from exec to the end of the first epoch, and of each later one; an empty cache."""
    with tempfile.TemporaryDirectory() as folder:
        run = os.path.join(folder, "run")
        start = time.perf_counter()
        head = f"mlp:{options.hidden}" if options.hidden else "linear"
        process = subprocess.Popen(
            [os.path.join(options.build, "dogbreed"), "train", options.data, "--arch", "mobilenet_v2", "--weights",
             options.weights, "--head", head, "--epochs", "7", "--batch-size", str(options.batch), "--learning-rate",
             "0.000375", "--seed", "1", "--out", run, "--no-test", "--quiet", "--json"],
            env=dict(os.environ, DOGBREED_CACHE=os.path.join(folder, "cache")), stdout=subprocess.PIPE, text=True)
        process.communicate()
        total = time.perf_counter() - start
        if process.returncode != 0:
            sys.exit("dogbreed train failed")
        with open(os.path.join(run, "metrics.jsonl"), encoding="utf-8") as file:
            ends = [row["t"] for row in map(json.loads, file) if row["kind"] == "epoch"]
        later = [b - a for a, b in zip(ends, ends[1:])]
        first = total - (ends[-1] - ends[0])  # start-up and shut-down count as the first epoch
        with open(os.path.join(run, "metrics.csv"), encoding="utf-8") as file:
            rows = [line.strip().split(",") for line in file]
        return first, later, float(rows[-1][rows[0].index("val_accuracy")])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("weights")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--build", default="build")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--hidden", type=int, default=256, help="0: linear head")
    options = parser.parse_args()
    first_ratios, later_ratios = [], []
    for number in range(options.rounds):
        their, their_accuracy = peer(options)
        first, later, accuracy = ours(options)
        first_ratios.append(their / first)
        later_ratios.append(their / statistics.median(later))
        print(f"round {number}: peer epoch {their:.1f} s (val {their_accuracy:.4f} after 1), ours first {first:.1f} s, "
              f"later {statistics.median(later) * 1e3:.0f} ms (val {accuracy:.4f} after 7); "
              f"ratios {first_ratios[-1]:.2f} and {later_ratios[-1]:.0f}", flush=True)
    print(f"first epoch {statistics.median(first_ratios):.2f}x, later epochs {statistics.median(later_ratios):.0f}x "
          f"(median of {options.rounds} rounds, batch {options.batch}, hidden {options.hidden}, load "
          f"{os.getloadavg()[0]:.1f})")


if __name__ == "__main__":
    main()
