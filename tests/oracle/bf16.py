"""Engine native in bf16 beside the rule of docs/engine.md in torch: every convolution that is not depthwise and every
linear layer rounds its folded weights and what it reads, the addend of a residual too; nothing else is rounded. A sum
near the middle of two bf16 falls to either side in float32, and in a deep network such steps add up: torch's own float32
leaves float64 by as much. The engine may leave it by half as much again.
usage: bf16.py DUMP NETWORK"""
import copy
import operator
import os
import sys

import torch
from engine_dump import dump, path
from networks import network, photos
from torch import nn
from torch.fx.experimental.optimization import fuse

torch.set_num_threads(2)


def half(x):
    return x.float().to(torch.bfloat16).to(x.dtype)


def is_rounded(module):
    depthwise = isinstance(module, nn.Conv2d) and 1 < module.groups == module.in_channels == module.out_channels
    return isinstance(module, (nn.Conv2d, nn.Linear)) and not depthwise


def rule(net):
    """The network in float64 with folded batch norms and every rounding."""
    net = fuse(copy.deepcopy(net).double())
    modules = dict(net.named_modules())
    for node in list(net.graph.nodes):
        reads = []
        if node.op == "call_module" and is_rounded(modules[node.target]):
            reads = [node.args[0]]
        elif node.op == "call_function" and node.target in (operator.add, operator.iadd):
            # A convolution adds the other operand; of two convolutions, the second does.
            made = [a.op == "call_module" and is_rounded(modules[a.target]) for a in node.args]
            reads = [node.args[1] if made == [True, False] else node.args[0]]
        for read in reads:
            with net.graph.inserting_before(node):
                node.replace_input_with(read, net.graph.call_function(half, (read,)))
    net.recompile()
    for module in modules.values():
        if is_rounded(module):
            module.weight.data = half(module.weight.data)
    return net


def distance(a, b):
    return (a.double() - b.double()).square().mean().sqrt().item()


def main():
    name = sys.argv[2]
    x = photos(5, 224)
    net, weights = network(name)
    with torch.no_grad():
        plain = net(x)
        rounded = rule(net)
        expected = rounded(x.double())
        moved = distance(rounded.float()(x), expected)
    x.numpy().tofile(path("x"))
    for chosen in ("c", "avx2"):
        os.environ["DOGBREED_CPU"] = chosen
        dump("infer", "native", 224, name, 1000, weights, path("x"), len(x), path("out"), 2, 1)
        found = torch.from_file(path("out"), size=plain.numel()).view_as(plain)
        apart = distance(found, expected)
        print(f"{name} {chosen}: logits up to {plain.abs().max():.3f}; root mean square from the rule {apart:.3g}, the rule "
              f"in float32 {moved:.3g}; from float32 {distance(found, plain):.3g}, at most "
              f"{(found - plain).abs().max():.3g}; same first class {(found.argmax(1) == plain.argmax(1)).sum()} of {len(x)}",
              flush=True)
        if not apart <= 1.5 * moved:
            sys.exit("too far from the rule")


main()
