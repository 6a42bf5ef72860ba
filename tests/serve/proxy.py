"""nginx for tests: started with a configuration, stopped with the test."""
import shutil
import subprocess

from server import tool


def start(case, folder, port):
    """With the nginx.conf of the folder; ready when something listens at the port."""
    program = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if program is None:
        case.skipTest("nginx is not here")
    process = subprocess.Popen([program, "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    case.addCleanup(process.wait, 20)
    case.addCleanup(process.terminate)
    if not tool.listens(port, process, 10):
        case.fail("nginx does not listen: " + (folder / "error.log").read_text(encoding="utf-8"))
