"""Writes what torch computes for small networks: every operation forward and backward, losses, and
five steps of each optimiser. The networks are written in the library's own graph JSON, so the C test
is one loop over all cases.

A file is a sequence of records: a line "<case> <key> <count>", then count float32 values in
little-endian order (key "graph" and "conf": count bytes of JSON), then a newline.
Usage: python make.py [folder]
"""

import json
import pathlib
import struct
import sys

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
BATCH, CHANNELS, HEIGHT, WIDTH = 2, 3, 7, 6


def philox(counter, key):
    """Philox 4x32-10 of Salmon et al. (SC 2011)."""
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & 0xFFFFFFFF, (p0 >> 32) ^ c[3] ^ k[1], p0 & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def dropout_mask(count, p, seed, node, step):
    key = [(seed & 0xFFFFFFFF) ^ ((node * 0x85EBCA6B) & 0xFFFFFFFF), ((seed >> 32) + node) & 0xFFFFFFFF]
    words = []
    for block in range((count + 3) // 4):
        words += philox([block, 5, step & 0xFFFFFFFF, step >> 32], key)
    threshold = int(p * 4294967296.0)
    return torch.tensor([0.0 if word < threshold else 1.0 / (1.0 - p) for word in words[:count]])


class Net:
    """Interprets graph JSON with torch."""

    def __init__(self, nodes, norm):
        self.graph = {"architecture": "case", "mean": [0.485, 0.456, 0.406], "deviation": [0.229, 0.224, 0.225],
                      "feature": -1, "output": len(nodes) - 1, "nodes": nodes}
        self.norm, self.params, self.shapes = norm, {}, []
        x = torch.zeros(BATCH, *nodes[0]["shape"])
        self.run(x, build=True)

    def param(self, name, make, build):
        if build:
            self.params[name] = make()
        return self.params[name]

    def run(self, x, build=False, seed=0, step=0):
        values = []
        for index, node in enumerate(self.graph["nodes"]):
            values.append(self.node(index, node, [values[i] for i in node.get("inputs", [])], x, build, seed, step))
        return values[self.graph["output"]]

    def weights(self, node, shape, build):
        fan_in = torch.Size(shape[1:]).numel()
        weight = self.param(node["name"] + ".weight", lambda: torch.randn(shape) / fan_in**0.5, build)
        bias = None
        if node.get("bias"):
            bias = self.param(node["name"] + ".bias", lambda: torch.randn(shape[0]) * 0.3, build)
        return weight, bias

    def node(self, index, node, x, images, build, seed, step):
        op, name = node["op"], node["name"]
        if op == "input":
            return images
        if op == "conv2d":
            groups = node.get("groups", 1)
            weight, bias = self.weights(node, [node["out"], x[0].shape[1] // groups] + node["kernel"], build)
            y = F.conv2d(x[0], weight, bias, node.get("stride", 1), node.get("padding", 0), node.get("dilation", 1), groups)
            y = y + x[1] if node.get("residual") else y
            return self.activate(y, node.get("activation"))
        if op == "linear":
            weight, bias = self.weights(node, [node["out"], x[0].shape[1]], build)
            return self.activate(F.linear(x[0], weight, bias), node.get("activation"))
        if op == "batch_norm":
            return self.batch_norm(name, node, x[0], build)
        if op in ("relu", "relu6"):
            return self.activate(x[0], op)
        if op == "max_pool":
            return F.max_pool2d(x[0], node["kernel"], node["stride"], node.get("padding", 0),
                                ceil_mode=node.get("ceil_mode", False))
        if op == "avg_pool":
            return F.avg_pool2d(x[0], node["kernel"], node["stride"], node.get("padding", 0),
                                node.get("ceil_mode", False), node.get("count_pad", False))
        if op == "adaptive_avg_pool":
            return F.adaptive_avg_pool2d(x[0], node["kernel"])
        if op == "dropout":
            return x[0] * dropout_mask(x[0].numel(), node["p"], seed, index, step).view_as(x[0])
        return {"flatten": lambda: x[0].flatten(1), "add": lambda: x[0] + x[1], "cat": lambda: torch.cat(x, 1)}[op]()

    @staticmethod
    def activate(y, activation):
        return {"relu": F.relu, "relu6": F.relu6, None: lambda v: v}[activation](y)

    def batch_norm(self, name, node, x, build):
        c = x.shape[1]
        weight = self.param(name + ".weight", lambda: torch.rand(c) + 0.5, build)
        bias = self.param(name + ".bias", lambda: torch.randn(c) * 0.3, build)
        mean = self.param(name + ".running_mean", lambda: torch.randn(c) * 0.3, build)
        var = self.param(name + ".running_var", lambda: torch.rand(c) + 0.5, build)
        counter = self.param(name + ".num_batches_tracked", lambda: torch.tensor(3.0), build)
        if self.norm and not build:
            with torch.no_grad():
                counter += 1
        return F.batch_norm(x, mean, var, weight, bias, self.norm and not build, node["momentum"], node["eps"])


class Writer:
    def __init__(self, path):
        self.file = open(path, "wb")

    def text(self, case, key, value):
        data = json.dumps(value).encode()
        self.file.write(f"{case} {key} {len(data)}\n".encode() + data + b"\n")

    def floats(self, case, key, tensor):
        values = tensor.detach().flatten().tolist() if torch.is_tensor(tensor) else list(tensor)
        self.file.write(f"{case} {key} {len(values)}\n".encode() + struct.pack(f"<{len(values)}f", *values) + b"\n")


INPUT = {"name": "input", "op": "input", "shape": [CHANNELS, HEIGHT, WIDTH]}
PRE = {"name": "pre", "op": "conv2d", "inputs": [0], "out": 4, "kernel": [3, 3], "padding": [1, 1], "bias": True}


def wrap(*middle):
    """input, a convolution (so that the gradient of the operation's input shows), the operation, flatten."""
    nodes = [INPUT, PRE]
    for node in middle:
        nodes.append({"name": f"op{len(nodes)}", "inputs": [len(nodes) - 1], **node})
    return nodes + [{"name": "flatten", "op": "flatten", "inputs": [len(nodes) - 1]}]


def conv(out, kernel, **more):
    return {"op": "conv2d", "out": out, "kernel": kernel, **more}


def pool(op, kernel, stride, **more):
    return {"op": op, "kernel": kernel, "stride": stride, **more}


CONVS = {
    "conv_1x1": wrap(conv(5, [1, 1])),
    "conv_bias": wrap(conv(9, [3, 3], bias=True)),
    "conv_pad_stride": wrap(conv(3, [3, 3], stride=[2, 2], padding=[1, 1], bias=True)),
    "conv_stride_left_over": wrap(conv(3, [2, 2], stride=[3, 3])),
    "conv_1x1_stride": wrap(conv(8, [1, 1], stride=[2, 2])),
    "conv_dilation": wrap(conv(3, [3, 3], dilation=[2, 2], padding=[1, 2])),
    "conv_rectangle": wrap(conv(2, [5, 3], stride=[1, 2], padding=[2, 1])),
    "conv_big_padding": wrap(conv(2, [2, 2], padding=[2, 2], stride=[2, 2])),
    "conv_groups": wrap(conv(6, [3, 3], groups=2, padding=[1, 1])),
    "conv_depthwise": wrap(conv(4, [3, 3], groups=4, padding=[1, 1], stride=[2, 1])),
    "conv_depth_multiplier": wrap(conv(8, [3, 3], groups=4, bias=True)),
    "conv_relu": wrap(conv(4, [3, 3], bias=True, activation="relu")),
    "conv_residual_relu6": [INPUT, PRE,
                            {"name": "op2", **conv(4, [3, 3], padding=[1, 1], bias=True), "inputs": [1, 1],
                             "residual": True, "activation": "relu6"},
                            {"name": "flatten", "op": "flatten", "inputs": [2]}],
}
VECTOR = {"name": "input", "op": "input", "shape": [37]}
OTHERS = {
    "linear": [VECTOR, {"name": "fc", "op": "linear", "inputs": [0], "out": 6, "bias": True}],
    "linear_deep": [VECTOR, {"name": "a", "op": "linear", "inputs": [0], "out": 19, "bias": True, "activation": "relu"},
                    {"name": "b", "op": "linear", "inputs": [1], "out": 5}],
    "batch_norm": wrap({"op": "batch_norm", "eps": 1e-5, "momentum": 0.1}),
    "batch_norm_frozen": wrap({"op": "batch_norm", "eps": 1e-3, "momentum": 0.01}),
    "batch_norm_vector": [VECTOR, {"name": "a", "op": "linear", "inputs": [0], "out": 6},
                          {"name": "bn", "op": "batch_norm", "inputs": [1], "eps": 1e-5, "momentum": 0.3}],
    "relu": wrap({"op": "relu"}),
    "relu6": wrap(conv(4, [1, 1]), {"op": "add", "inputs": [2, 2]}, {"op": "add", "inputs": [3, 3]}, {"op": "relu6"}),
    "max_pool": wrap(pool("max_pool", [2, 2], [2, 2])),
    "max_pool_overlap": wrap(pool("max_pool", [3, 3], [2, 2], padding=[1, 1])),
    "max_pool_ceil": wrap(pool("max_pool", [3, 3], [2, 2], ceil_mode=True)),
    "max_pool_ceil_pad": wrap(pool("max_pool", [2, 2], [3, 3], padding=[1, 1], ceil_mode=True)),
    "avg_pool": wrap(pool("avg_pool", [3, 2], [2, 2])),
    "avg_pool_pad": wrap(pool("avg_pool", [3, 3], [2, 2], padding=[1, 1], count_pad=True)),
    "avg_pool_pad_inside": wrap(pool("avg_pool", [3, 3], [2, 2], padding=[1, 1])),
    "avg_pool_ceil": wrap(pool("avg_pool", [3, 3], [2, 2], ceil_mode=True, count_pad=True)),
    "avg_pool_ceil_pad": wrap(pool("avg_pool", [3, 3], [2, 3], padding=[1, 1], ceil_mode=True, count_pad=True)),
    "adaptive": wrap({"op": "adaptive_avg_pool", "kernel": [3, 4]}),
    "adaptive_one": wrap({"op": "adaptive_avg_pool", "kernel": [1, 1]}),
    "adaptive_up": wrap({"op": "adaptive_avg_pool", "kernel": [9, 6]}),
    "add": wrap(conv(4, [3, 3], padding=[1, 1]), {"op": "add", "inputs": [1, 2]}),
    "cat": wrap(conv(3, [3, 3], padding=[1, 1]), {"op": "cat", "inputs": [1, 2, 1]}),
    "dropout": wrap({"op": "dropout", "p": 0.4}),
}
SMOOTH, WEIGHTS = {"label_smoothing": 0.1}, {"class_weights": True}
LOSSES = {"loss": {}, "loss_smooth": SMOOTH, "loss_weights": WEIGHTS, "loss_both": {**SMOOTH, **WEIGHTS}}
OPTIMIZERS = {
    "sgd": {"kind": 0, "learning_rate": 0.1},
    "sgd_momentum": {"kind": 0, "learning_rate": 0.05, "momentum": 0.9, "weight_decay": 0.01},
    "sgd_nesterov": {"kind": 0, "learning_rate": 0.05, "momentum": 0.8, "nesterov": 1},
    "adam": {"kind": 1, "learning_rate": 0.01, "weight_decay": 0.05},
    "adamw": {"kind": 2, "learning_rate": 0.01, "weight_decay": 0.05},
}


def loss_of(logits, labels, conf, weights):
    return F.cross_entropy(logits, labels, weights, label_smoothing=conf.get("label_smoothing", 0.0))


def write_case(writer, name, nodes, conf, norm=False, batch=BATCH):
    net = Net(nodes, norm)
    writer.text(name, "graph", net.graph)
    x = torch.randn(batch, *nodes[0]["shape"])
    keep = {key: value.clone() for key, value in net.params.items()}
    classes = net.run(x[:2], seed=7, step=3).shape[1]
    net.params = {key: value.clone().requires_grad_(not key.split(".")[-1].startswith(("running", "num")))
                  for key, value in keep.items()}
    labels = torch.randint(0, classes, (batch,))
    weights = torch.rand(classes) + 0.5 if conf.get("class_weights") else None
    conf = {**conf, "norm": int(norm), "seed": 7, "step": 3}
    writer.text(name, "conf", {**conf, "class_weights": weights is not None})
    writer.floats(name, "input", x)
    writer.floats(name, "labels", labels)
    if weights is not None:
        writer.floats(name, "class_weights", weights)
    for key, value in keep.items():
        writer.floats(name, "start:" + key, value)
    steps = 5 if "kind" in conf else 1
    optimizer = make_optimizer(net, conf) if "kind" in conf else None
    losses = []
    for step in range(steps):
        logits = net.run(x, seed=7, step=3)
        loss = loss_of(logits, labels, conf, weights)
        losses.append(loss.item())
        for value in net.params.values():
            value.grad = None
        loss.backward()
        if step == 0:
            writer.floats(name, "output", logits)
            top = logits.topk(min(5, classes)).indices
            writer.floats(name, "correct", [float((logits.argmax(1) == labels).sum()),
                                            float((top == labels[:, None]).any(1).sum())])
            for key, value in net.params.items():
                if value.requires_grad:
                    writer.floats(name, "grad:" + key, value.grad)
        if optimizer is not None:
            optimizer.step()
    writer.floats(name, "loss", losses)
    for key, value in net.params.items():
        if optimizer is not None or not value.requires_grad:
            writer.floats(name, "end:" + key, value)


def make_optimizer(net, conf):
    params = [value for value in net.params.values() if value.requires_grad]
    rate, decay = conf["learning_rate"], conf.get("weight_decay", 0.0)
    if conf["kind"] == 0:
        return torch.optim.SGD(params, rate, momentum=conf.get("momentum", 0.0), weight_decay=decay,
                               nesterov=bool(conf.get("nesterov", 0)))
    kind = torch.optim.Adam if conf["kind"] == 1 else torch.optim.AdamW
    return kind(params, rate, weight_decay=decay)


# No bias in front of the batch norm: its gradient is rounding noise, which Adam would blow up.
SMALL = [INPUT, {**PRE, "bias": False}, {"name": "bn", "op": "batch_norm", "inputs": [1], "eps": 1e-5, "momentum": 0.1},
         {"name": "relu", "op": "relu", "inputs": [2]},
         {"name": "pool", "op": "adaptive_avg_pool", "inputs": [3], "kernel": [2, 2]},
         {"name": "flatten", "op": "flatten", "inputs": [4]},
         {"name": "fc", "op": "linear", "inputs": [5], "out": 5, "bias": True}]

# Heads on features, as lib/arch builds them; the golden step's masks are the same in all five steps.
FC = {"op": "linear", "out": 6, "bias": True}
HEADS = {
    "linear": [VECTOR, {"name": "fc", **FC, "inputs": [0]}],
    "mlp": [VECTOR, {"name": "drop", "op": "dropout", "inputs": [0], "p": 0.2},
            {"name": "fc.0", "op": "linear", "inputs": [1], "out": 19, "bias": True},
            {"name": "fc.1", "op": "relu", "inputs": [2]}, {"name": "fc.2", "op": "dropout", "inputs": [3], "p": 0.4},
            {"name": "fc.3", **FC, "inputs": [4]}],
}

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
torch.manual_seed(1)
out = Writer(folder / "conv.bin")
for name, nodes in CONVS.items():
    write_case(out, name, nodes, {})
out = Writer(folder / "ops.bin")
for name, nodes in OTHERS.items():
    write_case(out, name, nodes, {}, norm=name in ("batch_norm", "batch_norm_vector"), batch=5 if "vector" in name else 2)
out = Writer(folder / "train.bin")
for name, conf in LOSSES.items():
    write_case(out, name, OTHERS["linear"], conf, batch=6)
for name, conf in OPTIMIZERS.items():
    write_case(out, name, SMALL, conf, norm=True, batch=4)
out = Writer(folder / "head.bin")
for head, nodes in HEADS.items():
    for name, conf in OPTIMIZERS.items():
        write_case(out, f"{head}_{name}", nodes, conf, batch=7)
    write_case(out, f"{head}_both", nodes, {**OPTIMIZERS["sgd_momentum"], **LOSSES["loss_both"]}, batch=7)
    write_case(out, f"{head}_one", nodes, OPTIMIZERS["adamw"], batch=1)
