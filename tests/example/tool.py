"""What the tests of the tool share: running it, a data set, TAP output for meson. Standard library only."""
import contextlib
import json
import os
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

TOOL = os.environ.get("DOGBREED_TOOL", "build/dogbreed")
SOURCE = pathlib.Path(os.environ.get("DOGBREED_TEST_SOURCE", "tests")).parent
# Numbers of the tests are those of the built-in engine: no libtorch, same bits everywhere.
ENVIRONMENT = {**os.environ, "DOGBREED_ENGINE": "ref"}
for name in ("NO_COLOR", "TERM", "CI"):
    ENVIRONMENT.pop(name, None)

# A network and a number of steps that need about a second.
SMALL = ["--arch", "tiny", "--freeze", "none", "--epochs", "3", "--batch-size", "16", "--learning-rate", "0.01",
         "--seed", "1"]


class Result:
    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def json(self):
        return json.loads(self.out)


def run(*words, folder=None, stdin=None, **environment):
    done = subprocess.run([TOOL, *map(str, words)], cwd=folder, input=stdin or b"", capture_output=True, timeout=120,
                          env={**ENVIRONMENT, **environment})
    done.stdout = done.stdout.decode()
    done.stderr = done.stderr.decode()
    return Result(done)


def must(*words, **more):
    """The same for what others build on: it has to succeed."""
    done = run(*words, **more)
    if done.code != 0:
        raise AssertionError(done.err)
    return done


def start(*words, program=(), folder=None, stderr=subprocess.PIPE, **environment):
    """It goes on. program: one that runs it."""
    return subprocess.Popen([*program, TOOL, *map(str, words)], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=stderr, text=True, env={**ENVIRONMENT, **environment})


def free_port():
    """Below those that the system gives to connections, so that none takes it before a server has it."""
    while True:
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("0.0.0.0", random.randrange(15000, 32000)))
            return probe.getsockname()[1]


def listens(port, process, seconds=60):
    """Waits until something does at the port. False: the process has ended, or it took too long."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False


class Folder(unittest.TestCase):
    """A scratch folder per class."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="dogbreed-tool-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)

    def ok(self, done):
        self.assertEqual(done.code, 0, done.err)
        return done

    def fails(self, done, code, *parts):
        """Ends with the code and says why in one line."""
        self.assertEqual(done.code, code, done.err)
        lines = [line for line in done.err.splitlines() if "error:" in line]
        self.assertEqual(len(lines), 1, done.err)
        for part in parts:
            self.assertIn(str(part), lines[0])
        return done


class Case(Folder):
    """With a small set of pictures in shapes/."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shapes = cls.folder / "shapes"
        must("synth", cls.shapes, "--classes", 4, "--per-class", 20, "--size", 32, "--seed", 1)


class _Tap(unittest.TestResult):
    def __init__(self, stream):
        super().__init__()
        self.stream = stream
        self.number = 0

    def _line(self, word, test, note=""):
        self.number += 1
        name = test.id().split(".", 1)[-1].replace("#", "")
        self.stream.write(f"{word} {self.number} - {name}{note}\n")

    def addSuccess(self, test):
        super().addSuccess(test)
        self._line("ok", test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._line("ok", test, f" # SKIP {reason}")

    def _bad(self, test, error):
        text = self._exc_info_to_string(error, test)
        self._line("not ok", test)
        for line in text.splitlines():
            self.stream.write(f"# {line}\n")
            sys.stderr.write(f"{line}\n")

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            self._bad(subtest, error)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self._bad(test, error)

    def addError(self, test, error):
        super().addError(test, error)
        self._bad(test, error)


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    result = _Tap(sys.stdout)
    suite.run(result)
    sys.stdout.write(f"1..{result.number}\n")
    sys.exit(0 if result.wasSuccessful() else 1)
