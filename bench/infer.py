"""Inference of our engine beside others, block by block in turn.

infer.py PROGRAM [--engine native] [--peers onnxruntime,openvino] [--arch mobilenet_v2] [--weights FILE]
         [--batches 1,16,64] [--threads 2] [--rounds 15] [--seconds 1] [--dtype f32]
PROGRAM is build/bench/infer. Peers: onnxruntime, openvino (latency and throughput hints), eager and channels_last
(torch). Needs torch, torchvision, safetensors; onnx for the first two, and themselves. Prints, per batch size, images
per second of each side, the median ratio of ours to each peer's block of the same round with its interval, and the
largest difference of the logits.
"""
import argparse
import os
import statistics
import tempfile
import time
import warnings

import torch
import torchvision
from program import Program
from safetensors.torch import load_file, save_file


class Ours(Program):
    def __init__(self, options, weights, x, folder):
        path = os.path.join(folder, "input")
        x.numpy().tofile(path)
        self.folder, self.shape = folder, (len(x), 1000)
        super().__init__(options.program, options.engine, options.arch, weights, path, len(x), options.threads,
                         {"f32": "0", "bf16": "1"}[options.dtype])

    def block(self, seconds):
        images, time_used = self.ask(f"block {seconds}")
        return int(images) / float(time_used)

    def logits(self):
        path = os.path.join(self.folder, "logits")
        self.ask(f"logits {path}")
        return torch.from_file(path, size=self.shape[0] * self.shape[1]).view(self.shape).clone()


class Peer:
    """One that has infer(): a batch, and images of it."""

    def block(self, seconds):
        images, begin, now = 0, time.perf_counter(), 0.0
        while now < seconds:
            images += self.infer()
            now = time.perf_counter() - begin
        return images / now


class Torch(Peer):
    def __init__(self, net, x, memory_format):
        self.net, self.x = net.to(memory_format=memory_format), x.to(memory_format=memory_format)
        self.format = memory_format

    def infer(self):
        with torch.inference_mode():
            self.net.to(memory_format=self.format)(self.x)
        return len(self.x)


class OnnxRuntime(Peer):
    def __init__(self, path, x, threads):
        import onnxruntime
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = threads
        settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        self.session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
        self.x = x.numpy()

    def infer(self):
        self.session.run(None, {"x": self.x})
        return len(self.x)


class OpenVino(Peer):
    """hint: LATENCY runs one batch on all threads; THROUGHPUT cuts it in parts, one for each stream."""

    def __init__(self, path, x, threads, hint):
        import openvino
        parts = threads if hint == "THROUGHPUT" and len(x) >= threads else 1
        core = openvino.Core()
        model = core.read_model(path)
        model.reshape([len(x) // parts, 3, 224, 224])
        config = {"PERFORMANCE_HINT": hint, "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
        if hint == "THROUGHPUT":
            config["NUM_STREAMS"] = parts
        compiled = core.compile_model(model, "CPU", config)
        self.requests = [compiled.create_infer_request() for _ in range(parts)]
        self.parts = [part.contiguous().numpy() for part in x.chunk(parts)]
        self.count = len(x)

    def infer(self):
        for request, part in zip(self.requests, self.parts):
            request.start_async({0: part}, share_inputs=True)
        for request in self.requests:
            request.wait()
        return self.count


def export(net, folder):
    path = os.path.join(folder, "net.onnx")
    if not os.path.exists(path):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(net, torch.zeros(2, 3, 224, 224), path, dynamo=False, opset_version=17,
                              input_names=["x"], dynamic_axes={"x": {0: "n"}})
    return path


def make_peers(options, net, x, folder):
    makers = {
        "onnxruntime": lambda: {"onnxruntime": OnnxRuntime(export(net, folder), x, options.threads)},
        "openvino": lambda: {f"openvino {hint.lower()}": OpenVino(export(net, folder), x, options.threads, hint)
                             for hint in (["LATENCY", "THROUGHPUT"] if len(x) > 1 else ["LATENCY"])},
        "eager": lambda: {"torch eager": Torch(net, x, torch.contiguous_format)},
        "channels_last": lambda: {"torch channels_last": Torch(net, x, torch.channels_last)},
    }
    peers = {}
    for name in options.peers.split(","):
        peers.update(makers[name]())
    return peers


def interval(ratios):
    """Where 95 % of medians of such samples lie: order statistics of the binomial distribution."""
    ordered, count = sorted(ratios), len(ratios)
    reach = int(0.98 * count ** 0.5)
    return ordered[max(count // 2 - reach, 0)], ordered[min(count // 2 + reach, count - 1)]


def measure(options, weights, net, batch, folder):
    torch.manual_seed(batch)
    x = torch.randn(batch, 3, 224, 224)
    with torch.inference_mode():
        expected = net(x)
    peers = make_peers(options, net, x, folder)
    ours = Ours(options, weights, x, folder)
    print(f"batch {batch}: largest logit difference to torch {(ours.logits() - expected).abs().max():.3g}, "
          f"load {os.getloadavg()[0]:.1f}", flush=True)
    sides = {"ours": ours, **peers}
    speeds = {name: [] for name in sides}
    for side in sides.values():
        side.block(options.seconds)
    for _ in range(options.rounds):
        for name, side in sides.items():
            speeds[name].append(side.block(options.seconds))
    print(f"  ours {statistics.median(speeds['ours']):.1f} img/s (best {max(speeds['ours']):.1f})")
    for name in peers:
        ratios = [a / b for a, b in zip(speeds["ours"], speeds[name])]
        low, high = interval(ratios)
        print(f"  {name} {statistics.median(speeds[name]):.1f} img/s (best {max(speeds[name]):.1f}): "
              f"{statistics.median(ratios):.2f}x [{low:.2f}, {high:.2f}] of {len(ratios)} rounds", flush=True)
    ours.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--engine", default="native")
    parser.add_argument("--peers", default="onnxruntime,openvino")
    parser.add_argument("--arch", default="mobilenet_v2")
    parser.add_argument("--weights")
    parser.add_argument("--batches", default="1,16,64")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"{options.arch} {options.dtype}, {options.threads} threads, torch {torch.__version__}, "
          f"{torch.backends.cpu.get_cpu_capability()}")
    with tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(0)
        net = getattr(torchvision.models, options.arch)().eval()
        weights = options.weights
        if weights is None:
            weights = os.path.join(folder, "weights.safetensors")
            save_file(net.state_dict(), weights)
        net.load_state_dict(load_file(weights))
        for batch in map(int, options.batches.split(",")):
            measure(options, weights, net, batch, folder)


main()
