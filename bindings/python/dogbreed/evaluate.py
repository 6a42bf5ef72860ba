"""A model on a labelled split."""
from __future__ import annotations

from ctypes import byref
from typing import Any

from .common import Struct, fields, functions, made_json
from .dataset import Dataset
from .model import Model
from .options import EVALUATE, Options


class Evaluation(Struct):
    """Numbers of one evaluation; `details` holds the same and more: per class, confusion, most confused pairs."""

    _fields_ = fields("u32 struct_size  i32 classes  i64 count correct correct5 "
                      "f64 loss top1 top1_low top1_high top5 seconds "
                      "ece temperature scaled_ece scaled_loss auc average_precision")
    details: dict[str, Any]

    def __repr__(self) -> str:
        return (f"Evaluation({self.correct}/{self.count}, top1={self.top1:.4f} "
                f"[{self.top1_low:.4f}, {self.top1_high:.4f}], top5={self.top5:.4f}, loss={self.loss:.4f})")


_c = functions("dogbreed_", evaluate="PPPPP")


def evaluate(model: Model, dataset: Dataset, **kwargs: Any) -> Evaluation:
    result = Evaluation()
    chosen = Options(EVALUATE, **kwargs)
    result.details = made_json(lambda out: _c.evaluate(byref(result), out, model.pointer, dataset.pointer, chosen))
    return result
