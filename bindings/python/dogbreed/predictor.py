"""Classes and probabilities of images."""
from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, byref, c_char_p, c_float, c_int, c_int32, c_void_p
from typing import Any, Callable, Iterable, Sequence

from .common import DogbreedError, Handle, Path, Struct, fields, functions, made, text
from .event import Carrier
from .model import Model
from .options import PREDICTOR, TRANSFORM, Options


class Prediction(ctypes.Structure):
    _fields_ = fields("i32 index  f32 probability")


class Rectangle(ctypes.Structure):
    _fields_ = fields("i32 left top right bottom")


class RawResult(Struct):
    _fields_ = fields("u32 struct_size  i32 state  str path name message  i64 done total  i32 code reserved")


_ResultFn = ctypes.CFUNCTYPE(c_int, POINTER(RawResult), c_void_p)
_STATES = ("asked", "written", "passed", "failed")


class TransformResult:
    """One picture of a transform: `state` is "written", "passed" (its result was there) or "failed"; `path`, `name` of
    its result below the folder; `done` of `total`; `error`, a DogbreedError where it failed."""

    def __init__(self, raw: Any):
        result = raw.contents
        self.state = _STATES[result.state]
        self.path, self.name = text(result.path), text(result.name)
        self.done, self.total = int(result.done), int(result.total)
        self.error = DogbreedError(result.code, text(result.message)) if result.code < 0 else None


_c = functions("dogbreed_predictor_", create="PTP", create_from_model="PPP", class_count="P:i", class_name="Pi:T",
               predict_file="PTPPi", predict_bytes="PPzPPi", predict_pixels="PPiizPPi", predict_batch="PPiPiP",
               scores="PPzPPi", transform="PPiPTPPP",
               destroy="P:-")


class Predictor(Handle):
    """Predictor("runs/a") or Predictor(model). Calls may come from many threads at once.

    Results are lists of (class name, probability), most probable first.
    """

    _c = _c

    def __init__(self, source: Path | Model, **kwargs: Any):
        chosen = Options(PREDICTOR, **kwargs)
        super().__init__(made(_c.create_from_model, source.pointer, chosen) if isinstance(source, Model)
                         else made(_c.create, source, chosen))
        self.classes = [str(_c.class_name(self.pointer, i)) for i in range(_c.class_count(self.pointer))]

    def predict(self, image: Any, top_k: int = 5,
                crop: tuple[int, int, int, int] | None = None) -> list[tuple[str, float]]:
        """image: a path, JPEG or PNG bytes, a PIL image, or a uint8 array [height, width, 3]."""
        count = min(top_k, len(self.classes))
        out = (Prediction * max(count, 1))()
        to = byref(Rectangle(*crop)) if crop is not None else None, out, count
        if isinstance(image, (str, os.PathLike)):
            _c.predict_file(self.pointer, image, *to)
        elif isinstance(image, (bytes, bytearray, memoryview)):
            data = bytes(image)
            _c.predict_bytes(self.pointer, data, len(data), *to)
        else:
            data, width, height = _rgb(image)
            _c.predict_pixels(self.pointer, data, width, height, 3 * width, *to)
        return self._named(out[:count])

    def predict_batch(self, paths: Sequence[Path],
                      top_k: int = 5) -> list[list[tuple[str, float]] | DogbreedError]:
        """One result per file; a file that could not be read gives a DogbreedError in its place."""
        count = min(top_k, len(self.classes))
        out = (Prediction * max(count * len(paths), 1))()
        codes = (c_int32 * max(len(paths), 1))()
        names = (c_char_p * max(len(paths), 1))(*[os.fsencode(path) for path in paths])
        _c.predict_batch(self.pointer, names, len(paths), out, count, codes)
        return [self._again(path, top_k) if codes[i] < 0 else self._named(out[i * count: (i + 1) * count])
                for i, path in enumerate(paths)]

    def scores(self, image: Path | bytes, crop: tuple[int, int, int, int] | None = None) -> list[float]:
        """What the network says, before softmax, in the order of `classes`. image: a path, JPEG or PNG bytes."""
        if isinstance(image, (str, os.PathLike)):
            with open(image, "rb") as file:
                image = file.read()
        out = (c_float * len(self.classes))()
        _c.scores(self.pointer, image, len(image), byref(Rectangle(*crop)) if crop is not None else None, out,
                  len(self.classes))
        return list(out)

    def transform(self, paths: Path | Iterable[Path], folder: Path, *, crop: tuple[int, int, int, int] | None = None,
                  progress: Callable[[TransformResult], int | None] | None = None, **kwargs: Any) -> dict[str, Any]:
        """Batch transform: folder/NAME.out for each picture, and for those in folders. Pictures whose result is there are
        passed over, so that a call that was ended, or killed, goes on when it is made again.

        Keywords are the options of `transform`: accept ("application/json", "application/jsonlines", "text/csv",
        "application/vnd.dogbreed+json"), top_k, overwrite. progress gets a TransformResult for each picture and returns
        None (go on) or STOP, which ends the call with a DogbreedError CANCELLED. What it raises comes out as it was raised.
        Returns {"written": count, "passed": count, "failed": {path: DogbreedError}}.
        """
        chosen = Options(TRANSFORM, **kwargs)
        given = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
        names = (c_char_p * max(len(given), 1))(*[os.fsencode(path) for path in given])
        found: dict[str, Any] = {"written": 0, "passed": 0, "failed": {}}

        def hear(raw: Any) -> int | None:
            if raw.contents.state == _STATES.index("asked"):
                return None
            result = TransformResult(raw)
            if result.error is None:
                found[result.state] += 1
            else:
                found["failed"][result.path] = result.error
            return None if progress is None else progress(result)

        carrier = Carrier()
        carrier.call(_c.transform, self.pointer, names, len(given), byref(Rectangle(*crop)) if crop is not None else None,
                     folder, chosen, carrier.wrap(hear, view=lambda raw: raw, kind=_ResultFn), None)
        return found

    def _again(self, path: Path, top_k: int) -> list[tuple[str, float]] | DogbreedError:
        """A file that failed in a batch, once more alone: the library keeps the message of the last failure only."""
        try:
            return self.predict(os.fsdecode(path), top_k)
        except DogbreedError as error:
            return error

    def _named(self, predictions: Iterable[Any]) -> list[tuple[str, float]]:
        return [(self.classes[p.index], p.probability) for p in predictions]


def _rgb(image: Any) -> tuple[bytes, int, int]:
    if hasattr(image, "convert"):  # a PIL image
        image = image.convert("RGB")
        return image.tobytes(), image.size[0], image.size[1]
    shape: Any = getattr(image, "shape", ())
    if len(shape) != 3 or shape[2] != 3 or str(getattr(image, "dtype", "")) != "uint8":
        raise TypeError("an image is a path, bytes, a PIL image or a uint8 array [height, width, 3]")
    return image.tobytes(), int(shape[1]), int(shape[0])
