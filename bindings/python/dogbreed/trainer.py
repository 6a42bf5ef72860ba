"""Train a model on a dataset."""
from __future__ import annotations

import os
from ctypes import POINTER, byref, c_char_p, c_int, c_int32, c_uint64, c_void_p
from typing import Any, Callable

from . import options
from .common import Handle, check, json_call, path_bytes, prototype
from .dataset import Dataset
from .event import Event, EventFn, mask
from .model import Model

_create = prototype("dogbreed_trainer_create", c_int, POINTER(c_void_p), c_void_p, c_void_p, c_void_p, c_void_p)
_subscribe = prototype("dogbreed_trainer_subscribe", c_int, c_void_p, POINTER(c_int32), c_uint64, EventFn, c_void_p)
_release = prototype("dogbreed_trainer_release", c_int, c_void_p, c_int32)
_run = prototype("dogbreed_trainer_run", c_int, c_void_p)
_stop = prototype("dogbreed_trainer_stop", None, c_void_p)
_checkpoint = prototype("dogbreed_trainer_checkpoint", c_int, c_void_p, c_char_p)
_resume = prototype("dogbreed_trainer_resume", c_int, c_void_p, c_char_p)
_metrics = prototype("dogbreed_trainer_metrics", c_int, POINTER(c_void_p), c_void_p)


class Trainer(Handle):
    """Trainer(model, train, valid, epochs=7).run(); afterwards the model holds the kept weights.

    A callback gets an Event and returns None (go on) or STOP. What it raises ends the run and comes out of run() as
    it was raised.
    """

    _destroy = prototype("dogbreed_trainer_destroy", None, c_void_p)

    def __init__(self, model: Model, train: Dataset, valid: "Dataset | None" = None, **kwargs: Any):
        super().__init__(c_void_p())
        self._callbacks: list[Any] = []  # ctypes does not keep them alive; a released one may still be running
        self._raised: "BaseException | None" = None
        self.model = model
        pointer = c_void_p()
        chosen = options.Options(options.TRAINER, **kwargs)
        check(_create(byref(pointer), model.pointer, train.pointer, valid.pointer if valid is not None else None,
                      chosen.pointer))
        self._pointer = pointer

    def subscribe(self, function: "Callable[[Event], int | None]", *kinds: str) -> int:
        """Calls function for these kinds of event (none: all); returns the number for release()."""
        def forward(raw: Any, _: Any) -> int:
            try:
                return int(function(Event(raw)) or 0)
            except BaseException as error:  # carried through C and raised again by run()
                self._raised = error
                return -1

        callback = EventFn(forward)
        number = c_int32()
        check(_subscribe(self.pointer, byref(number), mask(*kinds), callback, None))
        self._callbacks.append(callback)
        return number.value

    def release(self, number: int) -> None:
        check(_release(self.pointer, number))

    def run(self) -> None:
        code = _run(self.pointer)
        raised, self._raised = self._raised, None
        if raised is not None:
            raise raised
        check(code)

    def stop(self) -> None:
        """Asks a running trainer to finish; from any thread or signal handler."""
        _stop(self.pointer)

    def checkpoint(self, directory: "str | os.PathLike[str]") -> None:
        check(_checkpoint(self.pointer, path_bytes(directory)))

    def resume(self, directory: "str | os.PathLike[str]") -> None:
        check(_resume(self.pointer, path_bytes(directory)))

    def metrics(self) -> dict[str, Any]:
        return json_call(_metrics, self.pointer)
