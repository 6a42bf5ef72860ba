#!/usr/bin/env python3
"""Files of the profiler against Python, numpy and scipy: the trace's format and nesting, the partition of the run's time,
quantiles, distances. Usage: profile.py TOOL FAKE_NVML"""
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy
from scipy.spatial.distance import jensenshannon

TOOL, NVML = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
MODES = {"step": "TRAIN", "evaluation": "EVAL"}
PREFIX = {"evaluation": "evaluation_", "features": "features_", "step": "", None: ""}


def tool(*words):
    environment = dict(os.environ, DOGBREED_NVML=NVML, FAKE_NVML="35,90", DOGBREED_CACHE=os.getcwd() + "/cache")
    result = subprocess.run([TOOL, *map(str, words)], capture_output=True, text=True, env=environment, timeout=200)
    assert result.returncode == 0, f"{words}: {result.stdout}{result.stderr}"
    return result.stdout


def alike(a, b):
    """Equal but for what 15 digits leave out."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(alike(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(alike, a, b))
    return abs(a - b) <= 1e-13 * abs(a) if isinstance(a, float) and isinstance(b, float) else a == b


def kind_of(event):
    return event["cat"].rsplit(",", 1)[1]


def ns(value):
    return round(value * 1000)


def check_format(document):
    """The members that Chrome's and Perfetto's viewers ask for; phases of a thread lie inside each other."""
    assert set(document) == {"displayTimeUnit", "otherData", "traceEvents"} and document["displayTimeUnit"] == "ms"
    threads, names = collections.defaultdict(list), {}
    for event in document["traceEvents"]:
        assert isinstance(event["name"], str) and isinstance(event["pid"], int) and isinstance(event["tid"], int), event
        if event["ph"] == "M":
            assert event["name"] in ("process_name", "thread_name") and isinstance(event["args"]["name"], str), event
            names[event["tid"]] = event["args"]["name"]
            continue
        assert event["ts"] >= 0, event
        if event["ph"] == "X":
            assert event["dur"] >= 0 and "cat" in event, event
            threads[event["tid"]].append(event)
        elif event["ph"] == "C":
            assert all(isinstance(value, (int, float)) for value in event["args"].values()), event
        else:
            assert event["ph"] == "i" and event["s"] in "tpg", event
    assert set(threads) <= set(names), "a thread without a name"
    assert names[1] == "run" and any(name.startswith("loader") for name in names.values())
    for events in threads.values():
        spans = sorted(((ns(e["ts"]), -ns(e["dur"])) for e in events))
        ends = []
        for begin, length in spans:
            while ends and ends[-1] <= begin:
                ends.pop()
            assert not ends or begin - length <= ends[-1], "two phases of a thread overlap"
            ends.append(begin - length)
    return threads


def partition(events):
    """Innermost phase and context of each piece of time between two ends or begins, in nanoseconds."""
    spans = [(ns(e["ts"]), ns(e["ts"]) + ns(e["dur"]), kind_of(e)) for e in events if not kind_of(e).startswith("layer")]
    edges = sorted({time for begin, end, _ in spans for time in (begin, end)})
    phases, modes = collections.Counter(), collections.Counter()
    spans.sort(key=lambda span: (span[0], -span[1]))
    open_spans, following = [], 0
    for left, right in zip(edges, edges[1:]):
        while following < len(spans) and spans[following][0] <= left:
            open_spans.append(spans[following])
            following += 1
        open_spans = [span for span in open_spans if span[1] > left]
        if not open_spans:
            continue
        context = next((kind for _, _, kind in reversed(open_spans) if kind in PREFIX), None)
        kind = open_spans[-1][2]
        phases[kind if kind == context else PREFIX[context] + kind] += right - left
        modes[MODES.get(context, "others")] += right - left
    return phases, modes


def union(spans):
    total, reach = 0, 0
    for begin, end in sorted(spans):
        total += max(0, end - max(begin, reach))
        reach = max(reach, end)
    return total


def check_times(threads, summary):
    phases, modes = partition(threads[1])
    found = {phase["name"]: phase["ns"] for phase in summary["phases"]}
    assert {name: value for name, value in found.items() if value} == dict(phases), (found, phases)
    assert {name: mode["ns"] for name, mode in summary["modes"].items() if mode["ns"]} == dict(modes)
    assert abs(sum(phase["share"] for phase in summary["phases"]) - 1) < 1e-4
    run = next(event for event in threads[1] if kind_of(event) == "run")
    begin, end = ns(run["ts"]), ns(run["ts"]) + ns(run["dur"])
    assert sum(found.values()) == end - begin
    every = [event for events in threads.values() for event in events]
    for entry in summary["concurrent"]:
        kinds = ("read", "decode", "transform") if entry["name"] == "loader" else (entry["name"],)
        spans = [(ns(e["ts"]), ns(e["ts"]) + ns(e["dur"])) for e in every if kind_of(e) in kinds]
        assert entry["ns"] == union([(max(a, begin), min(b, end)) for a, b in spans if b > begin and a < end]), entry
    steps = numpy.array([ns(e["dur"]) for e in threads[1] if kind_of(e) == "step"]) * 1e-9
    assert summary["steps"]["count"] == len(steps)
    for name, value in (("mean", steps.mean()), ("min", steps.min()), ("max", steps.max()),
                        ("p50", numpy.quantile(steps, 0.5)), ("p95", numpy.quantile(steps, 0.95)),
                        ("p99", numpy.quantile(steps, 0.99))):
        assert abs(summary["steps"][name] - value) < 1e-12, (name, value)
    counts, edges = summary["steps"]["histogram"]["counts"], summary["steps"]["histogram"]["edges"]
    assert sum(counts) == len(steps) and len(edges) == len(counts) + 1
    return steps


def check_system(lines, summary, rules):
    series = collections.defaultdict(list)
    for line in lines:
        assert set(line) == {"Type", "Name", "Dimension", "Value", "NodeId", "Timestamp"} and line["NodeId"] == "algo-1"
        series[line["Type"], line["Name"], line["Dimension"]].append(line["Value"])
    by_metric = {entry["metric"]: entry for entry in summary["system"]}
    for metric, kind, dimension in (("memory", "memory", "memory"), ("process_cpu", "process", "CPUUtilization"),
                                    ("gpu", "gpu", "GPUUtilization"), ("process_memory", "process", "ResidentBytes")):
        columns = [numpy.float32(values) for (a, _, b), values in series.items() if (a, b) == (kind, dimension)]
        mean = numpy.mean(numpy.float64(columns), axis=0).astype(numpy.float32).astype(numpy.float64)
        for name, q in (("min", 0), ("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1)):
            wanted = numpy.quantile(mean, q)
            assert abs(by_metric[metric][name] - wanted) <= 1e-9 * max(1, abs(wanted)), (metric, name, wanted)
    box = rules["BatchSize"]["Details"]["algo-1"]["cpu"]
    cores = numpy.float64([numpy.float32(v) for (a, _, b), v in series.items() if (a, b) == ("cpu", "CPUUtilization")])
    mean = cores.mean(axis=0).astype(numpy.float32).astype(numpy.float64)
    p25, p75 = numpy.quantile(mean, 0.25), numpy.quantile(mean, 0.75)
    for name, value in (("p25", p25), ("p50", numpy.quantile(mean, 0.5)), ("p75", p75),
                        ("upper", min(p75 + 1.5 * (p75 - p25), mean.max())),
                        ("lower", max(p25 - 1.5 * (p75 - p25), mean.min()))):
        assert abs(box[name] - value) < 1e-9, (name, value)
    details = rules["LoadBalancing"]["Details"]["algo-1"]
    bins = [numpy.histogram(series["gpu", f"gpu{g}", "GPUUtilization"], bins=50, range=(0, 100))[0] for g in (0, 1)]
    assert [details["workloads"][f"gpu{g}"] for g in (0, 1)] == [list(map(float, b)) for b in bins]
    assert abs(details["distances"]["gpu0"]["gpu1"] - jensenshannon(bins[0], bins[1])) < 1e-9


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        tool("synth", "pictures", "--per-class", 40, "--classes", 3)
        tool("train", "pictures", "--arch", "tiny", "--freeze", "none", "--engine", "ref", "--epochs", 6, "--batch-size", 4,
             "--profile", "--profile-interval", 100, "--profile-layers", "--out", "run")
        home = pathlib.Path("run/profile")
        document = json.loads((home / "trace.json").read_text())
        summary = json.loads((home / "summary.json").read_text())
        rules = {path.stem: json.loads(path.read_text()) for path in (home / "profiler-reports").iterdir()}
        for name, rule in rules.items():
            assert {"RuleTriggered", "Violations", "Details", "Datapoints", "RuleParameters"} <= set(rule), name
            assert isinstance(rule["RuleTriggered"], int) and isinstance(rule["RuleParameters"], str)
        threads = check_format(document)
        steps = check_times(threads, summary)
        lines = [json.loads(line) for line in (home / "system.jsonl").read_text().splitlines()]
        check_system(lines, summary, rules)
        again = json.loads(tool("profile", "run", "--json"))
        for part in ("phases", "modes", "concurrent", "steps", "layers", "rules", "series", "system"):
            assert alike(again[part], summary[part]), part
        layers = [event for event in threads[1] if kind_of(event) == "layer_backward"]
        total = {layer["name"]: layer["backward_ns"] for layer in summary["layers"]}
        sums = collections.Counter()
        for event in layers:
            sums[event["args"]["layer"]] += ns(event["dur"])
        assert {name: value for name, value in total.items() if value} == dict(sums)
        outlier = json.loads(tool("profile", "run", "--json", "--parity", "--rule", "StepOutlier:stddev=1,n_outliers=0"))
        rule = next(rule for rule in outlier["rules"] if rule["rule"] == "StepOutlier")
        if len(steps) > 100:
            late = int((steps > steps.mean() + steps.std()).sum())
            assert rule["details"]["step_details"]["algo-1"]["number_of_outliers"] == late
        print(f"{len(document['traceEvents'])} events, {len(lines)} values, {len(steps)} steps")


main()
