"""What survives kill -9: a training that is killed and resumed again and again ends with the bytes of one that was left
alone, and so does one with another number of loader threads. The engine is the first argument; one that trains only heads
does not train nets here."""
import fcntl
import os
import signal
import sys
import time

import tool
from tool import run

ENGINE = sys.argv[1] if len(sys.argv) > 1 else "ref"
# Ways to train. Head: the network up to the head is frozen, its features are computed once, kept in the store, and the head
# trains on them. Net: everything trains, running statistics too, on pictures that are augmented anew each epoch.
WAYS = {
    "head": ["--freeze", "head", "--batch-norm", "frozen", "--augment-views", "2", "--head", "mlp:8:0.3",
             "--optimizer", "sgd", "--momentum", "0.9"],
    "net": ["--freeze", "none", "--batch-norm", "train", "--optimizer", "adam"],
}
if ENGINE == "native":
    del WAYS["net"]
EPOCHS = 60
ALL = ["--arch", "tiny", "--batch-size", "16", "--learning-rate", "0.01", "--seed", "3", "--threads", "1", "--epochs", EPOCHS]
# Epochs that a process is left to see before each kill; behind them it gets a part of an epoch.
MOMENTS = (0, 4, 7)
WAIT = 100  # seconds for what takes a second or two on an idle machine


def environment(out):
    """Every run fills a feature store of its own."""
    return {"DOGBREED_ENGINE": ENGINE, "DOGBREED_CACHE": str(out) + ".cache"}


def skip_line(file):
    """Reads no byte behind the line."""
    while os.read(file.fileno(), 1) not in (b"\n", b""):
        pass


class Resume(tool.Case):
    whole = {}  # way: the run that was left alone, and its seconds

    def setUp(self):
        # An engine that is there but does not open is a failure further down, not a skip.
        rows = {row["name"]: row for row in self.ok(run("info", "--json")).json["engines"]}
        if not rows.get(ENGINE, {}).get("available"):
            self.skipTest(f"engine {ENGINE} is not built")

    def train(self, way, name, loader_threads):
        out = self.folder / f"{way}-{name}"
        begin = time.monotonic()
        self.ok(run("train", self.shapes, *ALL, *WAYS[way], "--out", out, "--loader-threads", loader_threads, "-q",
                    **environment(out)))
        return out, time.monotonic() - begin

    def left_alone(self, way):
        if way not in self.whole:
            self.whole[way] = self.train(way, "whole", 1)
        return self.whole[way]

    def same_bytes(self, found, expected):
        for name in ("model.safetensors", "metrics.csv"):
            self.assertTrue((found / name).read_bytes() == (expected / name).read_bytes(), f"{found / name} differs")

    def killed(self, words, out, epochs, seconds, **interval):
        """Starts it and kills it so many epochs and seconds later."""
        process = tool.start("train", *words, "--json", **environment(out), **interval)
        # A short pipe (it holds about 12 lines) keeps the process back: however busy the machine, it is killed in the middle
        # of its work.
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
        end = time.monotonic() + WAIT
        while not (out / "config.json").is_file() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.005)
        for _ in range(epochs):
            skip_line(process.stdout)
        time.sleep(seconds)
        process.kill()
        _, err = process.communicate(timeout=WAIT)
        self.assertEqual(process.returncode, -signal.SIGKILL, err)

    def kills(self, way):
        whole, seconds = self.left_alone(way)
        out = self.folder / f"{way}-killed"
        first = [self.shapes, *ALL, *WAYS[way], "--out", out, "--loader-threads", 2]
        for number, epochs in enumerate(MOMENTS):
            # With checkpoints at all epochs, and with few, so that epochs are trained again.
            interval = {"DOGBREED_CHECKPOINT_SECONDS": "0"} if number % 2 == 1 else {}
            part = seconds / EPOCHS * (0.2 + 0.3 * number)
            self.killed(first if number == 0 else ["--resume", out], out, epochs, part, **interval)
        self.assertTrue(list(out.glob("checkpoint/*/checkpoint.json")), "there is nothing to go on with")
        self.assertFalse((out / "evaluation.json").exists())
        self.ok(run("train", "--resume", out, "-q", **environment(out)))
        self.same_bytes(out, whole)

    def test_a_killed_training_of_a_head_ends_with_the_same_bytes(self):
        self.kills("head")

    def test_a_killed_training_of_a_net_ends_with_the_same_bytes(self):
        if "net" not in WAYS:
            self.skipTest(f"engine {ENGINE} trains only heads")
        self.kills("net")

    def test_loader_threads_change_no_byte(self):
        for way in WAYS:
            self.same_bytes(self.train(way, "two", 2)[0], self.left_alone(way)[0])


if __name__ == "__main__":
    tool.main()
