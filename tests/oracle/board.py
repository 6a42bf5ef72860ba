#!/usr/bin/env python3
"""Event files of libdogbreed, read by TensorBoard. Usage: board.py TOOL study|server|training|evaluation"""
import collections
import contextlib
import csv
import fcntl
import html
import io
import json
import math
import os
import pathlib
import re
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time

import numpy
import PIL.Image
from tensorboard.backend.event_processing import event_file_loader
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.util import tensor_util

from kinds import pr_curve_by_tensorboard
from server import Server

TOOL, PART = os.path.abspath(sys.argv[1]), sys.argv[2]
STATES = {"COMPLETE": "STATUS_SUCCESS", "PRUNED": "STATUS_SUCCESS", "FAIL": "STATUS_FAILURE", "RUNNING": "STATUS_UNKNOWN"}
PROGRAM = ("import sys\nrate, steps, kind = float(sys.argv[1]), int(sys.argv[2]), sys.argv[3]\n"
           "if kind == 'bad': sys.exit(3)\n"
           "for step in range(steps): print(f'acc: {1 - rate - 1 / (step + 2)} loss: {1 / (step + 1)}', flush=True)\n")
COMMAND = ["--command", "python3 program.py {rate} {steps} {kind}", "--metric", "acc: ([-+0-9.eE]+)", "--metric", "loss: ([-+0-9.eE]+)",
           "--search", "rate=log:1e-4:1e-1", "--search", "steps=3..9", "--search", "kind=a,é犬,bad", "--search", "size=32,64,128",
           "--search", "flag=true,false", "--sampler", "random", "--seed", "2", "--trials", "24"]
HEAD = ["--arch", "tiny", "--batch-norm", "frozen", "--threads", "1", "--seed", "3"]


def tool(*words, good=True):
    result = subprocess.run([TOOL, *map(str, words)], capture_output=True, text=True, timeout=200)
    assert (result.returncode == 0) == good, f"{words}: {result.stdout}{result.stderr}"
    return result


def close(a, b):
    return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-7)  # float32


def stored(folder):
    """Trials of a study as its database has them."""
    trials = collections.OrderedDict()
    with contextlib.closing(sqlite3.connect(f"{folder}/study.db")) as db:
        for row, number, state, value in db.execute("SELECT trial_id, number, state, value FROM trials LEFT JOIN trial_values USING "
                                                    "(trial_id) ORDER BY number").fetchall():
            params = {}
            for name, inside, text in db.execute("SELECT param_name, param_value, distribution_json FROM trial_params WHERE trial_id = ?", (row,)):
                choices = json.loads(text)["attributes"].get("choices")
                params[name] = inside if choices is None else choices[int(inside)]
            curve = db.execute("SELECT step, intermediate_value FROM trial_intermediate_values WHERE trial_id = ? ORDER BY step", (row,)).fetchall()
            trials[f"{number:04}"] = {"state": state, "value": value, "params": params, "curve": curve}
    return trials


def load(folder):
    accumulator = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    accumulator.Reload()
    return accumulator


def scalars(accumulator):
    """Points of all curves by tag; what stands beside them is what page SCALARS expects."""
    found = {}
    for tag in accumulator.Tags()["tensors"]:
        metadata = accumulator.SummaryMetadata(tag)
        if metadata.plugin_data.plugin_name == "scalars":
            assert metadata.data_class == 1, metadata
            found[tag] = [(event.step, event.tensor_proto.float_val[0], event.wall_time) for event in accumulator.Tensors(tag)]
    return found


def hparams(accumulator, tag):
    metadata = accumulator.SummaryMetadata(tag)
    assert metadata.plugin_data.plugin_name == "hparams" and metadata.data_class == 2, metadata
    return plugin_data_pb2.HParamsPluginData.FromString(metadata.plugin_data.content)


def value_of(message):
    return getattr(message, message.WhichOneof("kind"))


def make_program(folder):
    pathlib.Path(folder, "program.py").write_text(PROGRAM)
    os.chdir(folder)
    tool("tune", *COMMAND, "--out", "runs/t")
    return pathlib.Path(folder, "runs", "t")


def make_study(folder):
    tool("synth", f"{folder}/shapes", "--classes", 3, "--per-class", 12, "--seed", 1)
    tool("tune", f"{folder}/shapes", *HEAD, "--search", "learning_rate=log:1e-3:0.5", "--search", "epochs=2..4", "--trials", 8,
         "--out", f"{folder}/runs/s")
    return pathlib.Path(folder, "runs", "s")


def check_trial(folder, trial, objective):
    accumulator = load(folder)
    start = hparams(accumulator, "_hparams_/session_start_info").session_start_info
    assert {name: value_of(value) for name, value in start.hparams.items()} == trial["params"], (start, trial)
    end = hparams(accumulator, "_hparams_/session_end_info").session_end_info
    assert end.status == {"STATUS_SUCCESS": 1, "STATUS_FAILURE": 2}[STATES[trial["state"]]]
    assert 0 <= end.end_time_secs - start.start_time_secs < 300 and abs(time.time() - end.end_time_secs) < 3600
    curves = scalars(accumulator)
    points = curves.get(objective, [])
    assert [step for step, _, _ in points] == [step for step, _ in trial["curve"]], (points, trial)
    assert all(close(a, b) for (_, a, _), (_, b) in zip(points, trial["curve"]))
    times = [when for _, _, when in points]
    assert times == sorted(times) and all(abs(time.time() - when) < 3600 for when in times)
    final = curves.get(f"final/{objective}")
    assert (final is None) == (trial["state"] == "FAIL"), (final, trial)
    assert final is None or close(final[0][1], trial["value"]), (final, trial)
    return curves


def cut(folder):
    """A file that was cut anywhere: TensorBoard still reads what stands before the cut."""
    path, = folder.glob("*tfevents*")
    data = path.read_bytes()
    ends, at = [], 0
    while at < len(data):
        at += 16 + struct.unpack_from("<Q", data, at)[0]
        ends.append(at)
    assert at == len(data) and len(ends) > 5
    with tempfile.TemporaryDirectory() as there:
        copy = os.path.join(there, path.name)
        for size in range(len(data) + 1):
            pathlib.Path(copy).write_bytes(data[:size])
            events = list(event_file_loader.EventFileLoader(copy).Load())
            assert len(events) == sum(end <= size for end in ends), size
    return len(data)


def study(folder):
    """What is stored, tag by tag."""
    board = make_program(folder) / "tensorboard"
    trials = stored(board.parent)
    assert {trial["state"] for trial in trials.values()} == {"COMPLETE", "PRUNED", "FAIL"}, trials
    experiment = hparams(load(board), "_hparams_/experiment").experiment
    infos = {info.name: info for info in experiment.hparam_infos}
    assert list(infos) == ["rate", "steps", "kind", "size", "flag"] and experiment.name == "study"
    assert [infos[name].type for name in infos] == [3, 3, 1, 3, 2]
    assert (infos["rate"].domain_interval.min_value, infos["rate"].domain_interval.max_value) == (1e-4, 1e-1)
    assert [value_of(value) for value in infos["kind"].domain_discrete.values] == ["a", "é犬", "bad"]
    assert [value_of(value) for value in infos["size"].domain_discrete.values] == [32, 64, 128]
    assert [value_of(value) for value in infos["flag"].domain_discrete.values] == [True, False]
    assert [(info.name.group, info.name.tag, info.display_name) for info in experiment.metric_infos] == \
        [("", "final/acc", "acc"), ("", "final/loss", "loss")]
    for name, trial in trials.items():
        curves = check_trial(board / name, trial, "acc")
        assert set(curves) <= {"acc", "final/acc", "final/loss"}
    size = cut(board / next(name for name, trial in trials.items() if trial["state"] == "COMPLETE"))
    print(f"{len(trials)} trials of a program; {size + 1} cuts")
    board = make_study(folder) / "tensorboard"
    trials = stored(board.parent)
    for name, trial in trials.items():
        curves = check_trial(board / name, trial, "val/accuracy")
        assert "final/val/loss" in curves
    print(f"{len(trials)} trials of a training")


def groups_of(server):
    return server.get("plugin/hparams/session_groups",
                      {"experimentName": "", "allowedStatuses": sorted({*STATES.values()}), "colParams": [], "startIndex": 0, "sliceSize": 1000})


def check_server(server, run, trials, objective):
    """Pages SCALARS and HPARAMS say what the database says."""
    names = {f"{run}{name}" for name in trials}
    assert names <= set(server.get("runs")), server.get("runs")
    tags = server.get("plugin/scalars/tags")
    answer = groups_of(server)
    assert answer["totalSize"] == len(trials), answer["totalSize"]
    groups = {group["sessions"][0]["name"]: group for group in answer["sessionGroups"]}
    assert set(groups) == names and all(len(group["sessions"]) == 1 for group in groups.values())
    for name, trial in trials.items():
        group = groups[f"{run}{name}"]
        assert group["hparams"] == trial["params"] and group["name"].startswith(f"{name} study 20"), (group, trial)
        assert group["sessions"][0]["status"] == STATES[trial["state"]], (group, trial)
        metrics = {metric["name"]["tag"]: metric["value"] for metric in group["metricValues"]}
        if trial["value"] is not None:
            assert close(metrics[f"final/{objective}"], trial["value"]), (metrics, trial)
            assert {objective, f"final/{objective}"} <= set(tags[f"{run}{name}"])
        if trial["curve"]:
            curve = server.get(f"plugin/scalars/scalars?run={run}{name}&tag={objective}")
            assert [step for _, step, _ in curve] == [step for step, _ in trial["curve"]], (curve, trial)
            assert all(close(value, wanted) for (_, _, value), (_, wanted) in zip(curve, trial["curve"]))


def served(folder):
    """The real server with both of its loaders; a study that goes on while it is watched."""
    whole = make_program(folder)
    trials = stored(whole)
    for loader in ("true", "false"):
        server = Server(whole, "--load_fast", loader)
        try:
            server.wait(lambda: check_server(server, "tensorboard/", trials, "acc"), f"--load_fast {loader}")
            experiment = server.get("plugin/hparams/experiment", {"experimentName": "", "includeMetrics": True})
            assert [info["name"] for info in experiment["hparamInfos"]] == ["flag", "kind", "rate", "size", "steps"], experiment
            assert [info["name"]["tag"] for info in experiment["metricInfos"]] == ["final/acc", "final/loss"], experiment
            print(f"--load_fast {loader}: {len(trials)} trials, {len(experiment['hparamInfos'])} parameters")
        finally:
            server.close()
        live = pathlib.Path(folder, f"live-{loader}")
        tool("tune", *COMMAND, "--trials", 5, "--round", 3, "--out", live)
        server = Server(live, "--load_fast", loader)
        try:
            server.wait(lambda: check_server(server, "tensorboard/", stored(live), "acc"), "5 trials")
            tool("tune", "--resume", live, "--trials", 12)
            assert len(stored(live)) == 12
            server.wait(lambda: check_server(server, "tensorboard/", stored(live), "acc"), "12 trials")
        finally:
            server.close()


def killed(words, epochs):
    """A training that is killed so many epochs after it has begun: a short pipe keeps it back."""
    process = subprocess.Popen([TOOL, "train", *map(str, words), "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
    for _ in range(epochs):
        while os.read(process.stdout.fileno(), 1) not in (b"\n", b""):
            pass
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL, process.returncode


def by_step(folder, curves):
    """Curves of the folder steps are what metrics.jsonl keeps of single steps."""
    with open(f"{folder}/metrics.jsonl") as file:
        lines = [line for line in map(json.loads, file) if line["kind"] == "step"]
    assert set(curves) == {"train/loss", "train/lr"}, set(curves)
    for tag, name in (("train/loss", "loss"), ("train/lr", "lr")):
        assert [step for step, _, _ in curves[tag]] == [line["step"] for line in lines], tag
        assert all(close(value, line["metrics"][name]) for (_, value, _), line in zip(curves[tag], lines)), tag
    return len(lines)


def training(folder):
    """The curves of a training are metrics.csv, also when it was killed, with torn files, and went on."""
    tool("synth", f"{folder}/shapes", "--classes", 3, "--per-class", 12, "--seed", 1)
    words = [f"{folder}/shapes", "--arch", "tiny", "--engine", "ref", "--freeze", "none", "--epochs", 60, "--threads", 1, "--no-test",
             "--out", f"{folder}/a"]
    os.environ["DOGBREED_CHECKPOINT_SECONDS"] = "1000"  # one behind the first epoch of a process, no other: the rest is trained again
    ends = []
    for epochs in (9, 5):
        killed(words, epochs)
        words = ["--resume", f"{folder}/a"]
        newest = max(pathlib.Path(folder, "a").glob("*tfevents*"))
        ends.append(max((event.step for event in event_file_loader.EventFileLoader(str(newest)).Load()), default=0))
        with open(newest, "ab") as file:
            file.write(newest.read_bytes()[:30])
    tool("train", *words)
    newest = max(pathlib.Path(folder, "a").glob("*tfevents*"))
    begin = [event.step for event in event_file_loader.EventFileLoader(str(newest)).Load()][1]  # of the restart
    assert begin <= min(ends), f"no epoch was trained again: {begin}, {ends}"
    with open(f"{folder}/a/metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    files = len(list(pathlib.Path(folder, "a").glob("*tfevents*")))
    columns = {"train/loss": "train_loss", "train/accuracy": "train_accuracy", "train/lr": "lr", "val/loss": "val_loss",
               "val/accuracy": "val_accuracy", "val/top5_accuracy": "val_top5_accuracy"}
    curves = scalars(load(f"{folder}/a"))
    assert set(curves) == {*columns, "train/images_per_s", "val/ece"}, set(curves)
    assert [step for step, _, _ in curves["train/images_per_s"]] == list(range(1, len(rows) + 1))
    assert all(value > 0 for _, value, _ in curves["train/images_per_s"])
    with open(f"{folder}/a/metrics.jsonl") as file:
        errors = [line["metrics"]["ece"] for line in map(json.loads, file) if line["kind"] == "eval"]
    assert [step for step, _, _ in curves["val/ece"]] == list(range(1, len(rows) + 1))
    assert all(close(value, error) for (_, value, _), error in zip(curves["val/ece"], errors, strict=True))
    steps = by_step(f"{folder}/a", scalars(load(f"{folder}/a/steps")))
    for tag, name in columns.items():
        assert [step for step, _, _ in curves[tag]] == list(range(1, len(rows) + 1)), tag
        assert all(close(value, float(row[name])) for (_, value, _), row in zip(curves[tag], rows)), tag
    server = Server(folder, "--load_fast", "true")
    try:
        def check():
            for tag, name in columns.items():
                curve = server.get(f"plugin/scalars/scalars?run=a&tag={tag}")
                assert [step for _, step, _ in curve] == list(range(1, len(rows) + 1)), (tag, [step for _, step, _ in curve])
                assert all(close(value, float(row[name])) for (_, _, value), row in zip(curve, rows)), tag
        server.wait(check, "training")
    finally:
        server.close()
    print(f"{len(rows)} epochs, {steps} steps, killed behind {ends}, {files} files, the last one from epoch {begin}")


EVALUATION = {"test/accuracy": "scalars", "test/top5_accuracy": "scalars", "test/loss": "scalars", "test/ece": "scalars",
              "test/pr_curve": "pr_curves", "test/worst": "images", "test/worst_list": "text", "plots/confusion_matrix": "images"}
CLASSES = {"scalars": 1, "pr_curves": 2, "images": 3, "text": 2}


def check_kinds(accumulator, plugins):
    """Tags and what is told of them; the value of each, whose only step is the kept epoch."""
    assert set(accumulator.Tags()["tensors"]) == set(plugins), accumulator.Tags()
    found = {}
    for tag, plugin in plugins.items():
        metadata = accumulator.SummaryMetadata(tag)
        assert (metadata.plugin_data.plugin_name, metadata.data_class) == (plugin, CLASSES[plugin]), (tag, metadata)
        event, = accumulator.Tensors(tag)
        found[tag] = (event.step, tensor_util.make_ndarray(event.tensor_proto))
    return found


def check_pictures(value):
    sizes = {PIL.Image.open(io.BytesIO(data)).size for data in value[2:]}
    assert sizes == {(int(value[0]), int(value[1]))}, sizes
    return len(value) - 2


def class_tags(report):
    """Tags of the curves of single classes: what TensorFlow's names may not have is _."""
    return [f"test/pr_curve/{i:02}_" + re.sub("[^-A-Za-z0-9/_.]", "_", row["class"]) for i, row in enumerate(report["classes"])]


def check_curve(accumulator, tag, value, report, only=None):
    """Of 3 classes the report has every probability, so TensorBoard can count itself: all of them, or `only` one class."""
    rows = [(probability, number == row["true"]) for row in report["predictions"] for number, probability in row["top"] if only in (None, number)]
    assert len(rows) == (3 if only is None else 1) * report["count"]
    scores, truths = numpy.array([row[0] for row in rows], "float32"), numpy.array([row[1] for row in rows])
    curve, content = pr_curve_by_tensorboard(scores, truths, 127)
    assert accumulator.SummaryMetadata(tag).plugin_data.content == content
    assert (value[:4] == curve[:4]).all() and numpy.allclose(value, curve, rtol=1e-6)


def check_pages(server, names, kinds):
    assert {"a", "a/steps", "a/evaluation"} <= set(server.get("runs")), server.get("runs")
    for plugin in CLASSES:
        assert set(server.get(f"plugin/{plugin}/tags")["a/evaluation"]) == {tag for tag in kinds if kinds[tag] == plugin}, plugin
    assert "config" in server.get("plugin/text/tags")["a"]
    assert server.get("plugin/images/tags")["a"]["data/first_batch"]["samples"] == 16, server.get("plugin/images/tags")
    config = server.get("plugin/text/text?run=a&tag=config")[0]["text"]
    assert "<code" in config and "learning_rate" in config, config
    page = server.get("plugin/text/text?run=a/evaluation&tag=test/worst_list")[0]["text"]
    assert "<table>" in page and "<b>" not in page and all(f"<td>{name}</td>" in html.unescape(page) for name in names), (names, page)
    assert len(server.get("plugin/pr_curves/pr_curves?run=a/evaluation&tag=test/pr_curve")["a/evaluation"]) == 1


def evaluation(folder):
    """What a test at the end says, beside the curves of its training."""
    tool("synth", f"{folder}/shapes", "--classes", 3, "--per-class", 30, "--seed", 1)
    for name in list(pathlib.Path(folder, "shapes").glob("*/*")):  # means something in Markdown and in HTML
        name.rename(name.with_name(f"a|b_c_*d*`<b>&amp;{name.name}"))
    tool("train", f"{folder}/shapes", "--arch", "tiny", "--engine", "ref", "--freeze", "none", "--epochs", 2, "--threads", 1,
         "--out", f"{folder}/a")
    report = json.loads(pathlib.Path(folder, "a", "evaluation.json").read_text())
    best = json.loads(pathlib.Path(folder, "a", "status.json").read_text())["best"]["epoch"]
    mistakes = [row for row in report["predictions"] if row["true"] != row["predicted"]]
    assert mistakes, report
    accumulator = load(f"{folder}/a/evaluation")
    kinds = EVALUATION | dict.fromkeys(class_tags(report), "pr_curves")
    found = check_kinds(accumulator, kinds)
    assert {step for step, _ in found.values()} == {best}, found
    for tag, value in (("accuracy", report["top1"]), ("top5_accuracy", report["top5"]), ("loss", report["loss"]),
                       ("ece", report["calibration"]["ece"])):
        assert close(found[f"test/{tag}"][1], value), tag
    check_curve(accumulator, "test/pr_curve", found["test/pr_curve"][1], report)
    for number, tag in enumerate(class_tags(report)):
        check_curve(accumulator, tag, found[tag][1], report, number)
    assert check_pictures(found["test/worst"][1]) == min(len(mistakes), 24)
    assert check_pictures(found["plots/confusion_matrix"][1]) == 1
    names = {report["classes"][row["true"]]["class"] for row in mistakes[:24]}
    for loader in ("true", "false"):
        server = Server(folder, "--load_fast", loader)
        try:
            server.wait(lambda: check_pages(server, names, kinds), f"--load_fast {loader}")
        finally:
            server.close()
        print(f"--load_fast {loader}: {len(kinds)} tags, {len(mistakes)} mistakes, {len(names)} classes")


def main():
    with tempfile.TemporaryDirectory() as folder:
        home = os.getcwd()
        {"study": study, "server": served, "training": training, "evaluation": evaluation}[PART](folder)
        os.chdir(home)


if __name__ == "__main__":
    main()
