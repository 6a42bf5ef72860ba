"""Features of all pictures of a set, decoding included, beside ONNX Runtime fed by torchvision's DataLoader, in turn.

features.py TOOL DATA WEIGHTS [--rounds 3] [--threads 2]
TOOL is build/dogbreed, DATA holds {train,valid,test}/CLASS/*.jpg, WEIGHTS are mobilenet_v2's. Our side is a training of
one epoch and an evaluation of the test split with an empty cache: start-up, head and reports are in its time. The peer's
time is that of its loop alone. Needs torch, torchvision, safetensors, onnx and onnxruntime.
"""
import argparse
import os
import statistics
import subprocess
import tempfile
import time
import warnings

import torch
import torchvision
from safetensors.torch import load_file
from torchvision import transforms
from torchvision.datasets import ImageFolder

SPLITS = ("train", "valid", "test")
VIEW = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor(),
                           transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])


def open_peer(weights, threads, folder):
    import onnxruntime
    net = torchvision.models.mobilenet_v2()
    net.load_state_dict(load_file(weights))
    net.classifier = torch.nn.Identity()
    path = os.path.join(folder, "features.onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net.eval(), torch.zeros(1, 3, 224, 224), path, dynamo=False, opset_version=17,
                          input_names=["x"], dynamic_axes={"x": {0: "n"}})
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])


def run_peer(session, data, threads):
    begin, count = time.perf_counter(), 0
    for split in SPLITS:
        for x, _ in torch.utils.data.DataLoader(ImageFolder(os.path.join(data, split), VIEW), 32, num_workers=threads):
            count += len(session.run(None, {"x": x.numpy()})[0])
    return time.perf_counter() - begin, count


def run_ours(options):
    with tempfile.TemporaryDirectory() as folder:
        shared = ["--threads", str(options.threads), "--loader-threads", str(options.threads), "--cache-dir", folder]
        run = os.path.join(folder, "run")
        begin = time.perf_counter()
        subprocess.run([options.tool, "train", options.data, "--arch", "mobilenet_v2", "--weights", options.weights,
                        "--epochs", "1", "--no-test", "--out", run, *shared], check=True, capture_output=True)
        subprocess.run([options.tool, "evaluate", run, "--data", options.data, "--split", "test", *shared], check=True,
                       capture_output=True)
        return time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool")
    parser.add_argument("data")
    parser.add_argument("weights")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        session = open_peer(options.weights, options.threads, folder)
        ratios = []
        for _ in range(options.rounds):
            ours = run_ours(options)
            theirs, count = run_peer(session, options.data, options.threads)
            ratios.append(theirs / ours)
            print(f"{count} pictures: ours {ours:.1f} s, peer {theirs:.1f} s: {ratios[-1]:.2f}x", flush=True)
        print(f"median {statistics.median(ratios):.2f}x ({min(ratios):.2f}-{max(ratios):.2f})")


main()
