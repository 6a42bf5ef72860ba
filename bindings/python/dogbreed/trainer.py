"""Train a model on a dataset."""
from __future__ import annotations

from ctypes import byref, c_int32, c_void_p
from typing import Any, Callable

from .common import Handle, Path, functions, made, made_json, made_text
from .dataset import Dataset
from .event import Carrier, Event, mask
from .model import Model
from .options import TRAINER, Options

_c = functions("dogbreed_trainer_", create="PPPPP", subscribe="PPQPP", release="Pi", run="P", stop="P:-",
               checkpoint="PT", resume="PT", find_checkpoint="PT", metrics="PP", destroy="P:-")


class Trainer(Handle):
    """Trainer(model, train, valid, epochs=7).run(); afterwards the model holds the kept weights.

    A callback gets an Event and returns None (go on) or STOP. What it raises ends the run and comes out of run() as
    it was raised.
    """

    _c = _c

    def __init__(self, model: Model, train: Dataset, valid: Dataset | None = None, **kwargs: Any):
        self._callbacks: list[Any] = []  # ctypes does not keep them alive; a released one may still be running
        self._carrier = Carrier()
        self.model = model
        super().__init__(made(_c.create, model.pointer, train.pointer, valid.pointer if valid is not None else None,
                              Options(TRAINER, **kwargs)))

    @classmethod
    def _with(cls, pointer: Any, model: Model) -> Trainer:
        trainer = cls._of(pointer)
        trainer._callbacks, trainer._carrier, trainer.model = [], Carrier(), model
        return trainer

    @classmethod
    def _lent(cls, pointer: Any, carrier: Carrier) -> Trainer:
        """One that somebody else destroys: it has no model here."""
        trainer = cls._of(pointer)
        trainer._callbacks, trainer._carrier = [], carrier
        return trainer

    def _close_at_end(self) -> None:
        self.subscribe(lambda event: self._forget(), "run_end")

    def _forget(self) -> None:
        self._pointer = c_void_p()

    def subscribe(self, function: Callable[[Event], int | None], *kinds: str) -> int:
        """Calls function for these kinds of event (none: all); returns the number for release()."""
        callback = self._carrier.wrap(function)
        number = c_int32()
        _c.subscribe(self.pointer, byref(number), mask(*kinds), callback, None)
        self._callbacks.append(callback)
        return number.value

    def release(self, number: int) -> None:
        _c.release(self.pointer, number)

    def run(self) -> None:
        self._carrier.call(_c.run, self.pointer)

    def stop(self) -> None:
        """Asks a running trainer to finish; from any thread or signal handler."""
        _c.stop(self.pointer)

    def checkpoint(self, directory: Path) -> None:
        _c.checkpoint(self.pointer, directory)

    def resume(self, directory: Path) -> None:
        _c.resume(self.pointer, directory)

    @staticmethod
    def find_checkpoint(directory: Path) -> str:
        """The folder of the checkpoint that a resume under directory would take: the newest intact one."""
        return made_text(_c.find_checkpoint, directory)

    def metrics(self) -> dict[str, Any]:
        return made_json(_c.metrics, self.pointer)
