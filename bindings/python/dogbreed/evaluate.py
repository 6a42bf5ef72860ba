"""A model on a labelled split."""
from __future__ import annotations

import ctypes
import json
from ctypes import POINTER, byref, c_double, c_int, c_int32, c_int64, c_uint32, c_void_p
from typing import Any

from . import options
from .common import check, prototype, take_text
from .dataset import Dataset
from .model import Model


class Evaluation(ctypes.Structure):
    """Numbers of one evaluation; `details` holds the same and more: per class, confusion, most confused pairs."""

    _fields_ = [("struct_size", c_uint32), ("classes", c_int32), ("count", c_int64), ("correct", c_int64),
                ("correct5", c_int64), ("loss", c_double), ("top1", c_double), ("top1_low", c_double),
                ("top1_high", c_double), ("top5", c_double), ("seconds", c_double)]
    details: dict[str, Any]

    def __repr__(self) -> str:
        return (f"Evaluation({self.correct}/{self.count}, top1={self.top1:.4f} "
                f"[{self.top1_low:.4f}, {self.top1_high:.4f}], top5={self.top5:.4f}, loss={self.loss:.4f})")


_evaluate = prototype("dogbreed_evaluate", c_int, POINTER(Evaluation), POINTER(c_void_p), c_void_p, c_void_p, c_void_p)


def evaluate(model: Model, dataset: Dataset, **kwargs: Any) -> Evaluation:
    result = Evaluation(struct_size=ctypes.sizeof(Evaluation))
    pointer = c_void_p()
    chosen = options.Options(options.EVALUATE, **kwargs)
    check(_evaluate(byref(result), byref(pointer), model.pointer, dataset.pointer, chosen.pointer))
    result.details = json.loads(take_text(pointer))
    return result
