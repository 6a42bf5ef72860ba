#!/usr/bin/env python3
"""Writes schedule.txt: learning rates of torch.optim.lr_scheduler, one case per line:
kind epochs epoch_steps warmup_steps step_epochs gamma learning_rate: rate of every step. Needs torch."""
import os
import torch
from torch.optim import lr_scheduler as s


def optimizer(rate):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)


def main_part(opt, kind, total, epoch_steps, step_epochs, gamma, rate):
    if kind == "constant":
        return s.LambdaLR(opt, lambda step: 1.0)
    if kind == "step":  # stepped per batch here, so the size is in batches
        return s.StepLR(opt, step_epochs * epoch_steps, gamma)
    if kind == "cosine":
        return s.CosineAnnealingLR(opt, total)
    return s.OneCycleLR(opt, rate, total_steps=total, cycle_momentum=False)


def rates(opt, scheduler, count):
    out = []
    for _ in range(count):
        out.append(opt.param_groups[0]["lr"])
        opt.step()
        scheduler.step() if len(out) < count else None
    return out


def case(kind, epochs, epoch_steps, warmup, step_epochs, gamma, rate):
    total = epochs * epoch_steps - warmup
    opt = optimizer(rate)
    main = rates(opt, main_part(opt, kind, total, epoch_steps, step_epochs, gamma, rate), total)
    if warmup:  # a warm-up in front: LinearLR up to the first rate of the schedule
        opt = optimizer(main[0])
        main = rates(opt, s.LinearLR(opt, 1.0 / warmup, total_iters=warmup - 1), warmup) + main
    numbers = " ".join(repr(value) for value in main)
    return f"{kind} {epochs} {epoch_steps} {warmup} {step_epochs} {gamma!r} {rate!r}: {numbers}\n"


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "schedule.txt"), "w") as file:
    file.write("# made by make.py with torch " + torch.__version__.split("+")[0] + "\n")
    for warmup in (0, 2, 7):
        file.write(case("constant", 3, 5, warmup, 1, 0.1, 0.05))
        file.write(case("step", 7, 4, warmup, 2, 0.5, 0.1))
        file.write(case("cosine", 5, 9, warmup, 1, 0.1, 0.000375))
        file.write(case("one_cycle", 6, 7, warmup, 1, 0.1, 0.01))
    file.write(case("one_cycle", 1, 20, 0, 1, 0.1, 1.0))
    file.write(case("cosine", 1, 1, 0, 1, 0.1, 1.0))
