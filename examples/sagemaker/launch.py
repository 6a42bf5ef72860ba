"""Trains, tunes and deploys on Amazon SageMaker with an image that has `dogbreed` in it. Needs the package sagemaker (2.x), an
account and a role; what it starts is billed.

    python launch.py --image ACCOUNT.dkr.ecr.REGION.amazonaws.com/dogbreed --role ROLE --data s3://BUCKET/dogs --photo photo.jpg
"""
import argparse
import json

METRICS = [{"Name": "val_accuracy", "Regex": "val_accuracy=([0-9.eE+-]+)"},
           {"Name": "train_loss", "Regex": "train_loss=([0-9.eE+-]+)"}]


def estimator(options):
    from sagemaker.estimator import Estimator  # the generic one: any image
    return Estimator(
        image_uri=options.image, role=options.role, instance_count=1, instance_type=options.instance,
        metric_definitions=METRICS,
        hyperparameters={"arch": "mobilenet_v2", "weights": "/opt/ml/input/data/weights/mobilenet_v2.pth", "epochs": 7,
                         "batch-size": 32, "lr": 0.001},
        checkpoint_s3_uri=f"{options.data.rstrip('/')}-checkpoints",  # a stopped spot job goes on from there
        use_spot_instances=True, max_run=3600, max_wait=7200)


def channels(options):
    """Pictures below train, valid and test; the weights to start from in a channel of their own."""
    from sagemaker.inputs import TrainingInput
    return {"training": TrainingInput(options.data, input_mode="FastFile"), "weights": options.weights}


def tune(options):
    from sagemaker.tuner import CategoricalParameter, ContinuousParameter, HyperparameterTuner
    tuner = HyperparameterTuner(
        estimator(options), "val_accuracy", {"lr": ContinuousParameter(1e-4, 1e-1, scaling_type="Logarithmic"),
                                             "batch-size": CategoricalParameter([32, 64, 128])},
        metric_definitions=METRICS, max_jobs=4, max_parallel_jobs=2)
    tuner.fit(channels(options))
    return tuner.best_estimator()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", required=True)
    parser.add_argument("--role", required=True)
    parser.add_argument("--data", required=True, help="s3:// folder with train/, valid/ and test/")
    parser.add_argument("--weights", required=True, help="s3:// folder with mobilenet_v2.pth")
    parser.add_argument("--photo", required=True)
    parser.add_argument("--instance", default="ml.m5.xlarge")
    parser.add_argument("--tune", action="store_true", help="four jobs, the best one is deployed")
    options = parser.parse_args()
    if options.tune:
        trained = tune(options)
    else:
        trained = estimator(options)
        trained.fit(channels(options))
    from sagemaker.deserializers import JSONDeserializer
    from sagemaker.serializers import IdentitySerializer
    endpoint = trained.deploy(initial_instance_count=1, instance_type=options.instance,
                              serializer=IdentitySerializer("image/jpeg"), deserializer=JSONDeserializer())
    try:
        with open(options.photo, "rb") as file:
            print(json.dumps(endpoint.predict(file.read())))  # [[logit, ...]]
    finally:
        endpoint.delete_endpoint()


if __name__ == "__main__":
    main()
