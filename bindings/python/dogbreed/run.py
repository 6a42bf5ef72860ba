"""The run directory: configuration, metrics, checkpoints, the best model."""
from __future__ import annotations

import json
import os
from ctypes import POINTER, byref, c_char_p, c_int, c_void_p
from typing import Any

from .common import check, json_call, path_bytes, prototype, take_text
from .trainer import Trainer

_attach = prototype("dogbreed_run_attach", c_int, POINTER(c_void_p), c_void_p, c_char_p, c_char_p)
_resume = prototype("dogbreed_run_resume", c_int, c_void_p, c_char_p)
_config = prototype("dogbreed_run_config", c_int, POINTER(c_void_p), c_char_p)


def attach(trainer: Trainer, directory: "str | os.PathLike[str] | None" = None,
           config: "dict[str, Any] | None" = None) -> str:
    """Keeps a run directory up to date while the trainer runs; returns its path."""
    pointer = c_void_p()
    check(_attach(byref(pointer), trainer.pointer, path_bytes(directory) if directory is not None else None,
                  json.dumps(config or {}).encode()))
    return take_text(pointer)


def resume(trainer: Trainer, directory: "str | os.PathLike[str]") -> None:
    """Attaches to an existing run directory and continues from its checkpoint."""
    check(_resume(trainer.pointer, path_bytes(directory)))


def config(directory: "str | os.PathLike[str]") -> dict[str, Any]:
    return json_call(_config, path_bytes(directory))
