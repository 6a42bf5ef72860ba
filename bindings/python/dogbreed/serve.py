"""A model behind HTTP."""
from __future__ import annotations

from typing import Any

from .common import Handle, Path, functions, made
from .options import PREDICTOR, SERVE, Options, describe

_c = functions("dogbreed_server_", create="PTPP", start="P", url="P:T", port="P:i", wait="P", stop="P:-", destroy="P:-")


class Server(Handle):
    """Server("runs/a", port=8080, engine="native"): loads the model and listens; it serves on threads of its own.

    Keywords are the options of `serve`, and those of the predictor. `wait()` blocks until `stop()` is called, from any
    thread, and returns when every accepted request is answered; leaving a `with` block does both.
    """

    _c = _c

    def __init__(self, model: Path, **kwargs: Any):
        known = {row["name"] for row in describe(SERVE)}
        serve = {name: value for name, value in kwargs.items() if name in known}
        rest = {name: value for name, value in kwargs.items() if name not in known}
        super().__init__(made(_c.create, model, Options(SERVE, **serve), Options(PREDICTOR, **rest)))
        try:
            _c.start(self.pointer)
        except Exception:
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

    def wait(self) -> None:
        _c.wait(self.pointer)
