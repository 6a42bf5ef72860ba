"""A running `dogbreed serve` for tests of the whole: a model that was trained in a second, and photos that it has not seen."""
import contextlib
import json
import os
import signal
import subprocess


def run(*command, **kwargs):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **kwargs).stdout


def train(tool, folder):
    """A run directory and the photos of its test split: drawn pictures of three classes."""
    data, out = folder / "data", folder / "dogs"
    run(tool, "synth", str(data), "--classes", "3", "--per-class", "20", "--size", "240", "--seed", "5")
    run(tool, "train", str(data), "--arch", "tiny", "--freeze", "none", "--engine", "ref", "--epochs", "3", "--input-size", "32",
        "--resize", "32", "--out", str(out), "--seed", "1", "--quiet", env=dict(os.environ, DOGBREED_CACHE=str(folder / "cache")))
    return out, sorted((data / "test").rglob("*.*"))


@contextlib.contextmanager
def serving(tool, model, *options):
    """Its address. At the end it is stopped by a signal and has to leave in good order."""
    server = subprocess.Popen([tool, "serve", str(model), "--port", "0", "--json", *options], stdout=subprocess.PIPE, text=True)
    try:
        yield json.loads(server.stdout.readline())["url"]
    finally:
        server.send_signal(signal.SIGTERM)
        code = server.wait(timeout=30)
    assert code == 0, code
