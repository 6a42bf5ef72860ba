"""s3:// paths wherever the tool takes a path: data, weights, models, runs, results; on the built-in engine, against the
small server."""
import json
import shutil
import signal
import time

import test_store
import tool
from tool import SMALL


class Base(test_store.Case, tool.Case):
    """Pictures as s3://bucket/dogs."""

    def setUp(self):
        super().setUp()
        for path in sorted(self.shapes.rglob("*.jpg")):
            self.server.put("bucket", "dogs/" + str(path.relative_to(self.shapes)), path.read_bytes())

    def run_tool(self, *words, **environment):
        return tool.run(*words, folder=self.place, **{**self.environment, **environment})

    def remote(self, prefix):
        return {key[len(prefix):]: self.server.get("bucket", key) for key in self.server.keys("bucket")
                if key.startswith(prefix)}

    def until(self, there, process):
        """Waits while the process lives."""
        while not there():
            if process.poll() is not None:
                self.fail(f"it has ended: {process.communicate()}")
            time.sleep(0.01)

    def train(self, *words):
        return self.run_tool("train", "s3://bucket/dogs", *SMALL, *words)


class Paths(Base):
    def test_the_second_run_reads_the_list_alone(self):
        self.ok(self.train("--out", "a"))
        self.assertEqual(len(self.server.seen("GET", "/bucket/dogs/")), 80)
        self.server.requests.clear()
        self.ok(self.train("--out", "b"))
        self.assertEqual([line for line in self.server.requests if "prefix=dogs%2F" not in line], [])
        self.assertEqual((self.place / "a/model.safetensors").read_bytes(), (self.place / "b/model.safetensors").read_bytes())
        # Files of the same bytes from the folder itself train the same model.
        self.ok(self.run_tool("train", self.shapes, *SMALL, "--out", "c"))
        self.assertEqual((self.place / "a/metrics.csv").read_text().split("\n")[1].split(",")[1:4],
                         (self.place / "c/metrics.csv").read_text().split("\n")[1].split(",")[1:4])

    def test_what_changed_is_read_again(self):
        check = ["data", "check", "s3://bucket/dogs", "--json"]
        before = self.ok(self.run_tool(*check)).json
        keys = [key for key in self.server.keys("bucket") if key.startswith("dogs/train/")]
        self.server.put("bucket", keys[0], self.server.get("bucket", keys[1]))
        del self.server.objects["bucket"][keys[2]]
        mirror = next((self.place / "cache/store/mirror").glob("*/files"))
        (mirror / keys[3][5:]).write_bytes(b"damaged")
        self.server.requests.clear()
        after = self.ok(self.run_tool(*check)).json
        self.assertEqual(len(self.server.seen("GET", "/bucket/dogs/")), 2)
        self.assertEqual(after["splits"]["train"]["files"], before["splits"]["train"]["files"] - 1)
        self.assertEqual((mirror / keys[3][5:]).read_bytes(), self.server.get("bucket", keys[3]))
        self.assertFalse((mirror / keys[2][5:]).exists())

    def test_a_cut_copy_goes_on(self):
        self.server.faults = [test_store.fake_s3.Fault("GET", "/bucket/dogs/valid", 1, status=403, code="AccessDenied")]
        self.fails(self.run_tool("data", "check", "s3://bucket/dogs", "--transfers", 1), 1, "s3://bucket/dogs/valid")
        first = len(self.server.seen("GET", "/bucket/dogs/"))
        self.ok(self.run_tool("data", "check", "s3://bucket/dogs"))
        self.assertEqual(len(self.server.seen("GET", "/bucket/dogs/")), 80 + 1)
        self.assertGreater(first, 50)

    def test_a_run_in_the_store(self):
        done = self.ok(self.train("--out", "s3://bucket/runs/a", "--json"))
        self.assertEqual(done.lines[-1]["run"], "s3://bucket/runs/a")
        self.ok(self.train("--out", "local"))
        there = self.remote("runs/a/")
        local = self.place / "local"
        self.assertLessEqual({"config.json", "model.safetensors", "checkpoint/last/checkpoint.json", "evaluation.json"},
                             set(there))
        self.assertEqual(there["model.safetensors"], (local / "model.safetensors").read_bytes())
        config = json.loads(there["config.json"])
        self.assertEqual((config["data"], json.loads((local / "config.json").read_text())["data"]), ("s3://bucket/dogs",) * 2)
        self.assertEqual(list((self.place / "cache/store/work").iterdir()), [])
        self.fails(self.train("--out", "s3://bucket/runs/a"), 1, "something is there already")
        evaluation = self.ok(self.run_tool("evaluate", "s3://bucket/runs/a", "--json")).json
        self.assertEqual(evaluation["correct"], json.loads(there["evaluation.json"])["correct"])
        self.ok(self.run_tool("model", "info", "s3://bucket/runs/a/model.safetensors"))
        self.ok(self.train("--weights", "s3://bucket/runs/a/model.safetensors", "--out", "b"))
        self.assertEqual(json.loads((self.place / "b/config.json").read_text())["weights"],
                         "s3://bucket/runs/a/model.safetensors")
        self.ok(self.run_tool("model", "export", "s3://bucket/runs/a", "--out", "s3://bucket/exported.pth"))
        self.assertGreater(len(self.server.get("bucket", "exported.pth")), 10000)

    def killed_at(self, number, *words):
        """Runs a training into the store; it is killed while it sends this one of its files."""
        process = tool.start(*words, folder=self.place, **self.environment)
        seen = []

        def kill():
            seen.append(1)
            if len(seen) == number:
                process.send_signal(signal.SIGKILL)

        self.server.faults = [test_store.fake_s3.Fault("PUT", "/bucket/runs/", 10 ** 6, call=kill)]
        err = process.communicate()[1]
        self.server.faults = []
        self.assertEqual(process.returncode, -signal.SIGKILL, err)

    def test_a_run_that_is_killed_at_any_moment_goes_on_from_the_store(self):
        """Wherever the kill falls, the store has one whole checkpoint: its files are replaced one after another."""
        words = ["train", "s3://bucket/dogs", *SMALL, "--epochs", "6", "--no-test"]
        self.environment["DOGBREED_CHECKPOINT_SECONDS"] = "0"
        self.ok(self.run_tool(*words, "--out", "s3://bucket/runs/whole"))
        whole = self.remote("runs/whole/")
        puts = [line.split("/runs/whole/")[1] for line in self.server.seen("PUT", "/runs/whole/")]
        first = next(number for number, name in enumerate(puts) if name.startswith("checkpoint/previous/")) + 1
        for number in range(first, len(puts) - 30, 17):
            with self.subTest(number=number, file=puts[number - 1]):
                run = f"s3://bucket/runs/{number}"
                self.killed_at(number, *words, "--out", run)
                # On another machine; killed once more on the way, right behind its start and later.
                for again in (2, 9):
                    shutil.rmtree(self.place / "cache/store/work")
                    self.killed_at(again, "train", "--resume", run)
                shutil.rmtree(self.place / "cache/store/work")
                self.ok(self.run_tool("train", "--resume", run))
                there = self.remote(f"runs/{number}/")
                self.assertEqual(there["model.safetensors"], whole["model.safetensors"])
                self.assertEqual([row.split(b",")[:4] for row in there["metrics.csv"].splitlines()],
                                 [row.split(b",")[:4] for row in whole["metrics.csv"].splitlines()])
                self.assertEqual(json.loads(there["status.json"])["state"], "completed")

    def test_an_interrupted_run_comes_home(self):
        words = ["train", "s3://bucket/dogs", *SMALL, "--epochs", "400", "--out", "s3://bucket/runs/a"]
        process = tool.start(*words, folder=self.place, **self.environment)
        self.until(lambda: self.remote("runs/a/checkpoint/last/checkpoint.json"), process)
        process.send_signal(signal.SIGTERM)
        err = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, 143)
        self.assertIn("--resume s3://bucket/runs/a", err)
        self.assertEqual(json.loads(self.remote("runs/a/")["status.json"])["exit_code"], 143)

    def test_results_in_the_store(self):
        self.ok(self.train("--out", "a"))
        done = self.ok(self.run_tool("predict", "s3://bucket/dogs/test/", "--model", "a", "--out", "s3://bucket/out/"))
        self.assertIn("12 results -> s3://bucket/out/", done.out)
        there = self.remote("out/")
        pictures = sorted(str(path.relative_to(self.shapes / "test")) for path in (self.shapes / "test").glob("*/*.jpg"))
        self.assertEqual(sorted(there), sorted([name + ".out" for name in pictures] + ["transform.json"]))
        direct = self.ok(self.run_tool("predict", "a", self.shapes / "test", "--top-k", 1, "--json")).lines
        for name, line in zip(pictures, direct):
            (logits,) = json.loads(there[name + ".out"])
            self.assertEqual(logits.index(max(logits)), line["predictions"][0]["index"])
        # What is there is not computed again, nor brought back.
        words = ["predict", "s3://bucket/dogs/test/", "--model", "a", "--out", "s3://bucket/out/"]
        del self.server.objects["bucket"]["out/" + pictures[3] + ".out"]
        self.server.requests.clear()
        self.assertIn("1 results -> s3://bucket/out/; 11 were there", self.ok(self.run_tool(*words)).out)
        self.assertEqual(self.remote("out/"), there)
        self.assertEqual(len(self.server.seen("GET", "/bucket/out/")), 1)  # the record
        self.assertEqual(len(self.server.seen("PUT", "/bucket/out/")), 1)
        self.ok(self.run_tool("predict", self.shapes / "test", "--model", "a", "--out", "local"))
        local = self.place / "local"
        self.assertEqual({str(path.relative_to(local)): path.read_bytes() for path in local.rglob("*.*") if path.is_file()}, there)

    def test_results_of_another_model_in_the_store(self):
        self.ok(self.train("--out", "a"))
        self.ok(self.train("--out", "b", "--seed", "7"))
        words = ["predict", self.shapes / "test", "--out", "s3://bucket/out"]
        self.ok(self.run_tool(*words, "--model", "a"))
        # The record comes first, so that results are never without one.
        self.assertIn("transform.json", self.server.seen("PUT", "/bucket/out/")[0])
        there = self.remote("out/")
        self.fails(self.run_tool(*words, "--model", "b"), 3, "another model")
        self.assertEqual(self.remote("out/"), there)
        # What cannot be done removes nothing.
        self.fails(self.run_tool(*words, "--model", "b", "--overwrite", "--accept", "text/csv", "--top-k", "3"), 2,
                   "has no labels")
        self.assertEqual(self.remote("out/"), there)
        self.server.put("bucket", "out/kept.txt", b"not ours")
        self.assertIn("12 results", self.ok(self.run_tool(*words, "--model", "b", "--overwrite")).out)
        after = self.remote("out/")
        self.assertEqual(after.pop("kept.txt"), b"not ours")
        self.assertEqual(set(after), set(there))
        self.assertFalse(set(after.values()) & set(there.values()))
        self.assertIn("12 were there", self.ok(self.run_tool(*words, "--model", "b")).out)
        del self.server.objects["bucket"]["out/transform.json"]
        self.fails(self.run_tool(*words, "--model", "b"), 3, "no transform.json")

    def test_where_no_uri_is_taken(self):
        self.fails(self.run_tool("config", "print", "s3://bucket/x"), 2, "expected a local path")
        self.fails(self.run_tool("data", "check", "s3://bucket/dogs", "s3://bucket/dogs"), 2, "expected a local path")
        for words in (["--storage", "s3://bucket/study.db"], ["--cache-dir", "s3://bucket/cache"]):
            done = self.run_tool("tune", "s3://bucket/dogs", *SMALL, *words)
            self.fails(done, 2, f"{words[0]} {words[1]}: expected a local path")
        self.fails(self.run_tool("serve", "--multi-model", "s3://bucket/m"), 2, "--multi-model s3://bucket/m: expected a local")
        self.fails(self.train("--out", "s3://none/runs/a"), 3, "no such bucket")
        self.fails(self.run_tool("evaluate", "s3://bucket/nothing"), 3, "no such object")

    def test_a_store_that_is_gone_at_the_end(self):
        self.server.faults = [test_store.fake_s3.Fault("PUT", "runs/a", 1000, status=403, code="AccessDenied")]
        done = self.train("--out", "s3://bucket/runs/a")
        self.fails(done, 1, "s3://bucket/runs/a", "AccessDenied")
        kept = next(line.split()[1] for line in done.err.splitlines() if line.startswith("kept"))
        self.assertTrue(kept.startswith(str(self.place.resolve() / "cache/store/work")))
        self.server.faults = []
        self.ok(self.run_tool("s3", "sync", kept, "s3://bucket/runs/a"))
        self.assertIn("model.safetensors", self.remote("runs/a/"))


if __name__ == "__main__":
    tool.main()
