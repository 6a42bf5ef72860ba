"""The C library: finding it, prototypes of common.h, errors, JSON results. Opens no engine and no libtorch."""
from __future__ import annotations

import ctypes
import json
import os
from ctypes import POINTER, byref, c_char_p, c_int, c_int32, c_void_p
from typing import Any, Callable

ABI = 0

_CODES = {
    -1: "INVALID_ARGUMENT", -2: "NO_MEMORY", -3: "NOT_FOUND", -4: "EXISTS", -5: "IO", -6: "NETWORK", -7: "FORMAT",
    -8: "MISMATCH", -9: "UNSUPPORTED", -10: "DEVICE", -11: "DEVICE_MEMORY", -12: "NUMERIC", -13: "STATE",
    -14: "CANCELLED", -15: "CALLBACK", -16: "INTERNAL",
}


class DogbreedError(Exception):
    """A failed call: `code` is the C result, `name` its name, the text is the library's one-line message."""

    def __init__(self, code: int, message: str):
        super().__init__(message)
        self.code = code
        self.name = _CODES.get(code, "UNKNOWN")


def _find() -> str:
    here = os.path.dirname(os.path.abspath(__file__))
    places = (os.environ.get("DOGBREED_LIBRARY", ""), os.path.join(here, "libdogbreed.so.0"),
              os.path.join(here, "..", "..", "..", "build", "libdogbreed.so.0"))
    return next((path for path in places if path and os.path.exists(path)), "libdogbreed.so.0")


def _load() -> ctypes.CDLL:
    path = _find()
    try:
        library = ctypes.CDLL(path)
    except OSError as error:
        raise ImportError(f"libdogbreed cannot be loaded ({error}); set DOGBREED_LIBRARY to libdogbreed.so.0") from None
    abi = library.dogbreed_abi()
    if abi != ABI:
        raise ImportError(f"{path} has ABI {abi}, this package needs {ABI}")
    return library


lib = _load()


def prototype(name: str, result: Any, *arguments: Any) -> Any:
    """Declares one function of the library and returns it."""
    function = getattr(lib, name)
    function.restype = result
    function.argtypes = list(arguments)
    return function


_version = prototype("dogbreed_version", c_char_p)
_abi = prototype("dogbreed_abi", c_int32)
_build_info = prototype("dogbreed_build_info", c_int, POINTER(c_void_p))
_doctor = prototype("dogbreed_doctor", c_int, POINTER(c_void_p))
_error_message = prototype("dogbreed_error_message", c_char_p)
_error_name = prototype("dogbreed_error_name", c_char_p, c_int)
_LogFn = ctypes.CFUNCTYPE(None, c_int32, c_char_p, c_void_p)
_log_set = prototype("dogbreed_log_set", None, _LogFn, c_void_p, c_int32)
_free = prototype("dogbreed_free", None, c_void_p)
_log_kept: list[Any] = []


def check(code: int) -> int:
    """Raises DogbreedError for a negative result."""
    if code < 0:
        raise DogbreedError(code, text(_error_message()))
    return code


def text(value: "bytes | None") -> str:
    return (value or b"").decode("utf-8", "surrogateescape")


def take_text(pointer: c_void_p) -> str:
    """Text that the library handed out; releases it."""
    try:
        return text(ctypes.string_at(pointer.value))
    finally:
        _free(pointer)


def json_call(function: Callable[..., int], *arguments: Any) -> Any:
    """Calls function(char **json, ...) and parses what it returned."""
    pointer = c_void_p()
    check(function(byref(pointer), *arguments))
    return json.loads(take_text(pointer))


def path_bytes(path: "str | os.PathLike[str]") -> bytes:
    return os.fsencode(os.fspath(path))


class Handle:
    """An opaque C handle: context manager, destroyed once, in any order."""

    _destroy: Any

    def __init__(self, pointer: c_void_p):
        self._pointer = pointer

    @property
    def pointer(self) -> c_void_p:
        if not self._pointer:
            raise ValueError(f"this {type(self).__name__} is closed")
        return self._pointer

    def close(self) -> None:
        pointer, self._pointer = getattr(self, "_pointer", None), c_void_p()
        if pointer:
            type(self)._destroy(pointer)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


def version() -> str:
    """Version of the library that is loaded."""
    return text(_version())


def build_info() -> dict[str, Any]:
    return json_call(_build_info)


def doctor() -> dict[str, Any]:
    return json_call(_doctor)


def error_name(code: int) -> str:
    return text(_error_name(code))


def set_log(function: "Callable[[int, str], None] | None", level: int = 1) -> None:
    """Sends log lines up to `level` (0 error .. 3 debug) to function(level, line); None silences the library."""
    callback = ctypes.cast(None, _LogFn)
    if function is not None:
        callback = _LogFn(lambda line_level, line, _: function(line_level, text(line)))
    _log_set(callback, None, level)
    _log_kept[:] = [callback]  # ctypes does not keep it alive
