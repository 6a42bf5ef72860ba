"""dogbreed tune and run: studies, their documents, interruptions; the winner trained and tested."""
import contextlib
import csv
import json
import pathlib
import shlex
import shutil
import signal
import sqlite3
import time
import xml.etree.ElementTree

import tool
from tool import must, run

HEAD = ["--arch", "tiny", "--batch-norm", "frozen", "--threads", "1"]
SPACE = ["--search", "learning_rate=log:1e-3:0.5", "--search", "batch_size=8,16", "--search", "epochs=2..4"]
STUDY = [*HEAD, *SPACE, "--seed", "3", "--objective", "val_loss", "--round", "3"]
TRIALS = 18


def without_times(row):
    return {key: value for key, value in row.items() if key not in ("start", "complete") and "Time" not in key}


class Tune(tool.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.whole = cls.folder / "runs" / "whole"
        cls.tuned = must("tune", cls.shapes, *STUDY, "--trials", TRIALS, "--out", cls.whole, "--json")

    def trials(self, folder):
        """Parameters, state and value of each trial, as they are stored."""
        with sqlite3.connect(folder / "study.db") as base:
            return base.execute("SELECT t.number, t.state, v.value, group_concat(p.param_name || '=' || p.param_value) "
                                "FROM trials t LEFT JOIN trial_values v USING (trial_id) LEFT JOIN trial_params p "
                                "USING (trial_id) GROUP BY t.trial_id ORDER BY t.number").fetchall()

    def same(self, folder):
        self.assertEqual(self.trials(folder), self.trials(self.whole))
        for name in ("trials.json", "best.json"):
            found, wanted = [json.loads((where / name).read_text()) for where in (folder, self.whole)]
            if name == "best.json":
                found, wanted = [found], [wanted]
            self.assertEqual([without_times(row) for row in found], [without_times(row) for row in wanted])

    def test_every_change_of_a_trial_is_a_line(self):
        lines = self.tuned.lines
        events, result = lines[:-1], lines[-1]
        self.assertEqual({line["kind"] for line in events}, {"trial"})
        begun = [line["number"] for line in events if line["state"] == "RUNNING"]
        ended = {line["number"]: line for line in events if line["state"] != "RUNNING"}
        self.assertEqual(begun, list(range(TRIALS)))
        self.assertEqual(set(ended), set(begun))
        complete = {number: line for number, line in ended.items() if line["state"] == "COMPLETE"}
        best = min(complete, key=lambda number: complete[number]["value"])
        self.assertEqual((result["state"], result["trials"], result["exit_code"]), ("completed", TRIALS, 0))
        self.assertEqual((result["best"]["number"], result["best"]["value"]), (best, complete[best]["value"]))
        self.assertEqual(result["pruned"], sum(line["state"] == "PRUNED" for line in ended.values()))
        self.assertEqual(set(result["importance"]), {"learning_rate", "batch_size", "epochs"})
        self.assertAlmostEqual(sum(result["importance"].values()), 1)
        self.assertIsNone(result["standard_error"])  # a loss is no share of pictures
        for line in ended.values():
            self.assertEqual(set(line["params"]), {"learning_rate", "batch_size", "epochs"})
            self.assertIn(line["params"]["batch_size"], (8, 16))

    def test_the_run_directory(self):
        config = json.loads((self.whole / "config.json").read_text())
        self.assertEqual(config["search"], SPACE[1::2])
        self.assertEqual((config["command"], config["data"], config["seed"]), ("tune", str(self.shapes), 3))
        with open(self.whole / "trials.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(list(rows[0]), ["learning_rate", "batch_size", "epochs", "TrainingJobName", "TrainingJobStatus",
                                         "FinalObjectiveValue", "TrainingStartTime", "TrainingEndTime",
                                         "TrainingElapsedTimeSeconds", "TrainingJobDefinitionName"])
        stored = self.trials(self.whole)
        self.assertEqual([float(row["FinalObjectiveValue"]) for row in rows], [value for _, _, value, _ in stored])
        best = json.loads((self.whole / "best.json").read_text())
        self.assertEqual(best["value"], min(value for _, state, value, _ in stored if state == "COMPLETE"))

    def test_a_study_starts_warm(self):
        runs = self.folder / "runs"
        words = ["tune", self.shapes, *STUDY, "--trials", 6, "--sampler", "tpe", "-q"]
        self.ok(run(*words, "--out", runs / "cold"))
        self.ok(run(*words, "--warm-start", "whole", "--out", "warm", folder=runs))
        self.assertEqual(len(self.trials(runs / "warm")), 6)
        self.assertNotEqual(self.trials(runs / "warm"), self.trials(runs / "cold"))
        config = json.loads((runs / "warm" / "config.json").read_text())
        self.assertEqual(config["warm-start"], [str((runs / "whole").resolve())])
        self.ok(run("tune", "--config", runs / "warm" / "config.json", "--out", runs / "warm2", "-q"))
        self.assertEqual(self.trials(runs / "warm2"), self.trials(runs / "warm"))
        # The earlier study goes on, and away, while the new one is interrupted.
        shutil.copytree(self.whole, runs / "old")
        flags = ["--warm-start", runs / "old" / "study.db#study", "--warm-start", runs / "cold"]
        longer = self.ok(run(*words, "--round", 3, "--trials", 9, *flags, "--out", runs / "long", "--workers", 2))
        self.assertEqual(longer.err, "")
        self.ok(run(*words, "--trials", 3, *flags, "--out", runs / "short"))
        self.ok(run("tune", "--resume", runs / "old", "--trials", 21, "-q"))
        self.ok(run("tune", "--resume", runs / "short", "--trials", 6, "-q"))
        shutil.rmtree(runs / "old")
        self.ok(run("tune", "--resume", runs / "short", "--trials", 9, "-q"))
        self.assertEqual(self.trials(runs / "short"), self.trials(runs / "long"))
        self.fails(run("tune", "--resume", runs / "short", "--warm-start", runs / "cold", "-q"), 3, "warm start",
                   f"{runs.resolve()}/old/study.db#study, {runs.resolve()}/cold/study.db#study")
        self.fails(run(*words, "--warm-start", runs / "old", "--out", runs / "none"), 3, runs / "old")
        self.fails(run("tune", self.shapes, *HEAD, "--objective", "val_loss", "--search", "momentum=0.1..0.9", "--trials", 2,
                       "--warm-start", self.whole, "--out", runs / "missing"), 3, "learning_rate", self.whole)

    def test_trials_that_are_asked_for(self):
        words = [*STUDY, "--trials", "4", "--enqueue", "learning-rate=0.02,batch_size=16,epochs=3", "--enqueue", '{"epochs": 2}']
        out = self.folder / "runs" / "queued"
        self.ok(run("tune", self.shapes, *words, "--out", out))
        rows = json.loads((out / "trials.json").read_text())
        self.assertEqual(len(rows), 4)
        self.assertEqual([rows[0][name] for name in ("learning_rate", "batch_size", "epochs")], [0.02, 16, 3])
        self.assertEqual(rows[1]["epochs"], 2)
        self.ok(run("tune", "--resume", out, "--trials", "5"))  # they are not run again
        later = json.loads((out / "trials.json").read_text())
        self.assertEqual([without_times(row) for row in later[:4]], [without_times(row) for row in rows])
        self.assertEqual(len(later), 5)
        self.assertTrue(all(row["TrainingStartTime"] for row in rows))
        for text, part in (("epochs", "enqueue"), ("epochs=", "enqueue"), ("epochs=9", "epochs: 9 is out of range"),
                           ("speed=1", "speed is no parameter"), ("batch_size=9", "none of its 2 choices")):
            self.fails(run("tune", self.shapes, *STUDY, "--enqueue", text, "--out", self.folder / "runs" / "none"), 2, part)

    def test_workers_make_the_same_study(self):
        for words in (["--workers", 3], ["--workers", 2, "--quiet"]):
            folder = self.folder / "runs" / f"workers{words[1]}"
            done = self.ok(run("tune", self.shapes, *STUDY, "--trials", TRIALS, "--out", folder, "--json", *words))
            self.assertEqual(done.lines[-1]["trials"], TRIALS)
            ended = sorted(line["number"] for line in done.lines[:-1] if line["state"] != "RUNNING")
            self.assertEqual(ended, list(range(TRIALS)))  # whoever trained them
            self.same(folder)

    def test_workers_of_other_places_need_an_address(self):
        storage = self.folder / "shared.db"
        words = ["tune", self.shapes, *STUDY, "--trials", TRIALS, "--worker", "--storage", storage, "--json"]
        both = [tool.start(*words) for _ in range(2)]
        trained = [json.loads(worker.communicate()[0].splitlines()[-1])["trained"] for worker in both]
        self.assertEqual(sum(trained), TRIALS)
        self.assertEqual([worker.returncode for worker in both], [0, 0])
        with sqlite3.connect(storage) as base, sqlite3.connect(self.whole / "study.db") as whole:
            values = "SELECT value FROM trial_values ORDER BY trial_id"
            self.assertEqual(len(base.execute(values).fetchall()), TRIALS)
            self.assertEqual(*(sorted(b.execute("SELECT t.number, v.value FROM trials t JOIN trial_values v "
                                                "USING (trial_id)").fetchall()) for b in (base, whole)))
        self.assertFalse((self.folder / "runs" / "tune-1").exists())
        self.fails(run("tune", self.shapes, *HEAD, "--worker"), 2, "--worker", "--storage")
        self.fails(run("tune", self.shapes, *HEAD, "--worker", "--storage", storage, "--out", "x"), 2, "--out")
        other = ["tune", self.shapes, *STUDY, "--momentum", "0.5", "--optimizer", "sgd", "--worker", "--storage", storage]
        self.fails(run(*other), 3, "momentum")

    def test_workers_end_with_the_study(self):
        folder = self.folder / "runs" / "ended"
        going = tool.start("tune", self.shapes, *HEAD, "--trials", 100000, "--workers", 3, "--out", folder, "--quiet")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(sqlite3.OperationalError):  # its tables are not there yet
                if len(self.trials(folder)) >= 8:
                    break
            time.sleep(0.05)
        children = pathlib.Path(f"/proc/{going.pid}/task/{going.pid}/children").read_text().split()
        self.assertEqual(len(children), 2)
        going.kill()
        going.communicate()
        while any(pathlib.Path(f"/proc/{child}/cmdline").exists() for child in children) and \
                time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertFalse([child for child in children if pathlib.Path(f"/proc/{child}/cmdline").exists()])
        self.assertGreater(len(self.trials(folder)), 7)

    def test_pictures(self):
        """Beside the module that draws; without it the study goes on without them, unless they were asked for."""
        plots, names = self.whole / "plots", ("history", "importance", "parallel", "slices")
        if not (pathlib.Path(tool.TOOL).with_name("dogbreed-plot.so")).exists():
            self.assertFalse(plots.exists())
            failed = run("tune", "--resume", self.whole, "--plots", "svg")
            self.fails(failed, 2, "dogbreed-plot.so")
            return
        self.assertEqual({path.name for path in plots.iterdir()}, {f"{name}.{end}" for name in names for end in ("csv", "svg")})
        before = {path: path.read_bytes() for path in plots.iterdir()}
        for name in names:
            xml.etree.ElementTree.parse(plots / f"{name}.svg")
        with open(plots / "history.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([float(row["value"]) for row in rows], [value for _, _, value, _ in self.trials(self.whole)])
        # Made anew, the same bytes, from the study alone; as PNG too.
        out = self.folder / "runs" / "drawn"
        shutil.copytree(self.whole, out)
        shutil.rmtree(out / "plots")
        self.ok(run("tune", "--resume", out, "--plots", "png", "-q"))
        self.assertEqual({path.name: text for path, text in before.items()},
                         {path.name: path.read_bytes() for path in (out / "plots").iterdir() if path.suffix != ".png"})
        self.assertEqual((out / "plots" / "slices.png").read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
        shutil.rmtree(out / "plots")
        self.ok(run("tune", "--resume", out, "--plots", "off", "-q"))
        self.assertFalse((out / "plots").exists())
        self.fails(run("tune", "--resume", out, "--plots", "jpeg"), 2, "expected svg, png or off")

    def test_event_files(self):
        """A folder for each trial; made anew from the study alone; other files stay."""
        def files(where):
            return {path.relative_to(where): path.stat().st_size for path in where.rglob("*tfevents*")}
        board = self.whole / "tensorboard"
        self.assertEqual({path.parent.name for path in files(board)}, {"", *(f"{number:04}" for number in range(TRIALS))})
        out = self.folder / "runs" / "board"
        shutil.copytree(self.whole, out)
        shutil.rmtree(out / "tensorboard")
        self.ok(run("tune", "--resume", out, "-q", "--no-tensorboard"))
        self.assertFalse((out / "tensorboard").exists())
        (out / "tensorboard" / "0000").mkdir(parents=True)
        (out / "tensorboard" / "0000" / "notes.txt").write_text("mine")
        self.assertIn("tensorboard --logdir", self.ok(run("tune", "--resume", out, "--tensorboard")).out)
        self.assertEqual(files(out / "tensorboard"), files(board))
        self.assertTrue((out / "tensorboard" / "0000" / "notes.txt").exists())

    def test_the_configuration_repeats_the_study(self):
        out = self.folder / "runs" / "same"
        self.ok(run("tune", "--config", self.whole / "config.json", "--out", out, "-q", "--threads", "2"))
        self.same(out)

    def test_more_trials(self):
        out = self.folder / "runs" / "more"
        self.ok(run("tune", self.shapes, *STUDY, "--trials", 4, "--out", out, "-q"))
        self.assertEqual(len(self.trials(out)), 4)
        self.ok(run("tune", "--resume", out, "--trials", TRIALS, "-q"))
        self.same(out)
        self.ok(run("tune", "--resume", out, "-q"))  # nothing is left to do
        self.same(out)

    def test_a_killed_study_goes_on(self):
        out = self.folder / "runs" / "killed"
        words = [self.shapes, *STUDY, "--trials", TRIALS, "--out", out]
        for lines in (2, 9, 14):
            process = tool.start("tune", *words, "--json")
            for _ in range(lines):
                process.stdout.readline()
            process.kill()
            process.communicate(timeout=60)
            words = ["--resume", out]
        self.ok(run("tune", *words, "-q"))
        self.same(out)

    def test_a_signal_stops_and_the_study_goes_on(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            out = self.folder / "runs" / f"signal{code}"
            # Listeners to a short pipe would not help: trials are long enough.
            process = tool.start("tune", self.shapes, *STUDY, "--search", "patience=0,1000", "--trials", 100000,
                                 "--out", out, "--json")
            for _ in range(20):
                process.stdout.readline()
            process.send_signal(number)
            text, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, code, err)
            last = json.loads(text.splitlines()[-1])
            self.assertEqual((last["state"], last["exit_code"]), ("interrupted", code))
            self.assertIn(f"tune --resume {out}", err)
            self.assertTrue((out / "trials.csv").is_file())
            count = len(self.trials(out))
            done = self.ok(run("tune", "--resume", out, "--trials", count + 2, "--json"))
            self.assertEqual(done.lines[-1]["trials"], count + 2)

    def test_two_processes_do_not_write_one_study(self):
        out = self.folder / "runs" / "busy"
        process = tool.start("tune", self.shapes, *STUDY, "--trials", 100000, "--out", out, "--json")
        process.stdout.readline()
        self.fails(run("tune", "--resume", out), 1, "another process")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)

    def test_the_table_of_the_best(self):
        out = self.folder / "runs" / "table"
        done = self.ok(run("tune", self.shapes, *HEAD, "--trials", 6, "--search", "learning_rate=0.01,0.1", "--sampler",
                           "random", "--epochs", "2", "--out", out))
        for character in done.err:
            self.assertTrue(character == "\n" or character.isprintable(), repr(character))
        lines = done.out.splitlines()
        self.assertEqual(len([line for line in lines if line.startswith("trial=")]), 6)
        head = next(line for line in lines if line.startswith("trial "))
        self.assertEqual(head.split(), ["trial", "val_accuracy", "learning_rate"])
        self.assertIn("within one standard error", done.out)
        self.assertIn("importance      100.0 %  learning_rate\n", done.out)
        # The line that trains the winner comes to the winner's value.
        winner = next(line for line in lines if line.startswith("train it"))
        words = shlex.split(winner)[3:]
        again = self.ok(run(*words, "--out", self.folder / "runs" / "winner", "--json"))
        self.assertAlmostEqual(again.lines[-1]["best"]["value"], json.loads((out / "best.json").read_text())["value"])

    def test_the_time_limit(self):
        out = self.folder / "runs" / "limited"
        done = run("tune", self.shapes, *STUDY, "--trials", 100000, "--time-limit", "0.5", "--out", out, "--json")
        self.assertEqual(done.code, 124, done.err)
        self.assertEqual(done.lines[-1]["state"], "time_limit")
        self.assertGreater(done.lines[-1]["trials"], 2)

    def test_wrong_words(self):
        def tune(*words):
            return run("tune", self.shapes, *HEAD, "--out", self.folder / "runs" / f"bad{time.monotonic_ns()}", *words)
        self.fails(run("tune"), 2, "folder of images is missing")
        self.fails(tune("--search", "colour=red,blue"), 2, "colour is no option")
        self.fails(tune("--search", "learning_rate"), 2, "learning_rate")
        self.fails(tune("--search", "epochs=1..3", "--search", "epochs=2..4"), 2, "epochs: is there already")
        self.fails(tune("--search", "learning_rate=50..500"), 2, "learning_rate")
        self.fails(tune("--search", "engine=ref,native"), 2, "engine")
        self.fails(tune("--sampler", "grid"), 2, "learning_rate", "grid")
        self.fails(tune("--converge", "--sampler", "tpe"), 2, "converge")
        self.fails(tune("--storage", self.folder / "no" / "where.db"), 1, "where.db")
        self.fails(run("tune", self.shapes, *STUDY, "--out", self.whole), 1, self.whole, "another run")
        self.fails(run("tune", "--resume", self.folder), 3, self.folder)
        self.fails(run("tune", "--resume", self.whole, "--out", "x"), 2, "--out", "--resume")
        self.fails(run("tune", "--resume", self.whole, "--seed", "4"), 3, "seed 3, expected 4")
        self.fails(run("tune", self.folder / "none", *STUDY), 3, "none")
        parts = self.folder / "parts"
        shutil.copytree(self.shapes / "train", parts / "train", dirs_exist_ok=True)
        self.fails(run("tune", parts, *STUDY, "--out", self.folder / "runs" / "parts"), 3, "no valid split")

    def test_lists_in_configurations(self):
        config = self.folder / "list.json"
        config.write_text(json.dumps({"search": ["epochs=1..2", "batch_size=4,8"], "trials": 2}))
        found = self.ok(run("tune", self.shapes, "--config", config, "--print-config")).json
        self.assertEqual(found["search"], ["epochs=1..2", "batch_size=4,8"])
        found = self.ok(run("tune", self.shapes, "--config", config, "--search", "epochs=3..4", "--print-config")).json
        self.assertEqual(found["search"], ["epochs=3..4"])  # the command line has its own list
        config.write_text(json.dumps({"search": "epochs=1..2"}))
        self.fails(run("tune", self.shapes, "--config", config), 2, "search", "an array of texts")
        config.write_text(json.dumps({"trials": ["1"]}))
        self.fails(run("tune", self.shapes, "--config", config), 2, "trials")


class Whole(tool.Case):
    WORDS = [*HEAD, *SPACE, "--seed", "3", "--trials", "6", "--round", "2"]

    def check_run(self, out):
        for name in ("config.json", "model.safetensors", "metrics.csv", "evaluation.json", "check.json", "tune/study.db", "tune/trials.csv",
                     "tune/best.json"):
            self.assertTrue((out / name).is_file(), name)
        best = json.loads((out / "tune" / "best.json").read_text())
        config = json.loads((out / "config.json").read_text())
        self.assertEqual((config["epochs"], config["batch_size"], config["learning_rate"]),
                         (best["params"]["epochs"], best["params"]["batch_size"], best["params"]["learning_rate"]))
        with open(out / "metrics.csv", newline="") as file:
            curve = [float(row["val_accuracy"]) for row in csv.DictReader(file)]
        self.assertEqual(curve, best["curve"])  # the training is the trial's
        report = json.loads((out / "evaluation.json").read_text())
        again = self.ok(run("evaluate", out, "--json")).json
        self.assertEqual((report["split"], report["correct"]), ("test", again["correct"]))

    def test_everything_in_one_command(self):
        out = self.folder / "runs" / "r"
        done = self.ok(run("run", self.shapes, *self.WORDS, "--out", out, "--json"))
        self.check_run(out)
        result = done.lines[-1]
        self.assertEqual((result["command"], result["state"], result["trials"]), ("run", "completed", 6))
        self.assertEqual(result["best"]["value"], result["winner"]["value"])
        count = json.loads((out / "evaluation.json").read_text())
        self.assertEqual((result["test"]["correct"], result["test"]["count"]), (count["correct"], count["count"]))
        self.assertLess(result["test"]["top1_low"], result["test"]["top1_high"])
        self.assertGreaterEqual(result["within"], 1)
        valid = len(list((self.shapes / "valid").glob("*/*")))
        value = result["winner"]["value"]
        self.assertAlmostEqual(result["standard_error"], (value * (1 - value) / valid) ** 0.5)
        folders = {path.parent.relative_to(out).as_posix() for path in out.rglob("*tfevents*")}
        self.assertLess({".", "steps", "evaluation", "tune/tensorboard"}, folders)
        self.fails(run("run", self.shapes, *self.WORDS, "--out", out), 1, "another run")
        again = self.ok(run("run", "--resume", out, "--json"))  # nothing is left to train
        self.assertEqual(again.lines[-1]["test"]["correct"], result["test"]["correct"])

    def test_no_event_files(self):
        out = self.folder / "runs" / "no-board"
        self.ok(run("run", self.shapes, *self.WORDS, "--no-tensorboard", "--out", out, "-q"))
        self.assertEqual(list(out.rglob("*tfevents*")), [])

    def test_folds(self):
        """Judged on train and valid together; the winner is trained on train alone."""
        out = self.folder / "runs" / "folds"
        done = self.ok(run("run", self.shapes, *self.WORDS, "--kfold", "3", "--out", out, "--json"))
        result = done.lines[-1]
        judged = sum(len(list((self.shapes / split).glob("*/*"))) for split in ("train", "valid"))
        value = result["winner"]["value"]
        self.assertAlmostEqual(value * judged, round(value * judged))
        self.assertAlmostEqual(result["standard_error"], (value * (1 - value) / judged) ** 0.5)
        valid = len(list((self.shapes / "valid").glob("*/*")))
        self.assertAlmostEqual(result["best"]["value"] * valid, round(result["best"]["value"] * valid))
        self.fails(run("run", self.shapes, *self.WORDS, "--kfold", "1", "--out", out / "1"), 2, "kfold: 1")

    def test_the_report(self):
        done = self.ok(run("run", self.shapes, *self.WORDS, "--out", self.folder / "runs" / "text"))
        for part in ("winner", "val_accuracy", "within one standard error", "too good by up to", "test accuracy",
                     "95 % interval"):
            self.assertIn(part, done.out)

    def test_an_interrupted_run_goes_on(self):
        whole = self.folder / "runs" / "left"
        self.ok(run("run", self.shapes, *self.WORDS, "--out", whole, "-q"))
        out = self.folder / "runs" / "stopped"
        process = tool.start("run", self.shapes, *self.WORDS, "--out", out, "--json")
        for _ in range(4):
            process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        if process.returncode == 130:
            self.assertIn(f"run --resume {out}", err)
        self.ok(run("run", "--resume", out, "-q"))
        self.check_run(out)
        self.assertEqual((out / "model.safetensors").read_bytes(), (whole / "model.safetensors").read_bytes())

    def test_bad_data_ends_it(self):
        bad = self.folder / "bad"
        shutil.copytree(self.shapes, bad)
        for file in sorted((bad / "train").glob("*/*"))[::2]:
            pathlib.Path(file).write_bytes(b"no picture")
        self.fails(run("run", bad, *self.WORDS, "--out", self.folder / "runs" / "bad"), 3, "data check")
        self.fails(run("run"), 2, "folder of images is missing")


if __name__ == "__main__":
    tool.main()
