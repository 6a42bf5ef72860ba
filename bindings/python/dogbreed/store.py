"""Objects of Amazon S3 and of servers that speak its language; local copies for everything that wants a path."""
from __future__ import annotations

import ctypes
from ctypes import c_int32, c_void_p
from typing import Any, Callable

from .common import DogbreedError, Handle, Path, Struct, fields, functions, made, made_json, made_text
from .options import STORE, Options

STOP = 1


class StoreObject(Struct):
    _fields_ = fields("u32 struct_size  i32 folder  str key etag  i64 size  f64 modified")


class StoreProgress(Struct):
    _fields_ = fields("u32 struct_size reserved  i64 files files_total bytes bytes_total")


_ListFn = ctypes.CFUNCTYPE(c_int32, ctypes.POINTER(StoreObject), c_void_p)
_ProgressFn = ctypes.CFUNCTYPE(c_int32, ctypes.POINTER(StoreProgress), c_void_p)
_c = functions("dogbreed_store_", create="PP", destroy="P:-", credentials="PTTT", subscribe="PPP", list="PTiPP",
               get="PTT", put="PTT", delete="PT", sync="PPTTu", fetch="PPT", work="PPT",
               cache="PPq")


class Store(Handle):
    """Store(endpoint="http://127.0.0.1:9000"). URIs are "s3://bucket/key"; nothing in them is encoded.

    Dataset(store.fetch("s3://bucket/dogs")) opens a local copy that is kept: next time only what changed is read.
    """

    _c = _c

    def __init__(self, access_key: str | None = None, secret_key: str | None = None, session_token: str | None = None,
                 **kwargs: Any):
        super().__init__(made(_c.create, Options(STORE, **kwargs)))
        self._progress: Any = None
        self._error: BaseException | None = None
        if access_key is not None:
            _c.credentials(self.pointer, access_key, secret_key, session_token)

    def on_progress(self, function: Callable[[dict[str, Any]], Any] | None) -> None:
        """function({"files", "files_total", "bytes", "bytes_total"}) about ten times a second; STOP ends the transfer."""
        def call(progress: Any, _: Any) -> int:
            try:
                return STOP if function is not None and function(progress.contents.as_dict()) == STOP else 0
            except BaseException as error:  # raised again behind the call
                self._error = error
                return STOP
        self._progress = _ProgressFn() if function is None else _ProgressFn(call)
        _c.subscribe(self.pointer, self._progress, None)

    def _run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        self._error = None
        try:
            return function(*arguments)
        except DogbreedError:
            if self._error is not None:
                raise self._error from None
            raise

    def list(self, uri: str, recursive: bool = True) -> list[dict[str, Any]]:
        """Objects whose key begins with the URI's: key, size, etag, modified; folder where one stands for many."""
        found: list[dict[str, Any]] = []

        def add(item: Any, _: Any) -> int:
            found.append(item.contents.as_dict())
            return 0
        _c.list(self.pointer, uri, recursive, _ListFn(add), None)
        return found

    def get(self, uri: str, path: Path) -> None:
        """One object into a file, whole or not at all; goes on where an earlier call was cut off."""
        self._run(_c.get, self.pointer, uri, path)

    def put(self, path: Path, uri: str) -> None:
        """One file into an object, whole or not at all."""
        self._run(_c.put, self.pointer, path, uri)

    def delete(self, uri: str) -> None:
        _c.delete(self.pointer, uri)

    def sync(self, source: Path, target: Path, delete: bool = False, dry_run: bool = False) -> dict[str, Any]:
        """Makes the folder `target` equal to `source`; one of them is an s3:// URI. Returns what was done."""
        result: dict[str, Any] = self._run(made_json, _c.sync, self.pointer, source, target, delete + 2 * dry_run)
        return result

    def fetch(self, uri: str) -> str:
        """Path of a local copy of an object, or of all objects below uri/. Nobody removes it as long as this Store is open."""
        return str(self._run(made_text, _c.fetch, self.pointer, uri))

    def cache(self, keep: int = -1) -> dict[str, Any]:
        """The local copies: their bytes, when they were used. keep: those that nobody uses go until so many bytes are left."""
        result: dict[str, Any] = made_json(_c.cache, self.pointer, keep)
        return result

    def work(self, uri: str) -> str:
        """A new empty folder for what is going to be brought to the URI; yours to remove."""
        return made_text(_c.work, self.pointer, uri)
