"""Option structs by name: keyword arguments of every call, from the library's own tables."""
from __future__ import annotations

import ctypes
from ctypes import POINTER, byref, c_char_p, c_double, c_int, c_int32, c_size_t, c_uint32, c_void_p
from typing import Any

from .common import check, prototype, take_text, text

DATASET, CHECK, SYNTH, MODEL, TRAINER, EVALUATE, PREDICTOR = range(1, 8)
_TYPES = {1: int, 2: int, 3: int, 4: float, 5: str, 6: bool, 7: str}
_NOT_FOUND = -3
# Larger than every option struct: the library accepts a larger struct whose unknown tail is zero.
_SIZE = 1024


class OptionInfo(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("type", c_int32), ("name", c_char_p), ("choices", c_char_p),
                ("default_value", c_char_p), ("unit", c_char_p), ("help", c_char_p), ("minimum", c_double),
                ("maximum", c_double), ("offset", c_uint32), ("reserved", c_uint32)]


_set = prototype("dogbreed_options_set", c_int, c_void_p, c_char_p, c_char_p)
_get = prototype("dogbreed_options_get", c_int, POINTER(c_void_p), c_void_p, c_char_p)
_describe = prototype("dogbreed_options_describe", c_int, POINTER(OptionInfo), c_uint32, c_uint32)
_INIT = {kind: prototype(name, c_int, c_void_p, c_size_t) for kind, name in (
    (DATASET, "dogbreed_dataset_options_init"), (CHECK, "dogbreed_check_options_init"),
    (SYNTH, "dogbreed_synth_options_init"), (MODEL, "dogbreed_model_options_init"),
    (TRAINER, "dogbreed_trainer_options_init"), (EVALUATE, "dogbreed_evaluate_options_init"),
    (PREDICTOR, "dogbreed_predictor_options_init"))}


def describe(kind: int) -> list[dict[str, Any]]:
    """Rows of a kind's table: name, type, default, minimum, maximum, choices, unit, help."""
    rows: list[dict[str, Any]] = []
    info = OptionInfo(struct_size=ctypes.sizeof(OptionInfo))
    while (code := _describe(byref(info), kind, len(rows))) >= 0:
        rows.append({"name": text(info.name), "type": _TYPES[info.type], "default": text(info.default_value),
                     "minimum": info.minimum, "maximum": info.maximum, "unit": text(info.unit),
                     "choices": text(info.choices).split(",") if info.choices else None, "help": text(info.help)})
    if code != _NOT_FOUND or not rows:
        check(code)
    return rows


class Options:
    """One option struct. Options(TRAINER, epochs=7) raises DogbreedError for an unknown name or a bad value."""

    def __init__(self, kind: int, **values: Any):
        self._buffer = ctypes.create_string_buffer(_SIZE)
        self._kind = kind
        check(_INIT[kind](self._buffer, _SIZE))
        for name, value in values.items():
            self[name] = value

    @property
    def pointer(self) -> Any:
        return ctypes.cast(self._buffer, c_void_p)

    def __setitem__(self, name: str, value: Any) -> None:
        word = ("on" if value else "off") if isinstance(value, bool) else str(value)
        check(_set(self._buffer, name.encode(), word.encode("utf-8", "surrogateescape")))

    def __getitem__(self, name: str) -> str:
        pointer = c_void_p()
        check(_get(byref(pointer), self._buffer, name.encode()))
        return take_text(pointer)

    def as_dict(self) -> dict[str, str]:
        return {row["name"]: self[row["name"]] for row in describe(self._kind)}
