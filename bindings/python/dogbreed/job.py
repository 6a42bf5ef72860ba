"""Inside a SageMaker container, or a folder that looks like one: hyperparameters, channels, results, model.tar.gz."""
from __future__ import annotations

from ctypes import byref, c_int32
from typing import Any

from .common import Handle, Path, Struct, fields, functions, made, made_json, made_text
from .options import JOB, PROFILE, Options, describe

RUNNING, SUCCESS, FAILURE = range(3)


class RawHyperparameter(Struct):
    _fields_ = fields("u32 struct_size  i32 recorded  str name option text value")


_c = functions("dogbreed_job_", from_env="PT", destroy="P:-", get="PT:P", describe="PP", hyperparameter_count="P:i",
               hyperparameter="PPi", apply="PP", data="PPP", profile="PPP", complete="PT", board="PT", mark="TiT", pack="TT",
               unpack="TT")


def mark(state: int, message: str | None = None, root: Path | None = None) -> None:
    """The markers output/success and output/failure; RUNNING removes both."""
    _c.mark(root, state, message)


def pack(archive: Path, directory: Path) -> None:
    """The model of a run directory as model.tar.gz, the same bytes each time."""
    _c.pack(archive, directory)


def unpack(directory: Path, archive: Path) -> None:
    """Unpacks an archive into a new or empty folder, strictly."""
    _c.unpack(directory, archive)


class Job(Handle):
    """What the container was told. root stands in front of /opt/ml."""

    _c = _c

    def __init__(self, root: Path | None = None):
        super().__init__(made(_c.from_env, root))

    def describe(self) -> dict[str, Any]:
        """facts, channels, hosts, hyperparameters as they came, environment."""
        return made_json(_c.describe, self.pointer)

    def __getitem__(self, fact: str) -> str:
        """A fact by name: job["model_dir"]."""
        return str(self.describe()["facts"][fact])

    @property
    def hyperparameters(self) -> dict[str, str | None]:
        """Option: value as the options take it, without those of the platform."""
        found: dict[str, str | None] = {}
        for index in range(_c.hyperparameter_count(self.pointer)):
            one = RawHyperparameter()
            _c.hyperparameter(byref(one), self.pointer, index)
            row = one.as_dict()
            if not row["recorded"]:
                found[row["option"]] = row["value"]
        return found

    def options(self, kind: int) -> dict[str, str]:
        """Keyword arguments for the calls that take options of this kind (options.TRAINER ...)."""
        chosen = Options(kind)
        _c.apply(chosen, self.pointer)
        return {row["name"]: chosen[row["name"]] for row in describe(kind) if row["name"] in self.hyperparameters}

    def data(self, **kwargs: Any) -> str:
        """The folder to train on; Pipe channels are read into a temporary one, which close() removes."""
        return made_text(_c.data, self.pointer, Options(JOB, **kwargs))

    def profile(self) -> dict[str, str] | None:
        """Options of a profile when profilerconfig.json has changed; None: it has not, or wants none."""
        state, chosen = c_int32(), Options(PROFILE)
        _c.profile(byref(state), chosen, self.pointer)
        return chosen.as_dict() if state.value == 1 else None

    def board(self, run: Path) -> None:
        """Copies the run's event files to where the platform looks for curves."""
        _c.board(self.pointer, run)

    def complete(self, run: Path) -> None:
        """Hands in the model and the documents of a run directory."""
        _c.complete(self.pointer, run)
