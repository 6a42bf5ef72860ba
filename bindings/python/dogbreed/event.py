"""What a running trainer tells its subscribers."""
from __future__ import annotations

import ctypes
from ctypes import POINTER, byref, c_float, c_int, c_void_p
from typing import TYPE_CHECKING, Any, Callable, Iterator

from .common import DogbreedError, Struct, fields, functions, text

if TYPE_CHECKING:
    import numpy

STOP = 1
KINDS = ("run_begin", "run_end", "epoch_begin", "epoch_end", "step_begin", "batch_ready", "forward_end",
         "backward_end", "step_end", "eval_begin", "eval_end", "checkpoint", "finding", "progress")
WHAT = ("activation", "gradient", "weight", "input", "label", "prediction", "scalar", "optimizer")


def mask(*kinds: str) -> int:
    """Bit mask of event kinds by name; none: all of them."""
    for kind in kinds:
        if kind not in KINDS:
            raise ValueError(f"{kind}: no such event; there are {', '.join(KINDS)}")
    return sum(1 << KINDS.index(kind) for kind in set(kinds)) if kinds else 2**64 - 1


class Tensor(Struct):
    _fields_ = fields("u32 struct_size  i32 what  str name  i32 dtype rank  i64 shape[4]")


class TensorStats(Struct):
    _fields_ = fields("u32 struct_size reserved  f64 minimum maximum mean deviation norm zero_share "
                      "i64 nan_count infinity_count  f64 absolute_minimum absolute_mean")


class RawEvent(Struct):
    _fields_ = fields("u32 struct_size  i32 kind epoch epochs  i64 step steps done total  f64 time learning_rate "
                      "loss train_loss train_accuracy val_loss val_accuracy val_top5 images_per_second  str text "
                      "i32 improved tensor_count  ptr context "
                      "str rule  i32 status reserved")


EventFn = ctypes.CFUNCTYPE(c_int, POINTER(RawEvent), c_void_p)
_c = functions("dogbreed_event_", tensor="PPi", tensor_read="PiPz", tensor_stats="PPi")


class TensorView:
    """One tensor of an event; valid inside the callback only."""

    def __init__(self, raw: Any, index: int):
        self._raw, self._index = raw, index
        info = Tensor()
        _c.tensor(byref(info), raw, index)
        self.name, self.what, self.shape = text(info.name), WHAT[info.what], tuple(info.shape[: info.rank])

    def read(self) -> numpy.ndarray[Any, Any]:
        """A float32 copy."""
        import numpy

        values = numpy.empty(self.shape, dtype=numpy.float32)
        _c.tensor_read(self._raw, self._index, values.ctypes.data_as(POINTER(c_float)), values.size)
        return values

    def stats(self) -> dict[str, float]:
        raw = TensorStats()
        _c.tensor_stats(byref(raw), self._raw, self._index)
        return raw.as_dict()


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


class Carrier:
    """Takes callbacks to C and back what they raise."""

    def __init__(self) -> None:
        self._raised: BaseException | None = None

    def wrap(self, function: Callable[[Any], int | None], view: Callable[[Any], Any] = Event,
             kind: type = EventFn) -> Any:
        def forward(raw: Any, _: Any) -> int:
            try:
                return int(function(view(raw)) or 0)
            except BaseException as error:
                self.keep(error)
                return -1

        return kind(forward)

    def keep(self, error: BaseException) -> None:
        """Raised again by call()."""
        self._raised = error

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """function(*arguments), whose result is lost when a callback raised."""
        result = None
        try:
            result = function(*arguments)
        except DogbreedError:
            if self._raised is None:
                raise
        raised, self._raised = self._raised, None
        if raised is not None:
            raise raised
        return result
