#!/usr/bin/env python3
"""A search over a frozen backbone beside the loop that runs the backbone in every epoch of every trial, in turn.

Usage: search.py DOGBREED DATA WEIGHTS [--trials 160] [--rounds 3] [--part 8] [--cache DIR]

Ours is `dogbreed tune` without a pruner from exec to exit; features are stored before (their time is printed) unless
--cold asks for them in every round. The peer, bench/peer_train.py, trains one epoch and validates on every PART-th
picture of each class; its seconds for all pictures times the epochs that our trials trained are what the same search
would take it. Run it with a Python that has torch and torchvision.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time


def thin(data, to, part):
    """Every part-th picture of each class, as links. Returns how many times fewer they are, by split."""
    factors = []
    for split in ("train", "valid"):
        whole = kept = 0
        for kind in sorted(pathlib.Path(data, split).iterdir()):
            pictures = sorted(kind.iterdir())
            (to / split / kind.name).mkdir(parents=True)
            for path in pictures[::part]:
                (to / split / kind.name / path.name).symlink_to(path.resolve())
            whole, kept = whole + len(pictures), kept + len(pictures[::part])
        factors.append(whole / kept)
    return factors


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("data")
    parser.add_argument("weights")
    parser.add_argument("--trials", type=int, default=160)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--part", type=int, default=8)
    parser.add_argument("--cache", default="", help="folder of this data's features; default: a new one")
    parser.add_argument("--cold", action="store_true", help="without stored features in every round")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        train, valid = thin(options.data, folder / "thin", options.part)

        def tune(trials, out, cache):
            begin = time.monotonic()
            subprocess.run([options.program, "tune", options.data, "--arch", "mobilenet_v2", "--weights", options.weights,
                            "--trials", str(trials), "--seed", "1", "--pruner", "none", "--cache-dir", str(cache), "--out",
                            str(folder / out), "--quiet", "--json"], check=True, stdout=subprocess.DEVNULL)
            took = time.monotonic() - begin
            return took, sum(int(row["epochs"]) for row in json.loads((folder / out / "trials.json").read_text()))

        cache = pathlib.Path(options.cache or folder / "features")
        print(f"one trial, with the features of a new cache: {tune(1, 'first', cache)[0]:.1f} s", flush=True)
        ratios = []
        for i in range(options.rounds):
            ours, epochs = tune(options.trials, f"study{i}", folder / f"cold{i}" if options.cold else cache)
            line = subprocess.run([sys.executable, str(pathlib.Path(__file__).with_name("peer_train.py")), str(folder / "thin"),
                                   options.weights, "1", "32", "0.001", "2", "0"], check=True, stdout=subprocess.PIPE,
                                  text=True).stdout.split()
            epoch = train * float(line[1]) + valid * float(line[2])
            ratios.append(epochs * epoch / ours)
            print(f"ours {ours:.1f} s for {epochs} epochs of {options.trials} trials; an epoch with the backbone {epoch:.0f} s: "
                  f"{ratios[-1]:,.0f}x", flush=True)
        print(f"median {statistics.median(ratios):,.0f}x; load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
