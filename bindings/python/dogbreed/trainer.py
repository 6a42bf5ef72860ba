"""Train a model on a dataset."""
from __future__ import annotations

from ctypes import byref, c_int32
from typing import Any, Callable

from .common import DogbreedError, Handle, Path, functions, made, made_json
from .dataset import Dataset
from .event import Event, EventFn, mask
from .model import Model
from .options import TRAINER, Options

_c = functions("dogbreed_trainer_", create="PPPPP", subscribe="PPQPP", release="Pi", run="P", stop="P:-",
               checkpoint="PT", resume="PT", metrics="PP", destroy="P:-")


class Trainer(Handle):
    """Trainer(model, train, valid, epochs=7).run(); afterwards the model holds the kept weights.

    A callback gets an Event and returns None (go on) or STOP. What it raises ends the run and comes out of run() as
    it was raised.
    """

    _c = _c

    def __init__(self, model: Model, train: Dataset, valid: Dataset | None = None, **kwargs: Any):
        self._callbacks: list[Any] = []  # ctypes does not keep them alive; a released one may still be running
        self._raised: BaseException | None = None
        self.model = model
        super().__init__(made(_c.create, model.pointer, train.pointer, valid.pointer if valid is not None else None,
                              Options(TRAINER, **kwargs)))

    def subscribe(self, function: Callable[[Event], int | None], *kinds: str) -> int:
        """Calls function for these kinds of event (none: all); returns the number for release()."""
        def forward(raw: Any, _: Any) -> int:
            try:
                return int(function(Event(raw)) or 0)
            except BaseException as error:  # carried through C and raised again by run()
                self._raised = error
                return -1

        callback = EventFn(forward)
        number = c_int32()
        _c.subscribe(self.pointer, byref(number), mask(*kinds), callback, None)
        self._callbacks.append(callback)
        return number.value

    def release(self, number: int) -> None:
        _c.release(self.pointer, number)

    def run(self) -> None:
        try:
            _c.run(self.pointer)
        except DogbreedError:
            if self._raised is None:
                raise
        raised, self._raised = self._raised, None
        if raised is not None:
            raise raised

    def stop(self) -> None:
        """Asks a running trainer to finish; from any thread or signal handler."""
        _c.stop(self.pointer)

    def checkpoint(self, directory: Path) -> None:
        _c.checkpoint(self.pointer, directory)

    def resume(self, directory: Path) -> None:
        _c.resume(self.pointer, directory)

    def metrics(self) -> dict[str, Any]:
        return made_json(_c.metrics, self.pointer)
