"""The C library: finding it, declaring its functions and structs, errors, results. Opens no engine and no libtorch."""
from __future__ import annotations

import ctypes
import json
import os
from ctypes import byref, c_char_p, c_int32, c_void_p
from types import SimpleNamespace
from typing import Any, Callable, TypeVar, Union

ABI = 0
Path = Union[str, "os.PathLike[str]"]
_TYPES: dict[str, Any] = {"i32": c_int32, "u32": ctypes.c_uint32, "i64": ctypes.c_int64, "f32": ctypes.c_float,
                          "f64": ctypes.c_double, "str": c_char_p, "ptr": c_void_p, "f32*": ctypes.POINTER(ctypes.c_float)}
_Result = TypeVar("_Result", bound="Handle")


class DogbreedError(Exception):
    """A failed call: `code` is the C result, `name` its name, the text is the library's one-line message."""

    def __init__(self, code: int, message: str):
        super().__init__(message)
        self.code = code
        self.name = error_name(code)


def _load() -> ctypes.CDLL:
    here = os.path.dirname(os.path.abspath(__file__))
    places = (os.environ.get("DOGBREED_LIBRARY", ""), os.path.join(here, "libdogbreed.so.0"),
              os.path.join(here, "..", "..", "..", "build", "libdogbreed.so.0"))
    path = next((path for path in places if path and os.path.exists(path)), "libdogbreed.so.0")
    try:
        library = ctypes.CDLL(path)
    except OSError as error:
        raise ImportError(f"libdogbreed cannot be loaded ({error}); set DOGBREED_LIBRARY to libdogbreed.so.0") from None
    abi = library.dogbreed_abi()
    if abi != ABI:
        raise ImportError(f"{path} has ABI {abi}, this package needs {ABI}")
    return library


lib = _load()


def text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "surrogateescape")


class Text:
    """The type of a text or path parameter: str, PathLike or None."""

    @classmethod
    def from_param(cls, value: Path | None) -> bytes | None:
        return None if value is None else os.fsencode(value)


_LETTERS = {"P": c_void_p, "T": Text, "i": c_int32, "q": ctypes.c_int64, "u": ctypes.c_uint32, "Q": ctypes.c_uint64,
            "z": ctypes.c_size_t, "d": ctypes.c_double}
_RESULTS = dict(_LETTERS, T=c_char_p, **{"-": None})


def _check(code: int, *_: Any) -> int:
    if code < 0:
        raise DogbreedError(code, _c.error_message())
    return code


def functions(prefix: str, **signatures: str) -> SimpleNamespace:
    """Declares functions of the library, a letter a parameter: P any pointer, T text or path, i q int32 and int64,
    u Q unsigned, z size_t,
    d double. A result stands behind a colon ("-": none); without one it is a result code, and a negative
    one raises DogbreedError."""
    found = SimpleNamespace()
    for name, signature in signatures.items():
        function = getattr(lib, prefix + name)
        parameters, colon, result = signature.partition(":")
        function.argtypes = [_LETTERS[letter] for letter in parameters]
        function.restype = _RESULTS[result or "i"]
        if not colon:
            function.errcheck = _check
        elif result == "T":
            function.errcheck = lambda value, *_: text(value)
        setattr(found, name, function)
    return found


def fields(words: str) -> list[tuple[str, Any]]:
    """Fields of a struct, each type in front of its names: "i32 label  str path  i64 shape[4]"."""
    found: list[tuple[str, Any]] = []
    kind: Any = None
    for word in words.split():
        name, _, count = word.rstrip("]").partition("[")
        if word in _TYPES:
            kind = _TYPES[word]
        else:
            found.append((name, kind * int(count) if count else kind))
    return found


class Struct(ctypes.Structure):
    """A C struct that starts with struct_size."""

    def __init__(self) -> None:
        super().__init__(struct_size=ctypes.sizeof(self))

    def as_dict(self) -> dict[str, Any]:
        """Its other fields by name."""
        values = {field[0]: getattr(self, field[0]) for field in self._fields_}
        return {name: text(value) if isinstance(value, bytes) else value for name, value in values.items()
                if name not in ("struct_size", "reserved")}


def made(function: Callable[..., int], *arguments: Any) -> c_void_p:
    """Calls function(out, ...) and returns what the library handed out."""
    pointer = c_void_p()
    function(byref(pointer), *arguments)
    return pointer


def made_text(function: Callable[..., int], *arguments: Any) -> str:
    pointer = made(function, *arguments)
    try:
        return text(ctypes.string_at(pointer.value or 0))
    finally:
        _c.free(pointer)


def made_json(function: Callable[..., int], *arguments: Any) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(made_text(function, *arguments))
    return result


class Handle:
    """An opaque C handle: context manager, destroyed once, in any order."""

    _c: SimpleNamespace  # functions of its kind

    def __init__(self, pointer: c_void_p):
        self._pointer = pointer

    @classmethod
    def _of(cls: type[_Result], pointer: c_void_p) -> _Result:
        handle = cls.__new__(cls)
        Handle.__init__(handle, pointer)
        return handle

    @property
    def pointer(self) -> c_void_p:
        if not self._pointer:
            raise ValueError(f"this {type(self).__name__} is closed")
        return self._pointer

    def close(self) -> None:
        pointer, self._pointer = getattr(self, "_pointer", None), c_void_p()
        if pointer:
            self._c.destroy(pointer)

    def __enter__(self: _Result) -> _Result:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


_LogFn = ctypes.CFUNCTYPE(None, c_int32, c_char_p, c_void_p)
_log_kept: list[Any] = []
_c = functions("dogbreed_", version=":T", abi=":i", error_message=":T", error_name="i:T", free="P:-", build_info="P",
               doctor="P", doctor_measure="P", log_set="PPi:-")


def version() -> str:
    """Version of the library that is loaded."""
    return str(_c.version())


def build_info() -> dict[str, Any]:
    """Compiler, engines and libraries that it was built with."""
    return made_json(_c.build_info)


def doctor(measure: bool = False) -> dict[str, Any]:
    """Looks at this machine; opens every engine that is installed. measure: also how fast it computes (a second)."""
    return made_json(_c.doctor_measure if measure else _c.doctor)


def error_name(code: int) -> str:
    return str(_c.error_name(code))


def set_log(function: Callable[[int, str], None] | None, level: int = 1) -> None:
    """Sends log lines up to `level` (0 error .. 3 debug) to function(level, line); None silences the library."""
    callback = _LogFn() if function is None else _LogFn(lambda at, line, _: function(at, text(line)))
    _c.log_set(callback, None, level)
    _log_kept[:] = [callback]  # ctypes does not keep it alive
