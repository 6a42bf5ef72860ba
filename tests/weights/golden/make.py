#!/usr/bin/env python3
"""Makes the golden files of this folder with torch and safetensors: python3 make.py

expected.safetensors holds what every other file must read as (each holds a part of its tensors). The tar container and
the files of Python 2 are written by hand, as torch no longer writes them; torch reads them back here, so that the
script fails when they are wrong."""
import collections
import io
import os
import pickle
import struct
import sys
import tarfile

import torch
from safetensors.torch import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
MAGIC = 0x1950A86A20F9469CFC6C
OLD = ["weight", "bias", "transposed", "counter", "bytes", "double", "half", "flag"]


def tensors():
    base = torch.arange(12, dtype=torch.float32).reshape(3, 4) / 4 - 1
    result = collections.OrderedDict()
    result["weight"] = base
    result["bias"] = base[1]  # shares the storage of weight, with an offset
    result["transposed"] = base.t()
    result["counter"] = torch.tensor(123456789012)
    result["bytes"] = torch.arange(250, 256, dtype=torch.uint8)
    result["double"] = torch.tensor([[0.1], [-1e300]], dtype=torch.float64)
    result["half"] = torch.tensor([1.5, -65504.0, 6e-8], dtype=torch.float16)
    result["flag"] = torch.tensor([True, False])
    result["sliced"] = base[:, 1::2]
    result["expanded"] = torch.tensor([[2.5], [3.5]]).expand(2, 3)
    result["empty"] = torch.empty(0, 3)
    result["brain"] = torch.tensor([3.0, -2.5], dtype=torch.bfloat16)
    result["short"] = torch.tensor([-3, 300], dtype=torch.int16)
    result["int"] = torch.tensor([-70000], dtype=torch.int32)
    result["char"] = torch.tensor([-128, 127], dtype=torch.int8)
    result["complex"] = torch.tensor([1 + 2j], dtype=torch.complex64)
    result["unsigned"] = torch.tensor([65535], dtype=torch.uint16)
    result["tiny8"] = torch.tensor([0.5, -448.0]).to(torch.float8_e4m3fn)
    result["wide8"] = torch.tensor([0.5, -57344.0]).to(torch.float8_e5m2)
    result["parameter"] = torch.nn.Parameter(torch.tensor([9.0, 8.0]))
    return result


def path(name):
    return os.path.join(HERE, name)


def old_ids(items):
    """Storages and tensors with the numbers that old files used as keys."""
    storages = collections.OrderedDict()
    for tensor in items.values():
        storage = tensor.untyped_storage()
        storages.setdefault(storage.data_ptr(), (str(94000 + 16 * len(storages)), tensor))
    return storages


def raw(tensor):
    storage = tensor.untyped_storage()
    count = storage.nbytes() // tensor.element_size()
    return count, bytes(storage)


def class_name(tensor, kind):
    return str(tensor.type()).split(".")[1].replace("Tensor", kind)


def glob(module, name):
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def text(value):  # SHORT_BINSTRING, as Python 2 pickled its str
    value = value.encode()
    return b"U" + struct.pack("<B", len(value)) + value


def long_text(value):  # BINSTRING
    value = value.encode()
    return b"T" + struct.pack("<i", len(value)) + value


def number(value):
    if 0 <= value < 256:
        return b"K" + struct.pack("<B", value)
    if -2**31 <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    return b"\x8a\x08" + struct.pack("<q", value)


def numbers(values):
    return b"(" + b"".join(number(v) for v in values) + b"t"


def write_python2(file, items):
    """A legacy file as Python 2 and torch 0.3 wrote it: byte strings, memo from 1, OrderedDict from a list of pairs,
    storage views, _rebuild_tensor of four arguments for every second tensor."""
    storages = old_ids(items)
    body = b"\x80\x02" + glob("collections", "OrderedDict") + b"q\x01" + b"]q\x02("
    for index, (name, tensor) in enumerate(items.items()):
        key, first = storages[tensor.untyped_storage().data_ptr()]
        count, _ = raw(first)
        begin = tensor.storage_offset()
        if index == 1:  # the storage itself is a view into the one that is saved
            view = b"(" + text("77" + key) + number(begin) + number(count - begin) + b"t"
            begin = 0
        else:
            view = b"N"
        pid = (b"(" + text("storage") + glob("torch", class_name(tensor, "Storage")) + text(key) + text("cpu") +
               number(count) + view + b"tQ")
        if index % 2 == 0:
            rebuilt = (glob("torch._utils", "_rebuild_tensor_v2") + b"(" + pid + number(begin) +
                       numbers(tensor.shape) + numbers(tensor.stride()) + b"\x89" +
                       glob("collections", "OrderedDict") + b")RtR")
        else:
            rebuilt = (glob("torch._utils", "_rebuild_tensor") + b"(" + pid + number(begin) +
                       numbers(tensor.shape) + numbers(tensor.stride()) + b"tR")
        name_text = text(name) if index else long_text(name)
        body += b"](" + name_text + rebuilt + b"e"
    body += b"e\x85R."
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    keys = sorted(key for key, _ in storages.values())
    with open(file, "wb") as out:
        for value in (MAGIC, 1001, system):
            pickle.dump(value, out, protocol=2)
        out.write(body)
        pickle.dump(keys, out, protocol=2)
        for key in keys:
            count, data = next(raw(t) for k, t in storages.values() if k == key)
            out.write(struct.pack("<q", count) + data)


def write_tar(file, items):
    storages = old_ids(items)

    def dump(*values):
        out = io.BytesIO()
        for value in values:
            out.write(value if isinstance(value, bytes) else pickle.dumps(value, protocol=2))
        return out.getvalue()

    def row(*parts):
        return b"\x80\x02(" + b"".join(parts) + b"t."

    parts = [len(storages)]
    for key, tensor in storages.values():
        count, data = raw(tensor)
        parts += [row(number(int(key)), text("cpu"), glob("torch", class_name(tensor, "Storage"))),
                  struct.pack("<q", count) + data]
    first = next(iter(storages.values()))
    view_key = 5
    parts.append([(view_key, int(first[0]), 4, 8)])
    members = {"storages": dump(*parts)}
    parts = [len(items)]
    body = b"\x80\x02" + glob("collections", "OrderedDict") + b")R("
    for index, (name, tensor) in enumerate(items.items()):
        key, _ = storages[tensor.untyped_storage().data_ptr()]
        offset = tensor.storage_offset()
        if name == "bias":  # through the view
            key, offset = view_key, offset - 4
        parts += [row(number(1000 + index), number(int(key)), glob("torch", class_name(tensor, "Tensor"))),
                  struct.pack(f"<i4x{tensor.dim()}q{tensor.dim()}qq", tensor.dim(), *tensor.shape, *tensor.stride(),
                              offset)]
        body += text(name) + (number(1000 + index) if index else text(str(1000))) + b"Q"
    members["tensors"] = dump(*parts)
    members["pickle"] = body + b"u."
    members["sys_info"] = dump({"protocol_version": 1000, "little_endian": True,
                                "type_sizes": {"short": 2, "int": 4, "long": 4}})
    with tarfile.open(file, "w", format=tarfile.USTAR_FORMAT) as out:
        for name in ("sys_info", "tensors", "pickle", "storages"):
            info = tarfile.TarInfo(name)
            info.size = len(members[name])
            out.addfile(info, io.BytesIO(members[name]))


def shrink_tar(file):
    """Keeps two of the zero blocks at the end (tarfile pads to 10 kB)."""
    with open(file, "rb") as source:
        data = source.read().rstrip(b"\0")
    with open(file, "wb") as out:
        out.write(data + b"\0" * (-len(data) % 512 + 1024))


def check(name, wanted, weights_only):
    loaded = torch.load(path(name), weights_only=weights_only)
    assert list(loaded) == list(wanted), name
    for key, tensor in wanted.items():
        other = loaded[key]
        assert other.dtype == tensor.dtype and other.shape == tensor.shape and bool((other == tensor).all()), (name, key)


def main():
    every = tensors()
    old = collections.OrderedDict((k, every[k]) for k in OLD)
    every._metadata = old._metadata = collections.OrderedDict([("", {"version": 1})])
    save_file({k: v.detach().clone().contiguous() for k, v in every.items()}, path("expected.safetensors"))
    torch.save(every, path("zip.pth"))
    torch.save(old, path("legacy.pth"), _use_new_zipfile_serialization=False)
    torch.save({"epoch": 7, "best": 0.5, "big": 2**70, "names": ["a", ("b",)], "device": torch.device("cpu"),
                "dtype": torch.float32, "set": {1}, "raw": b"\xff", "size": torch.Size([2, 3]),
                "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 0.1, "params": [0]}]},
                "state_dict": old}, path("checkpoint.pth"))
    write_python2(path("python2.pth"), old)
    write_tar(path("tar.pth"), old)
    shrink_tar(path("tar.pth"))
    check("zip.pth", every, True)
    check("legacy.pth", old, True)
    check("python2.pth", old, False)
    check("tar.pth", old, False)
    print(torch.__version__, *(f"{n} {os.path.getsize(path(n))}" for n in sorted(os.listdir(HERE))), sep="\n")


if __name__ == "__main__":
    sys.exit(main())
