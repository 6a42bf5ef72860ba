#!/usr/bin/env python3
"""One study on PostgreSQL, worked on by several processes of the tool, and by Optuna's too.

Usage: workers.py DOGBREED
"""
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings

import optuna
from optuna.trial import TrialState

import postgres

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
TOOL = os.path.abspath(sys.argv[1])
SPACE = ["--search", "learning_rate=log:1e-3:0.5", "--search", "batch_size=8,16", "--search", "epochs=2..4"]
JOB = ["--arch", "tiny", "--batch-norm", "frozen", "--threads", "1", "--engine", "ref", "--objective", "val_loss",
       "--round", "6", *SPACE]
PYTHON = """
import sys, time, optuna
optuna.logging.set_verbosity(optuna.logging.ERROR)
study = optuna.load_study(study_name="mixed", storage=sys.argv[1])
def objective(trial):
    rate = trial.suggest_float("learning_rate", 1e-3, 0.5, log=True)
    size = trial.suggest_categorical("batch_size", [8, 16])
    epochs = trial.suggest_int("epochs", 2, 4)
    trial.set_user_attr("worker", "Python")
    time.sleep(0.03)
    return 5.0 + rate
study.optimize(objective, n_trials=int(sys.argv[2]))
"""


def tune(folder, url, name, trials, *words):
    return subprocess.Popen([TOOL, "tune", folder / "shapes", *JOB, "--storage", url, "--study", name, "--trials",
                             str(trials), "--json", *map(str, words)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, env={**os.environ, "DOGBREED_CACHE": str(folder / "cache")})


def end(process):
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[-1])


def trials(url, name):
    return optuna.load_study(study_name=name, storage=url.replace("postgresql://", "postgresql+psycopg2://")).trials


def row(trial):
    return trial.number, trial.state.name, trial.params, trial.value, trial.intermediate_values


def same_list(folder, url):
    """1, 3 and (two of them killed) 3 workers: the same trials."""
    end(tune(folder, url, "one", 24, "--out", folder / "one"))
    whole = [row(trial) for trial in trials(url, "one")]
    assert [number for number, *_ in whole] == list(range(24))
    three = [tune(folder, url, "three", 24, "--worker") for _ in range(3)]
    trained = [end(process)["trained"] for process in three]
    assert sum(trained) == 24, trained
    assert [row(trial) for trial in trials(url, "three")] == whole
    three = [tune(folder, url, "killed", 24, "--worker") for _ in range(3)]
    for victim in three[:2]:
        victim.stdout.readline()  # it has begun a trial
        victim.kill()
        victim.communicate()
    end(three[2])
    assert [row(trial) for trial in trials(url, "killed")] == whole
    print(f"three workers: {trained}")


def mixed(folder, url):
    """3 processes of ours, 3 of Optuna: numbers without gaps, none lost, none twice."""
    end(tune(folder, url, "mixed", 6, "--out", folder / "mixed"))
    theirs = [subprocess.Popen([sys.executable, "-c", PYTHON, url.replace("postgresql://", "postgresql+psycopg2://"),
                                "25"]) for _ in range(3)]
    deadline = time.monotonic() + 60
    while len(trials(url, "mixed")) < 9 and time.monotonic() < deadline:  # all have begun
        time.sleep(0.05)
    ours = [tune(folder, url, "mixed", 120, "--worker") for _ in range(3)]
    for process in theirs:
        assert process.wait(timeout=120) == 0
    trained = sum(end(process)["trained"] for process in ours)
    found = trials(url, "mixed")
    assert [trial.number for trial in found] == list(range(len(found)))
    kinds = collections.Counter("Python" if "worker" in trial.user_attrs else "dogbreed" for trial in found)
    assert {trial.state for trial in found} <= {TrialState.COMPLETE, TrialState.PRUNED}, \
        collections.Counter(trial.state.name for trial in found)
    # Optuna's workers run what waits before they draw trials of their own.
    assert kinds["Python"] == 75 and kinds["dogbreed"] == trained + 6 and len(found) >= 120, (kinds, trained)
    order = ["worker" in trial.user_attrs for trial in found[6:]]
    changes = sum(one != next_one for one, next_one in zip(order, order[1:]))
    assert changes >= 4, changes  # they have worked at the same time
    for trial in found:
        assert set(trial.params) == {"learning_rate", "batch_size", "epochs"}
        if "worker" not in trial.user_attrs and trial.state == TrialState.COMPLETE:
            assert sorted(trial.intermediate_values) == list(range(1, trial.params["epochs"] + 1))
    print(f"mixed: {dict(kinds)}, {changes} changes from one to the other")


def warm(folder, url):
    """A warm start of 1 and 3 workers is the same; all follow what the first has read of a parent that runs."""
    end(tune(folder, url, "mixed", 24, "--out", folder / "parent"))
    parent = ["--warm-start", url + "#mixed"]
    end(tune(folder, url, "warm one", 12, "--out", folder / "warm", *parent))
    for process in [tune(folder, url, "warm three", 12, "--worker", *parent) for _ in range(3)]:
        end(process)
    whole = [row(trial) for trial in trials(url, "warm one")]
    assert [row(trial) for trial in trials(url, "warm three")] == whole
    assert [params for _, _, params, *_ in whole] != [trial.params for trial in trials(url, "mixed")[:12]]
    theirs = subprocess.Popen([sys.executable, "-c", PYTHON, url.replace("postgresql://", "postgresql+psycopg2://"), "60"])
    deadline = time.monotonic() + 60
    while len(trials(url, "mixed")) < 26 and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in [tune(folder, url, "late", 12, "--worker", *parent) for _ in range(3)]:
        end(process)
    assert theirs.wait(timeout=120) == 0
    study = optuna.load_study(study_name="late", storage=url.replace("postgresql://", "postgresql+psycopg2://"))
    assert [trial.number for trial in study.trials] == list(range(12))
    stored = study.user_attrs["dogbreed:warm"]
    taken = stored["parents"][0]["trials"]
    assert 24 < taken < 84, taken
    ended = [trial.value for trial in trials(url, "mixed")[:taken]]
    assert [point[-1] for point in stored["points"]] == ended
    print(f"warm: {taken} of 84 trials of a running parent")


def main():
    with tempfile.TemporaryDirectory(prefix="dogbreed-workers-") as name, postgres.server() as server:
        folder = pathlib.Path(name)
        subprocess.run([TOOL, "synth", folder / "shapes", "--classes", "4", "--per-class", "20", "--size", "32", "--seed",
                        "1", "--quiet"], check=True, stdout=subprocess.DEVNULL)
        for part in (same_list, mixed, warm):
            began = time.monotonic()
            part(folder, server.database(part.__name__))
            print(f"{part.__name__}: ok ({time.monotonic() - began:.1f} s)", flush=True)


if __name__ == "__main__":
    main()
