"""The debugger through the tool: healthy and sick trainings of the same network, killed ones, a full disk, stores that cannot be read."""
import json
import random
import shutil
import signal
import struct
import subprocess
import time
import zlib

import tool
from tool import SMALL, must, run

# Of the networks' Normalize, in bytes.
MEAN = (123.7, 116.3, 103.5)
DEVIATION = (58.4, 57.1, 57.4)


def write_png(path, side, pixels):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + pixels[3 * side * y:3 * side * (y + 1)] for y in range(side))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) +
                     chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def paint(folder, count, side=32):
    """Four classes of one colour each, which any network learns. Over all of them the channels have Normalize's mean and deviation."""
    draw = random.Random(1)
    for name, signs in (("amber", (1, 1, -1)), ("pink", (1, -1, 1)), ("teal", (-1, 1, 1)), ("dark", (-1, -1, -1))):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            values = (MEAN[c] + DEVIATION[c] * (0.7 * signs[c] + draw.gauss(0, 0.7)) for _ in range(side * side) for c in range(3))
            write_png(folder / name / f"{number:03}.png", side, bytes(min(255, max(0, round(value))) for value in values))


class Debug(tool.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.plain = cls.folder / "runs" / "plain"
        cls.healthy = cls.folder / "runs" / "healthy"
        for words in (["--out", cls.plain], ["--debug", "--rule", "all", "--collection", "gradients", "--collection", "weights",
                                             "--collection", "biases", "--out", cls.healthy]):
            cls.done = must("train", cls.shapes, *SMALL, "--no-test", *words)

    def rules(self, folder, *words):
        results = self.ok(run("debug", folder, *words, "--json")).json
        for rule in results:
            self.assertLessEqual(rule["violations"], rule["datapoints"], rule)
            self.assertEqual(rule["status"] == "IssuesFound", rule["violations"] > 0, rule)
        return {rule["rule"]: rule for rule in results}

    def test_rules_change_nothing(self):
        self.assertEqual((self.plain / "model.safetensors").read_bytes(), (self.healthy / "model.safetensors").read_bytes())
        self.assertEqual((self.plain / "metrics.csv").read_bytes(), (self.healthy / "metrics.csv").read_bytes())

    def test_nothing_ends_in_error(self):
        rules = self.rules(self.healthy)
        self.assertNotIn("Error", {rule["status"] for rule in rules.values()})
        self.assertNotIn("InProgress", {rule["status"] for rule in rules.values()})
        for name in ("VanishingGradient", "ExplodingTensor", "DeadRelu", "WeightUpdateRatio", "UnchangedTensor",
                     "StalledTrainingRule"):
            self.assertEqual(rules[name]["status"], "NoIssuesFound", rules[name])
        for name in ("SaturatedActivation", "PoorWeightInitialization"):
            self.assertIn(rules[name]["status"], ("NotEvaluated", "NoIssuesFound"), rules[name])
        for rule in rules.values():
            self.assertEqual(rule["status"] == "NotEvaluated", rule["datapoints"] == 0, rule)
        self.assertRegex(self.done.out, r"(?m)^rules +\d+ of \d+ found something")

    def test_a_healthy_run_is_left_alone(self):
        """All 17 rules have something to judge and nothing to say."""
        pictures = self.folder / "colours"
        paint(pictures, 80)
        well = ["train", pictures, *SMALL, "--no-test", "--epochs", "6", "--learning-rate", "0.002", "--schedule", "constant"]
        twin = self.folder / "runs" / "twin"
        out = self.folder / "runs" / "well"
        self.ok(run(*well, "--rule", "none", "--collection", "weights", "--out", twin))
        rules = ["all", f"SimilarAcrossRuns:other_trials={twin},collection_names=weights", "AllZero:collection_names=weights,biases",
                 "TensorVariance:collection_names=weights,min_threshold=1e-12,max_threshold=4",
                 "SaturatedActivation:tensor_regex=relu._input"]  # networks here have neither tanh nor sigmoid
        done = self.ok(run(*well, *(word for rule in rules for word in ("--rule", rule)), "--out", out))
        found = self.rules(out)
        self.assertEqual(sorted(found), sorted(rule["name"] for rule in run("debug", "--list", "--json").json))
        self.assertEqual({name: rule["status"] for name, rule in found.items()}, dict.fromkeys(found, "NoIssuesFound"))
        self.assertNotIn("finding:", done.err)

    def test_a_collection_without_members_is_named(self):
        out, done = self.sick("no-members", "--rule", "AllZero:collection_names=optimizer_variables", "--collection", "optimizer_variables",
                              "--optimizer", "sgd", "--momentum", "0")
        self.ok(done)
        self.assertEqual(done.err.count("collection optimizer_variables: no tensor of this training is in it"), 1, done.err)
        self.assertNotIn("collection losses", done.err)
        self.assertEqual(self.rules(out)["AllZero"]["reason"], "no_matching_tensor")

    def test_the_state_of_the_optimizer_is_stored(self):
        out, done = self.sick("state", "--rule", "AllZero:collection_names=optimizer_variables", "--collection", "optimizer_variables",
                              "--optimizer", "adam")
        self.ok(done)
        self.assertEqual(self.rules(out)["AllZero"]["status"], "NoIssuesFound")
        collections = json.loads((out / "debug" / "collections" / "000000000" / "worker_0_collections.json").read_text())["collections"]
        names = collections["optimizer_variables"]["tensor_names"]
        self.assertIn("exp_avg_sq", {name.rpartition(".")[2] for name in names})
        self.assertEqual(len(names) % 2, 0)
        self.assertTrue(all(name.startswith("optimizer/") for name in names), names)
        self.assertFalse(set(names) & set(collections.get("weights", {"tensor_names": []})["tensor_names"]))

    def test_a_table_for_people(self):
        done = self.ok(run("debug", self.healthy))
        self.assertIn("VanishingGradient", done.out)
        self.assertRegex(done.out, r"(?m)^gradients +TRAIN +1 +\d+ +stored$")
        listed = self.ok(run("debug", "--list", "--json")).json
        self.assertEqual(len(listed), 17)
        for rule in listed:
            self.assertTrue(rule["summary"] and rule["advice"], rule)
        self.assertIn("threshold_inactivity", self.ok(run("debug", "--list")).out)

    def sick(self, name, *words):
        out = self.folder / "runs" / name
        done = run("train", self.shapes, *SMALL, "--no-test", "--out", out, *words)
        return out, done

    def cases(self):
        """Each rule with a run that was made for it; the test below has ExplodingTensor's."""
        return {
            "VanishingGradient": ["--rule", "VanishingGradient:threshold=10"],
            "WeightUpdateRatio": ["--rule", "WeightUpdateRatio", "--learning-rate", "1e-12"],
            "UnchangedTensor": ["--rule", "UnchangedTensor:collection_names=weights", "--learning-rate", "1e-12"],
            "AllZero": ["--rule", "AllZero:collection_names=biases", "--learning-rate", "0"],
            "TensorVariance": ["--rule", "TensorVariance:collection_names=weights,max_threshold=1e-9"],
            "LossNotDecreasing": ["--rule", "LossNotDecreasing:diff_percent=60", "--learning-rate", "1e-12", "--epochs", "8"],
            "Overfit": ["--rule", "Overfit:ratio_threshold=-1,patience=0"],
            "Overtraining": ["--rule", "Overtraining:patience_train=2", "--learning-rate", "1e-12", "--epochs", "8"],
            "Confusion": ["--rule", "Confusion", "--learning-rate", "1e-12"],
            "ClassImbalance": ["--rule", "ClassImbalance:samples=4,samples_per_class=1", "--learning-rate", "1e-12"],
            "SimilarAcrossRuns": ["--rule", f"SimilarAcrossRuns:other_trials={self.healthy},collection_names=weights", "--seed", "2"],
            "PoorWeightInitialization": ["--rule", "PoorWeightInitialization:distribution_range=1000"],
            "CheckInputImages": ["--rule", "CheckInputImages:threshold_samples=8,threshold_mean=1e-4"],
            # What goes into the activation of the head is far outside the range in which a tanh would tell values apart.
            "SaturatedActivation": ["--rule", "SaturatedActivation:tensor_regex=^fc.1_input", "--head", "mlp:16", "--optimizer", "adam",
                                    "--learning-rate", "3"],
            "StalledTrainingRule": ["--rule", "StalledTrainingRule:threshold=0.001"],  # the first step comes later than that
            "DeadRelu": ["--rule", "DeadRelu:threshold_layer=0,threshold_inactivity=100"],
        }

    def test_what_is_wrong_is_found(self):
        for rule, words in self.cases().items():
            with self.subTest(rule=rule):
                out, done = self.sick(f"sick-{rule}", *words)
                self.ok(done)
                found = self.rules(out)[rule]
                self.assertEqual(found["status"], "IssuesFound", found)
                self.assertTrue(found["recommendation"], found)
                self.assertIn(f"finding: {rule}", done.err)
                lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
                self.assertEqual([line["rule"] for line in lines if line["kind"] == "finding"], [rule])
                self.assertEqual([line["step"] for line in lines], sorted(line["step"] for line in lines))
                self.assertEqual([line["epoch"] for line in lines], sorted(line["epoch"] for line in lines))

    def test_each_rule_has_a_sick_run(self):
        named = {rule["name"] for rule in run("debug", "--list", "--json").json}
        self.assertEqual(named, set(self.cases()) | {"ExplodingTensor"})

    def test_a_loss_that_explodes_is_found_before_the_run_ends(self):
        out, done = self.sick("exploding", "--rule", "ExplodingTensor", "--optimizer", "sgd", "--learning-rate", "100", "--epochs", "30")
        self.assertNotEqual(done.code, 0)
        self.assertEqual(self.rules(out)["ExplodingTensor"]["status"], "IssuesFound")

    def test_a_hit_may_end_the_run(self):
        out, done = self.sick("ended", "--rule", "Overfit:ratio_threshold=-1,patience=0", "--rule-action", "stop", "--epochs", "9")
        self.ok(done)
        rows = (out / "metrics.csv").read_text().splitlines()
        self.assertLess(len(rows) - 1, 9)

    def test_stored_tensors_are_judged_later(self):
        rules = self.rules(self.healthy, "--rule", "VanishingGradient:threshold=10", "--rule", "TensorVariance:collection_names=weights,max_threshold=1e-9")
        self.assertEqual({rule["status"] for rule in rules.values()}, {"IssuesFound"})
        self.assertEqual(self.rules(self.healthy, "--rule", "DeadRelu")["DeadRelu"]["reason"], "no_matching_tensor")

    def test_flags_that_may_be_repeated_are_compared(self):
        out = self.ok(run("compare", self.plain, self.healthy)).out
        self.assertRegex(out, r"(?m)^collection +- +gradients, weight")
        self.assertRegex(out, r"(?m)^rule +- +all$")

    def test_wrong_words(self):
        self.fails(run("debug", self.folder / "nowhere"), 3, "no such folder")
        for words, part in ((["--rule", "Overfitt"], "Overfit"), (["--rule", "Overfit:patiense=2"], "patience"),
                            (["--collection", "gradients:every=2"], "every"), (["--debug", "--debug-config", "/no/such"], "/no/such")):
            out = self.folder / "runs" / "refused"
            done = run("train", self.shapes, *SMALL, "--out", out, *words)
            self.assertIn(done.code, (2, 3), done.err)
            self.assertIn(part, done.err)
            self.assertFalse(out.exists())
        self.assertEqual(run("debug", self.plain).code, 3)
        self.assertEqual(run("debug", self.folder / "nothing").code, 3)
        self.assertEqual(run("debug").code, 2)

    def test_a_killed_run_keeps_what_it_stored_and_goes_on(self):
        out = self.folder / "runs" / "killed"
        process = tool.start("train", self.shapes, *SMALL, "--epochs", "12", "--no-test", "--rule", "none", "--collection", "gradients", "--out", out,
                             DOGBREED_CHECKPOINT_SECONDS="0")
        while len(list((out / "debug" / "index").glob("*/*.json"))) < 12 if (out / "debug").exists() else True:
            self.assertIsNone(process.poll(), "it ended before it could be killed")
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        process.stderr.close()
        self.assertIn("VanishingGradient", self.rules(out, "--rule", "VanishingGradient"))  # what there is can be read
        self.ok(run("train", "--resume", out))
        names = sorted(path.name for path in (out / "debug" / "index").glob("*/*.json"))
        self.assertEqual(len(names), len(set(names)))
        whole = self.folder / "runs" / "not-killed"
        self.ok(run("train", self.shapes, *SMALL, "--epochs", "12", "--no-test", "--rule", "none", "--collection", "gradients", "--out", whole))
        self.assertEqual(names, sorted(path.name for path in (whole / "debug" / "index").glob("*/*.json")))
        self.assertEqual((out / "model.safetensors").read_bytes(), (whole / "model.safetensors").read_bytes())
        self.assertTrue((out / "debug" / "training_job_end.ts").exists())

    def test_a_full_disk_ends_the_storing_alone(self):
        small = self.folder / "small"
        small.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "none", small], capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("tmpfs cannot be mounted here")
        try:
            out = self.folder / "runs" / "full"
            done = self.ok(run("train", self.shapes, *SMALL, "--no-test", "--debug", "--collection", "gradients", "--collection", "weights",
                               "--debug-directory", small / "debug", "--out", out))
            self.assertIn("the training goes on", done.err)
            self.assertEqual((self.plain / "model.safetensors").read_bytes(), (out / "model.safetensors").read_bytes())
            self.assertIn("VanishingGradient", self.rules(small / "debug", "--rule", "VanishingGradient"))
        finally:
            subprocess.run(["umount", small], check=True)

    def test_stores_that_cannot_be_read(self):
        broken = self.folder / "broken"
        shutil.copytree(self.healthy, broken)
        for path in (broken / "debug" / "index").glob("*/*.json"):
            path.write_text("{")
        self.assertEqual(self.rules(broken, "--rule", "VanishingGradient")["VanishingGradient"]["status"], "NotEvaluated")
        state = json.loads((broken / "debug" / "state.json").read_text())
        state["version"] = 99
        (broken / "debug" / "state.json").write_text(json.dumps(state))
        done = run("debug", broken, "--rule", "VanishingGradient")
        self.assertNotEqual(done.code, 0)
        self.assertRegex(done.err, r"state\.json.*99")
        (broken / "debug" / "findings.json").write_text("[")
        self.assertNotEqual(run("debug", broken).code, 0)


if __name__ == "__main__":
    tool.main()
