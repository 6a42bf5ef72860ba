"""Option structs by name: keyword arguments of every call, from the library's own tables."""
from __future__ import annotations

import ctypes
from ctypes import byref
from typing import Any

from .common import DogbreedError, Struct, fields, functions, made_text

DATASET, CHECK, SYNTH, MODEL, TRAINER, EVALUATE, PREDICTOR, QUANTIZE, TUNER, COMMAND, DEBUG, PROFILE, REPORT, SERVE, STORE, JOB, \
    TRANSFORM = range(1, 18)
_TYPES = {1: int, 2: int, 3: int, 4: float, 5: str, 6: bool, 7: str}
# Larger than every option struct: the library accepts a larger struct whose unknown tail is zero.
_SIZE = 1024


class OptionInfo(Struct):
    _fields_ = fields("u32 struct_size  i32 type  str name choices default_value unit help  f64 minimum maximum "
                      "u32 offset reserved")


_c = functions("dogbreed_options_", set="PTT", get="PPT", describe="Puu")
_INIT = {globals()[name.partition("_")[0].upper()]: init for name, init in vars(functions(  # by kind
    "dogbreed_", dataset_options_init="Pz", check_options_init="Pz", synth_options_init="Pz", model_options_init="Pz",
    trainer_options_init="Pz", evaluate_options_init="Pz", predictor_options_init="Pz",
    quantize_options_init="Pz", tuner_options_init="Pz", command_options_init="Pz", debug_options_init="Pz",
    profile_options_init="Pz", report_options_init="Pz", serve_options_init="Pz", store_options_init="Pz",
    job_options_init="Pz", transform_options_init="Pz")).items()}


def describe(kind: int) -> list[dict[str, Any]]:
    """Rows of a kind's table: name, type, default, minimum, maximum, choices, unit, help."""
    rows: list[dict[str, Any]] = []
    info = OptionInfo()
    while True:
        try:
            _c.describe(byref(info), kind, len(rows))
        except DogbreedError as error:
            if error.name == "NOT_FOUND" and rows:
                return rows
            raise
        row = info.as_dict()
        row.update(type=_TYPES[info.type], default=row.pop("default_value"),
                   choices=row["choices"].split(",") if row["choices"] else None)
        del row["offset"]
        rows.append(row)


class Options:
    """One option struct. Options(TRAINER, epochs=7) raises DogbreedError for an unknown name or a bad value."""

    def __init__(self, kind: int, **values: Any):
        self._as_parameter_ = ctypes.create_string_buffer(_SIZE)
        self._kind = kind
        _INIT[kind](self, _SIZE)
        for name, value in values.items():
            self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        _c.set(self, name, ("on" if value else "off") if isinstance(value, bool) else str(value))

    def __getitem__(self, name: str) -> str:
        return made_text(_c.get, self, name)

    def as_dict(self) -> dict[str, str]:
        return {row["name"]: self[row["name"]] for row in describe(self._kind)}
