"""Rules that watch a training, and rules of your own."""
from __future__ import annotations

import ctypes

from ctypes import POINTER, byref, c_char, c_int, c_void_p
from typing import TYPE_CHECKING, Any, Callable

from .common import DogbreedError, Handle, Path, Struct, fields, functions, made, made_json, text
from .event import WHAT, Tensor, TensorStats
from .options import DEBUG, Options
from .record import Record
from .trainer import Trainer

if TYPE_CHECKING:
    import numpy

_c = functions("dogbreed_debug_", attach="PPP", keep="PT", rule="PPT", scalar="PTd", results="PP", record="PP", judge="PTT",
               rule_info="Pi", destroy="P:-")
FINE, HIT, NOT_YET = 0, 1, 2
MODES = ("", "train", "eval", "predict", "global")


class RawCall(Struct):
    _fields_ = fields("u32 struct_size  i32 mode epoch trainable  i64 step mode_step steps_per_epoch  ptr params state "
                      "userdata tensor values  i64 count  ptr stats  f64 train_loss train_accuracy val_loss "
                      "val_accuracy value threshold") + [("text", c_char * 256)]


class RawRule(Struct):
    _fields_ = fields("u32 struct_size sees needs param_count  str name summary advice tensor_regex  ptr params  "
                      "i64 state_size  ptr begin see step epoch end userdata")


class RawParam(Struct):
    _fields_ = fields("str name unit help  f64 default_value minimum maximum")


_RuleFn = ctypes.CFUNCTYPE(c_int, POINTER(RawCall))


class Call:
    """What a rule is called with; valid inside the callback only. Set `value`, `threshold` and `text` with a hit."""

    def __init__(self, raw: Any, names: list[str]):
        self._raw = raw.contents
        self.mode = MODES[self._raw.mode]
        values = ctypes.cast(self._raw.params, POINTER(ctypes.c_double))
        self.params = {name: values[i] for i, name in enumerate(names)}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    @property
    def name(self) -> str:
        """Of the tensor."""
        return text(ctypes.cast(self._raw.tensor, POINTER(Tensor)).contents.name)

    @property
    def shape(self) -> tuple[int, ...]:
        tensor = ctypes.cast(self._raw.tensor, POINTER(Tensor)).contents
        return tuple(tensor.shape[: tensor.rank])

    def read(self) -> numpy.ndarray[Any, Any]:
        """A float32 copy of the tensor; for rules with needs="values"."""
        import numpy

        pointer = ctypes.cast(self._raw.values, POINTER(ctypes.c_float))
        return numpy.ctypeslib.as_array(pointer, (self._raw.count,)).reshape(self.shape).copy()

    def stats(self) -> dict[str, float]:
        return ctypes.cast(self._raw.stats, POINTER(TensorStats)).contents.as_dict()

    def hit(self, value: float, threshold: float, message: str) -> int:
        """Fills the answer: `return call.hit(...)`."""
        self._raw.value, self._raw.threshold = value, threshold
        self._raw.text = message.encode()[:255]
        return HIT


class Rule:
    """A rule of your own: subclass it and define see(call), step(call) or epoch(call); each returns FINE (or None),
    call.hit(...) or NOT_YET. An exception is the rule's own: its status becomes Error, the training goes on.
    """

    name = ""
    summary = ""
    advice = ""
    sees: tuple[str, ...] = ()  # "gradient", "weight", ...: what see() is called with
    needs = "stats"  # or "values"
    tensor_regex = ""
    params: dict[str, float] = {}  # name: default

    def _callback(self, method: str, errors: list[BaseException]) -> Any:
        function: Callable[[Call], int | None] | None = getattr(self, method, None)
        if function is None:
            return _RuleFn()

        def forward(raw: Any) -> int:
            try:
                return int(function(Call(raw, list(self.params))) or 0)
            except Exception as error:  # noqa: BLE001 - the rule's own affair
                errors.append(error)
                raw.contents.text = f"{type(error).__name__}: {error}".encode()[:255]
                return -1

        return _RuleFn(forward)


class Debugger(Handle):
    """Debugger(trainer, rules="Overfit:patience=2;VanishingGradient"): rules watch the training from now on."""

    _c = _c

    def __init__(self, trainer: Trainer, directory: Path | None = None, **kwargs: Any):
        self._kept: list[Any] = []
        self.errors: list[BaseException] = []  # what rules written in Python raised
        super().__init__(made(_c.attach, trainer.pointer, Options(DEBUG, **kwargs)))
        trainer._callbacks.append(self._kept)  # they are called as long as the trainer runs
        if directory is not None:
            self.keep(directory)

    def keep(self, directory: Path) -> None:
        """Where store and findings are written; before run()."""
        _c.keep(self.pointer, directory)

    def rule(self, rule: Rule, **params: float) -> None:
        """Adds a rule of your own; before run()."""
        rows = (RawParam * max(1, len(rule.params)))()
        for row, (name, default) in zip(rows, rule.params.items()):
            row.name, row.default_value, row.minimum, row.maximum = name.encode(), default, -1e300, 1e300
        callbacks = {name: rule._callback(name, self.errors) for name in ("begin", "see", "step", "epoch", "end")}
        raw = RawRule()
        values = {"sees": sum(1 << WHAT.index(what) for what in rule.sees), "needs": 1 if rule.needs == "stats" else 2,
                  "param_count": len(rule.params), "name": (rule.name or type(rule).__name__).encode(),
                  "summary": rule.summary.encode(), "advice": rule.advice.encode(),
                  "tensor_regex": rule.tensor_regex.encode(), "params": ctypes.cast(rows, c_void_p)}
        values.update({name: ctypes.cast(callback, c_void_p) for name, callback in callbacks.items()})
        for name, value in values.items():
            setattr(raw, name, value)
        self._kept += [rule, callbacks, rows, raw]
        _c.rule(self.pointer, byref(raw), ",".join(f"{name}={value}" for name, value in params.items()) or None)

    def scalar(self, name: str, value: float) -> None:
        """Stores a number of your own when the next step begins; callable from callbacks."""
        _c.scalar(self.pointer, name, value)

    def results(self) -> dict[str, Any]:
        return made_json(_c.results, self.pointer)

    def record(self) -> Record:
        """The newest stored steps, out of memory, with debug_memory=BYTES; refresh() looks again while the training runs."""
        return Record._of(made(_c.record, self.pointer))


def judge(directory: Path, *rules: str) -> dict[str, Any]:
    """What was found in a run; with rules, what these find in what it stored."""
    return made_json(_c.judge, directory, ";".join(rules) if rules else None)


def rules() -> list[dict[str, Any]]:
    """Every rule with its parameters."""
    found: list[dict[str, Any]] = []
    while True:
        try:
            found.append(made_json(_c.rule_info, len(found)))
        except DogbreedError as error:
            if error.name == "NOT_FOUND":
                return found
            raise
