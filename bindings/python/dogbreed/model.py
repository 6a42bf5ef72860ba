"""Networks with weights, class names and preprocessing."""
from __future__ import annotations

from ctypes import byref
from typing import TYPE_CHECKING, Any, Iterator

from .common import Handle, Path, Struct, fields, functions, made, made_json, text
from .dataset import Dataset
from .options import MODEL, Options

if TYPE_CHECKING:
    import numpy


class Architecture(Struct):
    _fields_ = fields("u32 struct_size  i32 input_size  str name family stages "
                      "i64 parameter_count multiply_add_count  i32 feature_size resize")


class Parameter(Struct):
    _fields_ = fields("u32 struct_size  i32 trainable  str name  i32 rank buffer  i64 shape[4]  f32* data")


_networks = functions("dogbreed_architecture_", count=":i", info="Pi")
_c = functions("dogbreed_model_", create="PPP", load="PT", save="PT", export="PTT", parameter_count="P:i",
               parameter="PiP", set_trainable="PTi", class_count="P:i", class_name="Pi:T", summary="PP", plan="PPi",
               destroy="P:-")


def architectures() -> list[dict[str, Any]]:
    """Every network that the library knows."""
    rows = []
    for index in range(_networks.count()):
        info = Architecture()
        _networks.info(byref(info), index)
        rows.append(info.as_dict())
    return rows


DTYPES = ("f32", "bf16", "int8", "auto")


class Model(Handle):
    """Model(dataset, architecture="resnet18", weights="file") makes one; Model.load(path) reads a model file."""

    _c = _c

    def __init__(self, dataset: Dataset | None = None, **kwargs: Any):
        super().__init__(made(_c.create, dataset.pointer if dataset is not None else None, Options(MODEL, **kwargs)))

    @classmethod
    def load(cls, path: Path) -> Model:
        """A model file, or the model of a run directory."""
        return cls._of(made(_c.load, path))

    def save(self, path: Path) -> None:
        _c.save(self.pointer, path)

    def export(self, path: Path, format: str | None = None) -> None:
        """For other programs: safetensors or pth, by name or by the ending of the path."""
        _c.export(self.pointer, path, format)

    @property
    def classes(self) -> list[str]:
        return [_c.class_name(self.pointer, i) for i in range(_c.class_count(self.pointer))]

    def set_trainable(self, prefix: str, trainable: bool = True) -> None:
        _c.set_trainable(self.pointer, prefix, int(trainable))

    def parameters(self) -> list[dict[str, Any]]:
        """Names, shapes and kinds, in the order of the state dict."""
        return [{"name": text(raw.name), "shape": tuple(raw.shape[: raw.rank]), "trainable": bool(raw.trainable),
                 "buffer": bool(raw.buffer)} for raw in self._raw_parameters()]

    def state_dict(self) -> dict[str, numpy.ndarray[Any, Any]]:
        """Copies of all float32 parameters and buffers, by torchvision's names."""
        import numpy

        return {text(raw.name): numpy.ctypeslib.as_array(raw.data, tuple(raw.shape[: raw.rank])).copy()
                for raw in self._raw_parameters() if raw.data}

    def summary(self) -> dict[str, Any]:
        return made_json(_c.summary, self.pointer)

    def plan(self, dtype: str = "auto") -> dict[str, Any]:
        """What engine native makes of the network on this machine, step by step. dtype: auto, f32, bf16, int8."""
        return made_json(_c.plan, self.pointer, DTYPES.index(dtype))

    def _raw_parameters(self) -> Iterator[Parameter]:
        for index in range(_c.parameter_count(self.pointer)):
            raw = Parameter()
            _c.parameter(self.pointer, index, byref(raw))
            yield raw
