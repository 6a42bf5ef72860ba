"""Tensors that a training has saved: stores of this library and of SageMaker Debugger's smdebug."""
from __future__ import annotations

import json
import re
import struct
from ctypes import byref, c_double, c_float, c_int32, c_int64, create_string_buffer
from typing import Any

from .common import Handle, Path, Struct, fields, functions, made, made_json, made_text, text

MODES = {"TRAIN": 1, "EVAL": 2, "PREDICT": 3, "GLOBAL": 4}
# number of a type: (its name, code of struct)
TYPES = {1: ("float32", "f"), 2: ("float64", "d"), 3: ("int32", "i"), 4: ("uint8", "B"), 5: ("int16", "h"), 6: ("int8", "b"),
         7: ("text", ""), 8: ("complex64", "ff"), 9: ("int64", "q"), 10: ("bool", "?"), 14: ("bfloat16", ""), 17: ("uint16", "H"),
         18: ("complex128", "dd"), 19: ("float16", "e"), 22: ("uint32", "I"), 23: ("uint64", "Q")}


class StepInfo(Struct):
    _fields_ = fields("u32 struct_size  i32 mode  i64 step mode_step  i32 tensor_count complete")


class TensorInfo(Struct):
    _fields_ = fields("u32 struct_size  i32 dtype  str name original worker  i32 rank has_values  i64 shape[8] count size")


_c = functions("dogbreed_record_", open="PT", destroy="P:-", refresh="P", describe="PP", names="PPiqTT", step_count="Pi:q",
               step="PPiq", find_step="PPiq", wait="PPiqd", tensor_count="Pq", tensor="PPqi", find="PPqTT", read="PqiPz",
               read_double="PqiPz", read_bytes="PqiPz", read_text="PPqi", reduction="PPqTTT", check="PP")


def _mode(name: str) -> int:
    if name.upper() not in MODES:
        raise ValueError(f"{name}: no such mode; there are {', '.join(MODES)}")
    return MODES[name.upper()]


def _nested(values: list[Any], shape: tuple[int, ...]) -> Any:
    """A flat list as lists in lists; the value itself for rank 0."""
    for size in reversed(shape[1:]):
        values = [values[i * size:(i + 1) * size] for i in range(len(values) // size)] if size else [[] for _ in range(shape[0])]
    return values if shape else values[0]


class Record(Handle):
    """Record("runs/d/debug") opens a store. Steps of mode GLOBAL, the default, are counted across modes."""

    _c = _c

    def __init__(self, directory: Path):
        super().__init__(made(_c.open, directory))

    def refresh(self) -> None:
        """Looks again at a store that still grows."""
        _c.refresh(self.pointer)

    def describe(self) -> dict[str, Any]:
        """finished, workers, collections, modes with their steps, names, broken index files, checksums."""
        return made_json(_c.describe, self.pointer)

    def check(self) -> dict[str, Any]:
        """Reads every record; what is damaged stands in "problems"."""
        return made_json(_c.check, self.pointer)

    def steps(self, mode: str = "GLOBAL") -> list[int]:
        found = self.describe()["modes"]
        return list(found.get(next(name for name, number in MODES.items() if number == _mode(mode)), []))

    def names(self, mode: str = "GLOBAL", regex: str | None = None, collection: str | None = None, step: int = -1) -> list[str]:
        """Names of tensors; regex is one of Python's, found anywhere in the name."""
        found = json.loads(made_text(_c.names, self.pointer, _mode(mode), step, None, collection))
        return [name for name in found if regex is None or re.search(regex, name)]

    def wait(self, step: int, mode: str = "GLOBAL", seconds: float = 60) -> int:
        """Waits for a step; returns its number across modes."""
        found = c_int64()
        _c.wait(byref(found), self.pointer, _mode(mode), step, seconds)
        return found.value

    def _find(self, name: str, step: int, mode: str, worker: str | None) -> tuple[int, int]:
        number, index = c_int64(), c_int32()
        _c.find_step(byref(number), self.pointer, _mode(mode), step)
        _c.find(byref(index), self.pointer, number.value, name, worker)
        return number.value, index.value

    def tensor(self, name: str, step: int, mode: str = "GLOBAL", worker: str | None = None) -> dict[str, Any]:
        """What is known of a tensor: dtype, shape, original, worker, has_values."""
        info = TensorInfo()
        _c.tensor(byref(info), self.pointer, *self._find(name, step, mode, worker))
        return {"name": text(info.name), "original": text(info.original), "worker": text(info.worker), "has_values": bool(info.has_values),
                "dtype": TYPES[info.dtype][0] if info.dtype else "", "shape": tuple(info.shape[: info.rank])}

    def read(self, name: str, step: int, mode: str = "GLOBAL", worker: str | None = None) -> Any:
        """The values: a NumPy array when there is NumPy, else lists in lists. Texts: a list. bfloat16 comes as float32."""
        where = self._find(name, step, mode, worker)
        info = TensorInfo()
        _c.tensor(byref(info), self.pointer, *where)
        shape = tuple(info.shape[: info.rank])
        kind, code = TYPES.get(info.dtype, ("", ""))
        if kind == "text":
            return json.loads(made_text(_c.read_text, self.pointer, *where))
        if not code:  # bfloat16; or an error, which this raises
            floats = (c_float * info.count)()
            _c.read(self.pointer, *where, floats, info.count)
            kind, code, raw = "float32", "f", bytes(floats)
        else:
            buffer = create_string_buffer(max(info.size, 1))
            _c.read_bytes(self.pointer, *where, buffer, info.size)
            raw = buffer.raw[: info.size]
        try:
            import numpy
        except ImportError:
            values: list[Any] = list(struct.unpack(f"<{code[0] * len(code) * info.count}", raw))
            if len(code) == 2:
                values = [complex(*pair) for pair in zip(values[::2], values[1::2])]
            return _nested(values, shape)
        return numpy.frombuffer(raw, dtype=kind).reshape(shape).copy()

    def reduction(self, name: str, step: int, reduction: str, mode: str = "GLOBAL", worker: str | None = None) -> float:
        """"mean", "abs_max", "l2", ...: the stored one, else computed of the stored values."""
        value, number = c_double(), c_int64()
        _c.find_step(byref(number), self.pointer, _mode(mode), step)
        _c.reduction(byref(value), self.pointer, number.value, name, worker, reduction)
        return value.value
