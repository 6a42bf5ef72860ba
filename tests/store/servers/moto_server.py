"""A moto server for one test: a second opinion on S3 for simple keys; it verifies no signatures. moto_server.py COMMAND...
runs a command with the environment that lets S3 programs find it. The Python that runs this has moto."""
import contextlib
import importlib.util
import os
import subprocess
import sys
import tempfile

if __name__ == "__main__":
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path.append(os.path.join(sys.path[0], "..", "example"))
import tool  # noqa: E402
from servers import common  # noqa: E402

# Ends with standard input, so that it cannot be left behind.
PROGRAM = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
from moto.server import main
main(["-H", "127.0.0.1", "-p", sys.argv[1]])
"""


@contextlib.contextmanager
def server():
    """Yields common.Server; ends the test as skipped when there can be none."""
    if importlib.util.find_spec("moto") is None:
        common.skip("this Python has no moto (see scripts/test.sh)")
    with tempfile.TemporaryDirectory(prefix="dogbreed-moto-") as folder:
        with open(os.path.join(folder, "moto.log"), "wb") as log:
            port = tool.free_port()
            process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(port)], stdin=subprocess.PIPE, stdout=log,
                                       stderr=log, cwd=folder, start_new_session=True)
        try:
            if not tool.listens(port, process):
                sys.exit("moto did not start\n" + common.logs(folder))
            yield common.Server(f"http://127.0.0.1:{port}", "test", "testing")
        finally:
            process.stdin.close()
            process.wait()


if __name__ == "__main__":
    common.run(server, sys.argv[1:])
