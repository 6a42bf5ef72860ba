"""What a profile costs a training: the same job with and without, in turn, in one process.

    ninja -C build bench/spans && build/bench/spans       # what a mark costs
    PYTHONPATH=bindings/python python bench/profile.py DATA WEIGHTS CACHE [--pairs N] [--epochs N]

DATA is a folder of pictures, WEIGHTS a mobilenet_v2 file; the head trains on stored features (in CACHE),
then `tiny` trains whole on engine ref. Ratios are those of neighbouring runs: processor time of the thread that trains (the
one to believe on a busy machine), and wall time; medians with their 90 % interval, and the fastest run of each kind. The
thread beside is told on its own.
"""
import argparse
import os
import tempfile
import time

import dogbreed


def run(data, model_options, options, profiled, layers):
    model = dogbreed.Model(data, **model_options)
    trainer = dogbreed.Trainer(model, data.split("train"), data.split("valid"), **options)
    profile = dogbreed.Profile(trainer, profiled, profile_layers=layers) if profiled else None
    wall, cpu = time.perf_counter(), time.thread_time()
    trainer.run()
    wall, cpu = time.perf_counter() - wall, time.thread_time() - cpu
    summary = profile.summary() if profile else None
    if profile:
        profile.close()
    trainer.close()
    model.close()
    return wall, cpu, summary


def interval(values):
    values = sorted(values)
    at = lambda q: values[min(len(values) - 1, int(q * len(values)))]
    return f"{100 * (at(0.5) - 1):+.2f} % ({100 * (at(0.05) - 1):+.2f} to {100 * (at(0.95) - 1):+.2f})"


def compare(name, data, model_options, options, pairs, layers=False):
    walls, cpus, beside, fastest = [], [], [], {True: 1e9, False: 1e9}
    with tempfile.TemporaryDirectory() as folder:
        run(data, model_options, options, None, False)  # features, files in memory
        for pair in range(pairs):
            order = (False, True) if pair % 2 else (True, False)
            found = {on: run(data, model_options, options, folder if on else None, layers) for on in order}
            walls.append(found[True][0] / found[False][0])
            cpus.append(found[True][1] / found[False][1])
            fastest = {on: min(fastest[on], found[on][1]) for on in order}
            summary = found[True][2]
            beside.append(summary["overhead"]["collector_ns"] * 1e-9 / summary["job"]["seconds"])
    steps = summary["steps"]
    print(f"{name}: {steps['count']} steps of {1e6 * steps['p50']:.0f} us, {found[False][0]:.2f} s; cpu {interval(cpus)}, "
          f"wall {interval(walls)}, fastest cpu {100 * (fastest[True] / fastest[False] - 1):+.2f} %; beside {100 * sorted(beside)[len(beside) // 2]:.2f} % of a core, "
          f"dropped {summary['overhead']['spans_dropped']}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("weights")
    parser.add_argument("cache")
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--epochs", type=int, default=5)
    arguments = parser.parse_args()
    print("load", os.getloadavg())
    with dogbreed.Dataset(arguments.data) as data:
        compare("head", data, dict(architecture="mobilenet_v2", weights=arguments.weights),
                dict(epochs=arguments.epochs, batch_size=32, engine="native", cache_dir=arguments.cache, threads=1),
                arguments.pairs)
    with tempfile.TemporaryDirectory() as folder:
        dogbreed.synthesize(folder + "/pictures", classes=4, per_class=80, size=64)
        with dogbreed.Dataset(folder + "/pictures") as data:
            whole = dict(epochs=2, batch_size=16, engine="ref", threads=1, loader_threads=1)
            compare("network", data, dict(architecture="tiny", freeze="none"), whole, arguments.pairs)
            compare("network, with layers", data, dict(architecture="tiny", freeze="none"), whole, arguments.pairs, True)


main()
