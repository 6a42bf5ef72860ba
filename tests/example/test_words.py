"""Command lines, configuration, help: what the tool makes of its words."""
import json
import os
import re
import subprocess

import tool
from tool import run

COMMANDS = ["run", "tune", "train", "evaluate", "predict", "debug", "profile", "report", "compare", "data check", "synth", "model info", "model export", "model list", "model quantize",
            "weights list", "weights convert", "weights verify", "info", "doctor", "config print", "config copy"]


class Help(tool.Case):
    def test_every_command_has_help_with_examples_first(self):
        for command in COMMANDS:
            done = self.ok(run(*command.split(), "--help"))
            self.assertRegex(done.out, rf"\Adogbreed {command} - .*\n\nExamples:\n  dogbreed {command}")
            self.assertEqual(done.err, "")
            self.assertEqual(done.out, self.ok(run("help", *command.split())).out)
            self.assertIn(f"usage: dogbreed {command}", self.ok(run(*command.split(), "--usage")).out)

    def test_help_of_the_tool_lists_every_command(self):
        out = self.ok(run("--help")).out
        for command in COMMANDS:
            self.assertRegex(out, rf"(?m)^  {command} ")
        self.assertEqual(out, self.ok(run("help")).out)
        self.assertEqual(out, self.ok(run("-h")).out)
        self.assertEqual(run().code, 2)

    def test_version(self):
        self.assertRegex(self.ok(run("--version")).out, r"^dogbreed \d+\.\d+\.\d+ \(library \d+\.\d+\.\d+, ABI \d+\)\n$")
        self.assertEqual(set(self.ok(run("--version", "--json")).json), {"program", "library", "abi"})
        self.ok(run("train", "--version"))

    def test_help_shows_options_of_the_tables(self):
        out = self.ok(run("train", "--help")).out
        for name in ("--learning-rate", "--architecture", "--valid-fraction", "--resume", "--json"):
            self.assertIn(name + " ", out)


class Typos(tool.Case):
    def test_commands(self):
        self.fails(run("trian"), 2, "trian", "did you mean train?")
        self.fails(run("data", "chek"), 2, "data chek", "did you mean data check?")
        self.fails(run("weights"), 2, "list, convert, verify")
        self.fails(run("xyzzy"), 2, "xyzzy")
        self.fails(run("--json"), 2)

    def test_flags_and_options(self):
        self.fails(run("train", self.shapes, "--epoch", 3), 2, "--epoch", "did you mean --epochs?")
        self.fails(run("train", self.shapes, "--bach_size=3"), 2, "did you mean --batch-size?")
        self.fails(run("train", self.shapes, "leaning_rate=3"), 2, "did you mean learning_rate?")
        self.fails(run("train", self.shapes, "--set", "leaning_rate=3"), 2, "did you mean learning_rate?")
        self.fails(run("predict", "m", "--topk", 3), 2, "did you mean --top-k?")
        self.fails(run("info", "-x"), 2, "-x")
        self.fails(run("info", "--json=1"), 2, "--json")

    def test_values(self):
        self.fails(run("train", self.shapes, "--epochs", "many"), 2, "epochs", "many", "whole number")
        self.fails(run("train", self.shapes, "--epochs", "0"), 2, "epochs", "1 to")
        self.fails(run("train", self.shapes, "--optimizer", "adma"), 2, "optimizer", "adma", "sgd,adam,adamw")
        self.fails(run("train", self.shapes, "--epochs"), 2, "--epochs", "missing")
        self.fails(run("train", self.shapes, "--nesterov=maybe"), 2, "nesterov")
        self.fails(run("synth", "x", "classes=1000"), 2, "classes")
        self.fails(run("train", self.shapes, DOGBREED_EPOCHS="0"), 2, "DOGBREED_EPOCHS")

    def test_words(self):
        self.fails(run("synth"), 2, "missing", "DIR")
        self.fails(run("synth", "a", "b"), 2, "too many")
        self.fails(run("train"), 2, "folder of images")
        self.fails(run("predict", "model"), 2, "no picture")
        self.fails(run("model", "export", "runs/a"), 2, "--out")

    def test_errors_are_told_in_json_too(self):
        done = run("train", self.shapes, "--epoch", 3, "--json")
        self.assertEqual(done.json["exit_code"], 2)
        self.assertIn("--epochs", done.json["error"]["message"])
        done = run("data", "check", "no/such/folder", "--json")
        self.assertEqual((done.code, done.json["error"]["code"], done.json["exit_code"]), (3, "NOT_FOUND", 3))


class Configuration(tool.Case):
    def printed(self, *words, **environment):
        return self.ok(run("train", self.shapes, *words, "--print-config", **environment)).json

    def test_spellings_are_equal(self):
        for words in (["--batch-size", "48"], ["--batch_size=48"], ["batch_size=48"], ["batch-size=48"],
                      ["--set", "batch_size=48"], ["trainer.batch_size=48"]):
            self.assertEqual(self.printed(*words)["batch_size"], 48)
        self.assertEqual(self.printed("--arch", "tiny")["architecture"], "tiny")
        self.assertEqual(self.printed("--lr", "0.5")["learning_rate"], 0.5)
        for words, value in ((["--nesterov"], True), (["--nesterov", "off"], False), (["--no-augment"], False),
                             (["augment=no"], False), (["--augment=on"], True)):
            name = "nesterov" if "nesterov" in words[0] else "augment"
            self.assertIs(self.printed(*words)[name], value)

    def test_later_wins(self):
        path = self.folder / "c.json"
        path.write_text(json.dumps({"epochs": 3, "batch_size": 5, "optimizer": "sgd"}))
        found = self.printed("--config", path, "batch_size=7", "--batch-size", "8", DOGBREED_EPOCHS="4",
                             DOGBREED_BATCH_SIZE="6")
        self.assertEqual((found["epochs"], found["batch_size"], found["optimizer"]), (4, 8, "sgd"))

    def test_a_shared_name_sets_all_tables_and_a_qualified_one_sets_one(self):
        self.assertEqual(self.printed("--seed", 7)["seed"], 7)
        found = self.printed("--seed", 7, "trainer.seed=8")
        self.assertEqual((found["seed"], found["trainer.seed"]), (7, 8))

    def test_print_copy_and_config_come_full_circle(self):
        path = self.folder / "full.json"
        first = run("train", self.shapes, "--print-config", "lr=0.1234567890123456", "seed=18446744073709551615",
                    "trainer.seed=3", "--weights", "Größe.pth").out
        path.write_text(first)
        self.assertEqual(self.ok(run("train", "--config", path, "--print-config")).out, first)
        for command in ("train", "evaluate", "predict", "data check", "synth"):
            copied = self.ok(run("config", "copy", *command.split())).out
            path.write_text(copied)
            self.assertEqual(self.ok(run(*command.split(), "--config", path, "--print-config",
                                         DOGBREED_ENGINE="")).out, copied)

    def test_an_empty_variable_is_none(self):
        self.assertEqual(self.printed(DOGBREED_EPOCHS="")["epochs"], self.printed()["epochs"])

    def test_unknown_keys(self):
        path = self.folder / "u.json"
        path.write_text('{"epoch": 3}')
        self.fails(run("train", self.shapes, "--config", path), 2, path, "epoch", "did you mean epochs?")
        self.ok(run("train", self.shapes, "--config", path, "--allow-unknown", "--print-config"))
        # A key of another command is known: one file may serve several.
        path.write_text('{"per_class": 3, "command": "synth"}')
        self.ok(run("train", self.shapes, "--config", path, "--print-config"))

    def test_bad_files(self):
        path = self.folder / "b.json"
        for text, part in (("{", "JSON"), ("[1]", "JSON object"), ('{"epochs": [1]}', "epochs"),
                           ('{"epochs": "x"}', "epochs"), ('{"a": 1, "a": 2}', "duplicate")):
            path.write_text(text)
            self.fails(run("train", self.shapes, "--config", path), 2, part)
        self.fails(run("train", self.shapes, "--config", self.folder / "none.json"), 2, "none.json")

    def test_config_print_knows_every_option(self):
        tables = self.ok(run("config", "print", "--json")).json
        self.assertEqual(set(tables),
                         {"dataset", "check", "synth", "model", "trainer", "evaluate", "predictor", "quantize", "tuner",
                           "command", "debug", "profile", "report", "server", "store", "job", "transform"})
        copied = self.ok(run("config", "copy", "train", "--json")).json
        for table in ("dataset", "model", "trainer", "debug", "profile", "store"):
            for row in tables[table]:
                self.assertIn(row["name"], copied)
        self.assertEqual(set(self.ok(run("config", "print", "synth", "--json")).json), {"store", "synth"})
        self.fails(run("config", "print", "nothing"), 2, "nothing")

    def test_the_page_of_options_is_up_to_date(self):
        page = (tool.SOURCE / "docs" / "options.md").read_text()
        self.assertEqual(page, self.ok(run("config", "print", "--markdown")).out,
                         "run: build/dogbreed config print --markdown > docs/options.md")

    def test_a_file_name_with_an_equals_sign_is_a_file(self):
        name = self.folder / "a=b.json"
        name.write_text("{}")
        done = run("weights", "list", "a=b.json", folder=self.folder)
        self.fails(done, 4, "a=b.json")
        self.fails(run("weights", "list", "--", "epochs=3"), 4, "epochs=3")


class NoLibtorch(tool.Case):
    def test_nothing_but_computing_opens_libtorch(self):
        """--help, info, data check and their like must not pay for an engine."""
        words = [["--help"], ["train", "--help"], ["info"], ["--version"], ["data", "check", str(self.shapes)],
                 ["synth", str(self.folder / "other")], ["model", "list"], ["config", "print"]]
        for line in words:
            done = subprocess.run([tool.TOOL, *line], capture_output=True, text=True,
                                  env={**tool.ENVIRONMENT, "LD_DEBUG": "files", "DOGBREED_ENGINE": "auto"})
            self.assertEqual(done.returncode, 0, done.stderr[-1000:])
            opened = set(re.findall(r"file=(\S+)", done.stderr))
            self.assertTrue(any("libdogbreed" in name for name in opened), "LD_DEBUG shows nothing")
            bad = [name for name in opened if re.search(r"torch|c10|stdc\+\+|engine", os.path.basename(name))]
            self.assertEqual(bad, [], line)

    def test_a_frozen_backbone_on_a_cpu_opens_no_libtorch(self):
        """auto takes the native engine for features, training, validation and test, and for what follows."""
        folder = self.folder / "run"
        again = self.folder / "again"
        cache = self.folder / "cache"
        stored = []  # files of features behind each command
        photo = next(str(path) for path in sorted((self.shapes / "test").rglob("*.*")) if path.is_file())
        train = ["train", str(self.shapes), "--arch", "tiny", "--freeze", "head", "--batch-norm", "frozen", "--epochs", "3",
                 "--head", "mlp:8:0.3", "--json", "--out"]
        for line in ([*train, str(folder)], ["predict", str(folder), photo, "--json"], ["evaluate", str(folder), "--json"],
                     ["evaluate", str(folder), "--split", "valid", "--json"], [*train, str(again)]):
            line += ["--device", "cpu"]
            done = subprocess.run([tool.TOOL, *line], capture_output=True, text=True,
                                  env={**tool.ENVIRONMENT, "LD_DEBUG": "files", "DOGBREED_ENGINE": "auto",
                                       "DOGBREED_CACHE": str(cache)})
            self.assertEqual(done.returncode, 0, done.stderr[-1000:])
            opened = set(re.findall(r"file=(\S+)", done.stderr))
            bad = [name for name in opened if re.search(r"torch|c10|stdc\+\+|engine", os.path.basename(name))]
            self.assertEqual(bad, [], line)
            stored.append({path: path.stat().st_size for path in cache.rglob("*.seg")})
        facts = [json.loads((path / "manifest.json").read_text())["engine"] for path in (folder, again)]
        self.assertEqual([(f["engine"], f["training_threads"]) for f in facts], [("native", 1)] * 2)
        # One set of features for all: 40 pictures to train with, 20 to choose by; the test's came with the first training.
        self.assertGreater(facts[0]["features_computed"], 0)
        self.assertEqual(facts[1]["features_computed"], 0)
        self.assertGreater(len(stored[0]), 0)
        self.assertEqual(stored[0], stored[-1])


if __name__ == "__main__":
    tool.main()
