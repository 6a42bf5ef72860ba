"""nginx for tests: started with a configuration, stopped with the test."""
import shutil
import socket
import subprocess
import time

from server import Wire


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def start(case, folder, port):
    """With the nginx.conf of the folder; ready when something listens at the port."""
    program = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if program is None:
        case.skipTest("nginx is not here")
    process = subprocess.Popen([program, "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    case.addCleanup(process.wait, 20)
    case.addCleanup(process.terminate)
    for _ in range(200):
        try:
            Wire(port).close()
            return
        except ConnectionError:
            time.sleep(0.05)
    case.fail("nginx does not listen: " + (folder / "error.log").read_text(encoding="utf-8"))
