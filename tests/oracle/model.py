"""Whole models against torchvision: our model file and our .pth load into torchvision's network with the same names, and
its logits of real photos, prepared by torchvision's transforms, are ours. Usage: model.py model_tool PART ENGINE, PART
one of pretrained, random."""
import json
import os
import subprocess
import sys
import tempfile
import warnings

try:
    import torch
    import torchvision
    from PIL import Image
    from safetensors import safe_open
    from torchvision import transforms
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

warnings.filterwarnings("ignore")
torch.set_num_threads(2)
TOOL, PART, ENGINE = sys.argv[1:4]
DATA = os.environ.get("DOGBREED_TEST_DATA", "")
# architecture, head, weights, classes
CASES = {
    "pretrained": [
        ("mobilenet_v2", "linear", "weights/mobilenet_v2-imagenet.safetensors", 1000),
        ("squeezenet1_1", "original", "weights/squeezenet1_1-imagenet.safetensors", 1000),
    ],
    "random": [("resnet18", "linear", "-", 120), ("resnet50", "linear", "-", 133)],
}
LIMIT = 1e-4  # of logits up to RANGE; random networks have larger ones
RANGE = 20


def photos(count):
    folder = os.path.join(DATA, "images/dogs-original")
    if not os.path.isdir(folder):
        print(f"skipped: {folder} is not here")
        sys.exit(77)
    names = sorted(name for name in os.listdir(folder) if name.lower().endswith((".jpg", ".jpeg")))
    return [os.path.join(folder, name) for name in names[:: max(1, len(names) // count)]][:count]


def ours(case, folder, files):
    architecture, head, weights, classes = case
    path = weights if weights == "-" else os.path.join(DATA, weights)
    result = subprocess.run([TOOL, architecture, head, path, str(classes), ENGINE, folder, *files], capture_output=True,
                            text=True, check=False)
    if result.returncode == 77:
        print(f"skipped: {result.stdout.strip()}")
        sys.exit(77)
    if result.returncode:
        raise SystemExit(f"{case}: {result.stdout}{result.stderr}")
    return [json.loads(line)["logits"] for line in result.stdout.splitlines()]


def network(case, folder):
    """torchvision's network with the weights of our model file, which must fit exactly, as must those of our .pth."""
    architecture, _, _, classes = case
    net = torchvision.models.get_model(architecture, weights=None, num_classes=classes)
    with safe_open(os.path.join(folder, "model.safetensors"), "pt") as file:
        metadata = file.metadata()
        state = {name: file.get_tensor(name) for name in file.keys()}
    assert metadata["format"] == "pt"
    document = json.loads(metadata["dogbreed"])
    assert document["format"] == "dogbreed.model" and document["architecture"]["name"] == architecture
    assert len(document["classes"]) == classes and json.loads(metadata["dogbreed.graph"])
    net.load_state_dict(state, strict=True)
    exported = torch.load(os.path.join(folder, "export.pth"), weights_only=True)
    assert list(exported) == list(net.state_dict()), "names, in torchvision's order"
    for name, tensor in net.state_dict().items():
        assert tensor.dtype == exported[name].dtype and torch.equal(tensor, exported[name]), name
    return net.eval(), document["preprocess"]


def main():
    files = photos(4 if PART == "pretrained" else 2)
    for case in CASES[PART]:
        with tempfile.TemporaryDirectory() as folder:
            found = ours(case, folder, files)
            net, preprocess = network(case, folder)
        prepare = transforms.Compose([
            transforms.Resize(preprocess["resize"]), transforms.CenterCrop(preprocess["crop"]), transforms.ToTensor(),
            transforms.Normalize(preprocess["mean"], preprocess["std"]),
        ])
        worst, largest = 0.0, 1.0
        for file, logits in zip(files, found, strict=True):
            with torch.inference_mode():
                expected = net(prepare(Image.open(file).convert("RGB"))[None])[0]
            worst = max(worst, (expected.double() - torch.tensor(logits).double()).abs().max().item())
            largest = max(largest, expected.abs().max().item())
        print(f"{case[0]} on {ENGINE}: {len(files)} photos, logits up to {largest:.4g}, differ by at most {worst:.2g}")
        if not worst <= LIMIT * max(1, largest / RANGE):
            raise SystemExit("too far")


main()
