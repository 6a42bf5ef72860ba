"""Search for hyperparameters: many trials of one training, or of a program of your own."""
from __future__ import annotations

import ctypes
import json
import os
from ctypes import POINTER, byref, c_int, c_int32, c_int64, c_void_p
from typing import Any, Callable

from .common import Handle, Path, Struct, fields, functions, made, made_json, made_text, text
from .dataset import Dataset
from .event import Carrier
from .model import Model
from .options import COMMAND, MODEL, TRAINER, TUNER, Options
from .trainer import Trainer

SCALES = ("auto", "linear", "log", "reverse_log")
STATES = ("running", "complete", "pruned", "fail", "waiting")
KINDS = ("begin", "epoch", "end")
_NAN = float("nan")
_SVG, _PNG = 1, 2


class RawTrial(Struct):
    _fields_ = fields("u32 struct_size  i32 kind  i64 number done total best_number  f64 value best_value time "
                      "i32 epoch epochs state reserved  str params reason")


_TrialFn = ctypes.CFUNCTYPE(c_int, POINTER(RawTrial), c_void_p)
_TrainerFn = ctypes.CFUNCTYPE(c_int, c_void_p, c_int64, c_void_p)
_c = functions("dogbreed_tuner_", create="PP", add="PT", add_range="PTdddi", add_integer="PTqqqi", add_choice="PTPi", warm_start="PTT", enqueue="PT",
               job="PPPPP", command="PP", metric="PT", listen="PPPP", run="P", stop="P:-", ask="PPP", report="PqqdP", tell="Pqid",
               trial_count="P:q", trial="PPq", table="PPP", copy="PT", importance="PP", plots="PTu", tensorboard="PT", trainer="PPPq", destroy="P:-")


class Trial:
    """Fields of dogbreed_trial_event by name (number, value, epoch, done, total, best_value, reason, ...)."""

    def __init__(self, raw: Any):
        fields_of_c: RawTrial = raw.contents
        self.__dict__.update(fields_of_c.as_dict())
        self.kind, self.state = KINDS[fields_of_c.kind], STATES[fields_of_c.state]
        self.params: dict[str, Any] = json.loads(text(fields_of_c.params))


class Tuner(Handle):
    """Tuner("learning_rate=log:1e-4:1e-1", "epochs=6..10", trials=40): a study.

    job() and run() train; command() and run() run programs; ask(), report() and tell() are for Python code that
    trains itself.
    """

    _c = _c

    def __init__(self, *search: str, **kwargs: Any):
        self._carrier = Carrier()
        super().__init__(made(_c.create, Options(TUNER, **kwargs)))
        for line in search:
            self.add(line)

    def add(self, line: str) -> None:
        _c.add(self.pointer, line)

    def add_range(self, name: str, low: float, high: float, step: float = 0.0, scale: str = "auto") -> None:
        _c.add_range(self.pointer, name, low, high, step, SCALES.index(scale))

    def add_integer(self, name: str, low: int, high: int, step: int = 1, scale: str = "auto") -> None:
        _c.add_integer(self.pointer, name, low, high, step, SCALES.index(scale))

    def add_choice(self, name: str, *choices: Any) -> None:
        words = [str(choice).encode() for choice in choices]
        _c.add_choice(self.pointer, name, (ctypes.c_char_p * len(words))(*words), len(words))

    def warm_start(self, storage: str, study: str = "study") -> None:
        """An earlier study, whose trials the sampler knows from the start: storage or run directory; before the
        first trial, and as often as there are such studies."""
        _c.warm_start(self.pointer, storage, study)

    def enqueue(self, **params: Any) -> None:
        """A trial with these values of parameters; others are suggested when its turn comes. Behind job() or command()."""
        _c.enqueue(self.pointer, json.dumps(params))

    def job(self, train: Dataset, valid: Dataset, model: dict[str, Any] | None = None, **kwargs: Any) -> None:
        """What a trial trains: model has options of the network, keywords are options of the trainer."""
        _c.job(self.pointer, Options(MODEL, **(model or {})), train.pointer, valid.pointer, Options(TRAINER, **kwargs))

    def command(self, program: str, *metrics: str, **kwargs: Any) -> None:
        """What a trial runs: "python train.py --lr {lr}"; each metric is a pattern with one group around a number of
        the lines that it prints, the first one is the objective (Tuner(objective="minimize") or "maximize")."""
        _c.command(self.pointer, Options(COMMAND, program=program, **kwargs))
        for pattern in metrics:
            _c.metric(self.pointer, pattern)

    def run(self, listener: Callable[[Trial], int | None] | None = None,
            trainers: Callable[[Trainer, int], Any] | None = None) -> None:
        """Runs the study to its end. listener gets a Trial and returns None or STOP. trainers gets each trial's Trainer
        and its number before it runs, to subscribe to its events; the Trainer is closed when the trial has ended. What
        they raise comes out."""
        lent: list[Trainer] = []

        def lend(pointer: int, number: int, _: Any) -> int:
            trainer = Trainer._lent(c_void_p(pointer), self._carrier)
            lent.append(trainer)
            try:
                if trainers is not None:
                    trainers(trainer, number)
                trainer._close_at_end()
            except BaseException as error:
                self._carrier.keep(error)
                return -1
            return 0

        callback = self._carrier.wrap(listener, Trial, _TrialFn) if listener is not None else None
        trainer_callback = _TrainerFn(lend) if trainers is not None else None
        _c.listen(self.pointer, callback, trainer_callback, None)
        try:
            self._carrier.call(_c.run, self.pointer)
        finally:
            for trainer in lent:
                trainer._forget()
            if self._pointer:
                _c.listen(self.pointer, None, None, None)

    def stop(self) -> None:
        """Ends a running study behind the current epoch; from any thread or signal handler."""
        _c.stop(self.pointer)

    def ask(self) -> tuple[int, dict[str, Any]]:
        """Number and parameters of the next trial."""
        number = c_int64()
        params = made_json(lambda out: _c.ask(self.pointer, byref(number), out))
        return number.value, params

    def report(self, number: int, step: int, value: float) -> bool:
        """The objective after step 1, 2, ...; True: the trial may stop."""
        prune = c_int32()
        _c.report(self.pointer, number, step, value, byref(prune))
        return bool(prune.value)

    def tell(self, number: int, value: float | None = None, state: str = "complete") -> None:
        _c.tell(self.pointer, number, STATES.index(state), _NAN if value is None else value)

    def __len__(self) -> int:
        count = int(_c.trial_count(self.pointer))
        if count < 0:
            made_json(_c.trial, self.pointer, 0)  # raises what is wrong
        return count

    def trial(self, number: int) -> dict[str, Any]:
        return made_json(_c.trial, self.pointer, number)

    def trials(self) -> list[dict[str, Any]]:
        return [self.trial(number) for number in range(len(self))]

    def best(self) -> dict[str, Any]:
        return self.trial(-1)

    def copy(self, path: Path) -> None:
        """The study as it stands in its storage into a file of SQLite, also while trials run."""
        _c.copy(self.pointer, path)

    def table(self) -> str:
        """All trials as CSV, in the columns of SageMaker's analytics."""
        return made_text(lambda out: _c.table(out, None, self.pointer))

    def importance(self) -> dict[str, float]:
        """What each parameter has to do with reaching the best tenth of the trials, the most important one first; sum 1."""
        shares: dict[str, float] = made_json(_c.importance, self.pointer)
        return dict(sorted(shares.items(), key=lambda item: -item[1]))

    def plots(self, directory: str | os.PathLike[str], png: bool = False) -> None:
        """history, parallel, slices, importance as .svg (and .png) in directory, a .csv with the numbers beside each."""
        _c.plots(self.pointer, os.fspath(directory), _SVG | (_PNG if png else 0))

    def tensorboard(self, directory: str | os.PathLike[str]) -> None:
        """Event files of the study so far, for `tensorboard --logdir directory`; a listener of run() may call it."""
        _c.tensorboard(self.pointer, os.fspath(directory))

    def trainer(self, number: int = -1) -> Trainer:
        """The training of a trial (default: the best), ready to run; its model is in .model."""
        model = c_void_p()
        pointer = made(lambda out: _c.trainer(out, byref(model), self.pointer, number))
        return Trainer._with(pointer, Model._of(model))
