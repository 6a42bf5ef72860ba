"""The run directory: configuration, metrics, checkpoints, the best model."""
from __future__ import annotations

import json
from typing import Any

from .common import Path, functions, made_json, made_text
from .trainer import Trainer

_c = functions("dogbreed_run_", attach="PPTT", resume="PT", config="PT")


def attach(trainer: Trainer, directory: Path | None = None, config: dict[str, Any] | None = None) -> str:
    """Keeps a run directory up to date while the trainer runs; returns its path."""
    return made_text(_c.attach, trainer.pointer, directory, json.dumps(config or {}))


def resume(trainer: Trainer, directory: Path) -> None:
    """Attaches to an existing run directory and continues from its checkpoint."""
    _c.resume(trainer.pointer, directory)


def config(directory: Path) -> dict[str, Any]:
    return made_json(_c.config, directory)
