"""examples/sagemaker/launch.py against moto's SageMaker, with Amazon's SDK; the containers that the requests ask for are run
by the tool in folders. The Python has sagemaker (2.x) and moto. Ends with 77 where one is missing."""
import contextlib
import importlib.util
import json
import os
import pathlib
import re
import sys
import tempfile
import time

import tool
from servers import common, moto_server

LAUNCH = pathlib.Path(os.environ["DOGBREED_TEST_SOURCE"]).parent / "examples" / "sagemaker" / "launch.py"
IMAGE, ROLE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/dogbreed", "arn:aws:iam::123456789012:role/dogs"
SERVER = None


def load():
    """The example as a module, with clients that ask moto and do not wait for long."""
    import sagemaker.session
    for module in list(sys.modules.values()):  # it has an address of its own for one service
        if hasattr(module, "sts_regional_endpoint"):
            module.sts_regional_endpoint = lambda region: SERVER.endpoint
    spec = importlib.util.spec_from_file_location("launch", LAUNCH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Launch(tool.Folder):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        import boto3
        cls.boto = SERVER.client()
        cls.api = boto3.client("sagemaker")
        cls.boto.create_bucket(Bucket="dogs-here")
        cls.data = cls.folder / "data"
        tool.must("synth", cls.data, "--classes", 3, "--per-class", 20, "--size", 64, "--seed", 1)
        tool.must("train", cls.data, *tool.SMALL, "--input-size", 32, "--resize", 32, "--out", cls.folder / "start", "--quiet")
        tool.must("model", "export", cls.folder / "start", "--out", cls.folder / "tiny.pth")
        for path in sorted(cls.data.rglob("*.jpg")):
            cls.boto.upload_file(str(path), "dogs-here", "dogs/" + str(path.relative_to(cls.data)))
        cls.boto.upload_file(str(cls.folder / "tiny.pth"), "dogs-here", "weights/tiny.pth")
        cls.photo = next(iter(sorted((cls.data / "test").rglob("*.jpg"))))
        cls.launch = load()

    def options(self, *words):
        return self.launch.parse(["--image", IMAGE, "--role", ROLE, "--data", "s3://dogs-here/dogs", "--weights",
                                  "s3://dogs-here/weights", "--photo", str(self.photo), *words])

    def small(self):
        words = {"arch": "tiny", "freeze": "none", "weights": "/opt/ml/input/data/weights/tiny.pth", "epochs": 2, "batch-size": 16,
                 "input-size": 32, "resize": 32, "seed": 1}
        return [word for name, value in words.items() for word in ("--set", f"{name}={value}")]

    def container(self, job, name):
        """The folders that the platform would make of what it was asked for."""
        ml = self.folder / name / "opt/ml"
        (ml / "input/config").mkdir(parents=True)
        (ml / "model").mkdir()
        (ml / "input/config/hyperparameters.json").write_text(json.dumps(job["HyperParameters"]))
        config = {}
        for channel in job["InputDataConfig"]:
            source = channel["DataSource"]["S3DataSource"]
            self.assertEqual((source["S3DataType"], source["S3DataDistributionType"]), ("S3Prefix", "FullyReplicated"))
            config[channel["ChannelName"]] = {"TrainingInputMode": channel.get("InputMode", "File"),
                                              "S3DistributionType": source["S3DataDistributionType"]}
            self.ok(tool.run("s3", "sync", source["S3Uri"], ml / "input/data" / channel["ChannelName"], **SERVER.environment(),
                             DOGBREED_CACHE=str(self.folder / "cache")))
        (ml / "input/config/inputdataconfig.json").write_text(json.dumps(config))
        (ml / "input/config/checkpointconfig.json").write_text(json.dumps(job["CheckpointConfig"]))
        return ml

    @contextlib.contextmanager
    def serving(self, root, name, port):
        process = tool.start("job", "serve", "--root", root, "--model-name", name, "--json",
                             SAGEMAKER_BIND_TO_PORT=str(port))
        try:
            self.assertEqual(json.loads(process.stdout.readline())["port"], port)
            yield
        finally:
            process.terminate()
            process.communicate(timeout=60)

    def test_from_the_data_to_an_answer(self):
        options = self.options(*self.small())
        trained = self.launch.train(options)
        job = self.api.describe_training_job(TrainingJobName=trained.latest_training_job.name)
        self.assertEqual(job["AlgorithmSpecification"]["TrainingImage"], IMAGE)
        self.assertTrue(all(isinstance(value, str) for value in job["HyperParameters"].values()), job["HyperParameters"])
        self.assertEqual({channel["ChannelName"] for channel in job["InputDataConfig"]}, {"training", "weights"})
        self.assertTrue(job["EnableManagedSpotTraining"])
        ml = self.container(job, "job")
        done = self.ok(tool.run("job", "train", "--root", self.folder / "job"))
        self.assertNotIn("unknown", done.err)
        self.assertTrue((ml / "output/success").exists())
        for metric in self.launch.METRICS:  # what the platform would show; moto has its own
            found = re.findall(metric["Regex"], done.out)
            self.assertEqual(len(found), 2, metric)
            self.assertTrue(all(float(value) >= 0 for value in found))
        with self.launch.deployed(trained, options) as endpoint:
            described = self.api.describe_endpoint(EndpointName=endpoint.endpoint_name)
            config = self.api.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
            model = self.api.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
            self.assertEqual(model["PrimaryContainer"]["Image"], IMAGE)
            self.assertEqual(model["PrimaryContainer"]["ModelDataUrl"].rsplit("/", 1)[1], "model.tar.gz")
            with self.serving(self.folder / "job", endpoint.endpoint_name, PORT):
                ((*logits,),) = endpoint.predict(self.photo.read_bytes())
            self.assertEqual(len(logits), 3)
            direct = self.ok(tool.run("predict", ml / "model/model.safetensors", self.photo, "--top-k", 1, "--json")).lines[0]
            self.assertEqual(logits.index(max(logits)), direct["predictions"][0]["index"])
        self.assertEqual((self.api.list_endpoints()["Endpoints"], self.api.list_models()["Models"]), ([], []))

    def test_a_tuning_job(self):
        options = self.options(*self.small(), "--tune")
        # moto names a job of its own as the best one.
        self.api.create_training_job(
            TrainingJobName="FakeTrainingJobName", RoleArn=ROLE, ResourceConfig={"InstanceType": "ml.m5.xlarge", "InstanceCount": 1,
                                                                                "VolumeSizeInGB": 1},
            AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"}, HyperParameters={"lr": "0.01"},
            OutputDataConfig={"S3OutputPath": "s3://dogs-here/out", "KmsKeyId": ""}, StoppingCondition={"MaxRuntimeInSeconds": 60},
            InputDataConfig=[{"ChannelName": "training", "DataSource": {"S3DataSource": {
                "S3DataType": "S3Prefix", "S3Uri": "s3://dogs-here/dogs"}}}])
        self.launch.tune(options)
        name = self.api.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"][0]["HyperParameterTuningJobName"]
        job = self.api.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        config, definition = job["HyperParameterTuningJobConfig"], job["TrainingJobDefinition"]
        self.assertEqual(config["HyperParameterTuningJobObjective"], {"Type": "Maximize", "MetricName": "val_accuracy"})
        ranges = config["ParameterRanges"]
        values = {row["Name"]: row["MinValue"] for row in ranges["ContinuousParameterRanges"]}
        values.update({row["Name"]: row["Values"][-1] for row in ranges["CategoricalParameterRanges"]})
        # One of its trainings, with the values as the platform hands them out.
        hyperparameters = {**definition["StaticHyperParameters"], **values, "_tuning_objective_metric": "val_accuracy"}
        self.container({**definition, "HyperParameters": hyperparameters}, "trial")
        done = self.ok(tool.run("job", "train", "--root", self.folder / "trial"))
        self.assertNotIn("unknown", done.err)
        written = json.loads((self.folder / "trial/opt/ml/output/data/config.json").read_text())
        self.assertEqual((written["learning_rate"], written["batch_size"]), (1e-4, 128))


if __name__ == "__main__":
    if importlib.util.find_spec("sagemaker") is None:
        common.skip(f"{sys.executable} has no sagemaker (see scripts/test.sh)")
    with moto_server.server() as SERVER, tempfile.TemporaryDirectory(prefix="dogbreed-launch-") as home:
        PORT = tool.free_port()
        (pathlib.Path(home) / "config.yaml").write_text(
            'SchemaVersion: "1.0"\nSageMaker:\n  PythonSDK:\n    Modules:\n      TelemetryOptOut: true\n')
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ.update(SERVER.environment(), SAGEMAKER_USER_CONFIG_OVERRIDE=home + "/config.yaml", HOME=home,
                          SAGEMAKER_SUPPRESS_V2_WARNING="1", AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME=f"http://127.0.0.1:{PORT}")
        sleep = time.sleep
        time.sleep = lambda seconds: sleep(min(seconds, 0.05))  # the SDK asks every half minute
        tool.main()
