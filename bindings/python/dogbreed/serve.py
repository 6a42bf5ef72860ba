"""A model behind HTTP."""
from __future__ import annotations

import ctypes
import threading
from ctypes import POINTER, byref, c_char_p, c_float, c_int, c_int64, c_void_p
from typing import Any, Callable, Mapping, Sequence

from .common import Handle, Path, Struct, fields, functions, made, made_text, text
from .event import Carrier
from .options import PREDICTOR, SERVE, Options, describe

_c = functions("dogbreed_server_", create="PTPP", functions="PP", start="P", ready="P", url="P:T", port="P:i", wait="P", stop="P:-",
               destroy="P:-")
_text = functions("dogbreed_", scores_json="PPii")
_call = functions("dogbreed_call_", values="PPPi", reply="PiTPz", fail="PT:-")


class RawRequest(Struct):
    _fields_ = fields("u32 struct_size  i32 rank  ptr body  i64 size  str content_type accept request_id  ptr values  "
                      "i64 shape[4]  ptr model object context")


class RawFunctions(Struct):
    _fields_ = fields("u32 struct_size  i32 reserved  ptr model model_userdata input input_userdata predict "
                      "predict_userdata output output_userdata transform transform_userdata end end_userdata")


_ModelFn = ctypes.CFUNCTYPE(c_int, POINTER(c_void_p), c_char_p, c_void_p)
_RequestFn = ctypes.CFUNCTYPE(c_int, POINTER(RawRequest), c_void_p)


class _Functions:
    """SageMaker's functions as the library calls them. Objects stay on this side, by the request they belong to."""

    def __init__(self, given: Mapping[str, Callable[..., Any]]):
        self.given = given
        self.model: Any = None
        self.objects: dict[int, Any] = {}
        self.carrier = Carrier()
        calls = {"input": self._input, "predict": self._predict, "output": self._output, "transform": self._transform}
        self.kept: list[Any] = [_ModelFn(self._model), _RequestFn(self._end)]  # ctypes does not keep them alive
        self.raw = RawFunctions()
        self.raw.model, self.raw.end = (ctypes.cast(function, c_void_p) for function in self.kept)
        for name in given:
            if name in calls:
                self.kept.append(self._guarded(calls[name]))
                setattr(self.raw, name, ctypes.cast(self.kept[-1], c_void_p))

    def _model(self, _: Any, path: bytes, __: Any) -> int:
        try:
            self.model = self.given["model"](text(path)) if "model" in self.given else None
            return 0
        except BaseException as error:
            self.carrier.keep(error)
            return -1

    def _end(self, raw: Any, _: Any) -> int:
        self.objects.pop(raw.contents.context, None)
        return 0

    @staticmethod
    def _guarded(function: Callable[[Any], None]) -> Any:
        def forward(raw: Any, _: Any) -> int:
            try:
                function(raw)
                return 0
            except BaseException as error:  # the request's own affair: 500, and this in the log
                _call.fail(raw, f"{type(error).__name__}: {error}")
                return -1

        return _RequestFn(forward)

    def _leave(self, raw: Any, value: Any, following: str) -> None:
        """For the next step, which may be the library's."""
        if following in self.given:
            self.objects[raw.contents.context] = value
            return
        import numpy

        array = numpy.ascontiguousarray(value, dtype=numpy.float32)
        _call.values(raw, array.ctypes.data, (c_int64 * array.ndim)(*array.shape), array.ndim)

    def _left(self, raw: Any) -> Any:
        """By the step before."""
        request = raw.contents
        if request.context in self.objects:
            return self.objects[request.context]
        import numpy

        shape = tuple(request.shape[: request.rank])
        return numpy.ctypeslib.as_array(ctypes.cast(request.values, POINTER(c_float)), shape).copy()

    @staticmethod
    def _reply(raw: Any, result: Any) -> None:
        accept = text(raw.contents.accept)
        concrete = accept if accept and not set(accept) & set("*,; ") else "application/json"
        body, kind = result if isinstance(result, tuple) else (result, concrete)
        data = body.encode() if isinstance(body, str) else bytes(body)
        _call.reply(raw, 200, kind, data, len(data))

    @staticmethod
    def _body(raw: Any) -> tuple[bytes, str]:
        return ctypes.string_at(raw.contents.body or 0, raw.contents.size), text(raw.contents.content_type)

    def _input(self, raw: Any) -> None:
        self._leave(raw, self.given["input"](*self._body(raw)), "predict")

    def _predict(self, raw: Any) -> None:
        self._leave(raw, self.given["predict"](self._left(raw), self.model), "output")

    def _output(self, raw: Any) -> None:
        self._reply(raw, self.given["output"](self._left(raw), text(raw.contents.accept)))

    def _transform(self, raw: Any) -> None:
        self._reply(raw, self.given["transform"](self.model, *self._body(raw), text(raw.contents.accept)))


def scores_json(scores: Sequence[Sequence[float]]) -> str:
    """What /invocations answers for pictures with these scores (Predictor.scores), byte for byte."""
    classes = len(scores[0]) if scores else 0
    if any(len(row) != classes for row in scores):
        raise ValueError("scores: expected rows of the same length")
    flat = [value for row in scores for value in row]
    return made_text(_text.scores_json, (c_float * len(flat))(*flat), len(scores), classes)


class Server(Handle):
    """Server("runs/a", port=8080, engine="native"): loads the model and listens; it serves on threads of its own.
    Without a model, with multi_model=FOLDER: what requests load.

    With listen_first=True it listens at once and loads then: requests get 503 meanwhile, `ready()` returns when it is
    there, and it and `wait()` raise what went wrong.

    Keywords are the options of `serve`, and those of the predictor. `wait()` blocks until `stop()` is called, from any
    thread, or Ctrl-C, and returns when every accepted request is answered; leaving a `with` block does both.

    SageMaker's functions take the place of /invocations' own steps, one request at a time:

    model_fn(path) -> model; input_fn(body, content_type) -> data; predict_fn(data, model) -> prediction;
    output_fn(prediction, accept) -> body or (body, content_type); transform_fn(model, body, content_type, accept) in
    place of the last three. What comes from a step of the library, or goes to one, is a float32 array: pictures
    [n, 3, side, side], logits [n, classes]. An exception gives the client 500, and a line in the log.
    """

    _c = _c

    def __init__(self, model: Path | None = None, *, model_fn: Callable[[str], Any] | None = None,
                 input_fn: Callable[[bytes, str], Any] | None = None,
                 predict_fn: Callable[[Any, Any], Any] | None = None, output_fn: Callable[[Any, str], Any] | None = None,
                 transform_fn: Callable[[Any, bytes, str, str], Any] | None = None, **kwargs: Any):
        only = {row["name"] for row in describe(PREDICTOR)} - {row["name"] for row in describe(SERVE)}
        options = Options(SERVE, **{name: value for name, value in kwargs.items() if name not in only})
        predictor = Options(PREDICTOR, **{name: value for name, value in kwargs.items() if name in only})
        super().__init__(made(_c.create, model, options, predictor))
        given = {"model": model_fn, "input": input_fn, "predict": predict_fn, "output": output_fn,
                 "transform": transform_fn}
        self._functions = _Functions({name: function for name, function in given.items() if function is not None})
        try:
            if self._functions.given:
                self._functions.carrier.call(_c.functions, self.pointer, byref(self._functions.raw))
            _c.start(self.pointer)
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str:
        return str(_c.url(self.pointer))

    @property
    def port(self) -> int:
        return int(_c.port(self.pointer))

    def stop(self) -> None:
        """Asks the server to end; returns at once."""
        _c.stop(self.pointer)

    def ready(self) -> None:
        """Blocks until the model is loaded; raises what loading raises, also when `stop()` is called before."""
        self._blocking(_c.ready)

    def wait(self) -> None:
        self._blocking(_c.wait)

    def _blocking(self, function: Callable[..., Any]) -> None:
        raised: list[BaseException] = []
        ended = threading.Event()

        def run() -> None:
            try:
                self._functions.carrier.call(function, self.pointer)
            except BaseException as error:
                raised.append(error)
            ended.set()

        # A call into C would keep Ctrl-C waiting, and a join that is interrupted takes the thread for finished.
        threading.Thread(target=run).start()
        while not ended.is_set():
            try:
                ended.wait(0.2)
            except KeyboardInterrupt:
                self.stop()
        if raised:
            raise raised[0]
