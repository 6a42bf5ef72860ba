"""A server under bad traffic for a while: soak.py [SECONDS], 20 by default. In turn: a calm part; one in which abuse.py and, where it is
installed, slowhttptest do their work; one with wrk, where that is installed. All the time somebody asks good things, a request at a time, each on a connection of
its own. Holds when the server does not end, every good reply has the bytes that it had at first, descriptors come back after each
round, the memory is flat within 2 % after the warm-up, and good requests take at most twice the time beside bad ones (wrk's
apart: it is a load as high as the machine bears). Memory is VmRSS, looked at after every row of good requests in the calm parts, which begin when
the connections of all others have run into their limits of time; warm-up is a third of the rounds, and every sample behind it is compared with the
median of the first calm part behind it. In less than ten minutes hardly everything has happened once, and one other program
on the machine makes a difference: 10 % and ten times are allowed then."""
import collections
import contextlib
import json
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import endpoint
import server

HERE = pathlib.Path(__file__).resolve().parent
OPTIONS = ("--model-name", "dogs", "--header-s", 1, "--body-s", 2, "--idle-s", 2)
ROUND = {"calm": 1.0, "abuse": 2.0, "load": 1.0}  # seconds
ENVIRONMENT = {"DOGBREED_ENGINE": "native"}
LONG = 600  # seconds
# share that memory may differ by, times as long
LIMITS_LONG, LIMITS_SHORT = (0.02, 2), (0.1, 10)
SOURCE = ("127.0.0.2", 0)  # the limit by address is for the others


def good_requests(photos):
    """name -> raw request whose reply is the same every time, Date apart."""
    picture = photos[0].read_bytes()
    parts = b"".join(b'--x\r\nContent-Disposition: form-data; name="image"\r\n\r\n' + p.read_bytes() + b"\r\n" for p in photos[:3])
    infer = b'{"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":%d}}]}' % (len(picture) + 4)
    bodies = {
        "json": ("/invocations", "Content-Type: image/jpeg", picture),
        "csv": ("/invocations", "Content-Type: image/jpeg\r\nAccept: text/csv", picture),
        "npy": ("/invocations", "Content-Type: application/octet-stream\r\nAccept: application/x-npy", picture),
        "parts": ("/invocations", "Content-Type: multipart/form-data; boundary=x", parts + b"--x--\r\n"),
        "v2": ("/v2/models/dogs/infer", f"Inference-Header-Content-Length: {len(infer)}",
               infer + len(picture).to_bytes(4, "little") + picture),
    }
    return {name: f"POST {path} HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\r\n{lines}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
            for name, (path, lines, body) in bodies.items()}


class Good:
    """Asks one good thing after the other and compares the replies with the first ones."""

    def __init__(self, port, requests):
        self.port = port
        self.requests = requests
        self.expected = {name: self.ask(raw) for name, raw in requests.items()}
        self.count = 0

    def ask(self, raw):
        with contextlib.closing(server.Wire(self.port, source=SOURCE)) as wire:
            reply = wire.send(raw).reply()
        assert reply is not None and reply.status == 200, reply and (reply.status, reply.body)
        return reply.headers["content-type"], reply.body

    def times(self, seconds, between=lambda: None):
        """Asks for so long, and calls something between two rows of requests; milliseconds of each."""
        end, times = time.monotonic() + seconds, []
        while time.monotonic() < end:
            for name, raw in self.requests.items():
                began = time.perf_counter()
                reply = self.ask(raw)
                times.append(1e3 * (time.perf_counter() - began))
                assert reply == self.expected[name], (name, reply, self.expected[name])
                time.sleep(0.01)
            between()
        self.count += len(times)
        return times


class Bad:
    """Starts the others and reads what they say at the end."""

    def __init__(self, port, folder, picture):
        self.port = port
        self.folder = folder
        self.picture = picture
        self.rounds = 0
        self.sent = collections.Counter()
        self.statuses = collections.Counter()
        self.load = 0
        (folder / "post.lua").write_text(
            f'local f = io.open("{picture}", "rb")\nwrk.method = "POST"\nwrk.body = f:read("*a")\nwrk.headers["Content-Type"] = "image/jpeg"\n',
            encoding="utf-8")

    @contextlib.contextmanager
    def abuse(self, seconds):
        self.rounds += 1
        command = [sys.executable, str(HERE / "abuse.py"), str(self.port), str(seconds), str(self.rounds), str(self.picture)]
        with contextlib.ExitStack() as stack:
            sender = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            if shutil.which("slowhttptest"):
                kind = [["-H"], ["-B", "-s", "100000"], ["-X", "-k", "5"]][self.rounds % 3]
                stack.enter_context(subprocess.Popen(
                    ["slowhttptest", *kind, "-c", "100", "-r", "100", "-i", "1", "-l", str(max(1, int(seconds - 1))), "-v", "0",
                     "-u", f"http://127.0.0.1:{self.port}/openapi.json"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL))
            yield
            report = json.loads(sender.stdout.read())
        self.sent.update(report["sent"])
        self.statuses.update(report["statuses"])
        wrong = [status for status in report["statuses"] if status.startswith("5") and status != "503"]
        assert not wrong, report["statuses"]

    @contextlib.contextmanager
    def full(self, seconds):
        """As many good requests as go through four connections."""
        if not shutil.which("wrk"):
            yield
            return
        with subprocess.Popen(["wrk", "-t1", "-c4", f"-d{max(1, round(seconds))}s", "-s", str(self.folder / "post.lua"),
                               f"http://127.0.0.1:{self.port}/invocations"], stdout=subprocess.PIPE, text=True) as load:
            yield
            text = load.stdout.read()
        assert "Non-2xx" not in text and "Socket errors" not in text, text
        self.load += int(re.search(r"(\d+) requests in", text)[1])


def resident(pid):
    """kB."""
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))[1])


def descriptors(pid):
    return len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))


def one_round(pid, good, bad, open_before):
    """Samples of the calm part in kB; median milliseconds of each part."""
    wait_for_descriptors(pid, open_before)
    memory = []
    calm = statistics.median(good.times(ROUND["calm"], lambda: memory.append(resident(pid))))
    with bad.abuse(ROUND["abuse"]):
        abuse = statistics.median(good.times(ROUND["abuse"]))
    with bad.full(ROUND["load"]):
        load = statistics.median(good.times(ROUND["load"]))
    return memory, calm, abuse, load


def warm_up(bad):
    with bad.abuse(5):
        pass
    with bad.full(1):
        pass


def soak(running, good, bad, seconds, open_before):
    """A list of (samples, milliseconds of the parts) for each round."""
    began, rounds = time.monotonic(), []
    while time.monotonic() - began < seconds or len(rounds) < 4:
        rounds.append(one_round(running.process.pid, good, bad, open_before))
        assert running.process.poll() is None, "the server has ended"
        memory, *times = rounds[-1]
        print("{:4.0f} s  {:6d} to {:6d} kB  good p50: calm {:5.2f} ms  abuse {:5.2f} ms  load {:5.2f} ms".format(
            time.monotonic() - began, min(memory), max(memory), *times), flush=True)
    return rounds


def judge(rounds, share_max, slower_max):
    calm_parts = [r[0] for r in rounds[max(2, len(rounds) // 3):]]
    first, samples = statistics.median(calm_parts[0]), [kb for part in calm_parts for kb in part]
    share = max(abs(kb / first - 1) for kb in samples)
    slower = statistics.median(abuse / calm for _, calm, abuse, _ in rounds)
    print(f"memory {first:.0f} kB after the warm-up, then {min(samples)} to {max(samples)} kB in {len(samples)} samples "
          f"({100 * share:.1f} % at most); good requests take {slower:.2f} times as long under abuse")
    assert share <= share_max, "the memory is not flat"
    assert slower <= slower_max, "good requests are slowed down"


def wait_for_descriptors(pid, before):
    for _ in range(100):
        if descriptors(pid) <= before:
            return
        time.sleep(0.1)
    raise AssertionError(f"{before} descriptors before, {descriptors(pid)} after")


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        model, photos = endpoint.train(folder)
        running = server.Server(model, *OPTIONS, stderr=None, **ENVIRONMENT)
        try:
            pid = running.process.pid
            good, bad = Good(running.port, good_requests(photos)), Bad(running.port, folder, photos[0])
            open_before = descriptors(pid)
            warm_up(bad)
            rounds = soak(running, good, bad, seconds, open_before)
            wait_for_descriptors(pid, open_before)
        finally:
            code, _ = running.stop()
    print(f"{good.count} good requests, {bad.load} of wrk, {sum(bad.sent.values())} bad ones with statuses {dict(bad.statuses)}")
    assert code == 0, code
    assert {"400", "413", "422"} <= set(bad.statuses), "the bad requests do not arrive"
    judge(rounds, *(LIMITS_LONG if seconds >= LONG else LIMITS_SHORT))
    return 0


sys.exit(main())
