"""What survives kill -9, on every engine: a training that is killed and resumed again and again ends with the bytes of one
that was left alone, and so does one with another number of loader threads."""
import fcntl
import signal
import time

import tool
from tool import run

# Ways to train: [words, epochs that a process is left to see before each kill]. Behind them it gets a part of an epoch.
WAYS = {
    # The network up to the head is frozen: its features are computed once, kept in the store, and the head trains on them.
    "head": (["--freeze", "head", "--augment-views", "2", "--head", "mlp:8:0.3", "--optimizer", "sgd", "--momentum", "0.9",
              "--epochs", "60"], (0, 5, 9, 1)),
    # Everything trains, running statistics too, on pictures that are augmented anew each epoch.
    "net": (["--freeze", "none", "--batch-norm", "train", "--optimizer", "adam", "--epochs", "60"], (0, 2, 7, 1)),
}
ALL = ["--arch", "tiny", "--batch-size", "16", "--learning-rate", "0.01", "--seed", "3", "--threads", "1"]
WAIT = 60  # seconds for what takes a second or two on an idle machine


class Engine:
    """The tests, for the engine that a subclass names."""

    def setUp(self):
        # An engine that is there but does not open is a failure further down, not a skip.
        rows = {row["name"]: row for row in self.ok(run("info", "--json")).json["engines"]}
        if not rows.get(self.engine, {}).get("available"):
            self.skipTest(f"engine {self.engine} is not built")

    def environment(self, out):
        """Every run fills a feature store of its own."""
        return {"DOGBREED_ENGINE": self.engine, "DOGBREED_CACHE": str(out) + ".cache"}

    def train(self, way, name, loader_threads):
        out = self.folder / f"{self.engine}-{way}-{name}"
        begin = time.monotonic()
        self.ok(run("train", self.shapes, *ALL, *WAYS[way][0], "--out", out, "--loader-threads", loader_threads, "-q",
                    **self.environment(out)))
        return out, time.monotonic() - begin

    def same_bytes(self, found, expected):
        for name in ("model.safetensors", "metrics.csv"):
            self.assertTrue((found / name).read_bytes() == (expected / name).read_bytes(), f"{found / name} differs")

    def killed(self, words, out, epochs, seconds, **environment):
        """Starts it and kills it so many epochs and seconds later."""
        process = tool.start("train", *words, "--json", **self.environment(out), **environment)
        # A short pipe holds the process back: however busy the machine, it is killed in the middle of its work.
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
        end = time.monotonic() + WAIT
        while not (out / "config.json").is_file() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.005)
        for _ in range(epochs):
            process.stdout.readline()
        time.sleep(seconds)
        process.kill()
        _, err = process.communicate(timeout=WAIT)
        self.assertEqual(process.returncode, -signal.SIGKILL, err)

    def kills(self, way):
        whole, seconds = self.train(way, "whole", 1)
        out = self.folder / f"{self.engine}-{way}-killed"
        words, moments = WAYS[way]
        epoch = seconds / int(words[-1])
        first = [self.shapes, *ALL, *words, "--out", out, "--loader-threads", 2]
        for number, epochs in enumerate(moments):
            # With checkpoints at all epochs, and with few, so that epochs are trained again.
            interval = {"DOGBREED_CHECKPOINT_SECONDS": "0"} if number % 2 == 1 else {}
            self.killed(first if number == 0 else ["--resume", out], out, epochs, epoch * (0.2 + 0.25 * number), **interval)
        self.assertTrue((out / "checkpoint" / "last").is_dir())  # so there is something to go on with
        self.assertFalse((out / "test.json").exists())
        self.ok(run("train", "--resume", out, "-q", **self.environment(out)))
        self.same_bytes(out, whole)

    def test_a_killed_training_of_a_head_ends_with_the_same_bytes(self):
        self.kills("head")

    def test_a_killed_training_of_a_net_ends_with_the_same_bytes(self):
        self.kills("net")

    def test_loader_threads_change_no_byte(self):
        for way in WAYS:
            one, _ = self.train(way, "one", 1)
            two, _ = self.train(way, "two", 2)
            self.same_bytes(two, one)


class Ref(Engine, tool.Case):
    engine = "ref"


class Torch(Engine, tool.Case):
    engine = "torch"


if __name__ == "__main__":
    tool.main()
