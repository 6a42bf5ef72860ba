#!/usr/bin/env python3
"""Histograms, pictures, texts, curves of precision and recall of libdogbreed, read by TensorBoard. Usage: kinds.py BOARD_TOOL"""
import io
import os
import subprocess
import sys
import tempfile
import types
import urllib.parse
import urllib.request

import numpy
import PIL.Image
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.compat.proto import summary_pb2
from tensorboard.plugins.histogram import summary_v2
from tensorboard.util import tensor_util

from server import Server

TOOL = os.path.abspath(sys.argv[1])
STEPS, VALUES, SCORES, THRESHOLDS = 3, 1000, 500, 21
PLUGINS = {"weights/even": "histograms", "weights/default": "histograms", "weights/one": "histograms", "weights/none": "histograms",
           "val/pr_curve": "pr_curves", "val/worst": "images", "model_card": "text"}
CLASSES = {"histograms": 2, "pr_curves": 2, "images": 3, "text": 2}


def stream(state):
    while True:
        state = (state * 1664525 + 1013904223) % 2**32
        yield state / 2**32


def values(step):
    """What board_tool.c draws."""
    numbers, scales = stream(step + 1), (1e-3, 0.1, 1.0, 1000.0)
    return numpy.array([(next(numbers) - 0.4) * scales[i % 4] for i in range(VALUES)]).astype("float32")


def scores():
    numbers, found, truths = stream(99), [], []
    for _ in range(SCORES):
        found.append(numpy.float32(next(numbers)))
        truths.append(next(numbers) < float(found[-1]))
    return numpy.array(found), numpy.array(truths)


def pr_curve_by_tensorboard(found, truths, thresholds):
    """Its own writer wants TensorFlow, for three names."""
    v1 = types.ModuleType("tensorflow.compat.v1")
    v1.Summary, v1.SummaryMetadata = summary_pb2.Summary, summary_pb2.SummaryMetadata
    v1.make_tensor_proto, v1.float32 = tensor_util.make_tensor_proto, numpy.float32
    compat = types.ModuleType("tensorflow.compat")
    compat.v1 = v1
    sys.modules.update({"tensorflow": types.ModuleType("tensorflow"), "tensorflow.compat": compat, "tensorflow.compat.v1": v1})
    try:
        from tensorboard.plugins.pr_curve import summary
        value = summary.pb("pr", truths, found, num_thresholds=thresholds).value[0]
        return tensor_util.make_ndarray(value.tensor), value.metadata.plugin_data.content
    finally:
        for name in ("tensorflow.compat.v1", "tensorflow.compat", "tensorflow"):
            del sys.modules[name]


def bounds():
    """TensorFlow's, as the C++ source makes them."""
    found, bound = [], 1e-12
    while bound < 1e20:
        found.append(bound)
        bound *= 1.1
    return [-bound for bound in reversed(found)] + [0.0] + found


def check_default(buckets, data):
    left, right, counts = buckets.T
    assert (left[1:] == right[:-1]).all() and counts.sum() == len(data) and counts[0] > 0 and counts[-1] > 0, buckets
    assert left[0] == data.min() and right[-1] == data.max() and not ((counts[1:] == 0) & (counts[:-1] == 0)).any()
    known = set(bounds())
    assert set(right[:-1]) <= known, set(right[:-1]) - known
    edges = numpy.array([-numpy.inf, *right[:-1], numpy.inf])
    assert (numpy.histogram(data.astype("float64"), edges)[0] == counts).all()
    narrow = numpy.histogram(data.astype("float64"), [-numpy.inf, *bounds(), numpy.inf])[0]
    assert sorted(narrow[narrow > 0]) == sorted(counts[counts > 0])  # none were put together


def check_events(folder, pictures):
    accumulator = EventAccumulator(folder, size_guidance={"tensors": 0})
    accumulator.Reload()
    assert set(accumulator.Tags()["tensors"]) == set(PLUGINS), accumulator.Tags()
    found = {}
    for tag, plugin in PLUGINS.items():
        metadata = accumulator.SummaryMetadata(tag)
        assert (metadata.plugin_data.plugin_name, metadata.data_class) == (plugin, CLASSES[plugin]), (tag, metadata)
        events = accumulator.Tensors(tag)
        assert [(event.step, event.wall_time) for event in events] == [(step, 1700000000.0 + step) for step in range(STEPS)], tag
        found[tag] = [tensor_util.make_ndarray(event.tensor_proto) for event in events]
    for step in range(STEPS):
        wanted = tensor_util.make_ndarray(summary_v2.histogram_pb("x", values(step), buckets=30).value[0].tensor)
        assert (found["weights/even"][step][:, 2] == wanted[:, 2]).all(), step
        assert numpy.allclose(found["weights/even"][step], wanted, rtol=1e-14, atol=0)
        check_default(found["weights/default"][step], values(step))
        one = tensor_util.make_ndarray(summary_v2.histogram_pb("x", [7.0]).value[0].tensor)
        assert (found["weights/one"][step] == one).all() and found["weights/none"][step].shape == (0, 3)
        assert list(found["val/worst"][step]) == [b"5", b"3", *pictures]
        assert list(found["model_card"][step]) == ["# Karte\n\n*Hund* 犬".encode(), b"zwei"][: 2 if step == 0 else 1]
    curve, content = pr_curve_by_tensorboard(*scores(), THRESHOLDS)
    assert accumulator.SummaryMetadata("val/pr_curve").plugin_data.content == content
    for mine in found["val/pr_curve"]:
        assert mine.shape == curve.shape == (6, THRESHOLDS) and (mine[:4] == curve[:4]).all() and numpy.allclose(mine, curve, rtol=1e-6)


def raw(server, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/data/{path}", timeout=10) as answer:
        return answer.read()


def check_server(server, pictures):
    def tags(plugin):
        found = server.get(f"plugin/{plugin}/tags")
        assert set(found) == {"."}, found
        return set(found["."])
    assert tags("histograms") == {tag for tag in PLUGINS if PLUGINS[tag] == "histograms"}
    assert tags("pr_curves") == {"val/pr_curve"} and tags("images") == {"val/worst"} and tags("text") == {"model_card"}
    for tag in ("weights/even", "weights/default"):
        series = server.get(f"plugin/histograms/histograms?run=.&tag={tag}")
        assert [step for _, step, _ in series] == list(range(STEPS))
        for _, step, buckets in series:
            assert sum(count for _, _, count in buckets) == VALUES and buckets[0][0] == float(values(step).min())
    assert len(server.get("plugin/distributions/distributions?run=.&tag=weights/default")) == STEPS
    curves = server.get("plugin/pr_curves/pr_curves?run=.&tag=val/pr_curve")["."]
    wanted = pr_curve_by_tensorboard(*scores(), THRESHOLDS)[0]
    wanted = wanted[:, wanted[0] + wanted[1] > 0]  # it leaves out thresholds that nothing is above
    assert [curve["step"] for curve in curves] == list(range(STEPS))
    for row, name in enumerate(("true_positives", "false_positives", "true_negatives", "false_negatives", "precision", "recall")):
        assert all(numpy.allclose(curve[name], wanted[row], rtol=1e-6) for curve in curves), name
    texts = server.get("plugin/text/text?run=.&tag=model_card")
    assert [text["step"] for text in texts] == list(range(STEPS)) and "<em>Hund</em> 犬" in texts[0]["text"], texts
    shown = server.get("plugin/images/images?run=.&tag=val/worst&sample=0")
    assert [image["step"] for image in shown] == list(range(STEPS)), shown
    for number, picture in enumerate(pictures):
        shown = server.get(f"plugin/images/images?run=.&tag=val/worst&sample={number}")
        assert raw(server, "plugin/images/individualImage?" + shown[0]["query"]) == picture


def main():
    with tempfile.TemporaryDirectory() as folder:
        pictures = []
        for number in range(3):
            data = io.BytesIO()
            PIL.Image.new("RGB", (5, 3), (number * 90, 100, 200)).save(data, "JPEG" if number == 2 else "PNG")
            pictures.append(data.getvalue())
            with open(f"{folder}/{number}", "wb") as file:
                file.write(pictures[-1])
        subprocess.run([TOOL, f"{folder}/board", *(f"{folder}/{number}" for number in range(3))], check=True)
        check_events(f"{folder}/board", pictures)
        for loader in ("true", "false"):
            server = Server(f"{folder}/board", "--load_fast", loader)
            try:
                server.wait(lambda: check_server(server, pictures), f"--load_fast {loader}")
            finally:
                server.close()
            print(f"--load_fast {loader}: {len(PLUGINS)} tags of {len(CLASSES)} kinds")


if __name__ == "__main__":
    main()
