"""A TensorBoard of its own, for the scripts beside this one."""
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request


class Server:
    """A TensorBoard of its own."""

    def __init__(self, folder, *words):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = tempfile.TemporaryFile()
        program = ["-m", "tensorboard.main", "--logdir", str(folder), "--host", "127.0.0.1", "--port", str(self.port),
                   "--reload_interval", "1", *words]
        self.process = subprocess.Popen([sys.executable, *program], stdout=self.log, stderr=subprocess.STDOUT)

    def get(self, path, data=None):
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/data/{path}", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def wait(self, check, what):
        """Until the answer is right; the last failure otherwise."""
        deadline = time.monotonic() + 90
        while True:
            try:
                return check()
            except (OSError, AssertionError, KeyError) as error:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    self.log.seek(0)
                    raise AssertionError(f"{what}: {error!r}\n{self.log.read().decode()}") from error
            time.sleep(0.3)

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()
