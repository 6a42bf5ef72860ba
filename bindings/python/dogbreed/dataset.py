"""Labelled image folders."""
from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, byref, c_char_p, c_int, c_int32, c_int64, c_uint32, c_void_p
from typing import Any, Iterator

from . import options
from .common import Handle, check, json_call, path_bytes, prototype, text


class Sample(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("label", c_int32), ("path", c_char_p)]


_open = prototype("dogbreed_dataset_open", c_int, POINTER(c_void_p), c_char_p, c_void_p)
_split = prototype("dogbreed_dataset_split", c_int, POINTER(c_void_p), c_void_p, c_char_p)
_size = prototype("dogbreed_dataset_size", c_int64, c_void_p)
_class_count = prototype("dogbreed_dataset_class_count", c_int32, c_void_p)
_class_name = prototype("dogbreed_dataset_class_name", c_char_p, c_void_p, c_int32)
_sample = prototype("dogbreed_dataset_sample", c_int, c_void_p, c_int64, POINTER(Sample))
_check = prototype("dogbreed_dataset_check", c_int, POINTER(c_void_p), c_void_p, c_void_p)
_synthesize = prototype("dogbreed_dataset_synthesize", c_int, c_char_p, c_void_p)


class Dataset(Handle):
    """Dataset("dogs") lists a folder; dataset.split("train") is one of its splits. Iterates over (path, label)."""

    _destroy = prototype("dogbreed_dataset_destroy", None, c_void_p)

    def __init__(self, uri: "str | os.PathLike[str] | c_void_p", **kwargs: Any):
        super().__init__(c_void_p())
        if isinstance(uri, c_void_p):
            self._pointer = uri
            return
        pointer = c_void_p()
        chosen = options.Options(options.DATASET, **kwargs)
        check(_open(byref(pointer), path_bytes(uri), chosen.pointer))
        self._pointer = pointer

    def split(self, name: str) -> "Dataset":
        pointer = c_void_p()
        check(_split(byref(pointer), self.pointer, name.encode()))
        return Dataset(pointer)

    @property
    def classes(self) -> list[str]:
        return [text(_class_name(self.pointer, i)) for i in range(_class_count(self.pointer))]

    def __len__(self) -> int:
        return int(_size(self.pointer))

    def __getitem__(self, index: int) -> tuple[str, int]:
        if not 0 <= index < len(self):
            raise IndexError(index)
        sample = Sample(struct_size=ctypes.sizeof(Sample))
        check(_sample(self.pointer, index, byref(sample)))
        return os.fsdecode(sample.path), sample.label

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return (self[i] for i in range(len(self)))

    def check(self, **kwargs: Any) -> dict[str, Any]:
        """Reads every file and reports what is wrong with the folder."""
        chosen = options.Options(options.CHECK, **kwargs)
        return json_call(_check, self.pointer, chosen.pointer)


def synthesize(directory: "str | os.PathLike[str]", **kwargs: Any) -> None:
    """Draws a small data set into a new or empty folder."""
    chosen = options.Options(options.SYNTH, **kwargs)
    check(_synthesize(path_bytes(directory), chosen.pointer))
