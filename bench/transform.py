#!/usr/bin/env python3
"""Batch transform: pictures a second of `dogbreed predict FOLDER --out DIR`, the whole program with its start, beside another
build of the tool and beside a loop of PyTorch, in turn.

Usage: transform.py WEIGHTS FOLDER [--before TOOL] [--torch] [--rounds 7] [--build build]
WEIGHTS: mobilenet_v2 with 1000 classes. TOOL: an older dogbreed. --torch: a DataLoader with two workers, batches of 16, a file of JSON
for each picture (not synced); its loop alone, without the start of Python and torch. Needs torch, torchvision and safetensors."""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[0] = os.path.join(HERE, "..", "bindings", "python")  # not HERE: profile.py is a name of Python's own


class Tool:
    def __init__(self, program, model, folder, out):
        self.words = [program, "predict", folder, "--model", model, "--out", out, "--quiet"]
        # A build of another place finds its library beside itself.
        self.environment = {**os.environ, "LD_LIBRARY_PATH": os.path.dirname(program)}

    def run(self):
        subprocess.run(self.words, check=True, env=self.environment, stdout=subprocess.DEVNULL)


class Torch:
    def __init__(self, weights, folder, out):
        import torch
        import torchvision
        from PIL import Image
        from safetensors.torch import load_file
        self.torch, self.out = torch, pathlib.Path(out)
        torch.set_num_threads(2)
        self.net = torchvision.models.mobilenet_v2()
        self.net.load_state_dict(load_file(weights))
        self.net.eval()
        prepare = torchvision.transforms.Compose([
            torchvision.transforms.Resize(256), torchvision.transforms.CenterCrop(224), torchvision.transforms.ToTensor(),
            torchvision.transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])

        class Files(torch.utils.data.Dataset):
            names = sorted(str(path.relative_to(folder)) for path in pathlib.Path(folder).rglob("*.jpg"))

            def __len__(self):
                return len(self.names)

            def __getitem__(self, i):
                return prepare(Image.open(os.path.join(folder, self.names[i])).convert("RGB")), i

        self.files = Files()

    def run(self):
        with self.torch.inference_mode():
            for pictures, indices in self.torch.utils.data.DataLoader(self.files, batch_size=16, num_workers=2):
                for i, row in zip(indices.tolist(), self.net(pictures).tolist()):
                    place = self.out / (self.files.names[i] + ".out")
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_text(json.dumps([row]))


def results(out):
    return {str(path.relative_to(out)): json.loads(path.read_text())[0] for path in pathlib.Path(out).rglob("*.out")}


def cpu_seconds():
    """Of this process and those that it has waited for."""
    return sum(os.times()[:4])


def spread(values):
    return f"{statistics.median(values):8.2f}  [{min(values):.2f} .. {max(values):.2f}]"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("weights")
    parser.add_argument("folder")
    parser.add_argument("--before")
    parser.add_argument("--torch", action="store_true")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--build", default="build")
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    os.environ["DOGBREED_LIBRARY"] = os.path.join(build, "libdogbreed.so")
    import dogbreed
    with tempfile.TemporaryDirectory() as place:
        model, out = os.path.join(place, "model.safetensors"), os.path.join(place, "out")
        dogbreed.Model(architecture="mobilenet_v2", weights=options.weights, head="original").save(model)
        sides = {"ours": Tool(os.path.join(build, "dogbreed"), model, options.folder, out)}
        if options.before:
            sides["before"] = Tool(os.path.abspath(options.before), model, options.folder, out)
        if options.torch:
            sides["torch"] = Torch(options.weights, options.folder, out)
        found, speeds, costs = {}, {name: [] for name in sides}, {name: [] for name in sides}
        for round in range(options.rounds + 1):  # the first one warms up
            for name, side in sides.items():
                shutil.rmtree(out, ignore_errors=True)
                os.sync()  # what others left to write is not ours to wait for
                begin, worked = time.perf_counter(), cpu_seconds()
                side.run()
                took, worked = time.perf_counter() - begin, cpu_seconds() - worked
                found[name] = results(out)
                if round > 0:
                    speeds[name].append(len(found[name]) / took)
                    costs[name].append(1e3 * worked / len(found[name]))
                print(f"round {round}: {name} {len(found[name]) / took:.1f} pictures/s, {1e3 * worked / len(found[name]):.1f} ms of CPU each",
                      flush=True)
        for name in sides:
            print(f"{name:8s} pictures/s {spread(speeds[name])}, ms of CPU each {spread(costs[name])}, {len(found[name])} pictures")
            if name != "ours":
                print(f"ratio to {name}: {spread([a / b for a, b in zip(speeds['ours'], speeds[name])])}; largest difference of a "
                      f"score {max(abs(a - b) for key in found[name] for a, b in zip(found['ours'][key], found[name][key])):.1e}")


if __name__ == "__main__":
    main()
