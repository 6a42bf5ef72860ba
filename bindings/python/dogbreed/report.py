"""What came out of a run, for people: one HTML page, a PDF, one JSON document, and runs side by side."""
from __future__ import annotations

import ctypes
import html
import os
from typing import Any

from .common import Path, functions, made_json, made_text
from .options import REPORT, Options

_c = functions("dogbreed_report_", write="TP", json="PT", html="PTP", compare="PPi", compare_html="PPi")


class Report:
    """Report("runs/a", title="..."): reads the files of a run directory whenever it is asked."""

    def __init__(self, run: Path, **kwargs: Any):
        self.run = os.fspath(run)
        self._kwargs = kwargs

    def write(self, **kwargs: Any) -> None:
        """Writes report.html into the run directory; pdf=True and json=True write more."""
        _c.write(self.run, Options(REPORT, **{**self._kwargs, **kwargs}))

    @property
    def json(self) -> dict[str, Any]:
        """The document behind the report."""
        return made_json(_c.json, self.run)

    @property
    def html(self) -> str:
        """The page."""
        return made_text(_c.html, self.run, Options(REPORT, **self._kwargs))

    def _repr_html_(self) -> str:
        """In a notebook: the page in a frame of its own, so that neither changes the other."""
        return (f'<iframe srcdoc="{html.escape(self.html)}" sandbox="allow-scripts" '
                'style="width:100%;height:720px;border:0"></iframe>')

    def __repr__(self) -> str:
        return f"Report({self.run!r})"


def _names(runs: tuple[Path, ...]) -> Any:
    return (ctypes.c_char_p * len(runs))(*(os.fsencode(run) for run in runs))


def compare(*runs: Path) -> dict[str, Any]:
    """Runs side by side: {"runs": [...], "options": {name: [value of each]}} with the options that differ."""
    return made_json(_c.compare, _names(runs), len(runs))


def compare_html(*runs: Path) -> str:
    """The same as a page."""
    return made_text(_c.compare_html, _names(runs), len(runs))
