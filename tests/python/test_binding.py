"""The ctypes binding on engine ref and a drawn data set: layouts, errors, exceptions through C, pictures in every form.

Usage: python test_binding.py LAYOUT_PROGRAM SYMBOLS_FILE (DOGBREED_LIBRARY names the library). Standard library; the
tests with arrays and PIL pictures skip where NumPy or Pillow is missing.
"""
import ctypes
import json
import os
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.request

import dogbreed
from dogbreed import common, dataset, debug, event, job, model, options, predictor, record, serve, store, tuner

LAYOUT, SYMBOLS = sys.argv[1:3]
STORE = os.path.join(os.path.dirname(os.path.abspath(SYMBOLS)), "..", "record", "golden", "smdebug")
STRUCTS = {
    "dogbreed_option_info": options.OptionInfo, "dogbreed_sample": dataset.Sample,
    "dogbreed_architecture": model.Architecture, "dogbreed_parameter": model.Parameter,
    "dogbreed_evaluation": dogbreed.Evaluation, "dogbreed_tensor": event.Tensor,
    "dogbreed_tensor_stats": event.TensorStats, "dogbreed_event": event.RawEvent,
    "dogbreed_record_step_info": record.StepInfo, "dogbreed_record_tensor_info": record.TensorInfo,
    "dogbreed_hyperparameter": job.RawHyperparameter,
    "dogbreed_rule": debug.RawRule, "dogbreed_rule_call": debug.RawCall, "dogbreed_rule_param": debug.RawParam,
    "dogbreed_trial_event": tuner.RawTrial, "dogbreed_store_object": store.StoreObject, "dogbreed_store_progress": store.StoreProgress,
    "dogbreed_prediction": predictor.Prediction, "dogbreed_rectangle": predictor.Rectangle,
    "dogbreed_transform_result": predictor.RawResult,
    "dogbreed_call": serve.RawRequest, "dogbreed_functions": serve.RawFunctions,
}
ENGINE = {"engine": "ref", "device": "cpu", "threads": 1}


def maps():
    with open("/proc/self/maps", encoding="utf-8") as file:
        return file.read()


class Binding(unittest.TestCase):
    def test_a_store(self):
        sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(SYMBOLS)), "..", "store"))
        import fake_s3
        server = fake_s3.Server()
        self.addCleanup(server.close)
        server.objects["bucket"] = {}
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(os.path.join(folder, "from", "sub"))
            for name in ("a", "sub/b"):
                with open(os.path.join(folder, "from", name), "w", encoding="utf-8") as file:
                    file.write(name)
            with dogbreed.Store("test:tester", "testing", endpoint=server.url, store_dir=os.path.join(folder, "store"),
                                retry_delay=0.01) as s3:
                report = s3.sync(os.path.join(folder, "from"), "s3://bucket/d")
                self.assertEqual((sorted(report["copied"]), server.keys("bucket")), (["a", "sub/b"], ["d/a", "d/sub/b"]))
                self.assertEqual([(row["key"], row["size"]) for row in s3.list("s3://bucket/d/")], [("d/a", 1), ("d/sub/b", 5)])
                path = s3.fetch("s3://bucket/d")
                with open(os.path.join(path, "sub", "b"), encoding="utf-8") as file:
                    self.assertEqual(file.read(), "sub/b")
                self.assertEqual([(row["uri"], row["bytes"], row["in_use"]) for row in s3.cache(keep=0)["copies"]],
                                 [("s3://bucket/d", 6, True)])
                with self.assertRaises(dogbreed.DogbreedError) as caught:
                    s3.get("s3://bucket/none", os.path.join(folder, "x"))
                self.assertEqual(caught.exception.name, "NOT_FOUND")
                s3.delete("s3://bucket/d/a")
                self.assertEqual(server.keys("bucket"), ["d/sub/b"])
                server.put("bucket", "big", bytes(20 << 20))
                server.fail("GET", "big", times=9, wait=1)

                def stop(_):
                    raise KeyError("asked")
                s3.on_progress(stop)
                with self.assertRaises(KeyError):
                    s3.get("s3://bucket/big", os.path.join(folder, "big"))
                self.assertTrue(os.path.isdir(s3.work("s3://bucket/run")))

    def test_import_opens_no_libtorch(self):
        code = "import dogbreed; print('libtorch' in open('/proc/self/maps').read())"
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        self.assertEqual(out.stdout.strip(), "False")

    def test_structures_equal_the_c_layout(self):
        rows = json.loads(subprocess.run([LAYOUT], capture_output=True, text=True, check=True).stdout)
        seen = set()
        for row in rows:
            structure = STRUCTS.get(row["type"])
            if structure is None:
                self.assertTrue(row["type"].endswith("_options"), f"{row['type']} has no ctypes structure")
                continue
            seen.add(row["type"])
            if row["field"]:
                field = getattr(structure, row["field"])
                self.assertEqual((field.offset, field.size), (row["offset"], row["bytes"]), row)
            else:
                self.assertEqual(ctypes.sizeof(structure), row["bytes"], row)
        self.assertEqual(seen, set(STRUCTS))

    def test_every_symbol_has_a_prototype(self):
        with open(SYMBOLS, encoding="utf-8") as file:
            names = [line.split()[0] for line in file if line.strip() and line[0] != "#"]
        for name in names:
            self.assertIsNotNone(getattr(common.lib, name).argtypes, name)

    def test_options_come_from_the_tables(self):
        rows = {row["name"]: row for row in options.describe(options.TRAINER)}
        self.assertEqual(rows["learning_rate"]["type"], float)
        chosen = options.Options(options.TRAINER, learning_rate=0.25, nesterov=True, optimizer="sgd")
        self.assertEqual((chosen["learning_rate"], chosen["nesterov"], chosen["optimizer"]), ("0.25", "on", "sgd"))
        with self.assertRaisesRegex(dogbreed.DogbreedError, "did you mean learning_rate"):
            options.Options(options.TRAINER, learning_rat=0.1)
        with self.assertRaisesRegex(dogbreed.DogbreedError, "epochs: "):
            options.Options(options.TRAINER, epochs=-1)

    def test_a_job_is_read_trained_and_handed_in(self):
        with tempfile.TemporaryDirectory() as folder:
            base = os.path.join(folder, "opt", "ml")
            os.makedirs(os.path.join(base, "input", "config"))
            dogbreed.synthesize(os.path.join(base, "input", "data", "training"), classes=2, per_class=6, size=16)
            with open(os.path.join(base, "input", "config", "hyperparameters.json"), "w", encoding="utf-8") as file:
                json.dump({"lr": '"0.5"', "epochs": "1", "_tuning_objective_metric": '"x"', "arch": "tiny", "freeze": "none"}, file)
            with dogbreed.Job(folder) as told:
                self.assertEqual(told.hyperparameters, {"architecture": "tiny", "epochs": "1", "freeze": "none", "learning_rate": "0.5"})
                self.assertEqual(told.options(options.TRAINER), {"epochs": "1", "learning_rate": "0.5"})
                self.assertEqual(told["rank"], "0")
                self.assertIsNone(told.profile())
                data = dogbreed.Dataset(told.data())
                net = dogbreed.Model(data, **told.options(options.MODEL))
                trainer = dogbreed.Trainer(net, data.split("train"), data.split("valid"), **{**told.options(options.TRAINER), **ENGINE})
                run = dogbreed.run.attach(trainer, told["checkpoint_dir"])
                trainer.run()
                self.assertTrue(dogbreed.Trainer.find_checkpoint(run).endswith("/checkpoint/last"))
                told.board(run)
                told.complete(run)
            job.mark(job.SUCCESS, root=folder)
            self.assertTrue(os.path.exists(os.path.join(base, "output", "success")))
            archive = os.path.join(folder, "model.tar.gz")
            job.pack(archive, os.path.join(base, "model"))
            job.unpack(os.path.join(folder, "out"), archive)
            self.assertEqual(sorted(os.listdir(os.path.join(folder, "out"))), ["model.safetensors", "model_card.md"])
            self.assertEqual(dogbreed.Model.load(archive).summary()["class_count"], 2)
            job.mark(job.FAILURE, "no more", folder)
            with open(os.path.join(base, "output", "failure"), encoding="utf-8") as file:
                self.assertEqual(file.read(), "no more")
        with self.assertRaisesRegex(dogbreed.DogbreedError, "no such folder"):
            dogbreed.Job("/nowhere")

    def test_errors_become_exceptions(self):
        with self.assertRaises(dogbreed.DogbreedError) as caught:
            dogbreed.Dataset("/nowhere/at/all")
        self.assertEqual((caught.exception.code, caught.exception.name), (-3, "NOT_FOUND"))
        self.assertIn("/nowhere/at/all", str(caught.exception))
        with self.assertRaises(dogbreed.DogbreedError):
            dogbreed.Model.load(os.path.join(tempfile.gettempdir(), "no-such-model.safetensors"))

    def test_architectures_and_build_info(self):
        names = [row["name"] for row in dogbreed.architectures()]
        for name in ("tiny", "resnet18", "resnet50", "mobilenet_v2", "squeezenet1_1"):
            self.assertIn(name, names)
        self.assertEqual(dogbreed.build_info()["version"], dogbreed.version())
        self.assertEqual(common.error_name(-3), "NOT_FOUND")

    def test_doctor_measures_when_asked(self):
        self.assertNotIn("speed", [finding["group"] for finding in dogbreed.doctor()["findings"]])
        speed = [finding for finding in dogbreed.doctor(measure=True)["findings"] if finding["group"] == "speed"]
        self.assertEqual([finding["unit"] for finding in speed], ["GFLOP/s", "images/s", "images/s"])
        self.assertTrue(all(finding["number"] > 0 for finding in speed))


class MainJob(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = os.path.join(cls.folder.name, "data")
        dogbreed.synthesize(cls.root, classes=3, per_class=20, size=40, seed=1)
        cls.data = dogbreed.Dataset(cls.root)
        cls.cache = os.path.join(cls.folder.name, "cache")
        cls.options = dict(ENGINE, epochs=2, batch_size=8, cache_dir=cls.cache, seed=3)

    @classmethod
    def tearDownClass(cls):
        cls.data.close()
        cls.folder.cleanup()

    def model(self):
        return dogbreed.Model(self.data, architecture="tiny", seed=1)

    def trainer(self, **more):
        return dogbreed.Trainer(self.model(), self.data.split("train"), self.data.split("valid"),
                                **dict(self.options, **more))

    def test_stored_tensors(self):
        with dogbreed.Record(STORE) as store:
            self.assertEqual((store.steps(), store.steps("train"), store.steps("PREDICT")), ([0, 1, 2], [0, 1], []))
            self.assertEqual(store.names(regex=r"^(?!gradient).*weight$"), ["Net_fc.weight"])
            self.assertEqual(store.names("eval", collection="losses", step=0), ["CrossEntropyLoss_output_0"])
            self.assertEqual(store.tensor("Net_fc.bias", 1)["shape"], (4,))
            self.assertEqual(float(store.read("CrossEntropyLoss_output_0", 1, "TRAIN")), 0.5)
            self.assertEqual(store.read("types/text", 0), ["Hund", "犬", ""])
            self.assertEqual(store.wait(0, "eval"), 2)
            self.assertEqual(store.check()["problems"], [])
            weight = store.read("Net_fc.weight", 2)
            values = [float(value) for row in weight for value in row]
            self.assertEqual((len(weight), len(values)), (3, 12))
            self.assertAlmostEqual(store.reduction("Net_fc.weight", 2, "mean"), sum(values) / 12, places=12)
            without = sys.modules.get("numpy")
            try:  # the same where there is no NumPy
                sys.modules["numpy"] = None
                self.assertEqual([value for row in store.read("Net_fc.weight", 2) for value in row], values)
                self.assertEqual(store.read("CrossEntropyLoss_output_0", 1), 0.5)
                self.assertIsInstance(store.read("types/complex64", 0)[1][2], complex)
            finally:
                sys.modules.pop("numpy")
                if without is not None:
                    sys.modules["numpy"] = without
            for code, call in ((-21, lambda: store.read("Net_fc.weight", 9)), (-17, lambda: store.read("no", 1)),
                               (-18, lambda: store.read("types/bool", 1)), (-23, lambda: store.read("Net_fc.weight", 1, worker="w"))):
                with self.assertRaises(dogbreed.DogbreedError) as caught:
                    call()
                self.assertEqual(caught.exception.code, code)
            with self.assertRaises(ValueError):
                store.steps("training")

    def test_dataset_is_a_sequence(self):
        train = self.data.split("train")
        self.assertEqual(len(list(train)), len(train))
        path, label = train[0]
        self.assertTrue(os.path.exists(path))
        self.assertIn(self.data.classes[label], path)
        with self.assertRaises(IndexError):
            train[len(train)]
        self.assertEqual(self.data.check()["verdict"], "ok")

    def profiled(self, before, directory):
        with self.trainer(epochs=3) as trainer, dogbreed.Profile(trainer, directory, profile_interval=100) as profile:
            with self.assertRaises(dogbreed.DogbreedError):
                profile.summary()  # no run has begun
            profile.configure(profile_layers=True)
            trainer.run()
            summary = profile.summary()
            self.assertAlmostEqual(sum(phase["share"] for phase in summary["phases"]), 1)
            self.assertTrue(trainer.metrics()["epochs"] and before.metrics()["epochs"])
            stored = dogbreed.profile.results(directory, profile_rules="StepOutlier:stddev=4")
            self.assertEqual(stored["phases"], summary["phases"])
            advice = dogbreed.profile.advise(trainer)
            self.assertTrue(advice["measured"]["loader"])
        with self.assertRaises(dogbreed.DogbreedError) as caught:
            dogbreed.profile.results(directory, profile_interval=250)
        self.assertEqual(caught.exception.name, "INVALID_ARGUMENT")

    def test_train_evaluate_save_predict(self):
        trainer = self.trainer(epochs=3)
        directory = dogbreed.run.attach(trainer, os.path.join(self.folder.name, "run"), {"note": "test"})
        trainer.run()
        self.assertEqual(len(trainer.metrics()["epochs"]), 3)
        self.assertEqual(dogbreed.run.config(directory)["note"], "test")
        self.profiled(trainer, directory)
        result = dogbreed.evaluate(trainer.model, self.data.split("test"), cache_dir=self.cache, **ENGINE)
        self.assertEqual(result.count, len(self.data.split("test")))
        self.assertEqual(result.details["correct"], result.correct)
        self.assertEqual(len(result.details["calibration"]["bins"]), 15)
        each = dogbreed.evaluate(trainer.model, self.data.split("test"), cache_dir=self.cache, predictions=True, **ENGINE)
        self.assertEqual(len(each.details["predictions"]), each.count)
        self.reports_of(directory)
        loaded = dogbreed.Model.load(directory)
        self.assertEqual(loaded.classes, self.data.classes)
        guess = dogbreed.Predictor(directory, **ENGINE)
        path, _ = self.data.split("test")[0]
        best = guess.predict(path, top_k=2)
        self.assertEqual(len(best), 2)
        self.assertGreaterEqual(best[0][1], best[1][1])
        with open(path, "rb") as file:
            data = file.read()
        self.assertEqual(guess.predict(data, top_k=2), best)
        scores = guess.scores(data)
        self.assertEqual(guess.classes[max(range(len(scores)), key=scores.__getitem__)], best[0][0])
        self.assertEqual(guess.scores(path), scores)
        small, report = dogbreed.quantize(trainer.model, self.data.split("valid"), images=5)
        self.assertEqual(report["measured"], len(self.data.split("valid")))
        self.progress_of_quantize(trainer.model)
        path8 = os.path.join(self.folder.name, "small.safetensors")
        small.save(path8)
        again = dogbreed.evaluate(dogbreed.Model.load(path8), self.data.split("valid"), feature_cache=False)
        self.assertEqual(again.details["dtype"], "int8")
        self.assertEqual([small.plan(name)["dtype"] for name in ("auto", "f32")], ["int8", "f32"])
        self.assertEqual(again.correct, report["after"]["correct"])
        broken = os.path.join(self.folder.name, "broken.jpg")
        with open(broken, "wb") as file:
            file.write(b"not a picture")
        batch = guess.predict_batch(["/nowhere.jpg", path, broken], top_k=2)
        self.assertEqual(batch[1], best)
        for result, name, file in ((batch[0], "NOT_FOUND", "/nowhere.jpg"), (batch[2], "UNSUPPORTED", broken)):
            self.assertIsInstance(result, dogbreed.DogbreedError)
            self.assertEqual(result.name, name)
            with self.assertRaises(dogbreed.DogbreedError) as alone:
                guess.predict(file)
            self.assertEqual(str(result), str(alone.exception))  # each file's own message
            self.assertIn(file, str(result))
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(guess.predict(path, top_k=2))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(answers, [best] * 4)

    def progress_of_quantize(self, model):
        seen = []
        valid = self.data.split("valid")
        dogbreed.quantize(model, valid, lambda event: seen.append((event.text, event.done, event.total)), images=5)
        self.assertEqual(seen[-1], ("accuracy", len(valid), len(valid)))
        self.assertIn(("ranges", 10, 10), seen)
        with self.assertRaises(dogbreed.DogbreedError) as stopped:
            dogbreed.quantize(model, valid, lambda event: dogbreed.event.STOP)
        self.assertEqual(stopped.exception.name, "CANCELLED")
        with self.assertRaises(ZeroDivisionError):
            dogbreed.quantize(model, valid, lambda event: 1 // 0)

    def tuner(self, **more):
        study = dogbreed.Tuner("learning_rate=log:1e-3:0.5", "batch_size=4,8", trials=5, sampler="tpe", round=2,
                               objective="val_loss", pruner="none", **more)
        study.job(self.data.split("train"), self.data.split("valid"),
                  model={"architecture": "tiny", "batch_norm": "frozen", "seed": 1}, **self.options)
        return study

    def reports_of(self, directory):
        report = dogbreed.Report(directory, title="A & B")
        self.assertEqual(len(report.json["metrics"]["val_loss"]), 3)
        self.assertIn("<h1>A &amp; B</h1>", report.html)
        self.assertIn("srcdoc=", report._repr_html_())
        self.assertNotIn("<h1>", report._repr_html_())
        report.write(json=True, html_name="page.html", tensorboard=True)
        self.assertTrue(os.path.exists(os.path.join(directory, "page.html")))
        self.assertTrue(os.path.exists(os.path.join(directory, "report.json")))
        both = dogbreed.compare(directory, directory)
        self.assertEqual((len(both["runs"]), both["options"]), (2, {}))
        self.assertIn("2 runs side by side", dogbreed.report.compare_html(directory, directory))
        with self.assertRaisesRegex(dogbreed.DogbreedError, "nowhere"):
            dogbreed.Report("/nowhere").write()

    def test_rules_watch_a_training(self):
        class Large(debug.Rule):
            """Fires when the loss of an epoch is above a limit."""
            summary = "A loss is large."
            params = {"limit": 100.0}

            def epoch(self, call):
                return call.hit(call.train_loss, call.params["limit"], "the loss is large") if \
                    call.train_loss > call.params["limit"] else debug.FINE

        class Gradients(debug.Rule):
            sees = ("gradient",)
            tensor_regex = "weight"
            seen: list = []

            def see(self, call):
                self.seen.append((call.name, call.shape, call.mode, call.stats()["norm"]))

        class Broken(debug.Rule):
            def epoch(self, call):
                raise KeyError("mine")

        out = os.path.join(self.folder.name, "watched")
        trainer = self.trainer(epochs=2)
        debugger = dogbreed.Debugger(trainer, out, rules="Overfit:patience=3", collections="gradients", debug_memory=1 << 20)
        gradients = Gradients()
        debugger.rule(Large(), limit=0.0)
        debugger.rule(gradients)
        debugger.rule(Broken())
        found = []
        trainer.subscribe(lambda e: found.append((e.rule, e.text)), "finding")
        trainer.run()
        rules = {rule["rule"]: rule for rule in debugger.results()["rules"]}
        self.assertEqual(rules["Large"]["status"], "IssuesFound")
        self.assertEqual(rules["Large"]["violations"], 2)
        self.assertEqual(rules["Broken"]["status"], "Error")
        self.assertIsInstance(debugger.errors[0], KeyError)
        self.assertEqual([rule for rule, _ in found], ["Large"])
        self.assertIn("the loss is large", found[0][1])
        self.assertTrue(gradients.seen)
        name, shape, mode, norm = gradients.seen[0]
        self.assertTrue(name.startswith("gradient/"))
        self.assertEqual(mode, "train")
        self.assertGreater(norm, 0.0)
        memory = debugger.record()
        trainer.close()
        debugger.close()
        with dogbreed.Record(out) as stored, memory:
            self.assertIn(name, stored.names(regex="^gradient"))
            self.assertEqual(memory.describe(), stored.describe())
        judged = debug.judge(out, "VanishingGradient:threshold=1000")["rules"]
        self.assertEqual(judged[0]["status"], "IssuesFound")
        names = [rule["name"] for rule in debug.rules()]
        self.assertEqual(len(names), 17)
        self.assertIn("Overfit", names)
        with self.assertRaisesRegex(dogbreed.DogbreedError, "patience"):
            dogbreed.Debugger(self.trainer(), rules="Overfit:patiense=3")

    def test_a_study_trains(self):
        storage = os.path.join(self.folder.name, "study.db")
        heard = []
        study = self.tuner(storage=storage)
        study.run(heard.append)
        self.assertEqual(len(study), 5)
        ends = [trial for trial in heard if trial.kind == "end"]
        self.assertEqual([trial.number for trial in heard if trial.kind == "begin"], list(range(5)))
        self.assertEqual({trial.state for trial in ends}, {"complete"})
        values = {trial.number: trial.value for trial in ends}
        best = study.best()
        self.assertEqual((best["number"], best["value"]), (min(values, key=values.get), min(values.values())))
        self.assertEqual(best["params"], next(trial.params for trial in ends if trial.number == best["number"]))
        self.assertIn("TrainingJobName", study.table().splitlines()[0])
        self.assertEqual(len(study.table().splitlines()), 6)
        trainer = study.trainer()
        study.close()
        trainer.run()
        self.assertEqual(min(row["val_loss"] for row in trainer.metrics()["epochs"]), best["value"])
        self.assertGreater(dogbreed.evaluate(trainer.model, self.data.split("valid"), cache_dir=self.cache,
                                             **ENGINE).count, 0)
        again = self.tuner(storage=storage)  # what is stored
        self.assertEqual([trial["value"] for trial in again.trials()], [values[number] for number in range(5)])

    def test_events_inside_trials(self):
        epochs, lent = {}, []

        def watch(trainer, number):
            lent.append(trainer)
            trainer.subscribe(lambda event: epochs.setdefault(number, []).append(event.val_loss), "epoch_end")
        study = self.tuner()
        study.run(trainers=watch)
        self.assertEqual({number: curve for number, curve in epochs.items()},
                         {number: trial["curve"] for number, trial in enumerate(study.trials())})
        with self.assertRaisesRegex(ValueError, "closed"):
            lent[0].stop()

        def fail(trainer, number):
            raise KeyError("mine")
        with self.assertRaisesRegex(KeyError, "mine"):
            self.tuner().run(trainers=fail)

        def fail_later(trainer, number):
            trainer.subscribe(lambda event: fail(trainer, number), "epoch_end")
        with self.assertRaisesRegex(KeyError, "mine"):
            self.tuner().run(trainers=fail_later)

    def test_a_study_ends_as_its_listener_says(self):
        study = self.tuner()
        study.run(lambda trial: dogbreed.STOP)
        self.assertEqual(len(study), 2)

        def fail(trial):
            raise KeyError("mine")
        with self.assertRaisesRegex(KeyError, "mine"):
            study.run(fail)
        study.run()
        self.assertEqual(len(study), 5)

    def test_a_program_asks_and_tells(self):
        study = dogbreed.Tuner(objective="minimize", sampler="random", pruner="median", trials=20, round=1)
        study.add_range("x", -1, 1, scale="linear")
        study.add_integer("n", 1, 9)
        study.add_choice("kind", 1, "two", 3.5)
        for index in range(20):
            number, params = study.ask()
            self.assertEqual(number, index)
            self.assertIn(params["kind"], (1, "two", 3.5))
            value = params["x"] ** 2
            if study.report(number, 1, value):
                study.tell(number, state="pruned")
            else:
                study.tell(number, value)
        self.assertEqual({trial["state"] for trial in study.trials()}, {"COMPLETE", "PRUNED"})
        shares = study.importance()
        self.assertEqual(set(shares), {"x", "n", "kind"})
        self.assertEqual(list(shares.values()), sorted(shares.values(), reverse=True))
        self.assertAlmostEqual(sum(shares.values()), 1)
        pictures = os.path.join(self.folder.name, "pictures")
        try:
            study.plots(pictures, png=True)
            self.assertEqual(len(os.listdir(pictures)), 12)
        except dogbreed.DogbreedError as error:  # the module that draws is an option of the build
            self.assertEqual(error.name, "UNSUPPORTED")
        board = os.path.join(self.folder.name, "board")
        study.tensorboard(board)
        events = [name for name in sorted(os.listdir(board)) if "tfevents" in name]
        self.assertEqual((len(events), len(os.listdir(board))), (1, 21))
        self.assertIn("tfevents", os.listdir(os.path.join(board, "0019"))[0])
        with self.assertRaisesRegex(dogbreed.DogbreedError, "over"):
            study.tell(0, 1.0)
        with self.assertRaisesRegex(dogbreed.DogbreedError, "has begun"):
            study.add("y=1..2")
        with self.assertRaisesRegex(dogbreed.DogbreedError, "trial 77"):
            study.trial(77)
        with self.assertRaisesRegex(dogbreed.DogbreedError, "test split"):
            dogbreed.Tuner().job(self.data.split("train"), self.data.split("test"), model={"architecture": "tiny"})

    def test_trials_that_are_asked_for(self):
        study = dogbreed.Tuner("x=-1.0..1.0", "colour=red,blue", objective="minimize", sampler="random")
        study.enqueue(x=0.25, colour="blue")
        study.enqueue(colour="red")
        self.assertEqual(study.ask(), (0, {"x": 0.25, "colour": "blue"}))
        self.assertEqual(study.ask()[1]["colour"], "red")
        self.assertEqual(study.ask()[0], 2)
        with self.assertRaisesRegex(dogbreed.DogbreedError, "colour: \"green\" is none of its 2 choices"):
            study.enqueue(colour="green")

    def test_a_study_starts_warm(self):
        def study(storage="", low=-1.0):
            found = dogbreed.Tuner(f"x={low}..1.0", objective="minimize", sampler="tpe", storage=storage)
            found.warm = lambda number: found.warm_start(os.path.join(folder, f"{number}.db"))
            return found

        def play(found, count):
            asked = [found.ask() for _ in range(count)]
            for number, params in asked:
                found.tell(number, (params["x"] - 0.5) ** 2)
            return [params["x"] for _, params in asked]
        with tempfile.TemporaryDirectory() as folder:
            for number in range(2):
                play(study(os.path.join(folder, f"{number}.db")), 10)
            cold, one = study(), study()
            one.warm(0)
            self.assertNotEqual(play(one, 4), play(cold, 4))
            self.assertEqual((len(one), one.best()["number"] in range(4)), (4, True))
            two = study(os.path.join(folder, "two.db"))
            two.warm(0)
            two.warm(1)
            self.assertEqual(len(two), 0)
            play(two, 2)
            two.close()
            os.remove(os.path.join(folder, "0.db"))
            self.assertEqual(len(study(os.path.join(folder, "two.db"))), 2)  # nothing is named
            other = study(os.path.join(folder, "two.db"))
            other.warm(1)
            with self.assertRaisesRegex(dogbreed.DogbreedError, "warm start from .*0.db#study, .*1.db#study"):
                other.ask()
            gone = study()
            gone.warm(0)
            with self.assertRaisesRegex(dogbreed.DogbreedError, "0.db"):
                gone.ask()

    def test_a_study_runs_programs(self):
        program = "import os, sys; print('loss:', (float(sys.argv[1]) - 1) ** 2, 'n:', os.environ['DOGBREED_PARAM_N'])"
        with tempfile.TemporaryDirectory() as folder:
            study = dogbreed.Tuner("x=0.0..2.0", "n=1,2", objective="minimize", sampler="random", trials=6, seed=3)
            study.command(f'{sys.executable} -c "{program}" {{x}}', "loss: ([-+0-9.e]+)", "n: ([12])", parallel=2,
                          trial_folder=folder)
            ended = []
            study.run(lambda trial: ended.append(trial.number) if trial.kind == "end" else None)
            self.assertEqual(sorted(ended), list(range(6)))
            for trial in study.trials():
                self.assertEqual(trial["state"], "COMPLETE")
                self.assertEqual(trial["value"], (trial["params"]["x"] - 1) ** 2)
                self.assertEqual(trial["metrics"], {"loss": trial["value"], "n": trial["params"]["n"]})
            self.assertTrue(os.path.isfile(os.path.join(folder, "0005", "log.txt")))
        with self.assertRaisesRegex(dogbreed.DogbreedError, "minimize or maximize"):
            dogbreed.Tuner("x=1..2").command("true", "a (.)")
        with self.assertRaisesRegex(dogbreed.DogbreedError, "parallel"):
            dogbreed.Tuner("x=1..2", objective="minimize").command("true", "a (.)", parallel=0)

    def test_plan_has_every_step(self):
        plan = self.model().plan()
        self.assertEqual((plan["architecture"], plan["engine"]), ("tiny", "native"))
        steps = plan["steps"]
        layers = [node["name"] for step in steps for node in step["nodes"]]
        self.assertEqual(len(layers), len(set(layers)))
        for parameter in self.model().parameters():
            layer, kind = parameter["name"].rsplit(".", 1)
            if kind == "weight" and len(parameter["shape"]) > 1:  # batch norms are folded
                self.assertIn(layer, layers)
        for total in ("multiply_adds", "weight_bytes"):
            self.assertGreater(plan[total], 0)
            self.assertEqual(plan[total], sum(step[total] for step in steps))

    def test_a_server_gives_what_the_predictor_says(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "small.safetensors")
            self.model().save(path)
            picture, _ = self.data.split("test")[0]
            best = dogbreed.Predictor(path, **ENGINE).predict(picture, top_k=2)
            with self.assertRaisesRegex(dogbreed.DogbreedError, "queue_max: "):
                dogbreed.Server(path, queue_max=0)
            with self.assertRaisesRegex(dogbreed.DogbreedError, "queue_maxx"):
                dogbreed.Server(path, queue_maxx=1)
            with dogbreed.Server(path, port=0, **ENGINE) as server, open(picture, "rb") as file:
                request = urllib.request.Request(server.url + "/v1/predict?top_k=2", file.read(),
                                                 {"Content-Type": "image/jpeg"})
                with urllib.request.urlopen(request, timeout=20) as reply:
                    found = json.load(reply)
                self.assertEqual([row["label"] for row in found["predictions"]], [name for name, _ in best])
                self.assertTrue(server.url.endswith(f":{server.port}"))
                threading.Timer(0.05, server.stop).start()
                server.wait()

    def test_pictures_as_arrays_and_pil_images(self):
        try:
            import numpy
            from PIL import Image
        except ImportError:
            self.skipTest("NumPy or Pillow is not here")
        guess = dogbreed.Predictor(self.model(), **ENGINE)
        path, _ = self.data.split("test")[0]
        best = guess.predict(path)
        with Image.open(path) as picture:
            self.assertEqual(guess.predict(picture), best)
            array = numpy.asarray(picture.convert("RGB"))
        self.assertEqual(guess.predict(array), best)
        whole = (0, 0, array.shape[1], array.shape[0])
        self.assertEqual(guess.predict(path, crop=whole), best)
        with self.assertRaises(TypeError):
            guess.predict(array.astype("float32"))
        state = self.model().state_dict()
        self.assertTrue(all(value.dtype == numpy.float32 for value in state.values()))

    def test_callbacks_stop_and_exceptions_come_through(self):
        trainer = self.trainer(epochs=5)
        seen = []

        def stop_after_two(happened):
            seen.append((happened.epoch, happened.val_accuracy))
            return dogbreed.STOP if happened.epoch == 1 else None

        trainer.subscribe(stop_after_two, "epoch_end")
        trainer.run()
        self.assertEqual([epoch for epoch, _ in seen], [0, 1])

        class Mine(Exception):
            pass

        def fail(_):
            raise Mine("from a callback")

        trainer = self.trainer()
        trainer.subscribe(fail, "step_end")
        with self.assertRaisesRegex(Mine, "from a callback"):
            trainer.run()
        with self.assertRaises(ValueError):
            trainer.subscribe(fail, "no_such_event")

    def test_tensors_can_be_read_inside_an_event(self):
        try:
            import numpy
        except ImportError:
            self.skipTest("NumPy is not here")
        found = {}

        def look(happened):
            for tensor in happened.tensors():
                values = tensor.read()
                stats = tensor.stats()
                self.assertAlmostEqual(stats["mean"], float(values.mean(dtype=numpy.float64)), places=4)
                found[(happened.kind, tensor.name)] = values.shape
            return dogbreed.STOP

        trainer = self.trainer()
        trainer.subscribe(look, "backward_end")
        trainer.run()
        self.assertTrue(found)

    def test_handles_may_go_in_any_order(self):
        trainer = self.trainer(epochs=1)
        trainer.model.close()
        trainer.run()
        trainer.close()
        trainer.close()
        with self.assertRaises(ValueError):
            trainer.metrics()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
