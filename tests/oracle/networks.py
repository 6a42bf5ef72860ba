"""What the scripts about logits share: real photos, and torchvision's networks with the files of their weights."""
import os
import sys

import torch
import torchvision
from engine_dump import path
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import nn
from torchvision import transforms
from torchvision.models.resnet import BasicBlock, Bottleneck

DATA = os.environ["DOGBREED_TEST_DATA"]


def photos(count, side):
    folder = os.path.join(DATA, "images/dogs-original")
    if not os.path.isdir(folder):
        print(f"skipped: {folder} is not here")
        sys.exit(77)
    change = transforms.Compose([
        transforms.Resize(side * 8 // 7), transforms.CenterCrop(side), transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
    names = sorted(os.listdir(folder))[:count]
    return torch.stack([change(Image.open(os.path.join(folder, name)).convert("RGB")) for name in names])


def calibrate(net, branch):
    """Statistics of a random network from real input: without them its logits have no sensible size. `branch` is the
    weight of each residual branch: 1 by torchvision's default, 0 with its zero_init_residual."""
    for module in net.modules():
        if isinstance(module, (BasicBlock, Bottleneck)):
            nn.init.constant_((module.bn3 if hasattr(module, "bn3") else module.bn2).weight, branch)
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    net.train()
    with torch.no_grad():
        net(photos(4, 160))


def network(name, branch=0.25):
    """torchvision's network and the file of its weights."""
    torch.manual_seed(1)
    net = torchvision.models.get_model(name, weights=None)
    weights = os.path.join(DATA, f"weights/{name}-imagenet.safetensors")
    if os.path.exists(weights):
        net.load_state_dict(load_file(weights))
        return net.eval(), weights
    if name.startswith("resnet"):
        calibrate(net, branch)
    save_file(net.state_dict(), path("weights"))
    return net.eval(), path("weights")
