"""A trained model with weights and activations of 8 bits."""
from __future__ import annotations

from ctypes import byref, c_void_p
from typing import Any, Callable

from .common import functions, made_json
from .dataset import Dataset
from .event import Carrier, Event
from .model import Model
from .options import QUANTIZE, Options

_c = functions("dogbreed_", quantize="PPPPPPP")


def quantize(model: Model, dataset: Dataset, progress: Callable[[Event], int | None] | None = None,
             **kwargs: Any) -> tuple[Model, dict[str, Any]]:
    """The quantised model, and what was measured: top-1 before and after, mean difference of the logits.

    progress gets an Event (text, done, total) after each batch and returns None (go on) or STOP, which ends the call
    with a DogbreedError CANCELLED. What it raises comes out as it was raised.
    """
    chosen = Options(QUANTIZE, **kwargs)
    small = c_void_p()
    carrier = Carrier()
    callback = None if progress is None else carrier.wrap(progress)
    report = carrier.call(made_json, lambda out: _c.quantize(byref(small), out, model.pointer, dataset.pointer, chosen,
                                                             callback, None))
    return Model._of(small), report
