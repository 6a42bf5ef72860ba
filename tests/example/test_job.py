"""dogbreed job train on a container's folders below a scratch root: files, markers, exit codes, restarts, model.tar.gz."""
import csv
import contextlib
import ctypes.util
import http.client
import io
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tarfile
import threading
import time

import tool
from tool import must, run

PARAMS = {"arch": '"tiny"', "freeze": '"none"', "epochs": "3", "batch-size": '"16"', "lr": '"0.01"', "seed": "1"}
FLAGS = ["--arch", "tiny", "--freeze", "none", "--epochs", "3", "--batch-size", "16", "--lr", "0.01", "--seed", "1"]
CLEAN = {name: "" for name in os.environ if name.startswith(("SM_", "SAGEMAKER_", "TRAINING_JOB"))}


class Job(tool.Case):
    number = 0

    def place(self, params=None, channels=("training",), **config):
        """A root with a configuration and the pictures as channel training."""
        Job.number += 1
        base = self.folder / f"root{Job.number}" / "opt" / "ml"
        (base / "input" / "config").mkdir(parents=True)
        (base / "input" / "data").mkdir()
        config.setdefault("hyperparameters", PARAMS if params is None else params)
        for name, value in config.items():
            text = value if isinstance(value, str) else json.dumps(value)
            (base / "input" / "config" / f"{name}.json").write_text(text)
        if "training" in channels:
            shutil.copytree(self.shapes, base / "input" / "data" / "training")
        return base

    def train(self, base, *words, **environment):
        return run("job", "train", "--root", base.parent.parent, *words, **{**CLEAN, **environment})

    def failed(self, base, done, code, *parts):
        """Ends with the code; output/failure has the message of the error line."""
        self.fails(done, code, *parts)
        failure = (base / "output" / "failure").read_text()
        line = next(line for line in done.err.splitlines() if "error:" in line)
        self.assertEqual(line.split("error: ", 1)[1], failure.splitlines()[0])
        self.assertLessEqual(len(failure), 1024)
        self.assertFalse((base / "output" / "success").exists())
        return done

    @classmethod
    def whole(cls):
        """The same training by dogbreed train."""
        out = cls.folder / "whole"
        if not out.exists():
            must("train", cls.shapes, *FLAGS, "--out", out, "-q")
        return out

    def test_a_container_trains_like_the_command(self):
        base = self.place(inputdataconfig={"training": {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated",
                                                        "RecordWrapperType": "None"}},
                          resourceconfig={"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "eth0"})
        done = self.ok(self.train(base))
        self.assertEqual((base / "output" / "success").read_bytes(), b"")
        self.assertFalse((base / "output" / "failure").exists())
        self.assertEqual(sorted(path.name for path in (base / "model").iterdir()), ["model.safetensors", "model_card.md"])
        self.assertEqual((base / "model" / "model.safetensors").read_bytes(),
                         (self.whole() / "model.safetensors").read_bytes())
        self.assertTrue((base / "checkpoints" / "checkpoint" / "last" / "checkpoint.json").is_file())
        for name in ("config.json", "manifest.json", "metrics.csv", "evaluation.json", "predictions.csv"):
            self.assertTrue((base / "output" / "data" / name).is_file(), name)
        found = [float(value) for value in re.findall(r"val_accuracy=([0-9.eE+-]+)", done.out)]
        with open(self.whole() / "metrics.csv", newline="") as file:
            expected = [float(row["val_accuracy"]) for row in csv.DictReader(file)]
        self.assertEqual(len(found), 3)
        for value, wanted in zip(found, expected):
            self.assertAlmostEqual(value, wanted, 5)
        told = json.loads((base / "output" / "data" / "manifest.json").read_text())["job"]
        self.assertEqual(told["hyperparameters"], PARAMS)
        self.assertEqual(told["facts"]["host"], "algo-1")

    def test_the_original_projects_hyperparameters_are_taken(self):
        base = self.place({"lr": '"0.001"', "batch-size": '"32"', "epochs": '"2"', "arch": "tiny", "freeze": "none",
                           "_tuning_objective_metric": '"val_accuracy"', "sagemaker_program": '"train.py"'})
        done = self.ok(self.train(base))
        self.assertNotIn("hyperparameter", done.err)
        config = json.loads((base / "checkpoints" / "config.json").read_text())
        self.assertEqual((config["learning_rate"], config["batch_size"], config["epochs"]), (0.001, 32, 2))

    def test_an_unknown_hyperparameter_warns_or_is_an_error(self):
        base = self.place({**PARAMS, "epoch": "2"})
        done = self.ok(self.train(base))
        self.assertIn("hyperparameter epoch: no such option, it is passed over; did you mean epochs?", done.err)
        told = json.loads((base / "checkpoints" / "manifest.json").read_text())["job"]
        self.assertEqual(told["unknown_hyperparameters"], ["epoch"])
        base = self.place({**PARAMS, "epoch": "2"})
        self.failed(base, self.train(base, "--strict"), 2, "hyperparameter epoch", "did you mean epochs")

    def test_failures_are_told(self):
        cases = [
            (dict(hyperparameters='{"lr": '), 2, "hyperparameters.json", "not valid JSON"),
            (dict(hyperparameters={"lr": '"fast"'}), 2, "learning_rate", "fast"),
            (dict(hyperparameters={"epochs": "-1"}), 2, "epochs"),
            (dict(hyperparameters={"arch": "resnet9000"}), 2, "resnet9000"),
            (dict(hyperparameters={"weights": "/opt/ml/input/none.pth"}), 4, "none.pth"),
            (dict(resourceconfig={"current_host": "algo-1", "hosts": ["algo-1", "algo-2"]}), 2, "2 hosts", "one machine"),
            (dict(resourceconfig="[]"), 2, "resourceconfig.json"),
            (dict(inputdataconfig={"training": {"RecordWrapperType": "RecordIO"}}), 2, "RecordIO"),
            (dict(debughookconfig='{"HookParameters": {"save_interval": 3}}'), 2, "save_interval"),
            (dict(profilerconfig="{"), 2, "profilerconfig.json"),
        ]
        for config, code, *parts in cases:
            with self.subTest(str(config)):
                base = self.place(**config)
                self.failed(base, self.train(base), code, *parts)
        base = self.place(channels=())
        self.failed(base, self.train(base), 3, "no channel with pictures")
        base = self.place()
        self.failed(base, self.train(base, "--bogus"), 2, "--bogus")
        self.failed(base, self.train(base, "--out", "x"), 2, "one place for checkpoints")
        self.fails(run("job", "train", "--root", self.folder / "nowhere"), 2, "nowhere/opt/ml: no such folder")

    def test_a_failure_of_long_text_is_cut(self):
        base = self.place({**PARAMS, "weights": "/" + "é" * 900 + "/" + "x" * 900})
        done = self.train(base)
        self.assertNotEqual(done.code, 0)
        self.assertLessEqual(len((base / "output" / "failure").read_text()), 1024)

    def test_markers_of_an_earlier_start_go(self):
        base = self.place()
        (base / "output").mkdir()
        (base / "output" / "failure").write_text("old")
        self.ok(self.train(base))
        self.assertFalse((base / "output" / "failure").exists())
        (base / "input" / "config" / "hyperparameters.json").write_text("[")
        self.failed(base, self.train(base), 2)

    def interrupted(self, base, epochs, number=signal.SIGTERM):
        process = tool.start("job", "train", "--root", base.parent.parent, **CLEAN)
        for _ in range(epochs):
            self.assertIn("val_accuracy=", process.stdout.readline())
        begin = time.monotonic()
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
        return process.returncode, err, time.monotonic() - begin

    def test_sigterm_checkpoints_and_a_restart_ends_with_the_same_bytes(self):
        params = {**PARAMS, "epochs": "24", "threads": "1", "test": "false"}
        whole = self.place(params)
        self.ok(self.train(whole))
        base = self.place(params)
        for epochs in (2, 1, 3):
            code, err, seconds = self.interrupted(base, epochs)
            self.assertEqual(code, 143, err)
            self.assertLess(seconds, 60)
            self.assertFalse((base / "output" / "failure").exists())
            self.assertFalse((base / "output" / "success").exists())
            self.assertTrue((base / "model" / "model.safetensors").is_file())  # the best so far is uploaded
        done = self.ok(self.train(base))
        self.assertIn("going on with it", done.err)
        for name in ("checkpoints/metrics.csv", "model/model.safetensors"):
            self.assertEqual((base / name).read_bytes(), (whole / name).read_bytes(), name)
        self.assertTrue((base / "output" / "success").exists())

    def test_a_killed_job_goes_on_on_another_machine(self):
        """As with spot instances: only checkpoints/ is there again."""
        params = {**PARAMS, "epochs": "24", "threads": "1", "test": "false"}
        whole = self.place(params)
        self.ok(self.train(whole))
        base = self.place(params)
        code, err, _ = self.interrupted(base, 3, signal.SIGKILL)
        self.assertEqual(code, -signal.SIGKILL, err)
        other = self.place(params)
        shutil.copytree(base / "checkpoints", other / "checkpoints")
        self.ok(self.train(other))
        self.assertEqual((other / "model" / "model.safetensors").read_bytes(),
                         (whole / "model" / "model.safetensors").read_bytes())

    def test_a_finished_job_started_again_gives_the_same(self):
        base = self.place()
        self.ok(self.train(base))
        first = (base / "model" / "model.safetensors").read_bytes()
        self.ok(self.train(base))
        self.assertEqual((base / "model" / "model.safetensors").read_bytes(), first)
        (base / "input" / "config" / "hyperparameters.json").write_text(json.dumps({**PARAMS, "lr": "0.5"}))
        self.failed(base, self.train(base), 3, "learning_rate")

    def test_the_time_limit_ends_with_124_and_a_failure(self):
        base = self.place({**PARAMS, "epochs": "100000", "time_limit": "1"})
        self.failed(base, self.train(base), 124, "time_limit: 1 seconds are over")
        self.assertTrue((base / "model" / "model.safetensors").is_file())

    def test_channels_of_splits_and_of_variables(self):
        base = self.place(channels=())
        for name, channel in (("train", "train"), ("valid", "validation"), ("test", "test")):
            shutil.copytree(self.shapes / name, base / "input" / "data" / channel)
        self.ok(self.train(base))
        self.assertEqual((base / "model" / "model.safetensors").read_bytes(),
                         (self.whole() / "model.safetensors").read_bytes())
        base = self.place(channels=())
        self.ok(self.train(base, SM_CHANNEL_TRAINING=str(self.shapes), SM_MODEL_DIR=str(base / "elsewhere")))
        self.assertEqual((base / "elsewhere" / "model.safetensors").read_bytes(),
                         (self.whole() / "model.safetensors").read_bytes())

    def piped(self, base, data):
        """Starts a writer of a tar stream into the fifo of the first epoch."""
        fifo = base / "input" / "data" / "training_0"
        os.mkfifo(fifo)

        def write():
            try:
                with open(fifo, "wb") as file:
                    file.write(data)
            except BrokenPipeError:
                pass
        thread = threading.Thread(target=write, daemon=True)
        thread.start()
        return thread

    def tar(self, form=tarfile.PAX_FORMAT, mode="w"):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode=mode, format=form) as archive:
            archive.add(self.shapes, arcname=".")
        return out.getvalue()

    def test_a_pipe_channel_is_a_tar_stream(self):
        for form, mode in ((tarfile.PAX_FORMAT, "w"), (tarfile.GNU_FORMAT, "w"), (tarfile.USTAR_FORMAT, "w:gz")):
            base = self.place(channels=(), inputdataconfig={"training": {"TrainingInputMode": "Pipe"}})
            temporary = base.parent / "tmp"
            temporary.mkdir()
            thread = self.piped(base, self.tar(form, mode))
            self.ok(self.train(base, TMPDIR=str(temporary)))
            thread.join()
            self.assertEqual((base / "model" / "model.safetensors").read_bytes(),
                             (self.whole() / "model.safetensors").read_bytes())
            self.assertEqual(list(temporary.iterdir()), [])

    def test_a_bad_pipe_is_told(self):
        evil = io.BytesIO()
        with tarfile.open(fileobj=evil, mode="w") as archive:
            archive.addfile(tarfile.TarInfo("../../evil"))
        cases = [(evil.getvalue(), "\"..\" in its name"), (self.tar()[:-20000], "cut short"), (b"x" * 5000, "not a header")]
        for data, text in cases:
            base = self.place(channels=(), inputdataconfig={"training": {"TrainingInputMode": "Pipe"}})
            temporary = base.parent / "tmp"
            temporary.mkdir()
            self.piped(base, data)
            self.failed(base, self.train(base, TMPDIR=str(temporary)), 3, text)
            self.assertEqual(list(temporary.iterdir()), [])
        base = self.place(channels=(), inputdataconfig={"training": {"TrainingInputMode": "Pipe"}})
        self.failed(base, self.train(base, "--pipe-timeout", "0.2"), 3, "no such pipe")

    def test_a_shard_has_the_classes_of_the_list(self):
        base = self.place(inputdataconfig={"training": {"S3DistributionType": "ShardedByS3Key"}})
        data = base / "input" / "data" / "training"
        names = sorted(path.name for path in (data / "train").iterdir())
        for split in ("train", "valid", "test"):
            shutil.rmtree(data / split / names[1])
        (data / "classes.txt").write_text("\n".join(reversed(names)) + "\n")
        self.ok(self.train(base))
        info = self.ok(run("model", "info", base / "model", "--json")).json
        self.assertEqual(info["classes"], names)
        (data / "classes.txt").write_text("\n".join(names[1:]) + "\n")
        other = self.place(channels=())
        shutil.copytree(data, other / "input" / "data" / "training")
        self.failed(other, self.train(other), 3, names[0], "classes.txt")

    def test_debugger_profiler_and_tensorboard_follow_their_files(self):
        base = self.place({**PARAMS, "epochs": "4"},
                          debughookconfig={"LocalPath": "/opt/ml/output/tensors", "CollectionConfigurations": [
                              {"CollectionName": "gradients", "CollectionParameters": {"save_interval": "2"}}]},
                          profilerconfig={"ProfilingIntervalInMilliseconds": 100, "ProfilingParameters": {}},
                          tensorboardoutputconfig={"LocalPath": "/opt/ml/output/tensorboard"},
                          checkpointconfig={"LocalPath": "/opt/ml/other", "S3Uri": "s3://bucket/x"})
        self.ok(self.train(base))
        self.assertTrue(list((base / "output" / "tensors").glob("events/*/*.tfevents")))
        self.assertTrue((base / "output" / "profiler" / "profile" / "summary.json").is_file())
        self.assertTrue(list((base / "output" / "tensorboard").glob("events.out.tfevents.*")))
        self.assertTrue(list((base / "output" / "tensorboard" / "steps").glob("events.out.tfevents.*")))
        self.assertTrue((base / "other" / "checkpoint" / "last").is_dir())
        self.assertFalse((base / "checkpoints").exists())

    def test_the_profilers_file_may_change_while_it_runs(self):
        base = self.place({**PARAMS, "epochs": "100000"},
                          profilerconfig={"ProfilingIntervalInMilliseconds": 60000, "ProfilingParameters": {}})
        process = tool.start("job", "train", "--root", base.parent.parent, **CLEAN)
        process.stdout.readline()
        samples = base / "output" / "profiler" / "profile" / "system.jsonl"
        config = base / "input" / "config" / "profilerconfig.json"
        (config.parent / "new").write_text('{"ProfilingIntervalInMilliseconds": 100, "ProfilingParameters": {}}')
        (config.parent / "new").rename(config)
        times, end = set(), time.monotonic() + 60
        while len(times) < 5 and time.monotonic() < end:
            time.sleep(0.2)
            process.stdout.readline()
            lines = samples.read_text().splitlines()[:-1] if samples.exists() else []
            times = {json.loads(line).get("Timestamp") for line in lines}
        config.write_text("{")  # a damaged file leaves everything as it was
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 143, err)
        self.assertGreaterEqual(len(times), 5)

    def test_the_program_is_a_container_by_its_name_and_by_one_word(self):
        link = self.folder / "train"
        link.symlink_to(os.path.abspath(tool.TOOL))
        for words in ([str(link)], [tool.TOOL, "train"]):
            base = self.place()
            done = subprocess.run(words, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
                                  env={**tool.ENVIRONMENT, **CLEAN, "SAGEMAKER_BASE_DIR": str(base)})
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue((base / "output" / "success").exists())
        # What dogbreed train is elsewhere it stays.
        self.fails(run("train", SAGEMAKER_BASE_DIR=str(self.folder / "nowhere")), 2, "folder of images is missing")
        self.fails(run("train", "--epochs", "3", SAGEMAKER_BASE_DIR=str(base)), 2, "folder of images is missing")

    def test_printing_the_configuration_starts_nothing(self):
        base = self.place()
        done = self.ok(self.train(base, "--print-config", "epochs=9"))
        config = json.loads(done.out)
        self.assertEqual((config["epochs"], config["batch_size"], config["architecture"]), (9, 16, "tiny"))
        self.assertFalse((base / "output" / "success").exists())
        self.assertFalse((base / "checkpoints").exists())

    def test_an_archive_is_reproducible_and_a_model(self):
        out = self.folder / "model.tar.gz"
        bytes_of = []
        for _ in range(2):
            self.ok(run("model", "export", self.whole(), "--out", out))
            bytes_of.append(out.read_bytes())
            time.sleep(1.1)  # tar and gzip count in seconds
        self.assertEqual(bytes_of[0], bytes_of[1])
        with tarfile.open(out) as archive:
            members = archive.getmembers()
            self.assertEqual([member.name for member in members], ["model.safetensors", "model_card.md"])
            for member in members:
                self.assertEqual((member.uid, member.gid, member.uname, member.gname, member.mtime, member.mode, member.isreg()),
                                 (0, 0, "", "", 0, 0o644, True))
            self.assertEqual(archive.extractfile("model.safetensors").read(), (self.whole() / "model.safetensors").read_bytes())
        self.ok(run("model", "export", self.whole(), "--out", out, SOURCE_DATE_EPOCH="1700000000"))
        with tarfile.open(out) as archive:
            self.assertEqual({member.mtime for member in archive}, {1700000000})
        photo = next((self.shapes / "test").glob("*/*.jpg"))
        self.assertEqual(self.ok(run("predict", out, photo, "--json")).json["predictions"],
                         self.ok(run("predict", self.whole(), photo, "--json")).json["predictions"])
        out.write_bytes(out.read_bytes()[:-100])
        self.fails(run("predict", out, photo), 4, "model.tar.gz", "cut short")
        self.assertEqual(pathlib.Path(self.folder / "none.tar.gz").exists(), False)


    def test_a_container_serves_its_model(self):
        if not ctypes.util.find_library("microhttpd"):
            self.skipTest("libmicrohttpd is not here")
        base = self.folder / "served" / "opt" / "ml"
        shutil.copytree(self.whole(), base / "model")
        photo = next((self.shapes / "test").glob("*/*.jpg")).read_bytes()
        port = tool.free_port()
        process = tool.start("job", "serve", "--root", base.parent.parent, **{
            **CLEAN, "SAGEMAKER_BIND_TO_PORT": str(port), "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv"})
        self.assertEqual(process.stdout.readline(), f"serving at http://0.0.0.0:{port}\n")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/ping")
        reply = connection.getresponse()
        self.assertEqual((reply.status, reply.read()), (200, b""))
        rows = {}
        for accept in (None, "*/*", "application/json"):
            connection.request("POST", "/invocations", photo,
                               {"Content-Type": "image/jpeg", **({"Accept": accept} if accept else {})})
            rows[accept] = connection.getresponse().read().decode()
        self.assertEqual(rows[None], rows["*/*"])
        self.assertEqual([float(word) for word in rows[None].split(",")], json.loads(rows["application/json"])[0])
        for size, expected in ((6291457, 413), (6291456, 422)):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("POST", "/invocations", b"x" * size, {"Content-Type": "image/jpeg"})
            self.assertEqual(connection.getresponse().status, expected)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, err)

    def test_a_batch_transform_sends_as_much_at_once_as_it_says(self):
        if not ctypes.util.find_library("microhttpd"):
            self.skipTest("libmicrohttpd is not here")
        root = self.folder / "transform"
        shutil.copytree(self.whole(), root / "opt" / "ml" / "model")
        process = tool.start("job", "serve", "--root", root, "--port", 0, "--json",
                             **{**CLEAN, "SAGEMAKER_BATCH": "true", "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "80"})
        port = json.loads(process.stdout.readline())["port"]
        with contextlib.ExitStack() as stack:
            for _ in range(90):  # all of them stay; from one address 64 are the limit otherwise
                connection = stack.enter_context(contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)))
                connection.request("GET", "/ping")
                reply = connection.getresponse()
                self.assertEqual((reply.status, reply.read()), (200, b""))
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, err)

    def test_a_container_of_many_models(self):
        if not ctypes.util.find_library("microhttpd"):
            self.skipTest("libmicrohttpd is not here")
        base = self.folder / "many" / "opt" / "ml"
        base.mkdir(parents=True)
        photo = next((self.shapes / "test").glob("*/*.jpg")).read_bytes()
        process = tool.start("job", "serve", "--root", base.parent.parent, "--port", 0, "--json",
                             **{**CLEAN, "SAGEMAKER_MULTI_MODEL": "true"})
        port = json.loads(process.stdout.readline())["port"]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

        def ask(method, path, body=None):
            connection.request(method, path, body, {"Content-Type": "image/jpeg"})
            reply = connection.getresponse()
            return reply.status, reply.read()

        self.assertEqual(ask("GET", "/ping"), (200, b""))
        self.assertEqual(ask("POST", "/invocations", photo)[0], 404)
        place = base / "models" / "0a1b" / "model"  # as the platform does: a folder of its own for each
        place.mkdir(parents=True)
        shutil.copy(self.whole() / "model.safetensors", place)
        wanted = json.dumps({"model_name": "0a1b", "url": str(place)})
        self.assertEqual([ask("POST", "/models", wanted)[0] for _ in range(2)], [200, 409])
        status, body = ask("POST", "/models/0a1b/invoke", photo)
        self.assertEqual((status, len(json.loads(body)[0])), (200, 4))
        self.assertEqual([ask("DELETE", "/models/0a1b")[0] for _ in range(2)], [200, 404])
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, err)

    def test_an_endpoint_that_cannot_be_is_told(self):
        base = self.folder / "empty" / "opt" / "ml"
        (base / "model").mkdir(parents=True)
        root = base.parent.parent
        self.fails(run("job", "serve", "--root", root, **CLEAN), 4, "model.safetensors")
        self.fails(run("job", "serve", "--root", root, **{**CLEAN, "SAGEMAKER_BIND_TO_PORT": "x"}), 2, "SAGEMAKER_BIND_TO_PORT")
        multi = {**CLEAN, "SAGEMAKER_MULTI_MODEL": "true"}
        self.fails(run("job", "serve", "--root", self.folder / "nowhere", **multi), 2, "no such folder")

    def test_the_examples_tree_is_a_container(self):
        tree = tool.SOURCE / "examples" / "sagemaker" / "tree.sh"
        root = self.folder / "tree"
        words = [f"{name}={value.strip(chr(34))}" for name, value in PARAMS.items()]
        subprocess.run([tree, root, self.shapes, *words], check=True, capture_output=True)
        self.ok(run("job", "train", "--root", root, "--strict", **CLEAN))
        self.assertEqual((root / "opt" / "ml" / "model" / "model.safetensors").read_bytes(),
                         (self.whole() / "model.safetensors").read_bytes())


if __name__ == "__main__":
    tool.main()
