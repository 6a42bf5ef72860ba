"""The main job through the tool, on the built-in engine: check, train, evaluate, predict, export, resume by configuration."""
import csv
import json
import pathlib
import shutil

import tool
from tool import SMALL, must, run


class Flow(tool.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.run_folder = cls.folder / "runs" / "a"
        cls.trained = must("train", cls.shapes, *SMALL, "--out", cls.run_folder, "--json")
        cls.photo = sorted((cls.shapes / "test").glob("*/*"))[0]

    def test_train_says_what_came_out(self):
        lines = self.trained.lines
        self.assertEqual([line["kind"] for line in lines[:-1]], ["epoch"] * 3)
        self.assertEqual([line["epoch"] for line in lines[:-1]], [1, 2, 3])
        for line in lines[:-1]:
            self.assertLessEqual({"train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate"},
                                 set(line["metrics"]))
        result = lines[-1]
        self.assertEqual((result["state"], result["epochs"], result["exit_code"]), ("completed", 3, 0))
        self.assertEqual(result["run"], str(self.run_folder))
        count = len(list((self.shapes / "test").glob("*/*")))
        self.assertEqual((result["test"]["split"], result["test"]["count"]), ("test", count))
        best = max(line["metrics"]["val_accuracy"] for line in lines[:-1])
        self.assertAlmostEqual(result["best"]["value"], best)

    def test_stderr_on_a_pipe_is_plain(self):
        for character in self.trained.err:
            self.assertTrue(character == "\n" or character.isprintable(), repr(character))
        self.assertLess(max(map(len, self.trained.err.splitlines())), 200 + len(str(self.folder)))
        self.assertIn("epoch", self.trained.err)

    def test_the_run_directory(self):
        for name in ("config.json", "manifest.json", "status.json", "metrics.csv", "metrics.jsonl", "model.safetensors",
                     "evaluation.json"):
            self.assertTrue((self.run_folder / name).is_file(), name)
        config = json.loads((self.run_folder / "config.json").read_text())
        self.assertEqual((config["data"], config["command"]), (str(self.shapes), "train"))
        self.assertEqual((config["epochs"], config["architecture"], config["seed"]), (3, "tiny", 1))
        status = json.loads((self.run_folder / "status.json").read_text())
        self.assertEqual((status["state"], status["exit_code"]), ("completed", 0))
        with open(self.run_folder / "metrics.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(len(rows), 3)
        self.assertAlmostEqual(float(rows[2]["val_accuracy"]),
                               self.trained.lines[2]["metrics"]["val_accuracy"], places=12)

    def test_a_profiled_run(self):
        """The same model; what --profile leaves is printed, judged again, and the settings that --auto takes change nothing."""
        other = self.folder / "runs" / "profiled"
        done = self.ok(run("train", self.shapes, *SMALL, "--auto", "--profile", "--profile-interval", 100, "--out", other))
        self.assertIn("auto   decoded_cache_bytes=", done.err)
        self.assertIn("profile ", done.out)
        self.assertEqual((self.run_folder / "model.safetensors").read_bytes(), (other / "model.safetensors").read_bytes())
        for name in ("trace.json", "system.jsonl", "summary.json", "profiler-reports/StepOutlier.json"):
            self.assertTrue((other / "profile" / name).is_file(), name)
        text = self.ok(run("profile", other)).out
        for part in ("training loop", "backward", "steps", "rules", "no_gpu: LowGPUUtilization"):
            self.assertIn(part, text)
        summary = self.ok(run("profile", other, "--json")).json
        self.assertEqual(summary["format"], "dogbreed.profile")
        self.assertAlmostEqual(sum(phase["share"] for phase in summary["phases"]), 1)
        rules = self.ok(run("profile", other, "--json", "--parity", "--rule", "MaxInitializationTime:threshold=0",
                            "--rule", "StepOutlier:stddev=4")).json["rules"]
        late = next(rule for rule in rules if rule["rule"] == "MaxInitializationTime")
        self.assertEqual((late["status"], late["parameters"]["threshold"]), ("IssuesFound", 0))
        self.fails(run("profile", other, "--rule", "StepOutlie:stddev=4"), 2, "StepOutlier")
        self.fails(run("profile", self.run_folder), 3, "trace.json")
        self.fails(run("train", "--resume", other, "--auto"), 2, "--auto")

    def test_the_same_command_gives_the_same_model(self):
        other = self.folder / "runs" / "same"
        self.ok(run("train", "--config", self.run_folder / "config.json", "--out", other, "--loader-threads", 3, "-q"))
        self.assertEqual((self.run_folder / "model.safetensors").read_bytes(), (other / "model.safetensors").read_bytes())

    def test_a_run_directory_is_never_overwritten(self):
        self.fails(run("train", self.shapes, *SMALL, "--out", self.run_folder), 1, self.run_folder)

    def test_resuming_a_finished_run_changes_nothing(self):
        copy = self.folder / "runs" / "copy"
        shutil.copytree(self.run_folder, copy)
        done = self.ok(run("train", "--resume", copy, "--json"))
        self.assertEqual(done.lines[-1]["state"], "completed")
        self.assertEqual(done.lines[-1]["test"]["correct"], self.trained.lines[-1]["test"]["correct"])
        self.assertEqual((self.run_folder / "model.safetensors").read_bytes(), (copy / "model.safetensors").read_bytes())
        self.fails(run("train", "--resume", copy, "--out", "elsewhere"), 2, "--out", "--resume")
        self.fails(run("train", "--resume", self.folder), 3, self.folder)

    def test_evaluate_agrees_with_train(self):
        found = self.ok(run("evaluate", self.run_folder, "--data", self.shapes, "--split", "test", "--json")).json
        self.assertEqual(list(found)[:8],
                         ["split", "count", "correct", "top1", "top1_low", "top1_high", "top5", "loss"])
        self.assertEqual(found["correct"], self.trained.lines[-1]["test"]["correct"])
        self.assertAlmostEqual(found["top1"], found["correct"] / found["count"])
        self.assertLess(found["top1_low"], found["top1_high"])
        # The run knows its data.
        self.assertEqual(self.ok(run("evaluate", self.run_folder, "--json")).json["correct"], found["correct"])
        text = self.ok(run("evaluate", self.run_folder / "model.safetensors", "--data", self.shapes)).out
        self.assertIn(f"({found['correct']}/{found['count']}), 95 % interval", text)
        self.assertEqual(self.ok(run("evaluate", self.run_folder, "--split", "train", "--json")).json["split"], "train")

    def test_event_files(self):
        folders = {path.parent.relative_to(self.run_folder).as_posix() for path in self.run_folder.rglob("*tfevents*")}
        self.assertEqual(folders, {".", "steps", "evaluation"})
        none = self.folder / "runs" / "no-board"
        self.ok(run("train", self.shapes, *SMALL, "--no-tensorboard", "--out", none, "-q"))
        self.ok(run("evaluate", none, "-q"))
        self.assertEqual(list(none.rglob("*tfevents*")), [])
        self.assertIs(json.loads((none / "config.json").read_text())["tensorboard"], False)
        done = self.ok(run("report", none, "--tensorboard", "--no-html"))  # asked for
        self.assertIn(str(none / "evaluation"), done.out)
        self.assertEqual(len(list(none.rglob("*tfevents*"))), 1)
        self.assertFalse((none / "report.html").exists())

    def test_an_evaluation_is_kept_with_each_picture(self):
        kept = json.loads((self.run_folder / "evaluation.json").read_text())
        self.assertEqual((kept["format"], kept["split"], kept["root"]), ("dogbreed.evaluation", "test", str(self.shapes)))
        self.assertEqual(sum(bin["count"] for bin in kept["calibration"]["bins"]), kept["count"])
        self.assertEqual(sum(row["true"] == row["predicted"] for row in kept["predictions"]), kept["correct"])
        curve = kept["pr_curve"]
        self.assertEqual((len(curve["true_positives"]), len(curve["false_positives"])), (127, 127))
        self.assertEqual((curve["true_positives"][0], curve["false_positives"][0]),
                         (kept["count"], kept["count"] * (len(kept["classes"]) - 1)))
        names = [row["class"] for row in kept["classes"]]
        with open(self.run_folder / "predictions.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(len(rows), kept["count"])
        for row, other in zip(rows, kept["predictions"]):
            self.assertTrue((self.shapes / row["path"]).is_file(), row)
            self.assertEqual((row["path"], row["true"], row["predicted"]),
                             (other["path"], names[other["true"]], names[other["predicted"]]))
            self.assertEqual([row[f"class_{i}"] for i in range(2, 5)], [names[top[0]] for top in other["top"][1:4]])
            self.assertAlmostEqual(float(row["probability"]), other["probability"], places=5)
        self.ok(run("evaluate", self.run_folder, "--split", "valid", "-q"))
        self.assertEqual(json.loads((self.run_folder / "evaluation-valid.json").read_text())["split"], "valid")
        self.assertTrue((self.run_folder / "predictions-valid.csv").is_file())
        self.assertNotIn("predictions", self.ok(run("evaluate", self.run_folder, "--json")).json)
        self.assertIn("predictions", self.ok(run("evaluate", self.run_folder, "--json", "--predictions")).json)

    def test_a_report_of_the_run(self):
        copy = self.folder / "runs" / "reported"
        shutil.copytree(self.run_folder, copy)
        done = self.ok(run("report", copy, "--json", "--check", "--title", "A <title>"))
        self.assertEqual(done.json["files"], [str(copy / "report.html"), str(copy / "report.json")])
        page = (copy / "report.html").read_text()
        self.assertIn("A &lt;title&gt;", page)
        document = json.loads((copy / "report.json").read_text())
        self.assertEqual(document["evaluation"]["correct"], self.trained.lines[-1]["test"]["correct"])
        self.assertEqual(len(document["metrics"]["val_loss"]), 3)
        self.assertEqual(document["check"]["verdict"], json.loads((copy / "check.json").read_text())["verdict"])
        plain = page.count("data:image/jpeg")
        self.ok(run("report", copy, "--heat-maps"))
        heat = (copy / "report.html").read_text()
        self.assertIn("(Grad-CAM)", heat)
        self.assertEqual(heat.count("data:image/jpeg"), plain)
        self.assertNotIn("(Grad-CAM)", page)
        (copy / "model.safetensors").rename(copy / "gone")
        self.ok(run("report", copy, "--heat-maps"))
        without = (copy / "report.html").read_text()
        self.assertIn("No heat maps", without)
        self.assertEqual(without.count("data:image/jpeg"), plain)
        live = self.ok(run("report", copy, "--live")) # it has ended: one page, at once
        self.assertIn(str(copy / "report.html"), live.out)
        self.assertNotIn('http-equiv="refresh"', (copy / "report.html").read_text())
        self.fails(run("report", self.folder), 3, self.folder, "no run directory")
        self.fails(run("report", self.folder / "none"), 3, "none")
        self.fails(run("report", copy, "--gallery-count", "0"), 2, "gallery_count")
        self.fails(run("report"), 2, "RUN")

    def test_runs_side_by_side(self):
        other = self.folder / "runs" / "compared"
        self.ok(run("train", self.shapes, *SMALL, "--epochs", "2", "--out", other, "-q"))
        found = self.ok(run("compare", self.run_folder, other, "--json")).json
        self.assertEqual([row["run"] for row in found["runs"]], [str(self.run_folder), str(other)])
        self.assertEqual([row["epochs"] for row in found["runs"]], [3, 2])
        self.assertEqual(found["options"]["epochs"], [3, 2])
        self.assertNotIn("architecture", found["options"])
        page = self.folder / "compare.html"
        text = self.ok(run("compare", self.run_folder, other, "--html", page)).out
        for part in ("test accuracy", "options that differ", "epochs", "compared"):
            self.assertIn(part, text)
        self.assertIn("2 runs side by side", page.read_text())
        self.fails(run("compare", self.run_folder), 2, "RUN")
        self.fails(run("compare", self.run_folder, self.folder / "none"), 3, "none")
        self.fails(run("compare", self.run_folder, other, "--html", self.folder / "no" / "page.html"), 1, "page.html")

    def test_quantize_measures_and_writes_a_smaller_model(self):
        small = self.folder / "small.safetensors"
        found = self.ok(run("model", "quantize", self.run_folder, "--out", small, "--images", "6", "--json")).json
        self.assertEqual(found["split"], "valid")
        self.assertLess(small.stat().st_size, (self.run_folder / "model.safetensors").stat().st_size / 2)
        again = self.ok(run("evaluate", small, "--data", self.shapes, "--split", "valid", "--engine", "native",
                            "--json")).json
        self.assertEqual(again["dtype"], "int8")
        self.assertEqual(again["correct"], found["after"]["correct"])
        self.assertIn("logit_difference", self.ok(run("model", "info", small)).out)
        self.fails(run("model", "quantize", small, "--data", self.shapes, "--out", small), 2, "quantised already")
        self.fails(run("model", "quantize", self.run_folder), 2, "--out")
        self.fails(run("evaluate", self.run_folder, "--dtype", "int8"), 2, "quantised model")

    def test_evaluate_failures(self):
        model = self.run_folder / "model.safetensors"
        self.fails(run("evaluate", model), 2, "--data")
        self.fails(run("evaluate", model, "--data", self.folder / "none"), 3, "none")
        self.fails(run("evaluate", self.run_folder, "--split", "tset"), 3, "tset")
        self.fails(run("evaluate", self.photo, "--data", self.shapes), 4, self.photo.name)
        self.fails(run("evaluate", "no.safetensors", "--data", self.shapes), 4, "no.safetensors")
        other = self.folder / "five"
        self.ok(run("synth", other, "--classes", 5, "--per-class", 8, "--size", 32))
        self.fails(run("evaluate", model, "--data", other), 3)

    def test_predict(self):
        second = sorted((self.shapes / "test").glob("*/*"))[-1]
        done = self.ok(run("predict", self.run_folder, self.photo, second, "--top-k", 3, "--json"))
        self.assertEqual([line["file"] for line in done.lines], [str(self.photo), str(second)])
        classes = sorted(path.name for path in (self.shapes / "train").iterdir())
        for line in done.lines:
            found = line["predictions"]
            self.assertEqual(len(found), 3)
            self.assertEqual([set(p) for p in found], [{"class", "index", "probability"}] * 3)
            self.assertTrue(all(p["class"] == classes[p["index"]] for p in found))
            values = [p["probability"] for p in found]
            self.assertEqual(values, sorted(values, reverse=True))
        whole = self.ok(run("predict", self.run_folder, self.photo, "--top-k", 99, "--json")).json["predictions"]
        self.assertEqual(len(whole), 4)
        self.assertAlmostEqual(sum(p["probability"] for p in whole), 1.0, places=5)
        self.assertIn(f"{self.photo}\n", self.ok(run("predict", self.run_folder, self.photo)).out)

    def test_predict_reads_folders_lists_and_stdin(self):
        files = sorted(str(p) for p in (self.shapes / "test").glob("*/*"))
        folder = self.ok(run("predict", self.run_folder, self.shapes / "test", "--json")).lines
        self.assertEqual([line["file"] for line in folder], files)
        one = self.ok(run("predict", self.run_folder, files[0], "--json")).json
        self.assertEqual(one["predictions"][0]["index"], folder[0]["predictions"][0]["index"])
        piped = self.ok(run("predict", self.run_folder, "-", "--json", stdin=pathlib.Path(files[0]).read_bytes())).json
        self.assertEqual((piped["file"], piped["predictions"]), ("-", one["predictions"]))
        listed = self.folder / "list.txt"
        listed.write_text("\n".join(files[:2]) + "\n")
        done = self.ok(run("predict", self.run_folder, "--list", listed, "--json"))
        self.assertEqual([line["file"] for line in done.lines], files[:2])

    def test_predict_crops(self):
        whole = self.ok(run("predict", self.run_folder, self.photo, "--crop", "0,0,32,32", "--json")).json
        plain = self.ok(run("predict", self.run_folder, self.photo, "--json")).json
        self.assertEqual(whole["predictions"], plain["predictions"])
        part = self.ok(run("predict", self.run_folder, self.photo, "--crop", "0,0,9,9", "--json")).json
        self.assertNotEqual(part["predictions"], plain["predictions"])
        for crop in ("1,2,3", "a,b,c,d", "9,9,3,3", "1,2,3,4,5", "-1,0,5,5"):
            self.fails(run("predict", self.run_folder, self.photo, f"--crop={crop}"), 2, "--crop")
        self.fails(run("predict", self.run_folder, self.photo, "--crop", "0,0,999,999"), 3, self.photo.name)

    def test_bad_pictures_do_not_stop_the_others(self):
        bad = self.folder / "bad.jpg"
        bad.write_bytes(b"\xff\xd8\xff\xe0 this is no picture")
        done = run("predict", self.run_folder, self.photo, bad, "none.png", self.photo, "--json")
        self.assertEqual(done.code, 3)
        self.assertEqual([line["file"] for line in done.lines], [str(self.photo), str(bad), "none.png", str(self.photo)])
        self.assertEqual(["error" in line for line in done.lines], [False, True, True, False])
        self.assertEqual(done.lines[2]["error"]["code"], "NOT_FOUND")
        self.assertEqual(len(done.err.splitlines()), 2, done.err)
        self.assertIn("bad.jpg", done.err.splitlines()[0])
        self.assertIn("none.png", done.err.splitlines()[1])
        empty = self.folder / "empty"
        empty.mkdir()
        self.fails(run("predict", self.run_folder, empty), 3, "empty")
        self.fails(run("predict", bad, self.photo), 4, "bad.jpg")
        self.fails(run("predict", self.run_folder, self.photo, "--top-k=-1"), 2, "top_k")

    def test_model_info_and_export(self):
        info = self.ok(run("model", "info", self.run_folder, "--json")).json
        self.assertIn("tiny", json.dumps(info))
        self.assertIn("tiny", self.ok(run("model", "info", self.run_folder)).out)
        for format, name in (("pth", "m.pth"), ("safetensors", "m.safetensors")):
            out = self.folder / name
            self.ok(run("model", "export", self.run_folder, "--format", format, "--out", out))
            names = [t["name"] for t in self.ok(run("weights", "list", out, "--json")).json["tensors"]]
            self.assertIn("conv1.weight", names)
            verified = self.ok(run("weights", "verify", out, "--json")).json
            self.assertTrue(verified["ok"])
        self.fails(run("model", "export", self.run_folder, "--out", self.folder / "m.xyz"), 2, "m.xyz")
        names = [row["name"] for row in self.ok(run("model", "list", "--json")).json]
        self.assertLessEqual({"tiny", "resnet18", "mobilenet_v2", "squeezenet1_1"}, set(names))

    def test_weights_convert_and_back(self):
        first, second, third = (self.folder / n for n in ("c.safetensors", "c.pth", "d.safetensors"))
        self.ok(run("model", "export", self.run_folder, "--out", first))
        self.ok(run("weights", "convert", first, second))
        self.ok(run("weights", "convert", second, third, "--json"))
        shown = [self.ok(run("weights", "list", p, "--json")).json["tensors"] for p in (first, second, third)]
        def key(rows):
            return sorted((r["name"], r["dtype"], tuple(r["shape"])) for r in rows)
        self.assertEqual(key(shown[0]), key(shown[1]))
        self.assertEqual(key(shown[0]), key(shown[2]))
        self.fails(run("weights", "list", self.photo), 4, self.photo.name)
        self.fails(run("weights", "convert", "none.pth", first), 4, "none.pth")
        wrong = run("weights", "verify", first, "--arch", "resnet18", "--json")
        self.assertEqual((wrong.code, wrong.json["ok"]), (4, False))
        told = run("weights", "verify", first, "--arch", "resnet18")
        self.assertEqual(told.code, 4)
        self.assertIn("mismatched: fc.weight: shape", told.out)
        self.assertIn(f"{first}: does not fit", told.out)

    def test_data_check(self):
        report = self.ok(run("data", "check", self.shapes, "--json")).json
        self.assertEqual(report["verdict"], "ok")
        self.assertIn("verdict", self.ok(run("data", "check", self.shapes)).out)
        broken = self.folder / "broken"
        shutil.copytree(self.shapes, broken)
        victim = sorted((broken / "train").glob("*/*"))[0]
        victim.write_bytes(victim.read_bytes()[:100])
        done = run("data", "check", broken, "--json")
        self.assertEqual((done.code, done.json["verdict"]), (3, "invalid"))
        self.assertIn(victim.name, done.out)
        self.fails(run("data", "check", self.folder / "none"), 3, "none")

    def test_synth_is_deterministic_and_never_overwrites(self):
        again = self.folder / "again"
        self.ok(run("synth", again, "--classes", 4, "--per-class", 20, "--size", 32, "--seed", 1, "--json"))
        names = sorted(p.relative_to(self.shapes) for p in self.shapes.rglob("*") if p.is_file())
        self.assertEqual(names, sorted(p.relative_to(again) for p in again.rglob("*") if p.is_file()))
        self.assertEqual((self.shapes / names[0]).read_bytes(), (again / names[0]).read_bytes())
        self.assertEqual(len(names), 80)
        self.fails(run("synth", again), 1, again)

    def test_info_and_doctor(self):
        self.assertIn("ref", [e["name"] for e in self.ok(run("info", "--json")).json["engines"]])
        self.assertIn("version", self.ok(run("info")).out)
        done = run("doctor", "--no-measure", "--json")
        self.assertNotIn("speed", [f["group"] for f in done.json["findings"]])
        self.assertIn(done.json["status"], ("ok", "warning"))
        self.ok(done)
        text = self.ok(run("doctor")).out
        self.assertRegex(text, r"(?m)^ok +codecs +self-test")
        self.assertRegex(text, r"(?m)^ok +engines +auto: inference +\w+$")
        self.assertRegex(text, r"(?m)^ok +cpu +instruction set +(c|avx2|avx512)$")
        self.assertRegex(text, r"(?m)^ok +speed +one core +[0-9.]+ GFLOP/s")
        self.assertRegex(text, r"(?m)^ok +speed +batch of 16 +[0-9.]+ images/s")

    def test_dry_run_writes_nothing(self):
        place = self.folder / "dry"
        place.mkdir()
        done = self.ok(run("train", self.shapes, *SMALL, "--dry-run", "--json", folder=place,
                           DOGBREED_CACHE=str(place)))
        self.assertEqual(done.json["state"], "dry_run")
        self.assertGreater(done.json["loss"], 0)
        self.assertEqual([p for p in place.rglob("*") if p.is_file()], [])

    def test_metric_lines(self):
        expected = {"text": r"(?m)^epoch=1 train_loss=\S+ .*val_accuracy=([0-9.eE+-]+)", "katib-text": r"(?m)^val_accuracy=\S+$",
                    "katib-json": r'(?m)^\{"timestamp":"\S+Z","epoch":"1",.*"val_accuracy":"', "jsonl": r'(?m)^\{"time":'}
        for name, pattern in expected.items():
            done = self.ok(run("train", self.shapes, *SMALL, "--epochs", 1, "--no-test", "-q", "--metrics-format", name,
                               folder=self.folder))
            self.assertRegex(done.out, pattern)
            self.assertEqual(done.err, "")
        self.fails(run("train", self.shapes, "--metrics-format", "xml"), 2, "xml", "katib-text")
        self.assertTrue((self.folder / "runs" / "train-1").is_dir())

    def test_failures_of_train(self):
        self.fails(run("train", self.folder / "none"), 3, "none")
        self.fails(run("train", self.shapes, "--arch", "resnet19"), 2, "resnet19")
        self.fails(run("train", self.shapes, "--arch", "tiny", "--weights", "none.pth"), 4, "none.pth")
        self.fails(run("train", self.shapes, *SMALL, "--engine", "abacus", "--out", self.folder / "e"), 3, "abacus")
        done = run("train", self.shapes, *SMALL, "--learning-rate", "100", "--optimizer", "sgd", "--epochs", "40",
                   "--out", self.folder / "nan")
        self.assertEqual(done.code, json.loads((self.folder / "nan" / "status.json").read_text())["exit_code"])
        self.assertIn("learning_rate", done.err)

    def test_the_time_limit(self):
        out = self.folder / "limited"
        done = run("train", self.shapes, *SMALL, "--epochs", 1000, "--time-limit", 1.5, "--out", out, "--json")
        self.assertEqual(done.code, 124, done.err)
        self.assertEqual(done.lines[-1]["state"], "time_limit")
        status = json.loads((out / "status.json").read_text())
        self.assertEqual((status["state"], status["exit_code"]), ("time_limit", 124))


if __name__ == "__main__":
    tool.main()
