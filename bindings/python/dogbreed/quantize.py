"""A trained model with weights and activations of 8 bits."""
from __future__ import annotations

from ctypes import byref, c_void_p
from typing import Any

from .common import functions, made_json
from .dataset import Dataset
from .model import Model
from .options import QUANTIZE, Options

_c = functions("dogbreed_", quantize="PPPPP")


def quantize(model: Model, dataset: Dataset, **kwargs: Any) -> tuple[Model, dict[str, Any]]:
    """The quantised model, and what was measured: top-1 before and after, mean difference of the logits."""
    chosen = Options(QUANTIZE, **kwargs)
    small = c_void_p()
    report = made_json(lambda out: _c.quantize(byref(small), out, model.pointer, dataset.pointer, chosen))
    return Model._of(small), report
