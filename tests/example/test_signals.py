"""Signals while training: a checkpoint, the exit codes of the shell, and the same weights after resuming; and while
quantising: no file."""
import json
import os
import pty
import signal
import time

import tool
from tool import must, run

LONG = ["--arch", "tiny", "--freeze", "none", "--epochs", "24", "--batch-size", "16", "--learning-rate", "0.01", "--seed",
        "1", "--threads", "1", "--no-test"]


def read_terminal(file):
    try:
        return os.read(file, 4096)
    except OSError:  # the other end is closed
        return b""


class Signals(tool.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.whole = cls.folder / "whole"
        must("train", cls.shapes, *LONG, "--out", cls.whole, "-q")
        cls.weights = (cls.whole / "model.safetensors").read_bytes()

    def interrupted(self, name, number, epochs):
        """Starts a run and sends the signal behind so many epochs; its result lines."""
        process = tool.start("train", self.shapes, *LONG, "--out", self.folder / name, "--json")
        for _ in range(epochs):
            self.assertEqual(json.loads(process.stdout.readline())["kind"], "epoch")
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def finished(self, name):
        done = self.ok(run("train", "--resume", self.folder / name, "-q"))
        self.assertEqual((self.folder / name / "model.safetensors").read_bytes(), self.weights)
        with open(self.folder / name / "metrics.csv") as file, open(self.whole / "metrics.csv") as whole:
            self.assertEqual(len(file.readlines()), len(whole.readlines()))
        return done

    def test_a_signal_checkpoints_and_the_run_goes_on_to_the_same_weights(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            name = f"signal{code}"
            found, out, err = self.interrupted(name, number, 4)
            self.assertEqual(found, code, err)
            last = json.loads(out.splitlines()[-1])
            self.assertEqual((last["state"], last["exit_code"]), ("interrupted", code))
            self.assertIn(f"train --resume {self.folder / name}", err)
            status = json.loads((self.folder / name / "status.json").read_text())
            self.assertEqual((status["state"], status["exit_code"]), ("interrupted", code))
            self.finished(name)

    def test_a_second_signal_ends_at_once(self):
        process = tool.start("train", self.shapes, *LONG, "--epochs", "100000", "--out", self.folder / "twice", "--json")
        process.stdout.readline()
        os.kill(process.pid, signal.SIGSTOP)  # so that both are pending when it wakes up
        os.kill(process.pid, signal.SIGTERM)
        os.kill(process.pid, signal.SIGINT)
        begin = time.monotonic()
        os.kill(process.pid, signal.SIGCONT)
        process.communicate(timeout=60)
        self.assertIn(process.returncode, (130, 143))
        self.assertLess(time.monotonic() - begin, 5)

    def test_a_signal_ends_a_quantisation_without_a_file(self):
        many = self.folder / "many"  # seconds of work, of which the signal leaves out nearly all
        for path in (self.shapes / "train").glob("*/*"):
            (many / path.parent.name).mkdir(parents=True, exist_ok=True)
            for copy in range(100):
                os.link(path, many / path.parent.name / f"{copy}-{path.name}")
        ours, theirs = pty.openpty()
        process = tool.start("model", "quantize", self.whole, "--data", many, "--split", "train", "--images", 5000, "--batch-size",
                             1, "--out", self.folder / "none" / "small.safetensors", stderr=theirs, TERM="xterm")
        os.close(theirs)
        seen = b""
        while b"ranges 0/" not in seen:
            seen += os.read(ours, 4096)
        process.send_signal(signal.SIGINT)
        while chunk := read_terminal(ours):
            seen += chunk
        process.communicate(timeout=60)
        os.close(ours)
        self.assertEqual(process.returncode, 130, seen)
        self.assertIn(b"stopping", seen)
        self.assertNotIn(b"accuracy 0/", seen)
        self.assertFalse((self.folder / "none").exists())

    def test_two_processes_do_not_write_one_run(self):
        process = tool.start("train", self.shapes, *LONG, "--epochs", "100000", "--out", self.folder / "busy", "--json")
        process.stdout.readline()
        done = run("train", "--resume", self.folder / "busy")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        self.assertNotEqual(done.code, 0)
        self.assertIn("busy", done.err)


if __name__ == "__main__":
    tool.main()
