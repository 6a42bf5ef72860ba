#!/usr/bin/env python3
"""Median regret of Optuna's samplers on the functions of bench/functions.c, in the form of bench/samplers, which answers
with the functions' values: both search the same. Needs optuna (sampler gp: torch, too).

Usage: samplers.py PROGRAM random|tpe|gp TRIALS SEEDS [NOISE] [FUNCTION...]   (PROGRAM: build/bench/samplers)"""
import statistics
import subprocess
import sys
import time
import warnings

import numpy as np
import optuna

FUNCTIONS = {"branin": (2, 0.397887357729738), "hartmann3": (3, -3.86278214782076), "styblinski3": (3, -39.16616570377142 * 3),
             "logrosenbrock4": (4, -3.0), "ackley4": (4, 0.0), "tuning4": (4, 0.14), "hartmann6": (6, -3.32236801141551)}
MARKS = (10, 20, 40, 60, 80, 120, 160)
SAMPLERS = {"random": optuna.samplers.RandomSampler, "tpe": optuna.samplers.TPESampler, "gp": optuna.samplers.GPSampler}


def search(server, axes, lowest, sampler, trials, noise, seed):
    study = optuna.create_study(sampler=SAMPLERS[sampler](seed=seed))
    drawn = np.random.default_rng(seed).normal(size=trials) * noise
    best, regret, curve = float("inf"), float("inf"), []
    for i in range(trials):
        trial = study.ask()
        point = [trial.suggest_float(f"x{k}", 0, 1) for k in range(axes)]
        server.stdin.write(" ".join(map(repr, point)) + "\n")
        server.stdin.flush()
        exact = float(server.stdout.readline())
        study.tell(trial, exact + drawn[i])
        if exact + drawn[i] < best:
            best, regret = exact + drawn[i], exact - lowest
        curve.append(regret)
    return curve


def main():
    program, sampler, trials, seeds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    rest = sys.argv[5:]
    noise = float(rest.pop(0)) if rest and rest[0][0].isdigit() else 0.0
    warnings.filterwarnings("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    for name in rest or FUNCTIONS:
        axes, lowest = FUNCTIONS[name]
        start = time.process_time()
        with subprocess.Popen([program, "eval", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            curves = [search(server, axes, lowest, sampler, trials, noise, seed) for seed in range(seeds)]
            server.stdin.close()
        took = (time.process_time() - start) / seeds / trials * 1e3
        parts = []
        for mark in (m for m in MARKS if m <= trials):
            column = sorted(curve[mark - 1] for curve in curves)
            parts.append(f"@{mark} {statistics.median(column):.3g} [{column[seeds // 4]:.2g} {column[seeds * 3 // 4]:.2g}]")
        print(f"{name:14} {sampler} {' '.join(parts)}  {took:.2f} ms", flush=True)


if __name__ == "__main__":
    main()
