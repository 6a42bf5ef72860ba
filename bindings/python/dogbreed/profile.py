"""Where a training spends its time, what the machine does meanwhile, and which settings are better."""
from __future__ import annotations

from typing import Any

from .common import Handle, Path, functions, made, made_json
from .options import PROFILE, Options
from .trainer import Trainer

_c = functions("dogbreed_profile_", attach="PPTP", configure="PP", summary="PP", results="PTP", advise="PP",
               destroy="P:-")


class Profile(Handle):
    """Profile(trainer, "runs/a") profiles the runs of a trainer; files go into runs/a/profile, None: no files."""

    _c = _c

    def __init__(self, trainer: Trainer, directory: Path | None = None, **kwargs: Any):
        super().__init__(made(_c.attach, trainer.pointer, directory, Options(PROFILE, **kwargs)))

    def configure(self, **kwargs: Any) -> None:
        """Changes interval, layers and rules, also while the training runs; from any thread."""
        _c.configure(self.pointer, Options(PROFILE, **kwargs))

    def summary(self) -> dict[str, Any]:
        """What is known so far, or of the last run; from any thread."""
        return made_json(_c.summary, self.pointer)


def results(directory: Path, **kwargs: Any) -> dict[str, Any]:
    """A stored profile, with its rules judged again: profile_parity=True, profile_rules="StepOutlier:stddev=5"."""
    return made_json(_c.results, directory, Options(PROFILE, **kwargs))


def advise(trainer: Trainer) -> dict[str, Any]:
    """Measures for some seconds: {"advice": [{"option", "value", "reason", "safe"}], "measured": {...}}."""
    return made_json(_c.advise, trainer.pointer)
