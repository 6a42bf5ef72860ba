"""Engine torch against PyTorch on the same libtorch.

engine.py DUMP steps       five SGD steps of resnet18 (momentum, decay, label smoothing): equal to the last bit
engine.py DUMP optimizers  five steps of a small network with every optimiser: equal to the last bit
"""
import sys

import torch
import torchvision
from engine_dump import dump, path
from safetensors.torch import load_file, save_file
from torch import nn

PART = sys.argv[2]
KINDS = {"sgd": 0, "adam": 1, "adamw": 2}
torch.set_num_threads(1)


class Tiny(nn.Module):
    """The same network as lib/arch/tiny.c."""

    def __init__(self, classes):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        self.conv2, self.bn2 = nn.Conv2d(16, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32)
        self.conv3, self.bn3 = nn.Conv2d(32, 32, 3, 1, 1, bias=False), nn.BatchNorm2d(32)
        self.fc = nn.Linear(32, classes)

    def forward(self, x):
        f = nn.functional
        x = f.max_pool2d(f.relu(self.bn1(self.conv1(x))), 2, 2)
        x = f.relu(self.bn2(self.conv2(x)))
        x = f.relu(self.bn3(self.conv3(x)) + x)
        return self.fc(torch.flatten(f.adaptive_avg_pool2d(x, (1, 1)), 1))


def compare_steps(title, name, net, size, count, classes, kind, rate, smoothing, momentum=0.0, nesterov=0, decay=0.0):
    torch.manual_seed(2)
    x = torch.randn(5, count, 3, size, size)
    y = torch.randint(classes, (5, count))
    save_file({k: v.clone() for k, v in net.state_dict().items()}, path("start"))
    x.numpy().tofile(path("x"))
    y.int().numpy().tofile(path("y"))
    losses = dump("train", "torch", 0, name, classes, path("start"), path("x"), count, path("end"), path("y"), 5, KINDS[kind], rate,
                  momentum, nesterov, decay, smoothing)
    net = net.train().to(memory_format=torch.channels_last)
    if kind == "sgd":
        optimizer = torch.optim.SGD(net.parameters(), rate, momentum=momentum, nesterov=bool(nesterov), weight_decay=decay)
    else:
        optimizer = getattr(torch.optim, {"adam": "Adam", "adamw": "AdamW"}[kind])(net.parameters(), rate, weight_decay=decay, fused=True)
    expected = []
    for batch, labels in zip(x, y):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(batch.contiguous(memory_format=torch.channels_last)), labels,
                                           label_smoothing=smoothing)
        loss.backward()
        optimizer.step()
        expected.append(loss.item())
    end = load_file(path("end"))
    different = [key for key, value in net.state_dict().items() if not torch.equal(value, end[key])]
    print(f"{title}: losses {losses}, {len(different)} of {len(end)} tensors differ")
    if different:
        worst = max((net.state_dict()[key].double() - end[key].double()).abs().max().item() for key in different)
        sys.exit(f"{title}: {different[:4]} differ by up to {worst:g}; losses in Python {expected}")


def steps():
    torch.manual_seed(1)
    net = torchvision.models.resnet18(num_classes=10)
    compare_steps("resnet18", "resnet18", net, 224, 4, 10, "sgd", 0.05, 0.1, momentum=0.9, decay=5e-4)


def optimizers():
    for title, kind, rate, settings in (
            ("sgd", "sgd", 0.1, {}), ("sgd, decay", "sgd", 0.1, {"decay": 0.01}),
            ("sgd, momentum", "sgd", 0.1, {"momentum": 0.9, "decay": 0.001}),
            ("sgd, nesterov", "sgd", 0.1, {"momentum": 0.9, "nesterov": 1, "decay": 0.001}),
            ("adam", "adam", 0.003, {}), ("adam, decay", "adam", 0.003, {"decay": 0.01}),
            ("adamw", "adamw", 0.003, {"decay": 0.05})):
        torch.manual_seed(3)
        compare_steps(title, "tiny", Tiny(7), 32, 8, 7, kind, rate, 0.0, **settings)


{"steps": steps, "optimizers": optimizers}[PART]()
