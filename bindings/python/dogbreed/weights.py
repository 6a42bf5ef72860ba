"""Weight files: safetensors and PyTorch's .pth, read without executing anything."""
from __future__ import annotations

import os
from ctypes import POINTER, c_char_p, c_int, c_void_p
from typing import Any

from .common import check, json_call, path_bytes, prototype

_list = prototype("dogbreed_weights_list", c_int, POINTER(c_void_p), c_char_p)
_convert = prototype("dogbreed_weights_convert", c_int, c_char_p, c_char_p)
_verify = prototype("dogbreed_weights_verify", c_int, POINTER(c_void_p), c_char_p, c_char_p)


def list_tensors(path: "str | os.PathLike[str]") -> dict[str, Any]:
    return json_call(_list, path_bytes(path))


def convert(source: "str | os.PathLike[str]", target: "str | os.PathLike[str]") -> None:
    """The ending of target names the format: .safetensors, .pth or .pt."""
    check(_convert(path_bytes(source), path_bytes(target)))


def verify(path: "str | os.PathLike[str]", architecture: "str | None" = None) -> dict[str, Any]:
    return json_call(_verify, path_bytes(path), architecture.encode() if architecture else None)
