"""Weight files: safetensors and PyTorch's .pth, read without executing anything."""
from __future__ import annotations

from typing import Any

from .common import Path, functions, made_json

_c = functions("dogbreed_weights_", list="PT", convert="TT", verify="PTT")


def list_tensors(path: Path) -> dict[str, Any]:
    return made_json(_c.list, path)


def convert(source: Path, target: Path) -> None:
    """The ending of target names the format: .safetensors, .pth or .pt."""
    _c.convert(source, target)


def verify(path: Path, architecture: str | None = None) -> dict[str, Any]:
    """Reads every byte; with `architecture`, compares names and shapes with that network."""
    return made_json(_c.verify, path, architecture)
