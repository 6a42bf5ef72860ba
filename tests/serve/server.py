"""A server under test: started by the tool on a free port, spoken to through plain sockets. Standard library only."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "example"))
import tool  # noqa: E402

HOST = "Host: x\r\n"
WORDS = os.environ.get("DOGBREED_TEST_SERVE", "").split()  # of every server


class Reply:
    def __init__(self, status, headers, body, raw):
        self.status = status
        self.headers = headers
        self.body = body
        self.raw = raw

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def closes(self):
        return self.headers.get("connection", "").lower() == "close"


class Wire:
    """One connection. `replies` reads until the server closes it, or nothing comes for a while."""

    def __init__(self, port, timeout=10, source=None):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout, source)
        self.data = b""

    def send(self, data):
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)
        return self

    def _more(self):
        try:
            part = self.socket.recv(65536)
        except ConnectionResetError:
            part = b""
        self.data += part
        return part != b""

    def reply(self, method="GET"):
        """The next one; None: the connection was closed before it was whole."""
        while True:
            while b"\r\n\r\n" not in self.data:
                if not self._more():
                    return None
            head, _, rest = self.data.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            status = int(lines[0].split()[1])
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
            if status != 100:
                break
            self.data = rest
        size = 0 if method == "HEAD" else int(headers.get("content-length", 0))
        while len(self.data) < len(head) + 4 + size:
            if not self._more():
                return None
        body = self.data[len(head) + 4:len(head) + 4 + size]
        raw, self.data = self.data[:len(head) + 4 + size], self.data[len(head) + 4 + size:]
        return Reply(status, headers, body, raw)

    def rest(self):
        """All that comes until the server ends it, soon."""
        self.socket.settimeout(2)
        while self._more():
            pass
        rest, self.data = self.data, b""
        return rest

    def closed(self, timeout=2):
        """Whether the server ends it, with nothing more in it."""
        self.socket.settimeout(timeout)
        try:
            return not self._more() and self.data == b""
        except TimeoutError:
            return False

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.close()


class Server:
    def __init__(self, *words, program=(), stderr=subprocess.PIPE, **environment):
        self.process = tool.start("serve", "--port", 0, "--json", *WORDS, *words, program=program, stderr=stderr, **environment)
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(self.process.stderr.read() if self.process.stderr else "no line")
        self.ready = json.loads(line)
        self.port = self.ready["port"]

    def wire(self, timeout=10):
        return Wire(self.port, timeout)

    def ask(self, path, method="GET", body=b"", **headers):
        """One request on a connection of its own."""
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        if body or method == "POST":
            lines += f"Content-Length: {len(body)}\r\n"
        with self.wire() as wire:
            wire.send(f"{method} {path} HTTP/1.1\r\n{HOST}{lines}Connection: close\r\n\r\n").send(body)
            return wire.reply(method)

    def stop(self, number=signal.SIGTERM):
        """Exit code and what it wrote to stderr. number 0: it has been told already."""
        if number and self.process.poll() is None:
            self.process.send_signal(number)
        try:
            _, err = self.process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return self.process.returncode, err or ""


def small_model(case):
    """A run directory in the folder of a tool.Case."""
    out = case.folder / "model"
    tool.must("train", case.shapes, *tool.SMALL, "--epochs", 1, "--out", out, "--no-test", "-q")
    return out


class Case(tool.Case):
    """A small model, a picture, and a server for all tests of the class."""
    words = ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = small_model(cls)
        cls.picture = next((cls.shapes / "train").glob("*/*")).read_bytes()
        cls.server = Server(cls.model, *cls.words)

    @classmethod
    def tearDownClass(cls):
        code, err = cls.server.stop()
        if code != 0:
            raise AssertionError(f"exit {code}: {err}")

    def post(self, path="/invocations", body=None, **headers):
        headers.setdefault("Content_Type", "image/jpeg")
        return self.server.ask(path, "POST", self.picture if body is None else body, **headers)


main = tool.main
