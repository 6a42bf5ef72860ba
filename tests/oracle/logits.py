"""Logits of every architecture against torchvision, at most 1e-4 apart: with real weights where there are files of
them, else with random ones that torch has written. In random resnets whose residual branches have the weight 1 rounding
grows from block to block and moves torchvision's own logits further than that from those of float64; so it does in
squeezenet1_1 on tiny pictures, whose logits reach 80. There ours may be three times as far from float64 as torchvision's.

logits.py DUMP ENGINE photos  all networks on real photos, one by one and in a batch, 1 and 2 threads
logits.py DUMP ENGINE sizes   inputs of 1 to 600 pixels; what torchvision cannot compute is refused
"""
import copy
import sys

import torch
from engine_dump import Refused, dump, path
from networks import network, photos

ENGINE, PART = sys.argv[2:4]
NETWORKS = ("mobilenet_v2", "squeezenet1_0", "squeezenet1_1", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
SIZED = ("mobilenet_v2", "resnet18", "squeezenet1_1")
SIZES = (1, 2, 7, 16, 17, 21, 32, 65, 160, 299, 600)
LIMIT = 1e-4
worst = 0.0
torch.set_num_threads(2)


def check_by_float64(net, x, expected, found):
    """Further apart than the limit: how far is each from the truth?"""
    with torch.inference_mode():
        exact = copy.deepcopy(net).double()(x.double())
    theirs, ours = ((logits - exact).abs().max().item() for logits in (expected, found))
    print(f"    from float64: torchvision {theirs:.3g}, {ENGINE} {ours:.3g}", flush=True)
    if not ours <= max(LIMIT, 3 * theirs):
        sys.exit(f"logits are {ours:g} from those of float64, {max(LIMIT, 3 * theirs):g} is allowed")


def compare(name, net, weights, x, threads, rounded=False):
    global worst
    with torch.inference_mode():
        expected = net(x)
    x.numpy().tofile(path("x"))
    dump("infer", ENGINE, x.shape[-1], name.split()[0], 1000, weights, path("x"), len(x), path("out"), threads)
    found = torch.from_file(path("out"), size=expected.numel()).view_as(expected)
    difference = (found - expected).abs().max().item()
    worst = max(worst, difference)
    print(f"{name}, {len(x)} of {x.shape[-1]}x{x.shape[-1]}, {threads} thread(s): largest logit {expected.abs().max():.3f}, "
          f"largest difference {difference:.3g}", flush=True)
    if not difference <= LIMIT:
        if not rounded:
            sys.exit(f"logits are {difference:g} apart, {LIMIT:g} is allowed")
        check_by_float64(net, x, expected, found)


def part_photos():
    x = photos(5, 224)
    for name in NETWORKS:
        net, weights = network(name)
        compare(name, net, weights, x, 2)
        compare(name, net, weights, x[:1], 1)
        compare(name, net, weights, x[:1], 2)
        if name.startswith("resnet"):
            net, weights = network(name, branch=1)
            compare(name + " with full branches", net, weights, x, 2, rounded=True)


def part_sizes():
    for name in SIZED:
        net, weights = network(name)
        for side in SIZES:
            x = photos(2, side)
            try:
                compare(name, net, weights, x, 2, rounded=True)
            except RuntimeError as error:  # torchvision's
                print(f"{name}, {side}x{side}: torchvision: {error}")
                x.numpy().tofile(path("x"))
                try:
                    dump("infer", ENGINE, side, name, 1000, weights, path("x"), len(x), path("out"), 1)
                except Refused as refused:
                    print(f"{name}, {side}x{side}: {refused}")
                    continue
                sys.exit(f"{name}, {side}x{side}: torchvision cannot, we can")


globals()["part_" + PART]()
print(f"largest difference of all: {worst:.3g}")
