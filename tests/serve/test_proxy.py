"""The endpoint behind nginx, which keeps one connection to it: whatever a client sends, the next client gets the reply to its
own request. Would the two disagree about the end of a request, that reply would be another one. Skips where nginx is missing."""
import proxy
import server
from server import HOST, Wire, tool

INNER = f"GET /healthz HTTP/1.1\r\n{HOST}\r\n"  # hidden in what is a body for one of the two
SIZE = len(INNER)
CONFIG = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; client_max_body_size 8m;
    upstream model {{ server 127.0.0.1:{back}; keepalive 1; }}
    server {{
        listen 127.0.0.1:{front};
        location / {{
            proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_request_buffering {buffer};
        }}
    }}
}}
"""


def post(lines, body=INNER, version="1.1"):
    return f"POST /invocations HTTP/{version}\r\n{HOST}{lines}\r\n{body}"


CHUNKS = f"{SIZE:x}\r\n{INNER}\r\n0\r\n\r\n"
REQUESTS = {
    "length": post(f"Content-Length: {SIZE}\r\n"),
    "chunks": post("Transfer-Encoding: chunked\r\n", CHUNKS),
    "chunks with an extension": post("Transfer-Encoding: chunked\r\n", f"{SIZE:x};a=b\r\n{INNER}\r\n0\r\n\r\n"),
    "chunks with trailers": post("Transfer-Encoding: chunked\r\n", f"{SIZE:x}\r\n{INNER}\r\n0\r\nA: b\r\n\r\n"),
    "length and coding": post(f"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", f"0\r\n\r\n{INNER}"),
    "coding and length": post(f"Transfer-Encoding: chunked\r\nContent-Length: {SIZE + 5}\r\n", f"0\r\n\r\n{INNER}"),
    "two lengths": post(f"Content-Length: 0\r\nContent-Length: {SIZE}\r\n"),
    "blank before the colon": post(f"Content-Length : {SIZE}\r\n"),
    "folded length": post(f"Content-Length:\r\n {SIZE}\r\n"),
    "folded coding": post("Transfer-Encoding:\r\n chunked\r\n", CHUNKS),
    "length folded into another header": post(f"X: a\r\n Content-Length: {SIZE}\r\n"),
    "unknown coding": post("Transfer-Encoding: xchunked\r\n", f"0\r\n\r\n{INNER}"),
    "two codings": post("Transfer-Encoding: identity, chunked\r\n", CHUNKS),
    "coding behind a tab": post("Transfer-Encoding:\tchunked\r\n", CHUNKS),
    "coding with a vertical tab": post("Transfer-Encoding:\x0bchunked\r\n", CHUNKS),
    "coding with NUL": post("Transfer-Encoding: chunked\0x\r\n", CHUNKS),
    "length with NUL": post(f"Content-Length: {SIZE}\0x\r\n"),
    "length with a sign": post(f"Content-Length: +{SIZE}\r\n"),
    "length in hexadecimal": post(f"Content-Length: {SIZE:#x}\r\n"),
    "length in HTTP/1.0": post(f"Content-Length: {SIZE}\r\n", version="1.0"),
    "coding in HTTP/1.0": post("Transfer-Encoding: chunked\r\n", CHUNKS, "1.0"),
    "bare CR in a value": post(f"X: a\rContent-Length: {SIZE}\r\n"),
    "bare LF behind a value": post(f"X: a\nContent-Length: {SIZE}\r\n"),
    "a line that begins with a colon": post(f": a\r\nContent-Length: {SIZE}\r\n"),
    "a line without a colon": post(f"a\r\nContent-Length: {SIZE}\r\n"),
    "underscore": post(f"Content_Length: {SIZE}\r\n"),
    "body of a GET": f"GET /ping HTTP/1.1\r\n{HOST}Content-Length: {SIZE}\r\n\r\n{INNER}",
    "body of a HEAD": f"HEAD /ping HTTP/1.1\r\n{HOST}Content-Length: {SIZE}\r\n\r\n{INNER}",
    "refused and large": post("Content-Length: 7000000\r\n", "a" * 7000000),
    "unknown address": f"POST /nothing HTTP/1.1\r\n{HOST}Content-Length: {SIZE}\r\n\r\n{INNER}",
    "expectation": post(f"Expect: 100-continue\r\nContent-Length: {SIZE}\r\n"),
    "escaped line end": f"GET /ping%0d%0aContent-Length:{SIZE} HTTP/1.1\r\n{HOST}\r\n{INNER}",
    "half a body": post(f"Content-Length: {SIZE + 100}\r\n"),
    "half a chunk": post("Transfer-Encoding: chunked\r\n", f"{SIZE + 100:x}\r\n{INNER}"),
}


class Proxy(server.Case):
    words = ("--body-s", 2, "--connections-per-ip", 0)

    def start(self, buffer):
        folder = self.folder / f"nginx-{buffer}"
        folder.mkdir()
        front = tool.free_port()
        (folder / "nginx.conf").write_text(CONFIG.format(folder=folder, front=front, back=self.server.port, buffer=buffer))
        proxy.start(self, folder, front)
        return front

    def probe(self, front):
        """What three clients after each other get."""
        expected = (("/v2/models/model", b'"name":"model"'), ("/execution-parameters", b"MaxPayloadInMB"), ("/nothing", b"NOT_FOUND"))
        for path, part in expected:
            with Wire(front) as wire:
                reply = wire.send(f"GET {path} HTTP/1.1\r\n{HOST}\r\n").reply()
                self.assertIsNotNone(reply, path)
                self.assertIn(part, reply.body, path)

    def test_nobody_gets_the_reply_of_another(self):
        for buffer in ("on", "off"):
            front = self.start(buffer)
            for name, request in REQUESTS.items():
                with self.subTest(name, buffer=buffer):
                    with Wire(front, 0.3) as wire:
                        try:
                            wire.send(request)
                            while wire.reply("HEAD" if request.startswith("HEAD") else "GET"):
                                pass
                        except (TimeoutError, ConnectionError):
                            pass
                    self.probe(front)
            with Wire(front) as wire:
                wire.send(f"POST /invocations HTTP/1.1\r\n{HOST}Content-Type: image/jpeg\r\nContent-Length: {len(self.picture)}\r\n\r\n")
                self.assertEqual(len(wire.send(self.picture).reply().json[0]), 4)


if __name__ == "__main__":
    server.main()
