"""The peer of bench/train.py: a plain torchvision script. Frozen MobileNetV2, a new head, a DataLoader on PIL with two
workers, Adam. Prints one line per epoch: seconds of training and of validation, validation accuracy.

Usage: peer_train.py DATA WEIGHTS EPOCHS BATCH LEARNING_RATE WORKERS HIDDEN"""
import sys
import time

import torch
import torchvision
from safetensors.torch import load_file
from torchvision import transforms as T
from torchvision.datasets import ImageFolder

ROOT, WEIGHTS = sys.argv[1:3]
EPOCHS, BATCH, RATE, WORKERS, HIDDEN = int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]), *map(int, sys.argv[6:8])
NORM = T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
TRAIN = T.Compose([T.RandomResizedCrop(224), T.RandomHorizontalFlip(), T.ToTensor(), NORM])
EVAL = T.Compose([T.Resize(256), T.CenterCrop(224), T.ToTensor(), NORM])


def main():
    train, valid = ImageFolder(ROOT + "/train", TRAIN), ImageFolder(ROOT + "/valid", EVAL)
    net = torchvision.models.mobilenet_v2()
    net.load_state_dict(load_file(WEIGHTS))
    for parameter in net.parameters():
        parameter.requires_grad = False
    classes = len(train.classes)
    net.classifier = (torch.nn.Sequential(torch.nn.Linear(1280, HIDDEN), torch.nn.ReLU(),
                                          torch.nn.Linear(HIDDEN, classes)) if HIDDEN else
                      torch.nn.Linear(1280, classes))
    optimizer = torch.optim.Adam(net.classifier.parameters(), lr=RATE)
    criterion = torch.nn.CrossEntropyLoss()
    batches = torch.utils.data.DataLoader(train, BATCH, shuffle=True, num_workers=WORKERS)
    checks = torch.utils.data.DataLoader(valid, 64, num_workers=WORKERS)
    for epoch in range(EPOCHS):
        start = time.perf_counter()
        net.eval()
        for pictures, labels in batches:
            optimizer.zero_grad()
            criterion(net(pictures), labels).backward()
            optimizer.step()
        middle = time.perf_counter()
        with torch.no_grad():
            correct = sum((net(pictures).argmax(1) == labels).sum().item() for pictures, labels in checks)
        end = time.perf_counter()
        print(f"{epoch} {middle - start:.3f} {end - middle:.3f} {correct / len(valid):.4f}", flush=True)


if __name__ == "__main__":
    main()
