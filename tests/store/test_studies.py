"""Studies that are made in the store: killed, stopped, gone on with from another machine, learned from."""
import json
import shutil
import signal
import sqlite3

import test_paths
import tool

TUNE = ["--arch", "tiny", "--freeze", "none", "--batch-size", "16", "--seed", "1", "--trials", "4",
        "--search", "learning_rate=log:1e-3:1e-1", "--epochs", "2", "--plots", "off"]


class Study(test_paths.Base):
    def tune(self, *words):
        return self.run_tool("tune", "s3://bucket/dogs", *TUNE, *words)

    def params(self, data):
        path = self.place / "study.db"
        path.write_bytes(data)
        with sqlite3.connect(path) as db:
            return db.execute("SELECT param_value FROM trial_params ORDER BY trial_id").fetchall()

    def test_a_study_in_the_store(self):
        done = self.ok(self.tune("--out", "s3://bucket/t", "--json"))
        self.assertEqual(done.lines[-1]["run"], "s3://bucket/t")
        there = self.remote("t/")
        self.assertLessEqual({"config.json", "study.db", "trials.csv", "best.json"}, set(there))
        self.assertEqual([name for name in there if "wal" in name or "shm" in name or "part" in name], [])
        self.ok(self.tune("--out", "local"))
        self.assertEqual(self.params(there["study.db"]), self.params((self.place / "local/study.db").read_bytes()))
        self.assertEqual(list((self.place / "cache/store/work").iterdir()), [])
        self.fails(self.tune("--out", "s3://bucket/t"), 1, "something is there already")
        shutil.rmtree(self.place / "cache")
        more = self.ok(self.run_tool("tune", "--resume", "s3://bucket/t", "--trials", 6, "--json")).lines[-1]
        self.assertEqual((more["run"], more["trials"]), ("s3://bucket/t", 6))
        self.ok(self.run_tool("tune", "--resume", "local", "--trials", 6))
        self.assertEqual(self.params(self.remote("t/")["study.db"]), self.params((self.place / "local/study.db").read_bytes()))
        config = json.loads(self.remote("t/")["config.json"])
        self.assertEqual((config["data"], config["storage"]), ("s3://bucket/dogs", ""))

    def test_a_killed_study_goes_on_from_the_store(self):
        process = tool.start("tune", "s3://bucket/dogs", *TUNE, "--trials", "400", "--out", "s3://bucket/t", folder=self.place,
                             **self.environment)
        self.until(lambda: self.remote("t/study.db"), process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        shutil.rmtree(self.place / "cache")  # as on another machine
        before = self.params(self.remote("t/")["study.db"])
        self.assertGreater(len(before), 0)
        done = self.ok(self.run_tool("tune", "--resume", "s3://bucket/t", "--trials", 4, "--json")).lines[-1]
        self.assertEqual(done["trials"], max(4, len(before)))
        self.ok(self.tune("--out", "local"))
        after = self.params(self.remote("t/")["study.db"])
        self.assertEqual(after[:4], self.params((self.place / "local/study.db").read_bytes()))

    def test_an_interrupted_study_comes_home(self):
        process = tool.start("tune", "s3://bucket/dogs", *TUNE, "--trials", "400", "--out", "s3://bucket/t", folder=self.place,
                             **self.environment)
        self.until(lambda: self.remote("t/study.db"), process)
        process.send_signal(signal.SIGTERM)
        err = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, 143)
        self.assertIn("tune --resume s3://bucket/t", err)
        self.assertGreater(len(self.params(self.remote("t/")["study.db"])), 0)
        self.assertIn("trials.csv", self.remote("t/"))
        self.assertEqual(list((self.place / "cache/store/work").iterdir()), [])

    def test_processes_of_one_machine(self):
        done = self.ok(self.tune("--out", "s3://bucket/t", "--workers", 2, "--json")).lines[-1]
        self.assertEqual(done["trials"], 4)
        self.ok(self.tune("--out", "local"))
        self.assertEqual(self.params(self.remote("t/")["study.db"]), self.params((self.place / "local/study.db").read_bytes()))

    def test_several_machines_are_refused(self):
        self.ok(self.tune("--out", "s3://bucket/t"))
        self.server.requests.clear()
        done = self.run_tool("tune", "--worker", "--resume", "s3://bucket/t")
        self.fails(done, 2, "--worker and --resume s3://bucket/t: a study in the store has one machine", "postgresql://")
        self.assertEqual(self.server.requests, [])

    def test_a_study_to_learn_from(self):
        self.ok(self.tune("--out", "s3://bucket/t"))
        self.ok(self.tune("--out", "u", "--warm-start", "s3://bucket/t"))
        self.assertEqual(json.loads((self.place / "u/config.json").read_text())["warm-start"], ["s3://bucket/t"])
        self.ok(self.tune("--out", "local"))
        self.ok(self.tune("--out", "v", "--warm-start", "local"))
        self.assertEqual(*(self.params((self.place / name / "study.db").read_bytes()) for name in "uv"))
        self.ok(self.run_tool("tune", "--resume", "u", "--trials", 5))

    def test_everything_at_once_in_the_store(self):
        words = ["run", "s3://bucket/dogs", *TUNE, "--json"]
        done = self.ok(self.run_tool(*words, "--out", "s3://bucket/r")).lines[-1]
        self.assertEqual(done["run"], "s3://bucket/r")
        there = self.remote("r/")
        self.assertLessEqual({"tune/study.db", "model.safetensors", "evaluation.json", "check.json"}, set(there))
        self.ok(self.run_tool(*words, "--out", "local"))
        self.assertEqual(there["model.safetensors"], (self.place / "local/model.safetensors").read_bytes())
        self.assertEqual(list((self.place / "cache/store/work").iterdir()), [])

    def test_an_interrupted_run_of_everything_goes_on(self):
        words = ["run", "s3://bucket/dogs", *TUNE]
        process = tool.start(*words, "--out", "s3://bucket/r", "--trials", "12", folder=self.place, **self.environment)
        self.until(lambda: self.remote("r/tune/study.db"), process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        shutil.rmtree(self.place / "cache")
        self.ok(self.run_tool("run", "--resume", "s3://bucket/r"))
        self.ok(self.run_tool(*words, "--trials", "12", "--out", "local"))
        self.assertEqual(self.remote("r/")["model.safetensors"], (self.place / "local/model.safetensors").read_bytes())


if __name__ == "__main__":
    tool.main()
