"""A running `dogbreed serve` for tests of the whole: a model that was trained in a second, and photos that it has not seen."""
import contextlib

import server
import tool  # server.py says where it is


def run(*words):
    return tool.must(*words).out


def train(folder):
    """A run directory and the photos of its test split: drawn pictures of three classes."""
    data, out = folder / "data", folder / "dogs"
    run("synth", data, "--classes", 3, "--per-class", 20, "--size", 240, "--seed", 5)
    run("train", data, *tool.SMALL, "--input-size", 32, "--resize", 32, "--out", out, "--quiet")
    return out, sorted((data / "test").rglob("*.jpg"))


@contextlib.contextmanager
def serving(model, *options):
    """Its address. At the end it is stopped by a signal and has to leave in good order."""
    running = server.Server(model, *options, stderr=None)
    try:
        yield running.ready["url"]
    finally:
        code, _ = running.stop()
    assert code == 0, code
