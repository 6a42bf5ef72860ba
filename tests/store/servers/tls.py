"""https in front of any server of a test: certificates of an authority of its own, made by openssl, and a relay."""
import contextlib
import pathlib
import shutil
import socket
import ssl
import subprocess
import threading

from servers import common

NAMES = ("localhost", "s3.localhost", "*.s3.localhost")


def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, stdin=subprocess.DEVNULL, capture_output=True)


def authority(folder, name):
    """name.pem and name.key: who vouches for servers."""
    openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
            "-out", f"{name}.pem", "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    return pathlib.Path(folder) / f"{name}.pem"


def certificate(folder, ca, name, names):
    """name.pem with its key in it, for hosts of these names."""
    if shutil.which("openssl") is None:
        common.skip("there is no openssl")
    extensions = "subjectAltName=" + ",".join("DNS:" + host for host in names) + "\n"
    (pathlib.Path(folder) / "extensions").write_text(extensions)
    openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial", "-days", "2",
            "-extfile", "extensions", "-out", f"{name}.crt")
    path = pathlib.Path(folder) / f"{name}.pem"
    path.write_bytes(b"".join((path.parent / f"{name}{end}").read_bytes() for end in (".crt", ".key")))
    return path


class Relay:
    """Takes https connections and passes them on to a plain port. requests: connections whose handshake succeeded."""

    def __init__(self, pem, port):
        self.to, self.requests = port, 0
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pem)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self.listener.accept()[0],), daemon=True).start()

    def _serve(self, raw):
        with contextlib.suppress(OSError), raw:
            with self.context.wrap_socket(raw, server_side=True) as client, \
                    socket.create_connection(("127.0.0.1", self.to)) as server:
                self.requests += 1
                self._both_ways(client, server)

    @staticmethod
    def _both_ways(client, server):
        """One thread: a TLS connection is not read and written by two."""
        import select
        client.setblocking(False)
        waiting = b""
        while True:
            readable, writable, _ = select.select([client, server], [server] if waiting else [], [], 0 if client.pending() else 60)
            if not (readable or writable or client.pending()):
                return
            if not waiting and (client in readable or client.pending()):
                try:
                    waiting = client.recv(1 << 16)
                except ssl.SSLWantReadError:
                    waiting = None
                if waiting == b"":
                    return
                waiting = waiting or b""
            if waiting and server in writable:
                waiting = waiting[server.send(waiting):]
            if server in readable:
                data = server.recv(1 << 16)
                if not data:
                    return
                client.setblocking(True)
                client.sendall(data)
                client.setblocking(False)
