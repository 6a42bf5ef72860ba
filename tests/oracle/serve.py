"""The endpoint's formats against NumPy, Python's own json, requests, requests-toolbelt and tritonclient:
serve.py TOOL floats|tensors|replies|multipart|infer."""
import base64
import io
import json
import subprocess
import sys
import tempfile
from decimal import Decimal

import numpy as np

TOOL, PART = sys.argv[1], sys.argv[2]
SIDE, CLASSES = 5, 7
RANDOM = np.random.default_rng(7)


def tool(*arguments, body=b""):
    return subprocess.run([TOOL, *map(str, arguments)], input=body, capture_output=True, check=True).stdout


def reply(data):
    """(status, type, length of the JSON, body) of what the tool prints."""
    line, body = data.split(b"\n", 1)
    status, kind, length = line.decode().split(" ")
    return int(status), kind, length, body


def items(data):
    """([(kind, bytes)], what is behind them)."""
    line, data = data.split(b"\n", 1)
    found = []
    for _ in range(int(line)):
        line, data = data.split(b"\n", 1)
        kind, size = map(int, line.split())
        found.append((kind, data[:size]))
        data = data[size:]
    return found, data


def tensor(count):
    wide = RANDOM.standard_normal((count, 3, SIDE, SIDE)) * 10.0 ** RANDOM.integers(-30, 30, (count, 3, SIDE, SIDE))
    return wide.astype(np.float32)


def expect_tensor(data, wanted):
    found, rest = items(data)
    assert rest == b"" and all(kind == 1 for kind, _ in found), data[:300]
    got = np.frombuffer(b"".join(piece for _, piece in found), np.float32)
    assert np.array_equal(got.view(np.uint32), wanted.ravel().view(np.uint32))


def floats():
    """The shortest text of a million float32 of any bits: NumPy's digits, and json.loads gives the float32 back."""
    bits = np.concatenate([RANDOM.integers(0, 2**32, 1000000, dtype=np.uint32), np.arange(0, 2**31, 2**23, dtype=np.uint32),
                           np.arange(2**23, 2**31, 2**23, dtype=np.uint32) - 1, np.arange(2000, dtype=np.uint32)])
    values = bits.view(np.float32)
    values = values[np.isfinite(values)]
    texts = tool("floats", body=values.tobytes()).decode().split("\n")[:-1]
    assert len(texts) == len(values) > 990000
    back = np.array(json.loads("[" + ",".join(texts) + "]")).astype(np.float32)
    assert np.array_equal(back.view(np.uint32), values.view(np.uint32))
    for text, value in zip(texts, values):
        other = Decimal(str(value))
        assert Decimal(text) == other and len(Decimal(text).normalize().as_tuple().digits) == len(
            other.normalize().as_tuple().digits), (text, str(value))
        as_double = repr(float(text))  # the same layout as Python's
        assert text == as_double or float(text) != float(value), (text, as_double)


def tensors():
    """What NumPy, json and csv write is read with the same bits, and what they cannot read is refused."""
    for count in (1, 3):
        x = tensor(count)
        for version in ((1, 0), (2, 0), (3, 0)):
            file = io.BytesIO()
            np.lib.format.write_array(file, x, version)
            expect_tensor(tool("input", "application/x-npy", SIDE, 3, body=file.getvalue()), x)
        for other in (x.astype(np.float64), x[0]):
            file = io.BytesIO()
            np.save(file, other)
            expect_tensor(tool("input", "application/x-npy", SIDE, 3, body=file.getvalue()), other.astype(np.float32))
        for wide in (x, x.astype(np.float64) * 1.1, RANDOM.standard_normal(x.shape) * 1e-40):
            narrow = wide.astype(np.float32)
            for text in (json.dumps(wide.tolist()), json.dumps(wide.tolist(), indent=1)):
                expect_tensor(tool("input", "application/json", SIDE, 3, body=text.encode()), narrow)
            for form in ("%.18e", "%.9g", "%+.40f", " %r"):
                file = io.StringIO()
                if form == " %r":
                    file.write("\r\n".join(" , ".join(map(repr, row)) for row in wide.reshape(count, -1).tolist()))
                else:
                    np.savetxt(file, wide.reshape(count, -1), form, ",")
                wanted = np.array([[float(cell) for cell in line.split(",")] for line in file.getvalue().splitlines()])
                data = tool("input", "text/csv", SIDE, 3, body=file.getvalue().encode())
                expect_tensor(data, wanted.astype(np.float32))
    x /= 1e30
    for other in (x.astype(np.float16), x.astype(">f4"), np.asfortranarray(x), x.astype(np.complex64), x.astype(np.uint8),
                  x[:, :2], np.zeros((0, 3, SIDE, SIDE), np.float32), np.float32(3), np.concatenate([x, x])):
        file = io.BytesIO()
        np.save(file, other)
        status = reply(tool("input", "application/x-npy", SIDE, 3, body=file.getvalue()))[0]
        assert status in (400, 413, 415), (other.dtype, other.shape, status)
    pictures = [RANDOM.bytes(n) for n in (1, 2, 3, 100, 4567)]
    body = json.dumps({"instances": [{"b64": base64.b64encode(p).decode()} for p in pictures]})
    found, _ = items(tool("input", "application/json; charset=utf-8", SIDE, 9, body=body.encode()))
    assert found == [(0, p) for p in pictures]


def replies():
    """Logits in each format are read back with the same bits; probabilities are those of NumPy."""
    for count in (1, 4):
        x = (RANDOM.standard_normal((count, CLASSES)) * 10.0 ** RANDOM.integers(-8, 8, (count, CLASSES))).astype(np.float32)
        status, kind, _, body = reply(tool("output", "application/json", CLASSES, 0, body=x.tobytes()))
        assert (status, kind) == (200, "application/json")
        assert np.array_equal(np.array(json.loads(body)).astype(np.float32), x)
        kind, _, body = reply(tool("output", "application/x-npy", CLASSES, 0, body=x.tobytes()))[1:]
        back = np.load(io.BytesIO(body), allow_pickle=False)
        assert kind == "application/x-npy" and back.dtype == np.float32 and np.array_equal(back, x)
        assert len(body) % 64 == x.nbytes % 64
        kind, _, body = reply(tool("output", "text/csv;q=0.9, application/json;q=0.1", CLASSES, 0, body=x.tobytes()))[1:]
        assert kind == "text/csv"
        assert np.array_equal(np.loadtxt(io.BytesIO(body), np.float64, delimiter=",", ndmin=2).astype(np.float32), x)
        x = (x / np.abs(x).max() * 6).astype(np.float32)
        p = np.exp(x.astype(np.float64) - x.max(1, keepdims=True).astype(np.float64))
        p /= p.sum(1, keepdims=True)
        status, kind, _, body = reply(tool("output", "predict", CLASSES, 3, body=x.tobytes()))
        results = json.loads(body)
        assert status == 200 and (count == 1) == ("results" not in results)
        for i, result in enumerate(results.get("results", [results])):
            order = np.argsort(-x[i], kind="stable")[:3]
            assert [one["index"] for one in result["predictions"]] == order.tolist()
            assert [one["label"] for one in result["predictions"]] == [label(k) for k in order]
            assert np.array_equal(np.float32([one["probability"] for one in result["predictions"]]), np.float32(p[i, order]))
            assert result["model"] == {"name": "dogs", "version": "3"} and result["warnings"] == []
            assert sorted(result["timing_us"]) == ["decode", "model", "overhead", "queue"]


def label(index):
    return f"H\u00fc\"nd\\{index}" if index == 1 else f"class{index}"


def multipart():
    """Bodies as requests and requests-toolbelt write them."""
    import requests
    from requests_toolbelt import MultipartEncoder
    pictures = [RANDOM.bytes(n) for n in (10, 1000, 70000)] + [b"\r\n--\r\n" * 50, b"\r", b"\n\r\n", b"-"]
    expected = [(0, p) for p in pictures]
    fields = [("image", (f"a \"{i}\"; b\u00fc.jpg", p, "image/jpeg")) for i, p in enumerate(pictures)]
    made = requests.Request("POST", "http://localhost/", files=fields).prepare()
    cases = [(made.headers["Content-Type"], made.body)]
    encoder = MultipartEncoder([(name, value) for name, value in fields])
    cases.append((encoder.content_type, encoder.read()))
    encoder = MultipartEncoder([(name, value) for name, value in fields], boundary="a'()+_,-./:=? z")
    cases.append(('multipart/form-data; charset=utf-8; BOUNDARY="a\'()+_,-./:=? z"', encoder.read()))
    for kind, body in cases:
        found, rest = items(tool("input", kind, SIDE, 9, body=body))
        assert (found, rest) == (expected, b""), kind
        wrapped = b"a preamble\r\n" + body + b"an epilogue"
        assert items(tool("input", kind, SIDE, 9, body=wrapped))[0] == expected, kind
        assert reply(tool("input", kind, SIDE, len(pictures) - 1, body=body))[0] == 413
        assert reply(tool("input", kind, SIDE, 9, body=body[:-5]))[0] == 400
        assert reply(tool("input", kind, SIDE, 9, body=body.replace(b"\r\n", b"\n")))[0] == 400


def infer():
    """Bodies that tritonclient writes are read, and it reads ours: JSON and bytes."""
    import tritonclient.http as triton
    client = triton.InferenceServerClient
    pictures = [RANDOM.bytes(n) for n in (370, 480, 500)]
    x = tensor(3)
    logits = (RANDOM.standard_normal((3, CLASSES)) * 3).astype(np.float32)
    file = tempfile.NamedTemporaryFile()
    file.write(logits.tobytes())
    file.flush()
    p = np.exp(logits.astype(np.float64) - logits.max(1, keepdims=True).astype(np.float64))
    p = (p / p.sum(1, keepdims=True)).astype(np.float32)
    for binary in (True, False):
        for name, shape in (("image", [3]), ("image", [3, 1]), ("tensor", list(x.shape))):
            for outputs in (None, ["logits"], ["label", "probabilities"]):
                given = triton.InferInput(name, shape, "BYTES" if name == "image" else "FP32")
                texts = [base64.b64encode(one) for one in pictures]
                data = x if name == "tensor" else np.array(pictures if binary else texts, dtype=np.object_).reshape(shape)
                given.set_data_from_numpy(data, binary_data=binary)
                wanted = outputs and [triton.InferRequestedOutput(one, binary_data=binary) for one in outputs]
                body, length = client.generate_request_body([given], wanted, request_id="one", parameters={"top_k": 2})
                body = body if isinstance(body, bytes) else body.encode()
                data = tool("infer", SIDE, CLASSES, 3, "-" if length is None else length, file.name, body=body)
                found, rest = items(data)
                assert found == ([(1, one.tobytes()) for one in x] if name == "tensor" else [(0, one) for one in pictures])
                status, kind, length, body = reply(rest)
                assert status == 200, body
                result = client.parse_response_body(body, header_length=None if length == "-" else int(length))
                said = result.get_response()
                assert (said["model_name"], said["model_version"], said["id"]) == ("dogs", "3", "one")
                assert [one["name"] for one in said["outputs"]] == (outputs or ["logits", "probabilities", "label"])
                assert (length != "-") == (binary or outputs is None)  # tritonclient wants bytes when it names no output
                for one, values in (("logits", logits), ("probabilities", p)):
                    if outputs is None or one in outputs:
                        assert np.array_equal(result.as_numpy(one).astype(np.float32), values)
                if outputs is None or "label" in outputs:
                    best = np.argsort(-logits, axis=1, kind="stable")[:, :2]
                    got = result.as_numpy("label")
                    assert [[t.decode() if isinstance(t, bytes) else t for t in row] for row in got.tolist()] == [
                        [label(k) for k in row] for row in best]
    described = json.loads(reply(tool("model", SIDE, CLASSES))[3])
    assert [t["name"] for t in described["inputs"]] == ["image", "tensor"]
    assert [(t["name"], t["datatype"], t["shape"]) for t in described["outputs"]] == [
        ("logits", "FP32", [-1, CLASSES]), ("probabilities", "FP32", [-1, CLASSES]), ("label", "BYTES", [-1, -1])]


{"floats": floats, "tensors": tensors, "replies": replies, "multipart": multipart, "infer": infer}[PART]()
print(PART, "agrees")
