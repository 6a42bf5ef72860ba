#!/usr/bin/env python3
"""Trials of a study beside the same trials in PyTorch on the same stored features, in alternating blocks.

Usage: tune.py DOGBREED DATA WEIGHTS [--trials 160] [--block 32] [--optimizer sgd] [--cache DIR] [--show]

Our block is `dogbreed tune --resume` for the next trials, from its start to its end: suggestions, storage, events,
validation, documents. The peer trains the trials that the study then holds: as two processes of one thread each with
the fused optimiser, and as the plain loop of one process with all threads. Both validate behind each epoch. Features
come from our store. Prints seconds by block, the ratios of neighbouring blocks, and how far the validation accuracies
of both are apart.
"""
import argparse
import hashlib
import json
import multiprocessing
import multiprocessing.connection
import os
import pathlib
import sqlite3
import statistics
import struct
import subprocess
import tempfile
import time

HEADER, KEY = 128, 48  # bytes, docs/feature.md


def rows_of(cache):
    """Rows of the evaluation view by the hash of their file."""
    import numpy
    found = {}
    for path in pathlib.Path(cache).glob("*/*.seg"):
        data = path.read_bytes()
        assert data[:8] == b"dogbfeat"
        _, width, count = struct.unpack_from("<III", data, 8)
        start = (HEADER + KEY * count + 63) // 64 * 64
        rows = numpy.frombuffer(data, "<f4", width * count, start).reshape(count, width)
        for i in range(count):
            found[data[HEADER + KEY * i:][:32]] = rows[i]
    return found


def split(data, name, rows):
    import numpy
    folder = pathlib.Path(data, name)
    classes = sorted(path.name for path in folder.iterdir())
    pairs = [(rows[hashlib.sha256(path.read_bytes()).digest()], label) for label, kind in enumerate(classes)
             for path in sorted((folder / kind).iterdir())]
    return numpy.stack([row for row, _ in pairs]), numpy.array([label for _, label in pairs])


class Peer:
    def __init__(self, options, splits, threads, fused):
        import torch
        self.torch, self.options, self.fused = torch, options, fused
        torch.set_num_threads(threads)
        (self.x, self.y), (self.vx, self.vy) = [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in splits]

    def train(self, trial):
        """Best validation accuracy."""
        torch, number, params = self.torch, *trial
        torch.manual_seed(number)
        net = torch.nn.Sequential(torch.nn.Dropout(0.2), torch.nn.Linear(self.x.shape[1], int(self.y.max()) + 1))
        torch.nn.init.normal_(net[-1].weight, 0.0, 0.01)  # as torchvision's mobilenet_v2 begins
        torch.nn.init.zeros_(net[-1].bias)
        kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[self.options.optimizer]
        words = {"momentum": 0.9} if self.options.optimizer == "sgd" else {}
        optimizer = kind(net.parameters(), lr=params["learning_rate"], fused=self.fused, **words)
        size, epochs, best = params["batch_size"], params["epochs"], 0.0
        steps = -(-len(self.x) // size)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps * epochs)
        for _ in range(epochs):
            net.train()
            for rows in torch.randperm(len(self.x)).split(size):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(net(self.x[rows]), self.y[rows]).backward()
                optimizer.step()
                schedule.step()
            net.eval()
            with torch.inference_mode():
                out = net(self.vx)
                torch.nn.functional.cross_entropy(out, self.vy).item()
                best = max(best, (out.argmax(1) == self.vy).float().mean().item())
        return number, best


def serve(pipe, options, splits, threads, fused):
    peer = Peer(options, splits, threads, fused)
    pipe.send("ready")
    while (trial := pipe.recv()) is not None:
        pipe.send(peer.train(trial))


class Processes:
    """Each takes the next trial when it has finished one."""

    def __init__(self, count, *arguments):
        self.pipes, self.all = [], []
        for _ in range(count):
            ours, theirs = multiprocessing.Pipe()
            self.all.append(multiprocessing.Process(target=serve, args=(theirs, *arguments), daemon=True))
            self.all[-1].start()
            self.pipes.append(ours)
        for pipe in self.pipes:
            assert pipe.recv() == "ready"

    def run(self, trials):
        left, values, waits = list(trials), {}, []
        for pipe in self.pipes:
            if left:
                pipe.send(left.pop(0))
                waits.append(pipe)
        while waits:
            for pipe in multiprocessing.connection.wait(waits):
                number, value = pipe.recv()
                values[number] = value
                if left:
                    pipe.send(left.pop(0))
                else:
                    waits.remove(pipe)
        return values

    def end(self):
        for pipe, process in zip(self.pipes, self.all):
            pipe.send(None)
            process.join()


def trials_of(folder, first):
    with sqlite3.connect(folder / "study.db") as base:
        rows = base.execute("SELECT number, param_name, param_value, distribution_json FROM trials JOIN trial_params "
                            "USING (trial_id) WHERE number >= ? ORDER BY number", (first,)).fetchall()
        values = dict(base.execute("SELECT number, value FROM trials JOIN trial_values USING (trial_id)").fetchall())
    found = {}
    for number, name, value, kind in rows:
        attributes = json.loads(kind)["attributes"]
        value = attributes["choices"][int(value)] if "choices" in attributes else value
        found.setdefault(number, {})[name] = value if name == "learning_rate" else int(value)
    return list(found.items()), values


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("data")
    parser.add_argument("weights")
    parser.add_argument("--trials", type=int, default=160)
    parser.add_argument("--block", type=int, default=32)
    parser.add_argument("--optimizer", default="sgd")
    parser.add_argument("--cache", default="", help="folder of this data's features alone; default: a new one")
    parser.add_argument("--show", action="store_true", help="each trial")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    multiprocessing.set_start_method("spawn")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        cache = pathlib.Path(options.cache or folder / "features")
        words = [options.program, "tune", options.data, "--arch", "mobilenet_v2", "--weights", options.weights,
                 "--search", "learning_rate=log:1e-4:1e-1", "--search", "batch_size=32,64,128,256", "--search",
                 "epochs=6..10", "--seed", "1", "--pruner", "none", "--optimizer", options.optimizer, "--augment", "off",
                 "--threads", str(options.threads), "--cache-dir", str(cache), "--round", "16", "--quiet", "--json"]
        subprocess.run([*words, "--trials", "1", "--out", str(folder / "warm")], check=True, stdout=subprocess.DEVNULL)
        rows = rows_of(cache)
        splits = [split(options.data, part, rows) for part in ("train", "valid")]
        two = Processes(options.threads, options, splits, 1, True)
        plain = Processes(1, options, splits, options.threads, False)
        study, sums, apart = folder / "study", [0.0, 0.0, 0.0], []
        ratios = {"two": [], "plain": []}
        for end in range(options.block, options.trials + 1, options.block):
            more = ["--resume", str(study)] if study.exists() else ["--out", str(study)]
            begin = time.monotonic()
            subprocess.run([*([*words[:2], "--quiet", "--json"] if study.exists() else words), "--trials", str(end), *more],
                           check=True, stdout=subprocess.DEVNULL)
            times = [time.monotonic() - begin]
            trials, ours = trials_of(study, end - options.block)
            for processes in (two, plain):
                begin = time.monotonic()
                theirs = processes.run(trials)
                times.append(time.monotonic() - begin)
                apart += [ours[number] - value for number, value in theirs.items()]
                if options.show:
                    print(*(f"{params} ours {ours[number]:.4f} PyTorch {theirs[number]:.4f}"
                            for number, params in trials), sep="\n")
            sums = [a + b for a, b in zip(sums, times)]
            ratios["two"].append(times[1] / times[0])
            ratios["plain"].append(times[2] / times[0])
            print(f"trials {end - options.block}-{end - 1}: ours {times[0]:.2f} s, PyTorch {options.threads} x 1 fused "
                  f"{times[1]:.2f} s ({ratios['two'][-1]:.2f}x), plain loop {times[2]:.2f} s "
                  f"({ratios['plain'][-1]:.2f}x)", flush=True)
        two.end()
        plain.end()
        print(f"all: ours {sums[0]:.1f} s, PyTorch {sums[1]:.1f} s and {sums[2]:.1f} s; median ratios "
              f"{statistics.median(ratios['two']):.2f}x and {statistics.median(ratios['plain']):.2f}x; validation "
              f"accuracy: ours higher by {100 * statistics.mean(apart):.2f} points on average, standard deviation "
              f"{100 * statistics.stdev(apart):.2f}; load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
