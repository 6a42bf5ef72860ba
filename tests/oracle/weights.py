"""Weight files against torch and safetensors: what torch.save writes is read equal, what the library writes loads in
torch.load(weights_only=True), mapped or not, and in safetensors; byte for byte where the format leaves no choice.
Usage: weights.py weights_tool PART, PART one of read, write, networks, refuse, real."""
import collections
import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import warnings

try:
    import torch
    from safetensors.torch import load_file, save_file
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

warnings.filterwarnings("ignore")
TOOL, PART = sys.argv[1:3]
DATA = os.environ.get("DOGBREED_TEST_DATA", "")
ZIP_ONLY = ("uint16", "uint32", "uint64", "float8")


def tool(*args):
    result = subprocess.run([TOOL, *args], capture_output=True, text=True, check=False)
    if result.returncode not in (0, 1):
        raise SystemExit(f"{args}: exit code {result.returncode}: {result.stderr}")
    return result.returncode, result.stdout.strip()


def convert(source, target):
    code, text = tool("convert", source, target)
    if code:
        raise SystemExit(f"convert {source}: {text}")


def same(a, b):
    """Bit-equal, with type and shape."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    flat = [t.detach().contiguous().reshape(-1).view(torch.uint8) for t in (a, b)] if a.numel() else [a, b]
    return torch.equal(*flat)


def check(what, found, wanted, ordered=True):
    if (list if ordered else sorted)(found) != (list if ordered else sorted)(wanted):
        raise SystemExit(f"{what}: names {list(found)} instead of {list(wanted)}")
    for name, tensor in wanted.items():
        if not same(found[name], tensor):
            raise SystemExit(f"{what}: tensor {name} differs")


def tensors():
    g = torch.Generator().manual_seed(3)
    result = collections.OrderedDict()
    for dtype in ("float32 float64 float16 bfloat16 int64 int32 int16 int8 uint8 bool uint16 uint32 uint64 complex64 "
                  "float8_e4m3fn float8_e5m2").split():
        top = 2 if dtype == "bool" else 100
        result[dtype] = torch.randint(0, top, (3, 5, 2), generator=g).to(getattr(torch, dtype))
    base = torch.randn(6, 4, generator=g)
    result["shared.whole"] = base
    result["shared.row"] = base[3]
    result["transposed"] = base.t()
    result["sliced"] = base[1:5:2, 1:3]
    result["expanded"] = torch.randn(1, 3, generator=g).expand(4, 3)
    result["channels_last"] = torch.randn(2, 3, 4, 5, generator=g).to(memory_format=torch.channels_last)
    result["permuted"] = torch.randn(2, 3, 4, 5, generator=g).permute(3, 1, 0, 2)[1:, :, :1]
    result["empty"] = torch.empty(0, 3)
    result["scalar"] = torch.tensor(7)
    result["parameter"] = torch.nn.Parameter(torch.randn(3, generator=g))
    result["name with spaces \u00e4\U0001f436"] = torch.ones(1)
    attributed = torch.ones(2)
    attributed.note = "a tensor with an attribute"
    result["attributed"] = attributed
    result["nan"] = torch.tensor([float("nan"), float("-inf")])
    return result


WRAPPERS = {
    "plain": lambda d: d,
    "dict": dict,
    "state_dict": lambda d: {"epoch": 3, "state_dict": d, "lr": 0.1, "names": ["a", ("b", 2**80, -5, None)],
                             "set": {1, 2}, "device": torch.device("cpu"), "dtype": torch.float16, "raw": b"\xff\0",
                             "size": torch.Size([1, 2]), "counter": collections.Counter("aab"), "c": 1 + 2j,
                             "layout": torch.strided, "big": "x" * 300},
    "model": lambda d: {"model": dict(d), "optimizer": optimizer_state()},
    "model_state_dict": lambda d: {"model_state_dict": d, "epoch": 1},
}


def optimizer_state():
    layer = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(layer.parameters())
    layer(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    return optimizer.state_dict()


def part_read(folder):
    every = tensors()
    source, target = os.path.join(folder, "a.pth"), os.path.join(folder, "a.safetensors")
    for new in (True, False):
        wanted = collections.OrderedDict((k, v) for k, v in every.items() if new or not k.startswith(ZIP_ONLY))
        for name, wrap in WRAPPERS.items():
            torch.save(wrap(wanted), source, _use_new_zipfile_serialization=new)
            convert(source, target)
            check(f"{name} zip={new}", load_file(target), wanted, ordered=False)
            listed = json.loads(tool("list", source)[1])
            if [t["name"] for t in listed["tensors"]] != list(wanted):
                raise SystemExit(f"{name} zip={new}: order of the list")
            print("read", name, listed["format"], len(wanted), "tensors equal")


def part_write(folder):
    every = {k: v.detach().clone().contiguous() for k, v in tensors().items()}
    source, target, again = (os.path.join(folder, n) for n in ("a.safetensors", "a.pth", "b.safetensors"))
    save_file(every, source, metadata={"format": "pt", "note": "\u00e4 \"quoted\""})
    convert(source, target)
    for mapped in (False, True):
        found = torch.load(target, weights_only=True, mmap=mapped)
        check(f"torch.load mmap={mapped}", found, every, ordered=False)
        print("written .pth: torch.load mmap =", mapped, len(found), "tensors equal")
    convert(source, again)
    check("safetensors", load_file(again), every, ordered=False)
    one = {k: v for k, v in every.items() if k in ("float32", "shared.whole", "scalar", "bool")}
    save_file(one, source)
    convert(source, again)
    if open(source, "rb").read() != open(again, "rb").read():
        raise SystemExit("safetensors: bytes differ from those of the reference writer")
    print("written .safetensors: tensors equal, bytes equal")


def part_networks(folder):
    try:
        import torchvision
    except ImportError as error:
        print(f"skipped: {error}")
        sys.exit(77)
    torch.manual_seed(0)
    for name in ("resnet18", "mobilenet_v2", "squeezenet1_1"):
        net = getattr(torchvision.models, name)(num_classes=37)
        paths = {k: os.path.join(folder, f"{name}.{k}") for k in ("pth", "legacy.pth", "safetensors", "back.pth", "ref")}
        torch.save(net.state_dict(), paths["pth"])
        torch.save(net.state_dict(), paths["legacy.pth"], _use_new_zipfile_serialization=False)
        save_file(net.state_dict(), paths["ref"])
        for source in ("pth", "legacy.pth"):
            convert(paths[source], paths["safetensors"])
            if open(paths["ref"], "rb").read() != open(paths["safetensors"], "rb").read():
                raise SystemExit(f"{name}: {source}: bytes differ from safetensors' own file")
        convert(paths["safetensors"], paths["back.pth"])
        net.load_state_dict(torch.load(paths["back.pth"], weights_only=True), strict=True)
        for source in ("pth", "legacy.pth", "safetensors", "back.pth"):
            result = json.loads(tool("verify", paths[source], name)[1])
            if not result["ok"]:
                raise SystemExit(f"{name}: {source}: {result}")
        print(name, len(net.state_dict()), "tensors, converted there and back, fits its architecture")


class Evil:
    def __reduce__(self):
        return (os.system, ("echo executed",))


def part_refuse(folder):
    path, target = os.path.join(folder, "bad.pth"), os.path.join(folder, "bad.safetensors")
    cases = {
        "evil": ({"a": torch.ones(2), "b": Evil()}, ".system"),
        "module": (torch.nn.Linear(2, 2), "torch.nn.modules.linear.Linear"),
        "tensor": (torch.ones(2), "not a dict"),
        "nothing": ({"a": 1}, "no tensors"),
        "quantised": ({"a": torch.quantize_per_tensor(torch.ones(2), 1, 0, torch.qint8)}, "_rebuild_qtensor"),
        "sparse": ({"a": torch.eye(3).to_sparse()}, "_rebuild_sparse_tensor"),
        "complex128": ({"a": torch.ones(2, dtype=torch.complex128)}, "ComplexDoubleStorage"),
        "rank 9": ({"a": torch.ones([1] * 9)}, "9 dimensions"),
        "conjugated": ({"a": torch.ones(2, dtype=torch.complex64).conj()}, "conjugated"),
        "number as a name": ({3: torch.ones(2)}, "name of a tensor"),
    }
    for new in (True, False):
        for name, (value, part) in cases.items():
            torch.save(value, path, _use_new_zipfile_serialization=new)
            code, text = tool("convert", path, target)
            if code != 1 or part not in text or "\n" in text or os.path.exists(target):
                raise SystemExit(f"{name}: exit code {code}: {text}")
    torch.save({"a": torch.ones(2)}, path, pickle_protocol=4)
    code, text = tool("list", path)
    if code != 1 or "pickle protocol 4" not in text:
        raise SystemExit(f"protocol 4: {text}")
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), buffer)
    with open(path, "wb") as file:
        file.write(buffer.getvalue())
    code, text = tool("list", path)
    if code != 1 or "TorchScript" not in text:
        raise SystemExit(f"TorchScript: {text}")
    # A storage that is shorter than the pickle says: libtorch's own reader takes it.
    torch.save({"a": torch.ones(12)}, path)
    with open(path, "rb") as file:
        data = bytearray(file.read())
    at = data.find(struct.pack("<II", 48, 48), data.find(b"PK\1\2"))
    while at >= 0:
        data[at:at + 8] = struct.pack("<II", 8, 8)
        at = data.find(struct.pack("<II", 48, 48), at + 8)
    with open(path, "wb") as file:
        file.write(data)
    code, text = tool("list", path)
    if code != 1 or "has 8 bytes, expected 12 elements" not in text:
        raise SystemExit(f"short storage: {text}")
    print(len(cases) * 2 + 3, "files refused, each with its message")


def part_real(folder):
    found = 0
    legacy = os.path.join(DATA, "weights/legacy/resnet20-12fca82f.th")
    if os.path.exists(legacy):
        target = os.path.join(folder, "a.safetensors")
        convert(legacy, target)
        wanted = torch.load(legacy, weights_only=True, map_location="cpu")["state_dict"]
        check("legacy", load_file(target), wanted, ordered=False)
        print("legacy:", len(wanted), "tensors equal")
        found += 1
    for name in ("mobilenet_v2", "squeezenet1_1"):
        source = os.path.join(DATA, f"weights/{name}-imagenet.safetensors")
        if os.path.exists(source):
            target = os.path.join(folder, "a.pth")
            convert(source, target)
            check(name, torch.load(target, weights_only=True, mmap=True), load_file(source), ordered=False)
            print(name, "tensors equal")
            found += 1
    if found == 0:
        print("skipped: no weight files in", DATA)
        sys.exit(77)


with tempfile.TemporaryDirectory() as scratch:
    globals()["part_" + PART](scratch)
