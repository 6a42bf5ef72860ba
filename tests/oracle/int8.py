"""The arithmetic of docs/quantize.md, in NumPy with 64-bit integers, from the model file alone: every bit must agree.
usage: int8.py TOOL ARCH SIDE"""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

F = np.float32


def read(path):
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        data = file.read()
    types = {"F32": np.float32, "I8": np.int8, "I64": np.int64}
    meta = header.pop("__metadata__")
    tensors = {name: np.frombuffer(data[t["data_offsets"][0]:t["data_offsets"][1]], types[t["dtype"]]).reshape(t["shape"])
               for name, t in header.items()}
    return json.loads(meta["dogbreed.graph"]), tensors


def elements(node, value):
    """Floats as q."""
    low = -float(node["zero"])
    steps = np.clip(value * F(1.0 / node["step"]), F(low), F(low + 255))
    return np.rint(steps).astype(np.int64) + node["zero"]


def windows(x, node):
    """[batch, channels, kernel rows, kernel columns, height, width] of a padded input."""
    (kh, kw), (sh, sw), (dh, dw) = node["kernel"], node.get("stride", [1, 1]), node.get("dilation", [1, 1])
    h = (x.shape[2] - dh * (kh - 1) - 1) // sh + 1
    w = (x.shape[3] - dw * (kw - 1) - 1) // sw + 1
    out = np.empty(x.shape[:2] + (kh, kw, h, w), x.dtype)
    for i in range(kh):
        for j in range(kw):
            out[:, :, i, j] = x[:, :, i * dh:i * dh + (h - 1) * sh + 1:sh, j * dw:j * dw + (w - 1) * sw + 1:sw]
    return out


def sums(node, weight, q):
    """Integers: sum of (q - zero) * n."""
    ph, pw = node.get("padding", [0, 0])
    x = windows(np.pad(q, ((0, 0), (0, 0), (ph, ph), (pw, pw))), node)
    groups = node.get("groups", 1)
    n, c, kh, kw, h, w = x.shape
    x = x.reshape(n, groups, c // groups * kh * kw, h * w)
    m = weight.astype(np.int64).reshape(groups, weight.shape[0] // groups, -1)
    return np.einsum("goi,ngip->ngop", m, x, optimize=True).reshape(n, weight.shape[0], h, w)


def limits(node, step):
    activation = node.get("activation")
    return (F(-np.inf) if activation is None else F(0)), (F(6.0 / step) if activation == "relu6" else F(np.inf))


class Net:
    def __init__(self, graph, tensors):
        self.nodes, self.tensors = graph["nodes"], tensors
        for node in self.nodes:
            node.setdefault("zero", 0)

    def convolution(self, node, q_in, q_other, whole):
        """q of the output, or with whole = False the floats that a float layer reads."""
        source = self.nodes[node["inputs"][0]]
        step = node["step"] if whole else 1.0
        scale = self.tensors[node["name"] + ".weight_scale"].astype(np.float64)
        factor = (source["step"] * scale / step).astype(F)
        bias = (self.tensors[node["name"] + ".bias"].astype(np.float64) / step).astype(F) if node.get("bias") else \
            np.zeros(len(factor), F)
        total = sums(node, self.tensors[node["name"] + ".weight"], q_in - source["zero"])
        f = total.astype(F) * factor[:, None, None] + bias[:, None, None]
        if node.get("residual"):
            other = self.nodes[node["inputs"][1]]
            f = f + (q_other - other["zero"]).astype(F) * F(other["step"] / step)
        low, high = limits(node, step)
        if not whole:
            return np.clip(f, low, high)
        low, high = max(low, F(-node["zero"])), min(high, F(255 - node["zero"]))
        return np.rint(np.clip(f, low, high)).astype(np.int64) + node["zero"]

    def readers(self, index):
        return [n for n in self.nodes if index in n.get("inputs", [])]

    def run(self, batch, last):
        values = {0: ("q", elements(self.nodes[0], batch))}
        for index, node in enumerate(self.nodes[1:], 1):
            inputs = [values[i] for i in node["inputs"]]
            if node["op"] == "conv2d":
                q = [v if kind == "q" else elements(self.nodes[i], v) for (kind, v), i in zip(inputs, node["inputs"])]
                whole = node["name"] != last and all(r["op"] == "conv2d" for r in self.readers(index))
                out = self.convolution(node, q[0], q[1] if len(q) > 1 else None, whole)
                values[index] = ("q" if whole else "f", out)
            elif node["op"] == "max_pool":
                ph, pw = node.get("padding", [0, 0])
                x = inputs[0][1]
                if node.get("ceil_mode"):
                    x = np.pad(x, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=-np.inf)
                x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)
                values[index] = ("f", windows(x, node).max((2, 3)))
            elif node["op"] == "cat":
                values[index] = ("f", np.concatenate([v for _, v in inputs], 1))
            else:
                raise SystemExit("int8.py: no rule for " + node["op"])
            if node["name"] == last:
                return values[index][1]


def main():
    tool, arch, side = sys.argv[1], sys.argv[2], int(sys.argv[3])
    for instruction_set in ("c", "avx2"):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([tool, arch, str(side), folder, instruction_set], check=True)
            graph, tensors = read(os.path.join(folder, "model.safetensors"))
            pixels = np.fromfile(os.path.join(folder, "batch.u8"), np.uint8).reshape(-1, side, side, 3)
            batch = pixels.astype(F) / F(255)
            batch = ((batch - np.array(graph["mean"], F)) / np.array(graph["deviation"], F)).transpose(0, 3, 1, 2)
            last = open(os.path.join(folder, "node.txt")).read()
            expected = Net(graph, tensors).run(batch, last)
            found = np.fromfile(os.path.join(folder, "out.f32"), F).reshape(expected.shape)
        different = int((found != expected).sum())
        print(f"{arch} {instruction_set}: {found.size} values, {different} differ, "
              f"{float((found != 0).mean()):.2f} are not 0, largest {float(np.abs(found).max()):.3f}")
        if different or not found.any():
            sys.exit(1)


main()
