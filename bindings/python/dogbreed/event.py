"""What a running trainer tells its subscribers."""
from __future__ import annotations

import ctypes
from ctypes import POINTER, byref, c_char_p, c_double, c_float, c_int, c_int32, c_int64, c_size_t, c_uint32, c_void_p
from typing import TYPE_CHECKING, Any, Iterator

from .common import check, prototype, text

if TYPE_CHECKING:
    import numpy

STOP = 1
KINDS = ("run_begin", "run_end", "epoch_begin", "epoch_end", "step_begin", "batch_ready", "forward_end",
         "backward_end", "step_end", "eval_begin", "eval_end", "checkpoint", "finding", "progress")
WHAT = ("activation", "gradient", "weight")


def mask(*kinds: str) -> int:
    """Bit mask of event kinds by name; none: all of them."""
    for kind in kinds:
        if kind not in KINDS:
            raise ValueError(f"{kind}: no such event; there are {', '.join(KINDS)}")
    return sum(1 << KINDS.index(kind) for kind in set(kinds)) if kinds else 2**64 - 1


class Tensor(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("what", c_int32), ("name", c_char_p), ("dtype", c_int32),
                ("rank", c_int32), ("shape", c_int64 * 4)]


class TensorStats(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("reserved", c_uint32), ("minimum", c_double), ("maximum", c_double),
                ("mean", c_double), ("deviation", c_double), ("norm", c_double), ("zero_share", c_double),
                ("nan_count", c_int64), ("infinity_count", c_int64)]


class RawEvent(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("kind", c_int32), ("epoch", c_int32), ("epochs", c_int32),
                ("step", c_int64), ("steps", c_int64), ("done", c_int64), ("total", c_int64), ("time", c_double),
                ("learning_rate", c_double), ("loss", c_double), ("train_loss", c_double),
                ("train_accuracy", c_double), ("val_loss", c_double), ("val_accuracy", c_double),
                ("val_top5", c_double), ("images_per_second", c_double), ("text", c_char_p), ("improved", c_int32),
                ("tensor_count", c_int32), ("context", c_void_p)]


EventFn = ctypes.CFUNCTYPE(c_int, POINTER(RawEvent), c_void_p)
_tensor = prototype("dogbreed_event_tensor", c_int, POINTER(Tensor), POINTER(RawEvent), c_int32)
_tensor_read = prototype("dogbreed_event_tensor_read", c_int, POINTER(RawEvent), c_int32, POINTER(c_float), c_size_t)
_tensor_stats = prototype("dogbreed_event_tensor_stats", c_int, POINTER(TensorStats), POINTER(RawEvent), c_int32)


class TensorView:
    """One tensor of an event; valid inside the callback only."""

    def __init__(self, raw: Any, index: int):
        self._raw, self._index = raw, index
        info = Tensor(struct_size=ctypes.sizeof(Tensor))
        check(_tensor(byref(info), raw, index))
        self.name, self.what, self.shape = text(info.name), WHAT[info.what], tuple(info.shape[: info.rank])

    def read(self) -> "numpy.ndarray[Any, Any]":
        """A float32 copy."""
        import numpy

        values = numpy.empty(self.shape, dtype=numpy.float32)
        check(_tensor_read(self._raw, self._index, values.ctypes.data_as(POINTER(c_float)), values.size))
        return values

    def stats(self) -> dict[str, float]:
        raw = TensorStats(struct_size=ctypes.sizeof(TensorStats))
        check(_tensor_stats(byref(raw), self._raw, self._index))
        return {name: getattr(raw, name) for name, _ in TensorStats._fields_ if name not in ("struct_size", "reserved")}


class Event:
    """Fields of dogbreed_event by name (epoch, step, loss, val_accuracy, ...); valid inside the callback only."""

    def __init__(self, raw: Any):
        self._raw = raw
        self.kind = KINDS[raw.contents.kind]

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._raw.contents, name)
        return text(value) if isinstance(value, bytes) else value

    def tensors(self) -> Iterator[TensorView]:
        return (TensorView(self._raw, i) for i in range(self._raw.contents.tensor_count))
