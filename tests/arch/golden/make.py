"""Writes the state-dict keys and shapes of torchvision's networks, one file per network.

Lines: "<key> <dim>x<dim>..." in state-dict order ("-" for rank 0), for 1,000 classes.
Usage: python make.py [folder]
"""

import pathlib
import sys

import torchvision

NAMES = ["mobilenet_v2", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152",
         "squeezenet1_0", "squeezenet1_1"]

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
for name in NAMES:
    state = getattr(torchvision.models, name)(weights=None).state_dict()
    lines = [f"{key} {'x'.join(map(str, value.shape)) or '-'}" for key, value in state.items()]
    (folder / f"{name}.txt").write_text("\n".join(lines) + "\n")
