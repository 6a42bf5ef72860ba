"""Heads on cached features: our banks beside PyTorch as processes of one thread each, in alternating blocks.

heads.py PROGRAM [--batches 32,64,128,256] [--rows 6680] [--features 1280] [--classes 120] [--hidden 0]
         [--heads 40] [--threads 2] [--rounds 5] [--engine native]
PROGRAM is build/bench/heads. Both sides train linear (or one-hidden-layer) heads with SGD, momentum 0.9 and weight
decay on random features in a new random order each epoch; PyTorch with the fused optimiser. Prints, per batch size,
milliseconds of one thread per epoch and head (median; processor time in brackets), the share of the peak of fused
multiply-adds (slices of an epoch and a loop of multiply-adds in turn, both on all threads: median), and the median
ratio of neighbouring blocks; first the largest difference of the weights after an epoch from the same start in the same
order, as a share of the largest weight, also of PyTorch in float64.
"""
import argparse
import multiprocessing
import os
import statistics
import tempfile
import time

from program import Program


def make_net(options):
    import torch
    if options.hidden:
        return torch.nn.Sequential(torch.nn.Linear(options.features, options.hidden), torch.nn.ReLU(),
                                   torch.nn.Linear(options.hidden, options.classes))
    return torch.nn.Linear(options.features, options.classes)


def compare(options, ours, batch):
    import torch
    torch.manual_seed(batch)
    x, y = torch.randn(options.rows, options.features), torch.randint(options.classes, (options.rows,))
    order, net = torch.randperm(options.rows), make_net(options)
    with tempfile.TemporaryDirectory() as folder:
        files = [("features", x), ("labels", y.int()), ("order", order)]
        for name, value in files + [(f"param{i}", p.detach()) for i, p in enumerate(net.parameters())]:
            value.numpy().tofile(os.path.join(folder, name))
        ours.ask(f"weights {folder} {options.rows} {options.features} {options.hidden} {options.classes} {batch} 1 1")
        found = [torch.from_file(os.path.join(folder, f"found{i}"), size=p.numel()).view(p.shape).clone()
                 for i, p in enumerate(net.parameters())]
    exact = make_net(options).double()
    exact.load_state_dict(net.state_dict())
    for which, values in ((net, x), (exact, x.double())):
        optimizer = torch.optim.SGD(which.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
        for first in range(0, options.rows, batch):
            rows = order[first:first + batch]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(which(values[rows]), y[rows]).backward()
            optimizer.step()

    def difference(a, b):
        return max(((p - q).abs().max() / q.abs().max()).item() for p, q in zip(a, b))
    ends, exact_ends = ([p.detach() for p in n.parameters()] for n in (net, exact))
    print(f"batch {batch}: weights after an epoch: ours from PyTorch {difference(found, ends):.2g}, from float64 "
          f"{difference(found, exact_ends):.2g}; PyTorch from float64 {difference(ends, exact_ends):.2g}", flush=True)


def peer(options, pipe):
    import torch
    torch.set_num_threads(1)
    torch.manual_seed(0)
    x = torch.rand(options.rows, options.features)
    y = torch.arange(options.rows) % options.classes
    loss_of = torch.nn.CrossEntropyLoss()

    def epoch(batch):
        net = make_net(options)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4, fused=True)
        order = torch.randperm(options.rows)
        for first in range(0, options.rows, batch):
            rows = order[first:first + batch]
            optimizer.zero_grad()
            loss_of(net(x[rows]), y[rows]).backward()
            optimizer.step()

    pipe.send(torch.__version__)
    while (batch := pipe.recv()) is not None:
        wall, used = time.perf_counter(), time.process_time()
        for _ in range(options.peer_epochs):
            epoch(batch)
        pipe.send(((time.perf_counter() - wall) / options.peer_epochs * 1e3,
                   (time.process_time() - used) / options.peer_epochs * 1e3))


def peers_turn(pipes, batch):
    for pipe in pipes:
        pipe.send(batch)
    answers = [pipe.recv() for pipe in pipes]
    return statistics.mean(a[0] for a in answers), statistics.mean(a[1] for a in answers)


def measure(options, ours, pipes, batch):
    line = (f"train {options.rows} {options.features} {options.hidden} {options.classes} {batch} "
            f"{options.heads} 1")
    fast, slow = [], []
    peers_turn(pipes, batch)
    for _ in range(options.rounds):
        fast.append(ours.numbers(line))
        slow.append(peers_turn(pipes, batch))
    wall, used = (statistics.median(f[i] for f in fast) for i in (0, 1))
    peer_wall, peer_used = (statistics.median(s[i] for s in slow) for i in (0, 1))
    epochs = max(1, 80 // options.heads)
    share, peak = ours.numbers(line.replace("train", "share")[:-1] + str(epochs))
    ratio = statistics.median(s[0] / f[0] for f, s in zip(fast, slow))
    ratio_used = statistics.median(s[1] / f[1] for f, s in zip(fast, slow))
    print(f"batch {batch}: ours {wall:.1f} ms ({used:.1f}), {share:.0%} of the peak of {peak:.0f} GFLOP/s; "
          f"PyTorch {peer_wall:.1f} ms ({peer_used:.1f}); {ratio:.2f}x ({ratio_used:.2f}x), load {os.getloadavg()[0]:.1f}",
          flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--batches", default="32,64,128,256")
    for name, value in (("rows", 6680), ("features", 1280), ("classes", 120), ("hidden", 0), ("heads", 40),
                        ("threads", 2), ("rounds", 5), ("peer-epochs", 2)):
        parser.add_argument("--" + name, type=int, default=value)
    parser.add_argument("--engine", default="native")
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    for _ in range(options.threads):
        here, there = context.Pipe()
        process = context.Process(target=peer, args=(options, there), daemon=True)
        process.start()
        pipes.append(here)
        processes.append(process)
    print("torch", [pipe.recv() for pipe in pipes][0], f"{options.threads} processes of one thread;",
          f"{options.rows} x {options.features} x {options.hidden or 'none'} x {options.classes}, {options.heads} heads")
    ours = Program(options.program, options.threads, options.engine)
    for batch in map(int, options.batches.split(",")):
        compare(options, ours, batch)
        measure(options, ours, pipes, batch)
    for pipe, process in zip(pipes, processes):
        pipe.send(None)
        process.join()


if __name__ == "__main__":
    main()
