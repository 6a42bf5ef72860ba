"""Heat maps against Grad-CAM by PyTorch's autograd on torchvision's networks. Usage: heat.py model_tool"""
import json
import os
import subprocess
import sys
import tempfile

try:
    import torch
    import torchvision
    from PIL import Image
    from safetensors import safe_open
    from torch import nn
    from torchvision import transforms
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

TOOL = sys.argv[1]
DATA = os.environ.get("DOGBREED_TEST_DATA", "")
# architecture, head, weights, classes, the module whose output is averaged
CASES = [("mobilenet_v2", "linear", "weights/mobilenet_v2-imagenet.safetensors", 1000, "features"),
         ("mobilenet_v2", "mlp:32", "weights/mobilenet_v2-imagenet.safetensors", 9, "features"),
         ("squeezenet1_1", "original", "weights/squeezenet1_1-imagenet.safetensors", 1000, "classifier.2"),
         ("resnet18", "linear", "-", 7, "layer4"), ("resnet50", "linear", "-", 7, "layer4")]
LIMIT = 1e-4  # of the largest value


def photos(count):
    folder = os.path.join(DATA, "images/dogs-original")
    if not os.path.isdir(folder):
        print(f"skipped: {folder} is not here")
        sys.exit(77)
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.lower().endswith((".jpg", ".jpeg"))][:count]


def network(architecture, head, classes, folder):
    net = torchvision.models.get_model(architecture, weights=None, num_classes=classes)
    with safe_open(os.path.join(folder, "model.safetensors"), "pt") as file:
        preprocess = json.loads(file.metadata()["dogbreed"])["preprocess"]
        state = {name: file.get_tensor(name) for name in file.keys()}
    if head.startswith("mlp"):  # two linear layers with a ReLU between them, whatever they are called
        own = sorted(name for name in state if name.startswith("classifier") and name.endswith("weight"))
        layers = []
        for name in own:
            weight = state.pop(name)
            layer = nn.Linear(weight.shape[1], weight.shape[0])
            layer.weight.data, layer.bias.data = weight, state.pop(name.replace("weight", "bias"))
            layers += [layer, nn.ReLU()]
        net.classifier = nn.Sequential(*layers[:-1])
        missing, unexpected = net.load_state_dict(state, strict=False)
        assert not unexpected and all(name.startswith("classifier") for name in missing), (missing, unexpected)
    else:
        net.load_state_dict(state, strict=True)
    return net.eval(), preprocess


def by_autograd(net, module, x):
    """The weighted sum of the maps, before what is below 0 is cut off."""
    kept = []
    hook = net.get_submodule(module).register_forward_hook(lambda _module, _input, output: kept.append(output))
    logits = net(x.requires_grad_())
    hook.remove()
    maps = kept[0]
    gradient, = torch.autograd.grad(logits[0, 1], maps)
    return (gradient.mean((2, 3), keepdim=True) * maps).sum(1)[0].detach()


def main():
    files = photos(3)
    for architecture, head, weights, classes, module in CASES:
        with tempfile.TemporaryDirectory() as folder:
            path = weights if weights == "-" else os.path.join(DATA, weights)
            result = subprocess.run([TOOL, architecture, head, path, str(classes), "heat", folder, *files], capture_output=True, text=True,
                                    check=False)
            if result.returncode:
                raise SystemExit(result.stdout + result.stderr)
            net, preprocess = network(architecture, head, classes, folder)
        prepare = transforms.Compose([transforms.Resize(preprocess["resize"]), transforms.CenterCrop(preprocess["crop"]), transforms.ToTensor(),
                                      transforms.Normalize(preprocess["mean"], preprocess["std"])])
        worst = 0.0
        for file, line in zip(files, result.stdout.splitlines(), strict=True):
            found = json.loads(line)
            expected = by_autograd(net, module, prepare(Image.open(file).convert("RGB"))[None])
            ours = torch.tensor(found["values"]).view(found["height"], found["width"])
            assert ours.shape == expected.shape, (ours.shape, expected.shape)
            worst = max(worst, ((ours - expected).abs().max() / expected.abs().max()).item())
        print(f"{architecture}, {head}: {len(files)} photos, {ours.shape[0]} x {ours.shape[1]}, at most {worst:.2g} of the largest value apart")
        if not worst <= LIMIT:
            raise SystemExit("too far")


main()
