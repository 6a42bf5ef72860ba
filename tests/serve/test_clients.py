"""Clients that other people wrote against a running `dogbreed serve`: what they get is what the library says. test_clients.py
curl|requests|triton|sagemaker|promtool, by the Python that has the client. Ends with 77 where a program is missing."""
import base64
import io
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import urllib.request

import dogbreed
import endpoint

TOP = 2
MISSING = 77


class Known:
    """What the library says of some photos: logits of the Python binding, predictions of the command."""

    def __init__(self, model, photos):
        self.files = [str(photo) for photo in photos]
        self.pictures = [photo.read_bytes() for photo in photos]
        with dogbreed.Predictor(model, engine="ref") as predictor:
            self.classes = predictor.classes
            self.logits = [predictor.scores(picture) for picture in self.pictures]
        lines = endpoint.run("predict", model, *self.files, "--top-k", TOP, "--json").splitlines()
        found = [json.loads(line) for line in lines]
        assert [one["file"] for one in found] == self.files
        self.predictions = [[(p["class"], p["index"], single(p["probability"])) for p in one["predictions"]] for one in found]
        assert len({tuple(row) for row in self.logits}) == len(self.files)  # or a mix-up would not be seen


def single(number):
    """The float32 that a text or a double stands for."""
    return struct.unpack("f", struct.pack("f", float(number)))[0]


def check_logits(rows, wanted):
    assert [[single(x) for x in row] for row in rows] == wanted, (rows, wanted)


def check_answer(answer, wanted):
    got = [(p["label"], p["index"], single(p["probability"])) for p in answer["predictions"]]
    assert got == wanted and answer["warnings"] == [] and answer["model"] == {"name": "dogs", "version": "1"}, (answer, wanted)


def curl(address, known):
    """The lines of the README."""
    def ask(*words):
        if not shutil.which("curl"):
            sys.exit(MISSING)
        return json.loads(subprocess.run(["curl", "-sS", "--fail-with-body", *words], check=True, capture_output=True).stdout)

    for i, photo in enumerate(known.files):
        check_logits(ask("--data-binary", "@" + photo, "-H", "Content-Type: image/jpeg", address + "/invocations"), [known.logits[i]])
        check_answer(ask("-F", "image=@" + photo, f"{address}/v1/predict?top_k={TOP}"), known.predictions[i])
    form = [word for photo in known.files for word in ("-F", "image=@" + photo)]
    check_logits(ask(*form, address + "/invocations"), known.logits)
    check_logits(ask("-H", "Transfer-Encoding: chunked", "-H", "Content-Type: image/jpeg", "-T", known.files[0], "-X", "POST",
                     address + "/invocations"), known.logits[:1])
    check_logits(ask("--http1.0", "--data-binary", "@" + known.files[0], "-H", "Content-Type: image/jpeg", address + "/invocations"),
                 known.logits[:1])


def requests(address, known):
    import numpy
    import requests as http
    with http.Session() as session:
        for i, picture in enumerate(known.pictures):
            reply = session.post(address + "/v1/predict", params={"top_k": TOP}, files={"image": picture})
            check_answer(reply.json(), known.predictions[i])
        several = [("image", (str(i), picture, "image/jpeg")) for i, picture in enumerate(known.pictures)]
        reply = session.post(address + "/v1/predict", params={"top_k": TOP}, files=several)
        assert len(reply.json()["results"]) == len(known.files)
        for answer, wanted in zip(reply.json()["results"], known.predictions):
            check_answer(answer, wanted)
        reply = session.post(address + "/invocations", files=several, headers={"Accept": "application/x-npy"})
        rows = numpy.load(io.BytesIO(reply.content), allow_pickle=False)
        assert rows.dtype == numpy.float32 and rows.tolist() == known.logits
        parts = (known.pictures[0][i:i + 1000] for i in range(0, len(known.pictures[0]), 1000))  # sent in chunks
        check_logits(session.post(address + "/invocations", data=parts, headers={"Content-Type": "image/jpeg"}).json(), known.logits[:1])
        reply = session.post(address + "/invocations", data=b"no picture", headers={"Content-Type": "image/jpeg"})
        assert reply.status_code == 422 and sorted(reply.json()) == ["code", "error"], reply.text


def triton(address, known):
    import numpy
    from tritonclient import http
    from tritonclient.utils import InferenceServerException
    client = http.InferenceServerClient(address.split("//")[1])
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("dogs") and client.is_model_ready("dogs", "1")
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    described = client.get_model_metadata("dogs")
    assert described["name"] == "dogs" and described["platform"] == "libdogbreed_safetensors", described
    assert [one["name"] for one in described["outputs"]] == ["logits", "probabilities", "label"]
    pictures = numpy.array(known.pictures, dtype=object)
    for binary in (True, False):
        given = http.InferInput("image", [len(pictures)], "BYTES")
        if binary:
            given.set_data_from_numpy(pictures)
        else:  # text cannot hold a picture: in base64
            given.set_data_from_numpy(numpy.array([base64.b64encode(p) for p in known.pictures], dtype=object), binary_data=False)
        wanted = [http.InferRequestedOutput(name, binary_data=binary) for name in ("logits", "probabilities", "label")]
        found = client.infer("dogs", [given], outputs=wanted, request_id="a7")
        assert found.get_response()["id"] == "a7"
        logits = found.as_numpy("logits")
        assert logits.dtype == numpy.float32 and logits.tolist() == known.logits
        for row, label, best in zip(found.as_numpy("probabilities"), found.as_numpy("label"), known.predictions):
            text = label[0].decode() if isinstance(label[0], bytes) else label[0]
            assert text == best[0][0] and all(row[index] == p for _, index, p in best), (label, row, best)
    side = described["inputs"][1]["shape"][2]
    tensor = numpy.random.default_rng(3).standard_normal((3, 3, side, side), dtype=numpy.float32)
    results = []
    for binary in (True, False):
        given = http.InferInput("tensor", list(tensor.shape), "FP32")
        given.set_data_from_numpy(tensor, binary_data=binary)
        results.append(client.infer("dogs", [given]).as_numpy("logits").tolist())
    assert results[0] == results[1] and len(results[0]) == 3
    try:
        client.infer("cats", [given])
        raise AssertionError("a model that is not there")
    except InferenceServerException as error:
        assert "404" in str(error.status()) or "no model" in error.message(), error
    client.close()


def sagemaker(address, known):
    import boto3
    from botocore.exceptions import ClientError
    client = boto3.client("sagemaker-runtime", region_name="us-east-1", endpoint_url=address, aws_access_key_id="nobody",
                          aws_secret_access_key="nothing")
    for i, picture in enumerate(known.pictures):
        reply = client.invoke_endpoint(EndpointName="dogs", ContentType="image/jpeg", Body=picture, CustomAttributes="a=1")
        assert reply["ContentType"] == "application/json" and reply["CustomAttributes"] == "a=1", reply
        check_logits(json.loads(reply["Body"].read()), [known.logits[i]])
        reply = client.invoke_endpoint(EndpointName="dogs", ContentType="application/octet-stream", Body=io.BytesIO(picture),
                                       Accept="application/vnd.dogbreed+json")
        assert json.loads(reply["Body"].read())["predictions"][0]["label"] == known.predictions[i][0][0]
    reply = client.invoke_endpoint(EndpointName="dogs", ContentType="image/jpeg", Body=known.pictures[0], Accept="text/csv")
    check_logits([reply["Body"].read().decode().split(",")], known.logits[:1])
    for name, body, status in (("cats", known.pictures[0], 404), ("dogs", b"no picture", 422)):
        try:
            client.invoke_endpoint(EndpointName=name, ContentType="image/jpeg", Body=body)
            raise AssertionError(name)
        except ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status, error.response


def promtool(address, known):
    """Prometheus' own check of what it would read."""
    if not shutil.which("promtool"):
        print("skipped: promtool is not here (Debian: prometheus)")
        sys.exit(MISSING)
    curl(address, known)
    load = urllib.request.Request(address + "/models", json.dumps({"model_name": "a", "url": "model.safetensors"}).encode())
    assert urllib.request.urlopen(load).status == 200
    picture = urllib.request.Request(address + "/models/a/invoke", known.pictures[0], {"Content-Type": "image/jpeg"})
    check_logits(json.loads(urllib.request.urlopen(picture).read()), [known.logits[0]])
    urllib.request.urlopen(urllib.request.Request(address + "/models/a", method="DELETE")).close()
    text = urllib.request.urlopen(address + "/metrics").read()
    assert b"dogbreed_model_load_seconds_count 1\n" in text and b"dogbreed_model_cache_hits_total 1\n" in text, text
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True)
    assert done.returncode == 0 and not done.stderr, done


def main():
    part = {run.__name__: run for run in (curl, requests, triton, sagemaker, promtool)}[sys.argv[1]]
    with tempfile.TemporaryDirectory() as name:
        model, photos = endpoint.train(pathlib.Path(name))
        photos = photos[:4]
        with endpoint.serving(model, "--model-name", "dogs", "--multi-model", model) as address:
            part(address, Known(model, photos))
    return 0


sys.exit(main())
