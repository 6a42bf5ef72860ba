#!/usr/bin/env python3
"""The accuracy to reach: logistic regression (scikit-learn) on the features of the same backbone, computed by
torchvision, chosen by validation accuracy, tested once. Needs torch, torchvision, safetensors, scikit-learn.

Usage: accuracy.py DATA WEIGHTS"""
import sys

import numpy as np
import torch
import torchvision
from safetensors.torch import load_file
from sklearn.linear_model import LogisticRegression
from torchvision import transforms as T
from torchvision.datasets import ImageFolder

EVAL = T.Compose([T.Resize(256), T.CenterCrop(224), T.ToTensor(),
                  T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])


def features(net, folder):
    loader = torch.utils.data.DataLoader(ImageFolder(folder, EVAL), 16, num_workers=2)
    rows, labels = [], []
    with torch.inference_mode():
        for pictures, targets in loader:
            maps = net.features(pictures.to(memory_format=torch.channels_last))
            rows.append(maps.mean((2, 3)).numpy())
            labels.append(targets.numpy())
    return np.concatenate(rows), np.concatenate(labels)


def main():
    root, weights = sys.argv[1:3]
    net = torchvision.models.mobilenet_v2().eval()
    net.load_state_dict(load_file(weights))
    train, valid, test = (features(net, f"{root}/{split}") for split in ("train", "valid", "test"))
    best = None
    for strength in (0.001, 0.01, 0.1, 1.0):
        model = LogisticRegression(C=strength, max_iter=300).fit(*train)
        scores = model.score(*valid), model.score(*test)
        print(f"C {strength}: valid {scores[0]:.4f} test {scores[1]:.4f}", flush=True)
        best = max(best, scores) if best else scores
    print(f"chosen by validation: valid {best[0]:.4f} test {best[1]:.4f}")


if __name__ == "__main__":
    main()
