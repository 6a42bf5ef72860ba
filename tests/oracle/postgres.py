"""A PostgreSQL server for one test: in a temporary folder, on a free port, as a user who is not root."""
import contextlib
import glob
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile


def programs():
    """The folder with initdb and postgres, or None."""
    found = glob.glob("/usr/lib/postgresql/*/bin/initdb")
    newest = max(found, key=lambda path: int(path.split("/")[4]), default=shutil.which("initdb"))
    return newest and os.path.dirname(os.path.realpath(newest))


def unprivileged():
    """Arguments for subprocess: PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    sys.exit("no user postgres or nobody to run the server")


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Server:
    def __init__(self, folder):
        self.folder, self.user, self.bin = folder, unprivileged(), programs()
        self.port = free_port()
        if self.user:
            os.chown(folder, self.user["user"], self.user["group"])
        self.run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D", self.data)
        self.start()

    @property
    def data(self):
        return os.path.join(self.folder, "data")

    def run(self, program, *words):
        subprocess.run([os.path.join(self.bin, program), *words], check=True, stdout=subprocess.DEVNULL,
                       stdin=subprocess.DEVNULL, cwd=self.folder, env={**os.environ, "TZ": "UTC"}, **self.user)

    def start(self):
        self.run("pg_ctl", "-D", self.data, "-w", "-l", os.path.join(self.folder, "log"), "-o",
                 f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1", "start")

    def stop(self, mode="fast"):
        self.run("pg_ctl", "-D", self.data, "-w", "-m", mode, "stop")

    def database(self, name):
        """Makes an empty database; its address."""
        self.run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", name)
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def dump(self, name):
        out = subprocess.run([os.path.join(self.bin, "pg_dump"), "-h", "127.0.0.1", "-p", str(self.port), "-U",
                              "postgres", "--schema-only", name], check=True, capture_output=True, text=True)
        return out.stdout


@contextlib.contextmanager
def server():
    if programs() is None:
        print("skipped: PostgreSQL is not installed (Debian: postgresql)")
        sys.exit(77)
    folder = tempfile.mkdtemp(prefix="dogbreed-postgres-")
    one = None
    try:
        one = Server(folder)
        yield one
    finally:
        with contextlib.suppress(subprocess.CalledProcessError, OSError):
            if one is not None:
                one.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)
