#!/usr/bin/env python3
"""The temperature, ROC and average precision of an evaluation against scipy and scikit-learn: evaluate.py TOOL. Of 4 classes
evaluation.json has every probability; their logarithms are the outputs up to a number that is the same for all classes."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy
import scipy.optimize
import scipy.special
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

TOOL = os.path.abspath(sys.argv[1])


def tool(*words):
    return subprocess.run([TOOL, *map(str, words)], check=True, capture_output=True, text=True, timeout=200).stdout


def outputs_of(report):
    outputs = numpy.zeros((report["count"], 4))
    for row, prediction in zip(outputs, report["predictions"]):
        for number, probability in prediction["top"]:
            row[number] = probability
    assert numpy.allclose(outputs.sum(1), 1), outputs
    return numpy.array(outputs), numpy.array([prediction["true"] for prediction in report["predictions"]])


def loss(outputs, labels, temperature):
    return -scipy.special.log_softmax(outputs / temperature, axis=1)[range(len(labels)), labels].mean()


def error(probabilities, labels):
    best = probabilities.max(1)
    right, bins = probabilities.argmax(1) == labels, numpy.ceil(best * 15)
    return sum(abs((right - best)[bins == number].sum()) for number in range(1, 16)) / len(labels)


def check(report):
    probabilities, labels = outputs_of(report)
    logs = numpy.log(probabilities)
    found = scipy.optimize.minimize_scalar(lambda t: loss(logs, labels, t), bounds=(0.01, 100), method="bounded", options={"xatol": 1e-10})
    calibration, scaled = report["calibration"], report["calibration"]["scaled"]
    assert abs(calibration["temperature"] / found.x - 1) < 1e-5, (calibration["temperature"], found)
    assert abs(scaled["loss"] - found.fun) < 1e-9 and scaled["loss"] < report["loss"], (scaled["loss"], found)
    assert abs(scaled["ece"] - error(scipy.special.softmax(logs / calibration["temperature"], axis=1), labels)) < 1e-9, scaled["ece"]
    assert abs(calibration["ece"] - error(probabilities, labels)) < 1e-9
    scores, truths = probabilities.ravel(), numpy.eye(4)[labels].ravel()
    roc = report["roc"]
    assert abs(roc["auc"] - roc_auc_score(truths, scores)) < 1e-9, roc["auc"]
    assert abs(roc["average_precision"] - average_precision_score(truths, scores)) < 1e-9, roc["average_precision"]
    wrong, right, _ = roc_curve(truths, scores, drop_intermediate=False)
    points = {(round(a * roc["negatives"]), round(b * roc["positives"])) for a, b in zip(wrong, right)}
    own = list(zip(roc["false_positives"], roc["true_positives"]))
    assert len(own) <= 200 and set(own) <= points and own[-1][1] == len(labels), set(own) - points
    print(f"{len(labels)} pictures: temperature {calibration['temperature']:.4f}, calibration error {calibration['ece']:.4f} to {scaled['ece']:.4f}, "
          f"area {roc['auc']:.4f}, average precision {roc['average_precision']:.4f}, {len(own)} points")


def main():
    with tempfile.TemporaryDirectory() as folder:
        tool("synth", f"{folder}/shapes", "--classes", 4, "--per-class", 400, "--seed", 5)
        for name, epochs in (("a", 1), ("b", 2)):
            out = pathlib.Path(folder, name)
            tool("train", f"{folder}/shapes", "--arch", "tiny", "--engine", "ref", "--freeze", "none", "--epochs", epochs, "--out", out, "-q",
                 "--no-tensorboard")
            check(json.loads((out / "evaluation.json").read_text()))


if __name__ == "__main__":
    main()
