"""dogbreed tune --command: programs as trials."""
import json
import pathlib
import signal
import sqlite3
import sys
import time

import tool
from tool import must, run

PROGRAM = """
import argparse, os, sys, time
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
parser.add_argument("--epochs", type=int)
parser.add_argument("--sleep", type=float, default=0)
parser.add_argument("--fail", type=float, default=9)
args = parser.parse_args()
print("pid", os.getpid(), flush=True)
for epoch in range(args.epochs):
    time.sleep(args.sleep)
    print(f"epoch {epoch} train_loss: {1 / (epoch + 1)} valid_acc: {1 - args.lr - 0.1 / (epoch + 1)}", flush=True)
if args.lr > args.fail:
    raise ValueError("diverged")
"""
METRICS = ["--metric", "valid_acc: ([-+0-9.eE]+)", "--metric", "train_loss: ([-+0-9.eE]+)"]
SPACE = ["--search", "lr=log:1e-3:0.5", "--search", "epochs=2..4"]
TRIALS = 12


def without_times(row):
    return {key: value for key, value in row.items() if key not in ("start", "complete") and "Time" not in key}


class Command(tool.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.program = cls.folder / "train it.py"  # a blank in its name
        cls.program.write_text(PROGRAM)
        cls.command = f"{sys.executable} '{cls.program}' --lr {{lr}} --epochs={{epochs}}"
        cls.words = ["--command", cls.command, *METRICS, *SPACE, "--seed", 2, "--round", 3]
        cls.whole = cls.folder / "runs" / "whole"
        cls.tuned = must("tune", *cls.words, "--trials", TRIALS, "--out", cls.whole, "--json")

    def same(self, folder):
        found, wanted = [[without_times(row) for row in json.loads((where / "trials.json").read_text())]
                         for where in (folder, self.whole)]
        self.assertEqual(found, wanted)
        self.assertEqual(self.curves(folder), self.curves(self.whole))

    def curves(self, folder):
        with sqlite3.connect(folder / "study.db") as base:
            return base.execute("SELECT number, step, intermediate_value, state FROM trials JOIN "
                                "trial_intermediate_values USING (trial_id) ORDER BY number, step").fetchall()

    def test_the_run_directory(self):
        lines = self.tuned.lines
        result = lines[-1]
        self.assertEqual((result["state"], result["trials"], result["failed"]), ("completed", TRIALS, 0))
        self.assertIsNone(result["standard_error"])
        best = json.loads((self.whole / "best.json").read_text())
        lr, epochs = best["params"]["lr"], best["params"]["epochs"]
        self.assertEqual(best["value"], 1 - lr - 0.1 / epochs)
        self.assertEqual(best["metrics"], {"valid_acc": best["value"], "train_loss": 1 / epochs})
        self.assertEqual(len(best["curve"]), epochs)
        self.assertAlmostEqual(best["value"], max(line["value"] for line in lines[:-1] if line["state"] == "COMPLETE"))
        for number in range(TRIALS):
            log = (self.whole / "trials" / f"{number:04}" / "log.txt").read_text().splitlines()
            self.assertTrue(log[0].startswith(f"[dogbreed] {sys.executable} '{self.program}' --lr "), log[0])
            self.assertIn("epoch 0", log[2])
        config = json.loads((self.whole / "config.json").read_text())
        self.assertEqual((config["command"], config["program"], config["metric"], config["objective"]),
                         ("tune", self.command, METRICS[1::2], "maximize"))

    def test_the_list_does_not_depend_on_how_many_run(self):
        out = self.folder / "runs" / "parallel"
        self.ok(run("tune", *self.words, "--trials", TRIALS, "--parallel", 3, "--out", out, "-q"))
        self.same(out)
        few = self.ok(run("tune", "--config", self.whole / "config.json", "--trials", 2, "--parallel", 9, "--out",
                          self.folder / "runs" / "few"))
        self.assertIn("9 programs may run at once, but a round has 3 trials", few.err)
        out = self.folder / "runs" / "workers"
        self.ok(run("tune", *self.words, "--trials", TRIALS, "--workers", 3, "--parallel", 2, "--out", out, "-q"))
        self.same(out)

    def test_the_configuration_repeats_the_study(self):
        out = self.folder / "runs" / "again"
        self.ok(run("tune", "--config", self.whole / "config.json", "--out", out, "-q"))
        self.same(out)

    def test_killed_and_stopped_studies_go_on(self):
        out = self.folder / "runs" / "stopped"
        words = [*self.words, "--trials", TRIALS, "--out", out]
        for number, lines in ((signal.SIGKILL, 1), (signal.SIGINT, 7), (signal.SIGTERM, 9), (signal.SIGKILL, 4)):
            process = tool.start("tune", *words, "--json", "--parallel", "2")
            for _ in range(lines):
                process.stdout.readline()
            process.send_signal(number)
            _, err = process.communicate(timeout=60)
            self.assertIn(process.returncode, (-number, 128 + number), err)
            words = ["--resume", out]
        self.ok(run("tune", *words, "-q"))
        self.same(out)

    def test_a_signal_ends_the_programs(self):
        out = self.folder / "runs" / "signal"
        process = tool.start("tune", "--command", self.command + " --sleep 60", *METRICS, *SPACE, "--parallel", 2,
                             "--trials", 4, "--out", out, "--json")
        logs = [out / "trials" / f"{number:04}" / "log.txt" for number in range(2)]
        until = time.monotonic() + 60
        while not all(log.exists() and "pid " in log.read_text() for log in logs) and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        text, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 143, err)
        self.assertEqual(json.loads(text.splitlines()[-1])["state"], "interrupted")
        for log in logs:
            pid = int(log.read_text().split("pid ")[1].split()[0])
            self.assertFalse(pathlib.Path(f"/proc/{pid}").exists())

    def test_failures(self):
        out = self.folder / "runs" / "failures"
        done = self.ok(run("tune", "--command", self.command + " --fail 0.05", *METRICS, *SPACE, "--trials", 8, "--out",
                           out))
        failed = [line for line in done.out.splitlines() if "state=FAIL" in line]
        self.assertGreater(len(failed), 0)
        self.assertEqual(done.err.count("exit code 1: ValueError: diverged"), len(failed))
        table = [line.split() for line in done.out.splitlines()]
        self.assertIn(["trial", "value", "epochs", "lr"], table)
        self.assertIn("trials/", done.out)
        bad = run("tune", "--command", "sh -c 'echo hello {lr}'", *METRICS, *SPACE, "--trials", 2, "--out",
                  self.folder / "runs" / "none")
        self.fails(bad, 1, "no trial has a result", "metric valid_acc: no line had a number")
        limited = run("tune", "--command", "sleep 60", *METRICS, *SPACE, "--trials", 1, "--command-time-limit", 0.1,
                      "--out", self.folder / "runs" / "late")
        self.fails(limited, 1, "it ran longer than 0.1 s")

    def test_parts_of_numbers_are_doubted(self):
        done = self.ok(run("tune", "--command", "echo loss: 1e-05 {x}", "--metric", r"loss: ([0-9\.]+)", "--goal",
                           "minimize", "--search", "x=1..9", "--trials", 3, "--out", self.folder / "runs" / "cut"))
        self.assertEqual(done.err.count('"1e-05" was read as 1 '), 1, done.err)  # once, not for each trial
        log = (self.folder / "runs" / "cut" / "trials" / "0002" / "log.txt").read_text()
        self.assertIn('[dogbreed] metric loss: "1e-05" was read as 1 ', log)

    def test_goals(self):
        def tune(name, *words):
            return run("tune", "--command", "echo {x}", *words, "--search", "x=1..9", "--trials", 6, "--sampler", "random",
                       "--out", self.folder / "runs" / name, "--json")
        low = self.ok(tune("low", "--metric", "([0-9]+)", "--goal", "minimize"))
        high = self.ok(tune("high", "--metric", "([0-9]+)"))
        values = [line["value"] for line in low.lines[:-1] if line["state"] == "COMPLETE"]
        self.assertEqual(low.lines[-1]["best"]["value"], min(values))
        self.assertEqual(high.lines[-1]["best"]["value"], max(values))
        self.fails(tune("none", "--metric", "Loss ([0-9]+)"), 2, "--goal minimize")
        self.fails(tune("wrong", "--metric", "a ([0-9]+)", "--goal", "val_loss"), 2, "expected minimize or maximize")

    def test_wrong_words(self):
        def tune(*words):
            return run("tune", *words, "--out", self.folder / "runs" / f"bad{time.monotonic_ns()}")
        command = ["--command", self.command, *SPACE]
        self.fails(tune(*command), 2, "metric: there is none")
        self.fails(tune(*command, *METRICS, self.shapes), 2, self.shapes, "no folder of images")
        self.fails(tune(*command, "--metric", r"a: (\d+)"), 2, r"\d", "[0-9]")
        self.fails(tune(*command, "--metric", "a: [0-9]+"), 2, "0 groups")
        self.fails(tune(self.shapes, "--metric", "a: ([0-9]+)"), 2, "--metric", "--command")
        self.fails(tune("--command", "python {lrr}", *METRICS, *SPACE), 2, "{lrr}", "did you mean {lr}?")
        self.fails(tune("--command", "python {lr} > log", *METRICS, *SPACE), 2, "is for a shell")
        self.fails(tune("--command", "no-such-program {lr}", *METRICS, *SPACE), 2, "no such program in PATH")
        self.fails(tune("--command", "true", *METRICS), 2, "search: a program has no parameters")
        self.fails(tune(*command, *METRICS, "--parallel", 0), 2, "parallel")
        self.fails(run("tune", "--resume", self.whole, "--command", "echo {lr}"), 3, "program", "begun with")


if __name__ == "__main__":
    tool.main()
