"""Classes and probabilities of images."""
from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, byref, c_char_p, c_float, c_int, c_int32, c_size_t, c_void_p
from typing import Any, Sequence

from . import options
from .common import DogbreedError, Handle, check, path_bytes, prototype, text
from .model import Model


class Prediction(ctypes.Structure):
    _fields_ = [("index", c_int32), ("probability", c_float)]


class Rectangle(ctypes.Structure):
    _fields_ = [("left", c_int32), ("top", c_int32), ("right", c_int32), ("bottom", c_int32)]


_rectangle, _out = POINTER(Rectangle), POINTER(Prediction)
_create = prototype("dogbreed_predictor_create", c_int, POINTER(c_void_p), c_char_p, c_void_p)
_create_from_model = prototype("dogbreed_predictor_create_from_model", c_int, POINTER(c_void_p), c_void_p, c_void_p)
_class_count = prototype("dogbreed_predictor_class_count", c_int32, c_void_p)
_class_name = prototype("dogbreed_predictor_class_name", c_char_p, c_void_p, c_int32)
_file = prototype("dogbreed_predictor_predict_file", c_int, c_void_p, c_char_p, _rectangle, _out, c_int32)
_bytes = prototype("dogbreed_predictor_predict_bytes", c_int, c_void_p, c_char_p, c_size_t, _rectangle, _out, c_int32)
_pixels = prototype("dogbreed_predictor_predict_pixels", c_int, c_void_p, c_char_p, c_int32, c_int32, c_size_t,
                    _rectangle, _out, c_int32)
_batch = prototype("dogbreed_predictor_predict_batch", c_int, c_void_p, POINTER(c_char_p), c_int32, _out, c_int32,
                   POINTER(c_int32))


class Predictor(Handle):
    """Predictor("runs/a") or Predictor(model). Calls may come from many threads at once.

    Results are lists of (class name, probability), most probable first.
    """

    _destroy = prototype("dogbreed_predictor_destroy", None, c_void_p)

    def __init__(self, source: "str | os.PathLike[str] | Model", **kwargs: Any):
        super().__init__(c_void_p())
        pointer = c_void_p()
        chosen = options.Options(options.PREDICTOR, **kwargs)
        if isinstance(source, Model):
            check(_create_from_model(byref(pointer), source.pointer, chosen.pointer))
        else:
            check(_create(byref(pointer), path_bytes(source), chosen.pointer))
        self._pointer = pointer
        self.classes = [text(_class_name(pointer, i)) for i in range(_class_count(pointer))]

    def predict(self, image: Any, top_k: int = 5,
                crop: "tuple[int, int, int, int] | None" = None) -> list[tuple[str, float]]:
        """image: a path, JPEG or PNG bytes, a PIL image, or a uint8 array [height, width, 3]."""
        count = min(top_k, len(self.classes))
        out = (Prediction * max(count, 1))()
        rectangle = Rectangle(*crop) if crop is not None else None
        if isinstance(image, (str, os.PathLike)):
            check(_file(self.pointer, path_bytes(image), rectangle, out, count))
        elif isinstance(image, (bytes, bytearray, memoryview)):
            data = bytes(image)
            check(_bytes(self.pointer, data, len(data), rectangle, out, count))
        else:
            data, width, height = _rgb(image)
            check(_pixels(self.pointer, data, width, height, 3 * width, rectangle, out, count))
        return self._named(out[:count])

    def predict_batch(self, paths: "Sequence[str | os.PathLike[str]]",
                      top_k: int = 5) -> "list[list[tuple[str, float]] | DogbreedError]":
        """One result per file; a file that could not be read gives a DogbreedError in its place."""
        count = min(top_k, len(self.classes))
        out = (Prediction * max(count * len(paths), 1))()
        codes = (c_int32 * max(len(paths), 1))()
        names = (c_char_p * max(len(paths), 1))(*[path_bytes(path) for path in paths])
        check(_batch(self.pointer, names, len(paths), out, count, codes))
        return [DogbreedError(codes[i], f"{os.fspath(path)}: cannot be predicted") if codes[i] < 0
                else self._named(out[i * count: (i + 1) * count]) for i, path in enumerate(paths)]

    def _named(self, predictions: Sequence[Prediction]) -> list[tuple[str, float]]:
        return [(self.classes[p.index], p.probability) for p in predictions]


def _rgb(image: Any) -> tuple[bytes, int, int]:
    if hasattr(image, "convert"):  # a PIL image
        image = image.convert("RGB")
        return image.tobytes(), image.size[0], image.size[1]
    shape = getattr(image, "shape", ())
    if len(shape) != 3 or shape[2] != 3 or str(getattr(image, "dtype", "")) != "uint8":
        raise TypeError("an image is a path, bytes, a PIL image or a uint8 array [height, width, 3]")
    return image.tobytes(), int(shape[1]), int(shape[0])
