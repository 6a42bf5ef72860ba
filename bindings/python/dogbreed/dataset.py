"""Labelled image folders."""
from __future__ import annotations

import os
from ctypes import byref
from typing import Any, Iterator

from .common import Handle, Path, Struct, fields, functions, made, made_json
from .options import CHECK, DATASET, SYNTH, Options


class Sample(Struct):
    _fields_ = fields("u32 struct_size  i32 label  str path")


_c = functions("dogbreed_dataset_", open="PTP", split="PPT", size="P:q", class_count="P:i", class_name="Pi:T",
               sample="PqP", check="PPP", synthesize="TP", destroy="P:-")


class Dataset(Handle):
    """Dataset("dogs") lists a folder; dataset.split("train") is one of its splits. Iterates over (path, label)."""

    _c = _c

    def __init__(self, uri: Path, **kwargs: Any):
        super().__init__(made(_c.open, uri, Options(DATASET, **kwargs)))

    def split(self, name: str) -> Dataset:
        return Dataset._of(made(_c.split, self.pointer, name))

    @property
    def classes(self) -> list[str]:
        return [_c.class_name(self.pointer, i) for i in range(_c.class_count(self.pointer))]

    def __len__(self) -> int:
        return int(_c.size(self.pointer))

    def __getitem__(self, index: int) -> tuple[str, int]:
        if not 0 <= index < len(self):
            raise IndexError(index)
        sample = Sample()
        _c.sample(self.pointer, index, byref(sample))
        return os.fsdecode(sample.path), sample.label

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return (self[i] for i in range(len(self)))

    def check(self, **kwargs: Any) -> dict[str, Any]:
        """Reads every file and reports what is wrong with the folder."""
        return made_json(_c.check, self.pointer, Options(CHECK, **kwargs))


def synthesize(directory: Path, **kwargs: Any) -> None:
    """Draws a small data set into a new or empty folder."""
    _c.synthesize(directory, Options(SYNTH, **kwargs))
