#!/usr/bin/env python3
"""The endpoint under load: requests a second and latencies of `dogbreed serve` beside the tutorial's endpoint (FastAPI with
torchvision) and beside the predictor's own best batches, in turn, in blocks; and what one connection pays above decoding and network.

Usage: serve_http.py WEIGHTS PHOTO [--peer DIR] [--rounds 6] [--seconds 10] [--connections 16] [--build build] [--python python3]
WEIGHTS: mobilenet_v2 with 1000 classes. PEER: folder of serve_fastapi.py; needs fastapi and uvicorn on PYTHONPATH. Load comes from wrk."""
import argparse
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "bindings", "python"))

LUA = """wrk.method = "POST"
local file = io.open(os.getenv("PHOTO"), "rb")
wrk.body = file:read("*a")
wrk.headers["Content-Type"] = "image/jpeg"
"""
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(url):
    for _ in range(600):
        try:
            return urllib.request.urlopen(url, timeout=1).read()
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{url}: does not answer")


def wrk(url, script, connections, seconds):
    """requests a second, p50 and p99 in ms, failures"""
    text = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "--latency", "-s", script, url],
                          capture_output=True, text=True, check=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
    at = {p: float(v) * UNITS[u] for p, v, u in re.findall(r"(50|99)%\s+([\d.]+)(us|ms|s)\b", text)}
    return rate, at["50"], at["99"], "Non-2xx" in text or "Socket errors" in text


def calm(processes):
    """Waits until the servers have done what clients have left behind."""
    def used():
        return [open(f"/proc/{p.pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()[11:13] for p in processes]
    before = None
    while before != (before := used()):
        time.sleep(0.3)


def batches(predictor, photo, seconds):
    paths = [photo] * 64
    count, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        predictor.predict_batch(paths, top_k=1)
        count += len(paths)
    return count / (time.perf_counter() - begin)


def median(rows, i):
    values = sorted(row[i] for row in rows)
    return f"{statistics.median(values):9.2f}  [{values[0]:.2f} .. {values[-1]:.2f}]"


def one_connection(port, photo, count):
    """Of `count` requests, us: the server's own overhead, and the client's time less decode and model of the reply; p50, p99 of each."""
    import http.client
    body = open(photo, "rb").read()
    connection = http.client.HTTPConnection("127.0.0.1", port)
    outside, inside = [], []
    for i in range(count + 50):
        begin = time.perf_counter_ns()
        connection.request("POST", "/v1/predict", body, {"Content-Type": "image/jpeg"})
        reply = json.loads(connection.getresponse().read())["timing_us"]
        took = (time.perf_counter_ns() - begin) / 1e3
        if i >= 50:
            outside.append(took - reply["decode"] - reply["model"])
            inside.append(reply["overhead"] - reply["decode"])
    row = []
    for values in (inside, outside):
        values.sort()
        row += [values[count // 2], values[count * 99 // 100]]
    return row


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("weights")
    parser.add_argument("photo")
    parser.add_argument("--peer")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--build", default="build")
    parser.add_argument("--python", default="python3")
    options = parser.parse_args()
    os.environ["DOGBREED_LIBRARY"] = os.path.join(options.build, "libdogbreed.so")
    import dogbreed
    processes = []
    with tempfile.TemporaryDirectory() as folder:
        script = os.path.join(folder, "post.lua")
        with open(script, "w", encoding="utf-8") as file:
            file.write(LUA)
        os.environ["PHOTO"] = options.photo
        model = os.path.join(folder, "model.safetensors")
        dogbreed.Model(architecture="mobilenet_v2", weights=options.weights, head="original").save(model)
        try:
            port = free_port()
            processes.append(subprocess.Popen([os.path.join(options.build, "dogbreed"), "serve", model, "--port", str(port)],
                                              stdout=subprocess.DEVNULL))
            wait_for(f"http://127.0.0.1:{port}/readyz")
            url = f"http://127.0.0.1:{port}/invocations"
            peer = None
            if options.peer:
                other = free_port()
                processes.append(subprocess.Popen([options.python, "-m", "uvicorn", "serve_fastapi:app", "--port", str(other),
                                                   "--log-level", "error"], cwd=options.peer))
                wait_for(f"http://127.0.0.1:{other}/ping")
                peer = f"http://127.0.0.1:{other}/invocations"
                wrk(peer, script, 2, 1)
            predictor = dogbreed.Predictor(model)
            batches(predictor, options.photo, 0.5)
            rows, ratios = [], []
            for _ in range(options.rounds):
                calm(processes)
                ours = wrk(url, script, options.connections, options.seconds)
                calm(processes)
                own = batches(predictor, options.photo, options.seconds)
                theirs = wrk(peer, script, options.connections, options.seconds) if peer else (1, 1, 1, False)
                if ours[3] or theirs[3]:
                    raise SystemExit("a request failed")
                rows.append((*ours[:3], own, *theirs[:3]))
                ratios.append((ours[0] / own, ours[0] / theirs[0], theirs[1] / ours[1], theirs[2] / ours[2]))
            for i, name in enumerate(("requests/s", "p50 ms", "p99 ms", "predictor's batches, pictures/s", "peer requests/s", "peer p50 ms",
                                      "peer p99 ms")[:7 if peer else 4]):
                print(f"{name:34s} {median(rows, i)}")
            for i, name in enumerate(("requests / predictor's pictures", "requests / peer's", "peer's p50 / p50", "peer's p99 / p99")[:4 if peer else 1]):
                print(f"ratio: {name:34s} {median(ratios, i)}")
            print("one connection, blocks of 400 requests, us:")
            rows = [one_connection(port, options.photo, 400) for _ in range(3 * options.rounds)]
            for i, name in enumerate(("server, less decode and model: p50", "p99", "client (Python), with the loopback: p50", "p99")):
                print(f"{name:46s} {median(rows, i)}")
        finally:
            for process in processes:
                process.send_signal(signal.SIGTERM)
                process.wait()


if __name__ == "__main__":
    main()
