"""Networks with weights, class names and preprocessing."""
from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, byref, c_char_p, c_int, c_int32, c_int64, c_uint32, c_void_p
from typing import TYPE_CHECKING, Any

from . import options
from .common import Handle, check, json_call, path_bytes, prototype, text
from .dataset import Dataset

if TYPE_CHECKING:
    import numpy


class Architecture(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("input_size", c_int32), ("name", c_char_p), ("family", c_char_p),
                ("stages", c_char_p), ("parameter_count", c_int64), ("multiply_add_count", c_int64),
                ("feature_size", c_int32), ("resize", c_int32)]


class Parameter(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("trainable", c_int32), ("name", c_char_p), ("rank", c_int32),
                ("buffer", c_int32), ("shape", c_int64 * 4), ("data", POINTER(ctypes.c_float))]


_architecture_count = prototype("dogbreed_architecture_count", c_int32)
_architecture_info = prototype("dogbreed_architecture_info", c_int, POINTER(Architecture), c_int32)
_create = prototype("dogbreed_model_create", c_int, POINTER(c_void_p), c_void_p, c_void_p)
_load = prototype("dogbreed_model_load", c_int, POINTER(c_void_p), c_char_p)
_save = prototype("dogbreed_model_save", c_int, c_void_p, c_char_p)
_export = prototype("dogbreed_model_export", c_int, c_void_p, c_char_p, c_char_p)
_parameter_count = prototype("dogbreed_model_parameter_count", c_int32, c_void_p)
_parameter = prototype("dogbreed_model_parameter", c_int, c_void_p, c_int32, POINTER(Parameter))
_set_trainable = prototype("dogbreed_model_set_trainable", c_int, c_void_p, c_char_p, c_int32)
_class_count = prototype("dogbreed_model_class_count", c_int32, c_void_p)
_class_name = prototype("dogbreed_model_class_name", c_char_p, c_void_p, c_int32)
_summary = prototype("dogbreed_model_summary", c_int, POINTER(c_void_p), c_void_p)


def architectures() -> list[dict[str, Any]]:
    """Every network that the library knows."""
    rows = []
    for index in range(_architecture_count()):
        info = Architecture(struct_size=ctypes.sizeof(Architecture))
        check(_architecture_info(byref(info), index))
        row = {name: getattr(info, name) for name, _ in Architecture._fields_ if name != "struct_size"}
        rows.append({key: text(value) if isinstance(value, bytes) else value for key, value in row.items()})
    return rows


class Model(Handle):
    """Model(dataset, architecture="resnet18", weights="file") makes one; Model.load(path) reads a model file."""

    _destroy = prototype("dogbreed_model_destroy", None, c_void_p)

    def __init__(self, dataset: "Dataset | c_void_p | None" = None, **kwargs: Any):
        super().__init__(c_void_p())
        if isinstance(dataset, c_void_p):
            self._pointer = dataset
            return
        pointer = c_void_p()
        chosen = options.Options(options.MODEL, **kwargs)
        check(_create(byref(pointer), dataset.pointer if dataset is not None else None, chosen.pointer))
        self._pointer = pointer

    @classmethod
    def load(cls, path: "str | os.PathLike[str]") -> "Model":
        """A model file, or the model of a run directory."""
        pointer = c_void_p()
        check(_load(byref(pointer), path_bytes(path)))
        return cls(pointer)

    def save(self, path: "str | os.PathLike[str]") -> None:
        check(_save(self.pointer, path_bytes(path)))

    def export(self, path: "str | os.PathLike[str]", format: "str | None" = None) -> None:
        check(_export(self.pointer, path_bytes(path), format.encode() if format else None))

    @property
    def classes(self) -> list[str]:
        return [text(_class_name(self.pointer, i)) for i in range(_class_count(self.pointer))]

    def set_trainable(self, prefix: str, trainable: bool = True) -> None:
        check(_set_trainable(self.pointer, prefix.encode(), int(trainable)))

    def parameters(self) -> list[dict[str, Any]]:
        """Names, shapes and kinds, in the order of the state dict."""
        raws = (self._raw_parameter(i) for i in range(_parameter_count(self.pointer)))
        return [{"name": text(raw.name), "shape": tuple(raw.shape[: raw.rank]), "trainable": bool(raw.trainable),
                 "buffer": bool(raw.buffer)} for raw in raws]

    def state_dict(self) -> "dict[str, numpy.ndarray[Any, Any]]":
        """Copies of all float32 parameters and buffers, by torchvision's names."""
        import numpy

        state = {}
        for index in range(_parameter_count(self.pointer)):
            raw = self._raw_parameter(index)
            if raw.data:
                shape = tuple(raw.shape[: raw.rank])
                state[text(raw.name)] = numpy.ctypeslib.as_array(raw.data, shape).copy()
        return state

    def summary(self) -> dict[str, Any]:
        return json_call(_summary, self.pointer)

    def _raw_parameter(self, index: int) -> Parameter:
        raw = Parameter(struct_size=ctypes.sizeof(Parameter))
        check(_parameter(self.pointer, index, byref(raw)))
        return raw
