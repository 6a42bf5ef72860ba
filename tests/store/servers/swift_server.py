"""A Swift with its S3 interface for one test, which verifies signatures as Amazon does: swift_server.py COMMAND... runs a
command with the environment that lets S3 programs find it."""
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile

if __name__ == "__main__":
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
from servers import common  # noqa: E402

PYTHON = "/usr/bin/python3"  # that of the packages
MISSING = "OpenStack Swift is not installed (Debian: swift-proxy swift-account swift-container swift-object memcached)"


def has_attributes(folder):
    try:
        os.setxattr(folder, "user.dogbreed", b"1")
    except OSError:
        return False
    return True


@contextlib.contextmanager
def server():
    """Yields common.Server; ends the test as skipped when there can be none."""
    folder = tempfile.mkdtemp(prefix="dogbreed-swift-")
    process = None
    try:
        if not os.path.exists(PYTHON):
            common.skip(MISSING)
        if not has_attributes(folder):
            common.skip(f"{folder}: this file system has no user attributes, which Swift needs")
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "swift_run.py")
        process = subprocess.Popen([PYTHON, "-I", script, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   text=True, start_new_session=True)
        port = process.stdout.readline().strip()
        if not port.isdigit():
            if process.wait() == 77:
                common.skip(MISSING)
            sys.exit("Swift did not start\n" + common.logs(folder))
        yield common.Server(f"http://127.0.0.1:{port}", "test:tester", "testing")
    finally:
        if process is not None:
            process.stdin.close()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    common.run(server, sys.argv[1:])
