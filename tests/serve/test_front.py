"""The examples of what stands around the server: the unit of systemd, by systemd's own programs, and the site of nginx, with a server
behind it. What is not installed is skipped."""
import json
import pathlib
import shutil
import subprocess

import proxy
import server
from server import HOST, Wire, tool

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"
EXPOSED = 15  # tenths, of 100: systemd-analyze says OK below 50
AROUND = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    include {folder}/site.conf;
}}
"""


class Unit(server.tool.Case):
    def setUp(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not here")
        text = (EXAMPLES / "systemd" / "dogbreed.service").read_text(encoding="utf-8")
        self.unit = self.folder / "dogbreed.service"
        self.unit.write_text(text.replace("/usr/bin/dogbreed", str(pathlib.Path(server.tool.TOOL).resolve())), encoding="utf-8")
        self.assertIn("ExecStart=/", self.unit.read_text(encoding="utf-8"))

    def analyze(self, *words):
        done = subprocess.run(["systemd-analyze", *words, self.unit], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stderr, "")

    def test_it_is_valid(self):
        self.analyze("verify")

    def test_little_is_left_to_it(self):
        self.analyze("security", "--offline=true", f"--threshold={EXPOSED}")

    def test_its_command_is_one(self):
        line = next(line for line in self.unit.read_text(encoding="utf-8").splitlines() if line.startswith("ExecStart="))
        words = line.partition("=")[2].split()
        self.assertEqual(words[1:3], ["serve", "/srv/dogbreed"])
        done = server.tool.run(*words[1:])  # every option is known: only the model is missing
        self.fails(done, done.code, "/srv/dogbreed")
        self.assertNotIn(done.code, (0, 2))


class Site(server.Case):
    words = ("--connections-per-ip", 0)

    def setUp(self):
        folder = self.folder / self.id()
        folder.mkdir()
        self.front = tool.free_port()
        text = (EXAMPLES / "nginx.conf").read_text(encoding="utf-8")
        for ours, here in (("server 127.0.0.1:8080;", f"server 127.0.0.1:{self.server.port};"),
                           ("listen 80;", f"listen 127.0.0.1:{self.front};")):
            self.assertEqual(text.count(ours), 1)
            text = text.replace(ours, here)
        (folder / "site.conf").write_text(text, encoding="utf-8")
        (folder / "nginx.conf").write_text(AROUND.format(folder=folder), encoding="utf-8")
        proxy.start(self, folder, self.front)

    def ask(self, path, body=b"", source=None):
        with Wire(self.front, source=source) as wire:
            method = "POST" if body else "GET"
            return wire.send(f"{method} {path} HTTP/1.1\r\n{HOST}Content-Type: image/jpeg\r\nContent-Length: {len(body)}\r\n\r\n").send(
                body).reply()

    def test_requests_go_through(self):
        wanted = self.post().json
        for _ in range(5):
            reply = self.ask("/invocations", self.picture)
            self.assertEqual(reply.json, wanted)
            self.assertRegex(reply.headers["x-request-id"], "^[0-9a-f]{32}$")  # nginx's
        self.assertEqual(len(self.ask("/v1/predict?top_k=2", self.picture).json["predictions"]), 2)
        self.assertEqual(json.loads(self.ask("/invocations", b"a" * 7000000).body)["code"], "TOO_LARGE")

    def test_counters_and_models_are_for_this_machine(self):
        other = ("127.0.0.2", 0)
        self.assertIn(b"dogbreed_build_info", self.ask("/metrics").body)
        self.assertEqual([self.ask(path, source=other).status for path in ("/metrics", "/models", "/models/a", "/ping")],
                         [403, 403, 403, 200])
        self.assertEqual(self.ask("/models").json["code"], "NOT_FOUND")

    def test_who_asks_too_often_waits(self):
        statuses = [self.ask("/ping", source=("127.0.0.9", 0)).status for _ in range(100)]
        self.assertEqual(set(statuses), {200, 429})
        self.assertEqual(self.ask("/ping", source=("127.0.0.10", 0)).status, 200)


if __name__ == "__main__":
    server.main()
