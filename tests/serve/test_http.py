"""The endpoint over raw sockets: addresses, limits, clients that are slow, broken or hostile, and the end of a server that
is being used."""
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time
import unittest

import server
from server import HOST, Server, Wire

SECOND = f"GET /healthz HTTP/1.1\r\n{HOST}\r\n"  # a request behind the first one, which must not be taken for its body
JPEG = "Content-Type: image/jpeg\r\n"

# What a client sends; the status it gets. All of these end the connection, and what follows is not served.
REFUSED = {
    "length and coding": (f"POST /invocations HTTP/1.1\r\n{HOST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "two lengths": (f"POST /invocations HTTP/1.1\r\n{HOST}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd", 400),
    "the same length twice": (f"POST /invocations HTTP/1.1\r\n{HOST}Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", 400),
    "blank before the colon": (f"POST /invocations HTTP/1.1\r\n{HOST}Content-Length : 4\r\n\r\nabcd", 400),
    "unknown coding": (f"POST /invocations HTTP/1.1\r\n{HOST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    "two codings": (f"POST /invocations HTTP/1.1\r\n{HOST}Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n", 400),
    "coding twice": (f"POST /invocations HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "folded length": (f"POST /invocations HTTP/1.1\r\n{HOST}Content-Length:\r\n 4\r\n\r\nabcd", 400),
    "folded length behind a value": (f"POST /invocations HTTP/1.1\r\n{HOST}Content-Length: 4\r\n 5\r\n\r\nabcd", 400),
    "folded coding": (f"POST /invocations HTTP/1.1\r\n{HOST}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400),
    "a header folded into another": (f"GET /ping HTTP/1.1\r\n{HOST}X: a\r\n Content-Length: 4\r\n\r\nabcd", 400),
    "coding in HTTP/1.0": (f"POST /invocations HTTP/1.0\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "two hosts": (f"GET /ping HTTP/1.1\r\n{HOST}Host: y\r\n\r\n", 400),
    "no host": ("GET /ping HTTP/1.1\r\n\r\n", 400),
    "length with a sign": (f"POST /invocations HTTP/1.1\r\n{HOST}Content-Length: +4\r\n\r\nabcd", 400),
    "negative length": (f"POST /invocations HTTP/1.1\r\n{HOST}Content-Length: -1\r\n\r\nabcd", 400),
    "length in hexadecimal": (f"POST /invocations HTTP/1.1\r\n{HOST}Content-Length: 0x4\r\n\r\nabcd", 400),
    "empty length": (f"POST /invocations HTTP/1.1\r\n{HOST}Content-Length:\r\n\r\nabcd", 400),
    "huge length": (f"POST /invocations HTTP/1.1\r\n{HOST}Content-Length: 99999999999999999999999\r\n\r\nabcd", (400, 413)),
    "large length": (f"POST /invocations HTTP/1.1\r\n{HOST}Content-Length: 99999999999\r\n\r\nabcd", 413),
    "large header": (f"GET /ping HTTP/1.1\r\n{HOST}X: {'a' * 65536}\r\n\r\n", (413, 431)),
    "many headers": (f"GET /ping HTTP/1.1\r\n{HOST}" +
                     "".join(f"X{i}: y\r\n" for i in range(120)) + "\r\n", 431),
    "long address": (f"GET /{'a' * 100000} HTTP/1.1\r\n{HOST}\r\n", 414),
    "address over its limit": (f"GET /{'a' * 8192} HTTP/1.1\r\n{HOST}\r\n", 414),
    "path upwards": (f"GET /../../etc/passwd HTTP/1.1\r\n{HOST}\r\n", 400),
    "path upwards, escaped": (f"GET /%2e%2E/etc/passwd HTTP/1.1\r\n{HOST}\r\n", 400),
    "path with a backslash": (f"GET /a%5cb HTTP/1.1\r\n{HOST}\r\n", 400),
    "path with NUL": (f"GET /ping%00x HTTP/1.1\r\n{HOST}\r\n", 400),
    "path with a control character": (f"GET /ping%0d%0aX:y HTTP/1.1\r\n{HOST}\r\n", 400),
    "path with a bad escape": (f"GET /ping%zz HTTP/1.1\r\n{HOST}\r\n", 400),
    "path with bytes": (f"GET /p\xefng HTTP/1.1\r\n{HOST}\r\n", 400),
    "query with NUL": (f"GET /metrics?format=%00 HTTP/1.1\r\n{HOST}\r\n", 400),
    "other scheme": (f"GET http://other/ping HTTP/1.1\r\n{HOST}\r\n", 400),
    "old version": (f"GET /ping HTTP/0.9\r\n{HOST}\r\n", 505),
    "newer version": (f"GET /ping HTTP/1.2\r\n{HOST}\r\n", 400),
    "control character in a name": (f"GET /ping HTTP/1.1\r\n{HOST}A\x01B: c\r\n\r\n", 400),
}
# Bodies that stop making sense half-way: the HTTP library ends these connections, with 400, 413 or without a word.
BROKEN = {
    "chunk size of letters": f"POST /invocations HTTP/1.1\r\n{HOST}{JPEG}Transfer-Encoding: chunked\r\n\r\nzz\r\nabcd\r\n0\r\n\r\n",
    "chunk size with a sign": f"POST /invocations HTTP/1.1\r\n{HOST}{JPEG}Transfer-Encoding: chunked\r\n\r\n-4\r\nabcd\r\n0\r\n\r\n",
    "huge chunk": f"POST /invocations HTTP/1.1\r\n{HOST}{JPEG}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\nabcd\r\n0\r\n\r\n",
    "chunk that is longer than its size": f"POST /invocations HTTP/1.1\r\n{HOST}{JPEG}Transfer-Encoding: chunked\r\n\r\n2\r\nabcdef\r\n0\r\n\r\n",
}
# Odd, and harmless where no other server stands in front: accepted.
ACCEPTED = {
    "NUL in a value": f"GET /ping HTTP/1.1\r\n{HOST}X: a\0b\r\n\r\n",
    "bare LF": "GET /ping HTTP/1.1\nHost: x\n\n",
    "folded header": f"GET /ping HTTP/1.1\r\n{HOST}X: a\r\n b\r\n\r\n",
    "HTTP/1.0": f"GET /ping HTTP/1.0\r\n{HOST}\r\n",
}


def chunked(body, size=4096):
    parts = [body[i:i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


class Routes(server.Case):
    def test_health(self):
        for path, status in (("/ping", 200), ("/healthz", 200), ("/readyz", 200), ("/v2/health/live", 200),
                             ("/v2/health/ready", 200), ("/execution-parameters", 200), ("/metrics", 200)):
            self.assertEqual(self.server.ask(path).status, status, path)
        self.assertEqual(self.server.ask("/ping").body, b"")
        self.assertEqual(self.server.ask("/execution-parameters").json["MaxPayloadInMB"], 6)

    def test_unknown_addresses_and_methods(self):
        for path in ("/pin", "/ping/", "/pingx", "/v1", "/v2/models/", "/v2/models//infer", "/metrics/x"):
            reply = self.server.ask(path)
            self.assertEqual((reply.status, reply.json["code"]), (404, "NOT_FOUND"), path)
        for method, path, allow in (("DELETE", "/ping", "GET, HEAD"), ("GET", "/invocations", "POST"),
                                    ("PUT", "/v1/predict", "POST"), ("OPTIONS", "/metrics", "GET, HEAD"),
                                    ("HEAD", "/invocations", "POST")):
            reply = self.server.ask(path, method)
            self.assertEqual((reply.status, reply.headers["allow"]), (405, allow), path)

    def test_head_is_get_without_a_body(self):
        for path in ("/ping", "/metrics", "/v2/models/model"):
            head = self.server.ask(path, "HEAD")
            self.assertEqual((head.status, head.body), (200, b""))
        self.assertEqual(self.server.ask("/v2/models/model", "HEAD").headers["content-length"],
                         self.server.ask("/v2/models/model").headers["content-length"])

    def test_a_picture_becomes_logits_and_labels(self):
        reply = self.post()
        self.assertEqual((reply.status, reply.headers["content-type"]), (200, "application/json"))
        (logits,) = reply.json
        self.assertEqual(len(logits), 4)
        best = self.post("/v1/predict?top_k=2").json["predictions"]
        self.assertEqual(best[0]["index"], logits.index(max(logits)))
        photo = self.folder / "photo.jpg"
        photo.write_bytes(self.picture)
        told = self.ok(server.tool.run("predict", self.model, photo, "--top-k", 2, "--json")).json["predictions"]
        self.assertEqual([row["class"] for row in told], [row["label"] for row in best])
        for ours, theirs in zip(told, best):
            self.assertAlmostEqual(ours["probability"], theirs["probability"], places=6)

    def test_chunks_have_the_same_result(self):
        whole = self.post().body
        for size in (1, 7, 4096):
            with self.server.wire() as wire:
                wire.send(f"POST /invocations HTTP/1.1\r\n{HOST}{JPEG}Transfer-Encoding: chunked\r\n\r\n")
                self.assertEqual(wire.send(chunked(self.picture, size)).reply().body, whole)

    def test_a_connection_is_used_again(self):
        with self.server.wire() as wire:
            for _ in range(5):
                wire.send(f"POST /invocations HTTP/1.1\r\n{HOST}{JPEG}Content-Length: {len(self.picture)}\r\n\r\n")
                self.assertEqual(wire.send(self.picture).reply().status, 200)
                self.assertEqual(wire.send(f"GET /ping HTTP/1.1\r\n{HOST}\r\n").reply().status, 200)
        with self.server.wire() as wire:  # sent together, answered in order
            wire.send(f"GET /ping HTTP/1.1\r\n{HOST}\r\nGET /nothing HTTP/1.1\r\n{HOST}\r\nGET /healthz HTTP/1.1\r\n{HOST}\r\n")
            self.assertEqual([wire.reply().status for _ in range(3)], [200, 404, 200])

    def test_a_refused_body_leaves_the_connection_usable(self):
        with self.server.wire() as wire:
            wire.send(f"POST /nothing HTTP/1.1\r\n{HOST}{JPEG}Content-Length: {len(self.picture)}\r\n\r\n").send(self.picture)
            self.assertEqual(wire.reply().status, 404)
            self.assertEqual(wire.send(SECOND).reply().status, 200)

    def test_identifiers_and_attributes_come_back(self):
        reply = self.post(X_Request_Id="abc-1.2_3", X_Amzn_SageMaker_Custom_Attributes="trace=1")
        self.assertEqual(reply.headers["x-request-id"], "abc-1.2_3")
        self.assertEqual(reply.headers["x-amzn-sagemaker-custom-attributes"], "trace=1")
        for bad in ("a b", "<script>", "x" * 64, "\xe4"):
            self.assertNotEqual(self.post(X_Request_Id=bad).headers["x-request-id"], bad)
        self.assertNotIn("x-amzn-sagemaker-custom-attributes",
                         self.post(X_Amzn_SageMaker_Custom_Attributes="x" * 1025).headers)

    def test_traces_go_into_the_log_and_come_back(self):
        good, bad = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g"
        running = Server(self.model, "--verbose")
        replies = [running.ask("/ping", Traceparent=value) for value in (good, bad)] + [running.ask("/ping")]
        refused = running.ask("/nothing", Traceparent=good)
        code, err = running.stop()
        self.assertEqual([reply.headers.get("traceparent") for reply in replies], [good, None, None])
        self.assertEqual((refused.status, refused.headers["traceparent"], code), (404, good, 0))
        self.assertRegex(err, f"serve: [^ ]+ /ping 200 {good}\n")
        self.assertRegex(err, f"serve: [^ ]+ - 404 {good}\n")
        self.assertNotIn(bad, err)

    def test_the_address_of_sagemakers_sdks(self):
        self.assertEqual(self.post("/endpoints/model/invocations").body, self.post().body)
        self.assertEqual(self.post("/endpoints/other/invocations").status, 404)

    def test_what_is_no_picture(self):
        for body in (b"", b"no picture", self.picture[:len(self.picture) // 2]):
            reply = self.post(body=body)
            self.assertIn(reply.status, (400, 422), body[:10])
            self.assertEqual(sorted(reply.json), ["code", "error"])
        self.assertEqual(self.post(Content_Type="text/html").status, 415)

    def test_counters(self):
        def value(name):
            for line in self.server.ask("/metrics").body.decode().splitlines():
                if line.startswith(name + " "):
                    return float(line.split()[1])
            return 0.0
        counter = 'dogbreed_http_requests_total{route="/invocations",method="POST",code="200"}'
        before, guard = value(counter), value('dogbreed_rejected_total{reason="guard"}')
        self.post()
        self.server.ask("/a..b")
        self.assertEqual(value(counter), before + 1)
        self.assertEqual(value('dogbreed_rejected_total{reason="guard"}'), guard + 1)
        for name in ("queue", "decode", "model", "overhead", "request"):
            count = value(f"dogbreed_{name}_seconds_count")
            self.assertGreater(count, 0)
            self.assertEqual(value(f'dogbreed_{name}_seconds_bucket{{le="+Inf"}}'), count)
            self.assertGreater(value(f"dogbreed_{name}_seconds_sum"), 0)
        names = self.server.ask("/metrics?format=json").json
        self.assertGreaterEqual(names["Invocations"], before + 1)
        self.assertEqual(names["ModelLatency"]["Unit"], "Microseconds")
        self.assertEqual(self.server.ask("/metrics?format=xml").status, 400)

    def test_the_text_of_counters_is_well_formed(self):
        text = self.server.ask("/metrics").body.decode()
        self.assertTrue(text.endswith("\n"))
        types = {}
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                self.assertNotIn(name, types)
                types[name] = kind
            elif not line.startswith("# HELP "):
                name, _, rest = line.partition("{") if "{" in line else line.partition(" ")
                self.assertRegex(name, "^[a-z_]+$")
                base = name
                for end in ("_bucket", "_sum", "_count"):
                    if name.endswith(end) and types.get(name[:-len(end)]) == "histogram":
                        base = name[:-len(end)]
                self.assertIn(base, types)
                self.assertEqual(name.endswith("_total"), types[base] == "counter", name)
                float(line.split()[-1])


class Abuse(server.Case):
    words = ("--header-s", 30)

    def answers(self, wire, request, expected):
        """Refused, and the end of the connection: nothing that came behind is served. Some are refused by the HTTP library
        (0.9.75 writes its own head twice then)."""
        reply = wire.send(request).reply()
        self.assertIsNotNone(reply)
        self.assertIn(reply.status, expected if isinstance(expected, tuple) else (expected,))
        self.assertTrue(reply.closes)
        text = reply.raw + wire.rest()
        self.assertNotIn(b" 200 OK", text)
        for secret in (b"passwd", b"abcd", str(self.folder).encode(), b"127.0.0.1"):
            self.assertNotIn(secret, text)

    def test_refused_alone(self):
        for name, (request, status) in REFUSED.items():
            with self.subTest(name), self.server.wire() as wire:
                self.answers(wire, request, status)

    def test_refused_with_a_second_request_behind(self):
        for name, (request, status) in REFUSED.items():
            with self.subTest(name), self.server.wire() as wire:
                self.answers(wire, request + SECOND, status)

    def test_refused_byte_by_byte(self):
        for name in ("length and coding", "two hosts", "path upwards", "blank before the colon"):
            request, status = REFUSED[name]
            head = request[:request.index("\r\n\r\n") + 4]  # it is refused there, and nothing behind it is taken
            with self.subTest(name), self.server.wire() as wire:
                for byte in head[:-1]:
                    wire.send(byte)
                self.answers(wire, head[-1], status)

    def test_broken_bodies(self):
        for name, request in BROKEN.items():
            for behind in ("", SECOND):
                with self.subTest(name, behind=behind != ""), self.server.wire() as wire:
                    reply = wire.send(request + behind).reply()
                    self.assertTrue(reply is None or reply.status in (400, 413), reply and reply.status)
                    self.assertTrue(wire.closed())

    def test_accepted_with_and_without_a_second_request(self):
        for name, request in ACCEPTED.items():
            with self.subTest(name), self.server.wire() as wire:
                self.assertEqual(wire.send(request).reply().status, 200)
            if name != "HTTP/1.0":
                with self.subTest(name + " twice"), self.server.wire() as wire:
                    wire.send(request + SECOND)
                    self.assertEqual([wire.reply().status, wire.reply().status], [200, 200])

    def test_noise(self):
        for data in (b"\0" * 100, b"\r\n" * 50, b"GET\r\n\r\n", b"\x16\x03\x01\x02\0\x01\0\x01\xfc", bytes(range(256)) * 20):
            with self.subTest(data[:10]), self.server.wire(1) as wire:
                wire.send(data)
                wire.socket.shutdown(1)
                reply = wire.reply()
                self.assertTrue(reply is None or reply.status >= 400)
        self.assertEqual(self.server.ask("/ping").status, 200)

    def test_clients_that_go_away(self):
        for data in (b"", b"GET /pi", f"POST /invocations HTTP/1.1\r\n{HOST}Content-Length: 100\r\n\r\nabc".encode(),
                     f"POST /invocations HTTP/1.1\r\n{HOST}{JPEG}Content-Length: {len(self.picture)}\r\n\r\n".encode() + self.picture):
            for _ in range(10):
                with self.server.wire() as wire:
                    wire.send(data)
        self.assertEqual(self.post().status, 200)


class Limits(server.Case):
    LIMIT = 6291456

    def send(self, wire, size, path="/invocations"):
        wire.send(f"POST {path} HTTP/1.1\r\n{HOST}{JPEG}Content-Length: {size}\r\n\r\n")
        block = b"\xff" * 65536
        while size > 0:
            wire.send(block[:size])
            size -= len(block)
        return wire.reply()

    def test_the_largest_body_of_invocations(self):
        with self.server.wire() as wire:
            self.assertEqual(self.send(wire, self.LIMIT).status, 422)  # read, and no picture
            reply = self.send(wire, self.LIMIT + 1)
            self.assertEqual((reply.status, reply.json["code"]), (413, "TOO_LARGE"))
            self.assertEqual(wire.send(SECOND).reply().status, 200)

    def test_the_same_in_chunks(self):
        for size, status in ((self.LIMIT, 422), (self.LIMIT + 1, 413)):
            with self.server.wire() as wire:
                wire.send(f"POST /invocations HTTP/1.1\r\n{HOST}{JPEG}Transfer-Encoding: chunked\r\n\r\n")
                self.assertEqual(wire.send(chunked(b"\xff" * size, 1 << 20)).reply().status, status)

    def test_chunks_without_end(self):
        with self.server.wire() as wire:
            wire.send(f"POST /invocations HTTP/1.1\r\n{HOST}{JPEG}Transfer-Encoding: chunked\r\n\r\n")
            with self.assertRaises((ConnectionResetError, BrokenPipeError)):
                for _ in range(64):
                    wire.send(b"100000\r\n" + b"a" * (1 << 20) + b"\r\n")

    def test_other_addresses_have_another_limit(self):
        with self.server.wire() as wire:
            self.assertEqual(self.send(wire, self.LIMIT + 1, "/v1/predict").status, 422)
        with self.server.wire() as wire:  # so large that it is not read
            wire.send(f"POST /v1/predict HTTP/1.1\r\n{HOST}{JPEG}Content-Length: 20971521\r\n\r\n")
            self.assertEqual(wire.reply().status, 413)
            self.assertTrue(wire.closed())

    def test_a_client_that_asks_first_is_told_at_once(self):
        for size, status in ((self.LIMIT + 1, 413), (len(self.picture), 200)):
            with self.server.wire() as wire:
                wire.send(f"POST /invocations HTTP/1.1\r\n{HOST}{JPEG}Expect: 100-continue\r\nContent-Length: {size}\r\n\r\n")
                if status == 200:
                    wire.send(self.picture)
                self.assertEqual(wire.reply().status, status)

    def test_a_body_where_none_belongs(self):
        with self.server.wire() as wire:
            wire.send(f"GET /ping HTTP/1.1\r\n{HOST}Content-Length: 4\r\n\r\nabcd")
            self.assertEqual(wire.reply().status, 413)


class Bodies(server.Case):
    words = ("--body-max", 1000000, "--invocations-max", 1000000, "--bodies-max", 1500000)

    def refused(self):
        return int(re.search(rb'rejected_total{reason="bodies_full"} (\d+)\n', self.server.ask("/metrics").body)[1])

    def has_room(self, wire, head, size):
        """Soon: what others held is given back right behind their replies."""
        for _ in range(100):
            if wire.send(f"{head}Content-Length: {size}\r\n\r\n").send(bytes(size)).reply().status == 422:
                return
            time.sleep(0.05)
        self.fail("bodies that are answered are still counted")

    def test_no_room_beside_others(self):
        head = f"POST /invocations HTTP/1.1\r\n{HOST}{JPEG}"
        with self.server.wire() as one, self.server.wire() as other:
            self.has_room(other, head, 1000000)  # behind what tests before this one sent
            time.sleep(0.3)
            one.send(f"{head}Content-Length: 1000000\r\n\r\n").send(bytes(999999))
            time.sleep(0.3)
            before = self.refused()
            for turn in range(2):
                refused = f"{head}Content-Length: 600000\r\n\r\n".encode() + bytes(600000)
                if turn:
                    refused = f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunked(bytes(600000), 1 << 16)
                reply = other.send(refused).reply()
                self.assertEqual((reply.status, reply.json["code"], reply.headers["retry-after"]), (429, "BODIES_FULL", "1"))
                self.assertFalse(reply.closes)
            self.assertEqual(self.post().status, 200)  # a small one has room
            self.assertEqual(one.send(bytes(1)).reply().status, 422)
            self.assertEqual(self.refused() - before, 2)
            self.has_room(other, head, 600000)

    def test_all_of_it_comes_back(self):
        for _ in range(20):
            with self.server.wire() as wire:
                wire.send(f"POST /invocations HTTP/1.1\r\n{HOST}Content-Length: 1000000\r\n\r\n").send(bytes(100000))
        for _ in range(100):
            if self.post(body=bytes(1000000)).status == 422:
                return
            time.sleep(0.05)
        self.fail("bodies of clients that went away are still counted")

    def test_chunks_take_no_more_room_than_the_largest_body(self):
        size = 1500000  # above the first megabyte: room grows twofold
        one = Server(self.model, "--body-max", size, "--invocations-max", size, "--bodies-max", size)
        try:
            with one.wire() as wire:
                wire.send(f"POST /invocations HTTP/1.1\r\n{HOST}{JPEG}Transfer-Encoding: chunked\r\n\r\n")
                self.assertEqual(wire.send(chunked(bytes(size), 1 << 16)).reply().status, 422)
        finally:
            self.assertEqual(one.stop()[0], 0)

    def test_a_limit_below_another(self):
        self.fails(server.tool.run("serve", self.model, "--bodies-max", 1000), 2, "bodies_max")


class Slow(server.Case):
    words = ("--header-s", 0.5, "--body-s", 0.7, "--idle-s", 1)

    def drip(self, wire, data, pause):
        """Seconds until the server has had enough."""
        begin = time.monotonic()
        try:
            for byte in data:
                wire.send(bytes([byte]))
                time.sleep(pause)
                if time.monotonic() - begin > 10:
                    break
        except (BrokenPipeError, ConnectionResetError):
            pass
        return time.monotonic() - begin

    def test_a_header_that_never_ends(self):
        with self.server.wire() as wire:
            took = self.drip(wire, f"GET /ping HTTP/1.1\r\n{HOST}".encode() + b"X: y\r\n" * 1000, 0.05)
            self.assertLess(took, 3)
            reply = wire.reply()
            self.assertTrue(reply is None or reply.status == 408)

    def test_a_header_that_stops(self):
        for data in (b"", b"GET /ping HTTP/1.1\r\n", f"GET /ping HTTP/1.1\r\n{HOST}".encode()):
            with self.server.wire() as wire:
                reply = wire.send(data).reply()
                self.assertEqual((reply.status, reply.json["code"]), (408, "REQUEST_TIMEOUT"))
                self.assertTrue(wire.closed())

    def test_a_body_that_stops_or_drips(self):
        head = f"POST /invocations HTTP/1.1\r\n{HOST}{JPEG}Content-Length: 1000\r\n\r\n".encode()
        with self.server.wire() as wire:
            self.assertEqual(wire.send(head + b"abc").reply().status, 408)
        with self.server.wire() as wire:
            wire.send(head)
            self.assertLess(self.drip(wire, b"a" * 1000, 0.05), 3)

    def test_a_reply_that_is_not_taken(self):
        with self.server.wire() as wire:
            wire.socket.setsockopt(1, 8, 4096)  # SO_RCVBUF
            begin = time.monotonic()
            try:
                while time.monotonic() - begin < 8:  # requests go in until the replies fill everything
                    wire.send(f"GET /metrics HTTP/1.1\r\n{HOST}\r\n" * 100)
            except OSError:
                pass
            self.assertLess(time.monotonic() - begin, 8)

    def test_an_idle_connection_is_closed_without_a_word(self):
        with self.server.wire() as wire:
            self.assertEqual(wire.send(SECOND).reply().status, 200)
            self.assertTrue(wire.closed(5))

    def test_others_are_served_meanwhile(self):
        slow = [self.server.wire() for _ in range(40)]
        for wire in slow:
            wire.send(b"GET /ping")
        self.assertEqual(self.post().status, 200)
        for wire in slow:
            wire.close()


class Many(server.Case):
    words = ("--connections-per-ip", 64)

    def test_sixty_four_connections(self):
        wires = [self.server.wire() for _ in range(64)]
        for _ in range(3):
            for wire in wires:
                wire.send(f"POST /invocations HTTP/1.1\r\n{HOST}{JPEG}Content-Length: {len(self.picture)}\r\n\r\n")
                wire.send(self.picture)
            bodies = {wire.reply().body for wire in wires}
            self.assertEqual(len(bodies), 1)  # the same picture, the same bits
        with self.server.wire() as wire:  # one too many
            try:
                self.assertIsNone(wire.send(SECOND).reply())
            except BrokenPipeError:
                pass
        for wire in wires:
            wire.close()
        for _ in range(100):  # and when they are gone there is room again
            try:
                if self.server.ask("/ping"):
                    break
            except (BrokenPipeError, ConnectionResetError):
                pass
            time.sleep(0.05)
        self.assertEqual(self.server.ask("/ping").status, 200)


class Overload(server.Case):
    """More requests than there is room for, and deadlines that cannot be kept: an answer to each."""

    def replies(self, *words):
        one = Server(self.model, "--workers", 1, "--threads", 1, "--batch-size", 1, *words)
        wires = [one.wire() for _ in range(48)]
        for wire in wires:
            wire.send(f"POST /invocations HTTP/1.1\r\n{HOST}{JPEG}Content-Length: {len(self.picture)}\r\n\r\n".encode() + self.picture)
        replies = [wire.reply() for wire in wires]
        for wire in wires:
            self.assertEqual(wire.send(SECOND).reply().status, 200)
            wire.close()
        text = one.ask("/metrics").body.decode()
        self.assertEqual(one.stop()[0], 0)
        return replies, text

    def test_a_full_queue(self):
        replies, text = self.replies("--queue-max", 1)
        self.assertEqual({reply.status for reply in replies}, {200, 429})
        late = [reply for reply in replies if reply.status == 429]
        self.assertEqual({(reply.json["code"], reply.headers["retry-after"]) for reply in late}, {("BUSY", "1")})
        self.assertIn(f'dogbreed_rejected_total{{reason="queue_full"}} {len(late)}\n', text)

    def test_a_short_deadline(self):
        replies, text = self.replies("--deadline-s", 0.003)
        self.assertLessEqual({reply.status for reply in replies}, {200, 503})
        late = [reply for reply in replies if reply.status == 503]
        self.assertGreater(len(late), 0)
        self.assertEqual({reply.json["code"] for reply in late}, {"TIMEOUT"})
        self.assertIn(f'dogbreed_rejected_total{{reason="deadline"}} {len(late)}\n', text)


class Few(server.Case):
    words = ("--connections-max", 3)

    def test_the_fourth_connection_waits_for_room(self):
        wires = [self.server.wire() for _ in range(5)]
        for wire in wires:
            wire.send(SECOND)
        self.assertEqual([wire.reply().status for wire in wires[:3]], [200] * 3)
        wires[3].socket.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            wires[3].reply()
        for wire, first in zip(wires[3:], wires):
            first.close()
            wire.socket.settimeout(10)
            self.assertEqual(wire.reply().status, 200)
        for wire in wires[2:]:
            wire.close()


class Load:
    """Clients that send one request after the other until the server is gone."""

    def __init__(self, port, picture, count):
        self.port = port
        self.picture = picture
        self.lock = threading.Lock()
        self.good = 0
        self.lost = []
        self.statuses = set()
        self.threads = [threading.Thread(target=self.run, args=(i % 2 == 0,)) for i in range(count)]
        for thread in self.threads:
            thread.start()

    def one(self, wire):
        """1: go on with this connection."""
        try:
            wire.send(f"POST /invocations HTTP/1.1\r\n{HOST}{JPEG}Content-Length: {len(self.picture)}\r\n\r\n".encode() + self.picture)
            reply = wire.reply()
        except (ConnectionError, TimeoutError) as error:
            reply = None
            self.lost.append(repr(error))
        with self.lock:
            if reply is None:
                self.lost.append("no reply")
                return False
            self.good += reply.status == 200
            self.statuses.add(reply.status)
        return not reply.closes

    def run(self, keep):
        while True:
            try:
                wire = Wire(self.port, 30)
            except ConnectionError:
                return  # not accepted
            with wire:
                while self.one(wire) and keep:
                    pass


class End(server.Case):
    def test_nothing_accepted_is_lost(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            one = Server(self.model, "--batch-delay-ms", 5)
            load = Load(one.port, self.picture, 16)
            time.sleep(0.7)
            begin = time.monotonic()
            code, err = one.stop(number)
            took = time.monotonic() - begin
            for thread in load.threads:
                thread.join(60)
            self.assertEqual(code, 0, err)
            self.assertLess(took, 20)
            self.assertGreater(load.good, 50)
            self.assertEqual(load.lost, [])
            self.assertEqual(load.statuses, {200})

    def test_while_it_ends(self):
        """Health says 503 on a connection that is there; a body that is on its way is waited for."""
        one = Server(self.model)
        half = one.wire()
        half.send(f"POST /invocations HTTP/1.1\r\n{HOST}{JPEG}Content-Length: {len(self.picture)}\r\n\r\n").send(self.picture[:100])
        other = one.wire().send(f"GET /ping HTTP/1.1\r\n{HOST}")
        time.sleep(0.3)
        one.process.send_signal(signal.SIGTERM)
        for _ in range(100):
            try:
                Wire(one.port).close()
            except ConnectionError:
                break
            time.sleep(0.02)
        reply = other.send("\r\n").reply()
        self.assertEqual((reply.status, reply.closes), (503, True))
        reply = half.send(self.picture[100:]).reply()
        self.assertEqual((reply.status, reply.closes), (200, True))
        for wire in (half, other):
            self.assertTrue(wire.closed())
            wire.close()
        self.assertEqual(one.stop(0)[0], 0)

    def test_a_client_that_stays_away_is_cut_off(self):
        one = Server(self.model, "--drain-s", 0.5)
        wire = one.wire().send(f"POST /invocations HTTP/1.1\r\n{HOST}Content-Length: 10\r\n\r\n")
        time.sleep(0.3)
        code, err = one.stop()
        self.assertEqual(code, 1)
        self.assertIn("drain_s", err)
        wire.close()


class Refusals(server.tool.Case):
    """What keeps a server from starting; who may use it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = server.small_model(cls)

    def test_bad_words(self):
        run = server.tool.run
        self.fails(run("serve", self.folder / "none"), 4, "none")
        self.fails(run("serve", self.model, "--host", "256.0.0.1", "--port", 0), 1, "256.0.0.1")
        self.fails(run("serve", self.model, "--tls-certificate", "a.pem"), 2, "tls_key")
        self.fails(run("serve", self.model, "--model-name", "a/b"), 2, "model_name")
        self.fails(run("serve", self.model, "--port", 65536), 2, "port")
        self.fails(run("serve", self.model, "--tokens", self.folder / "none"), 4, "none")
        one = Server(self.model)
        self.fails(run("serve", self.model, "--port", one.port), 1, str(one.port))
        self.assertEqual(one.stop()[0], 0)

    @unittest.skipIf(os.environ.get("DOGBREED_TEST_SANITIZED"), "LeakSanitizer needs more calls at the end")
    def test_the_sandbox_and_engines_that_cannot_be_in_it(self):
        run = server.tool.run
        self.fails(run("serve", self.model, "--sandbox", "--engine", "torch", "--port", 0), 2, "sandbox: engine torch")
        self.fails(run("serve", self.model, "--sandbox", "--port", 0, DOGBREED_ENGINE="torch"), 2, "sandbox: engine torch")
        try:
            one = Server(self.model, "--sandbox", DOGBREED_ENGINE="")
        except AssertionError as error:
            self.assertIn("libseccomp", str(error))
            self.skipTest("no libseccomp")
        for thread in pathlib.Path(f"/proc/{one.process.pid}/task").iterdir():
            try:
                status = (thread / "status").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue  # the one that loaded the model has ended
            self.assertRegex(status, r"NoNewPrivs:\s1\n")
            self.assertRegex(status, r"Seccomp:\s2\n")
        self.assertIn(b'engine="native"', one.ask("/metrics").body)
        self.assertEqual(one.stop()[0], 0)

    def test_tokens(self):
        tokens = self.folder / "tokens"
        tokens.write_text("# two\nfirst-token-1\n\n  second-token \n")
        one = Server(self.model, "--tokens", tokens)
        for value in (None, "Bearer", "Bearer x", "Bearer first-token-", "Basic first-token-1", "Bearer first-token-1x", "first-token-1"):
            headers = {} if value is None else {"Authorization": value}
            reply = one.ask("/metrics", **headers)
            self.assertEqual((reply.status, reply.headers["www-authenticate"]), (401, "Bearer"), value)
        for value in ("Bearer first-token-1", "bearer second-token"):
            self.assertEqual(one.ask("/metrics", Authorization=value).status, 200)
        for path in ("/ping", "/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"):
            self.assertEqual(one.ask(path).status, 200)
        self.assertEqual(one.ask("/nothing").status, 404)
        self.assertEqual(one.stop()[0], 0)
        for text in ("", "# none\n", "short\n", "with blank inside\n"):
            tokens.write_text(text)
            self.fails(server.tool.run("serve", self.model, "--tokens", tokens, "--port", 0), 4, "token")

    def test_tls(self):
        key, certificate = self.folder / "key.pem", self.folder / "certificate.pem"
        try:
            done = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                                   "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
                                  capture_output=True, timeout=60)
        except FileNotFoundError:
            done = None
        if done is None or done.returncode != 0:
            self.skipTest("no openssl program")
        import ssl
        import urllib.request
        picture = next((self.shapes / "train").glob("*/*")).read_bytes()
        one = Server(self.model, "--tls-certificate", certificate, "--tls-key", key)
        self.assertTrue(one.ready["url"].startswith("https://"))
        context = ssl.create_default_context(cafile=certificate)
        request = urllib.request.Request(f"https://127.0.0.1:{one.port}/invocations", picture, {"Content-Type": "image/jpeg"})
        with urllib.request.urlopen(request, context=context, timeout=10) as reply:
            self.assertEqual(len(json.load(reply)[0]), 4)
        with one.wire() as wire:  # plain text where TLS is spoken
            reply = wire.send(SECOND).reply()
            self.assertIsNone(reply)
        self.assertEqual(one.stop()[0], 0)
        self.fails(server.tool.run("serve", self.model, "--tls-certificate", key, "--tls-key", key, "--port", 0), 1, "key.pem")


if __name__ == "__main__":
    server.main()
