#!/usr/bin/env python3
"""Writes tally.json: logits and labels with the numbers that PyTorch, scikit-learn and torchmetrics get from them, and
Wilson intervals from the quadratic that defines them. Run it with a Python that has torch, numpy, scikit-learn and
torchmetrics."""
import json
import math
import os

import numpy as np
import scipy.optimize
import torch
import torchmetrics
from sklearn.calibration import calibration_curve
from sklearn.metrics import (average_precision_score, confusion_matrix, precision_recall_fscore_support, roc_auc_score, roc_curve,
                             top_k_accuracy_score)

CLASSES = 7
COUNT = 60


def wilson(correct, count):
    # |p - q| = z * sqrt(q (1 - q) / n), solved for q.
    z = 1.959963984540054
    p = correct / count
    roots = np.roots([1 + z * z / count, -2 * p - z * z / count, p * p])
    return [max(0.0, float(min(roots.real))), min(1.0, float(max(roots.real)))]


def temperature(logits, labels):
    """Temperature, mean loss and calibration error behind it."""
    logits, labels = torch.from_numpy(logits).double(), torch.from_numpy(labels)
    found = scipy.optimize.minimize_scalar(lambda t: torch.nn.functional.cross_entropy(logits / t, labels).item(), bounds=(0.01, 100),
                                           method="bounded", options={"xatol": 1e-12})
    confidence, chosen = (logits / found.x).softmax(dim=1).max(dim=1)
    right, bins = (chosen == labels).double(), (confidence * 15).ceil()
    error = sum(abs((right - confidence)[bins == b].sum().item()) for b in range(1, 16)) / len(labels)
    return {"temperature": found.x, "scaled_loss": found.fun, "scaled_ece": error}


def ranking(logits, labels):
    """Over all classes of all samples."""
    scores = torch.from_numpy(logits).double().softmax(dim=1).numpy().ravel()
    truths = np.eye(logits.shape[1], dtype=int)[labels].ravel()
    wrong, right, thresholds = roc_curve(truths, scores, drop_intermediate=False)
    return {"auc": roc_auc_score(truths, scores), "average_precision": average_precision_score(truths, scores),
            "roc": [[float(x) for x in row] for row in zip(thresholds[1:], right[1:], wrong[1:])]}


def main():
    generator = np.random.default_rng(20260131)
    logits = generator.normal(size=(COUNT, CLASSES)).astype(np.float32) * 2
    labels = generator.integers(0, CLASSES - 1, size=COUNT)  # the last class has no samples
    logits[np.arange(COUNT), labels] += 1.5
    predicted = logits.argmax(axis=1)
    tensor = torch.from_numpy(logits).double()
    loss = torch.nn.functional.cross_entropy(tensor, torch.from_numpy(labels)).item()
    every = list(range(CLASSES))
    probabilities = tensor.softmax(dim=1)
    confidence = probabilities.max(dim=1).values.numpy()
    ece = torchmetrics.functional.calibration_error(probabilities, torch.from_numpy(labels), task="multiclass",
                                                    n_bins=15, norm="l1", num_classes=CLASSES).item()
    # of the bins that are not empty
    accuracies, confidences = calibration_curve(predicted == labels, confidence, n_bins=15)
    best = [sorted(every, key=lambda c, row=row: (-row[c], c))[:5] for row in logits]
    precision, recall, _, support = precision_recall_fscore_support(labels, predicted, labels=every, zero_division=0)
    # over all classes, at 127 thresholds; torchmetrics puts one more point behind them
    precisions, recalls, _ = torchmetrics.functional.classification.multiclass_precision_recall_curve(
        probabilities, torch.from_numpy(labels), num_classes=CLASSES, thresholds=127, average="micro")
    golden = {
        "classes": CLASSES,
        "logits": [[float(x) for x in row] for row in logits],
        "labels": [int(x) for x in labels],
        "loss": loss,
        "correct": int((predicted == labels).sum()),
        "correct5": round(float(top_k_accuracy_score(labels, logits, k=5, labels=every)) * COUNT),
        "confusion": confusion_matrix(labels, predicted, labels=every).tolist(),
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "support": [int(x) for x in support],
        "ece": ece,
        "bin_accuracy": [float(x) for x in accuracies],
        "bin_confidence": [float(x) for x in confidences],
        "pr_precision": precisions[:-1].nan_to_num(0).tolist(),  # of nothing at all: 0
        "pr_recall": recalls[:-1].tolist(),
        "top5": best,
        "top5_probability": [[float(row[c]) for c in best[i]] for i, row in enumerate(probabilities)],
        "losses": torch.nn.functional.cross_entropy(tensor, torch.from_numpy(labels), reduction="none").tolist(),
        "wilson": [[c, n] + wilson(c, n) for c, n in ((8, 10), (646, 836), (1, 3), (0, 20), (20, 20), (500, 1000))],
    }
    golden |= temperature(logits, labels) | ranking(logits, labels)
    assert all(math.isfinite(x) for x in golden["precision"])
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "tally.json"), "w", encoding="utf-8") as file:
        json.dump(golden, file, sort_keys=True)
        file.write("\n")


if __name__ == "__main__":
    main()
