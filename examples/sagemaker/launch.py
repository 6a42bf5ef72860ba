"""Trains, tunes and deploys on Amazon SageMaker with an image that has `dogbreed` in it. Needs version 2 of the SDK (pip install
"sagemaker<3"), an account and a role; what it starts is billed.

    python launch.py --image ACCOUNT.dkr.ecr.REGION.amazonaws.com/dogbreed --role ROLE --data s3://BUCKET/dogs \\
        --weights s3://BUCKET/weights --photo photo.jpg
"""
import argparse
import contextlib
import json

METRICS = [{"Name": "val_accuracy", "Regex": "val_accuracy=([0-9.eE+-]+)"},
           {"Name": "train_loss", "Regex": "train_loss=([0-9.eE+-]+)"}]
OPTIONS = {"arch": "mobilenet_v2", "weights": "/opt/ml/input/data/weights/mobilenet_v2.pth", "epochs": 7, "batch-size": 32,
           "lr": 0.001}


def estimator(options):
    from sagemaker.estimator import Estimator  # the generic one: any image
    return Estimator(
        image_uri=options.image, role=options.role, instance_count=1, instance_type=options.instance,
        metric_definitions=METRICS, hyperparameters={**OPTIONS, **dict(options.set)},
        checkpoint_s3_uri=f"{options.data.rstrip('/')}-checkpoints",  # a stopped spot job goes on from there
        use_spot_instances=True, max_run=3600, max_wait=7200)


def channels(options):
    """Pictures below train, valid and test; the weights to start from in a channel of their own."""
    from sagemaker.inputs import TrainingInput
    return {"training": TrainingInput(options.data, input_mode="FastFile"), "weights": options.weights}


def train(options):
    trained = estimator(options)
    trained.fit(channels(options))
    return trained


def tune(options):
    from sagemaker.tuner import CategoricalParameter, ContinuousParameter, HyperparameterTuner
    tuner = HyperparameterTuner(
        estimator(options), "val_accuracy", {"lr": ContinuousParameter(1e-4, 1e-1, scaling_type="Logarithmic"),
                                             "batch-size": CategoricalParameter([32, 64, 128])},
        metric_definitions=METRICS, max_jobs=4, max_parallel_jobs=2)
    tuner.fit(channels(options))
    return tuner.best_estimator()


@contextlib.contextmanager
def deployed(trained, options):
    """An endpoint, which costs money as long as it is there."""
    from sagemaker.deserializers import JSONDeserializer
    from sagemaker.serializers import IdentitySerializer
    endpoint = trained.deploy(initial_instance_count=1, instance_type=options.instance,
                              serializer=IdentitySerializer("image/jpeg"), deserializer=JSONDeserializer())
    try:
        yield endpoint
    finally:
        endpoint.delete_model()  # it is found by way of the endpoint
        endpoint.delete_endpoint()


def name_and_value(text):
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text}: expected NAME=VALUE")
    return name, value


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", required=True)
    parser.add_argument("--role", required=True)
    parser.add_argument("--data", required=True, help="s3:// folder with train/, valid/ and test/")
    parser.add_argument("--weights", required=True, help="s3:// folder with mobilenet_v2.pth")
    parser.add_argument("--photo", required=True)
    parser.add_argument("--instance", default="ml.m5.xlarge")
    parser.add_argument("--set", metavar="NAME=VALUE", type=name_and_value, action="append", default=[],
                        help="an option of dogbreed train; may be repeated")
    parser.add_argument("--tune", action="store_true", help="four jobs, the best one is deployed")
    return parser.parse_args(arguments)


def main():
    options = parse()
    trained = tune(options) if options.tune else train(options)
    with open(options.photo, "rb") as file:
        photo = file.read()
    with deployed(trained, options) as endpoint:
        print(json.dumps(endpoint.predict(photo)))  # [[logit, ...]]


if __name__ == "__main__":
    main()
