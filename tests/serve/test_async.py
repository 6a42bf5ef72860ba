"""Requests whose results are fetched later: the bytes that /invocations answers, ids, removal, limits, expiry, callbacks to a
small server that counts, what may be called."""
import http.server
import json
import re
import threading
import time
import urllib.parse

import server
from server import Server


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps what is posted; answers with the statuses it is given, 200 when there is none left."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Receiver.Handler)
        self.got = []
        self.statuses = []
        self.address = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.got.append((self.path, dict(self.headers.items()), body))
            status = self.server.statuses.pop(0) if self.server.statuses else 200
            if status == 0:
                time.sleep(3)
                return
            self.send_response(status)
            if status == 302:
                self.send_header("Location", self.server.address + "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self):
            self.server.got.append((self.path, {}, b"GET"))
            self.send_error(404)

        def log_message(self, *_):
            pass


class Off(server.Case):
    def test_there_is_no_such_address(self):
        for method, path in (("POST", "/v1/async"), ("GET", "/v1/async/" + "0" * 32), ("DELETE", "/v1/async/a")):
            self.assertEqual(self.server.ask(path, method).status, 404, path)

    def test_callbacks_alone_are_refused(self):
        done = server.tool.run("serve", self.model, "--port", 0, "--callbacks", "/nowhere")
        self.assertNotEqual(done.code, 0)
        self.assertIn("async_max", done.err)


class Base(server.Case):
    words = ("--async-max", 300)

    def submit(self, path="/v1/async", on=None, **headers):
        headers.setdefault("Content_Type", "image/jpeg")
        return (on or self.server).ask(path, "POST", self.picture, **headers)

    def accepted(self, *words, **more):
        reply = self.submit(*words, **more)
        self.assertEqual(reply.status, 202, reply.body)
        self.assertEqual(reply.json["location"], "/v1/async/" + reply.json["id"])
        self.assertEqual(reply.headers["location"], reply.json["location"])
        return reply.json["location"]

    def result(self, place, on=None):
        for _ in range(1000):
            reply = (on or self.server).ask(place)
            if reply.status != 202:
                return reply
            self.assertIn(reply.json["status"], ("waiting", "computing"))
            self.assertEqual(reply.headers["retry-after"], "1")
            time.sleep(0.01)
        raise AssertionError("no result")

    def count(self, name, on=None):
        text = (on or self.server).ask("/metrics").body.decode()
        return float(re.search(rf"^{re.escape(name)} (\S+)$", text, re.M).group(1))

    def tried(self, what, wanted):
        for _ in range(1000):
            if what() == wanted:
                return
            time.sleep(0.01)
        self.assertEqual(what(), wanted)


class Async(Base):
    def test_results_are_those_of_invocations(self):
        for query, accept in (("", ""), ("", "text/csv"), ("", "application/x-npy"), ("?top_k=2", ""), ("?crop=1,1,9,9", "")):
            headers = {"Accept": accept} if accept else {}
            expected = self.post("/invocations" + query, **headers)
            found = self.result(self.accepted("/v1/async" + query, **headers))
            self.assertEqual((found.status, found.headers["content-type"]), (200, expected.headers["content-type"]))
            if not query.startswith("?top"):  # which has times in it
                self.assertEqual(found.body, expected.body)
            else:
                self.assertEqual(found.json["predictions"], expected.json["predictions"])

    def test_a_result_stays_until_it_is_removed(self):
        place = self.accepted()
        first = self.result(place)
        self.assertEqual(self.result(place).body, first.body)
        self.assertEqual(self.server.ask(place, "DELETE").json, {"status": "removed"})
        for method in ("GET", "DELETE"):
            gone = self.server.ask(place, method)
            self.assertEqual((gone.status, gone.json["code"]), (404, "NOT_FOUND"))

    def test_ids_are_random(self):
        places = [self.accepted() for _ in range(20)]
        self.assertEqual(len(set(places)), 20)
        self.assertTrue(all(re.fullmatch("/v1/async/[0-9a-f]{32}", place) for place in places))
        for place in ("0" * 32, "x", places[0][10:-1], places[0][10:].upper() + "0"):
            self.assertEqual(self.server.ask("/v1/async/" + place).status, 404)
        for place in places:
            self.assertEqual(self.server.ask(place, "DELETE").status, 200)

    def test_bodies_that_are_none(self):
        self.assertEqual(self.submit(Content_Type="image/gif").status, 415)
        self.assertEqual(self.submit("/v1/async?top_k=x").status, 400)
        self.assertEqual(self.submit(Content_Type="application/json").json, self.post(Content_Type="application/json").json)
        bad = self.server.ask("/v1/async", "POST", b"no picture", Content_Type="image/jpeg")
        found = self.result(bad.json["location"])
        self.assertEqual((found.status, found.json), (422, self.post(body=b"no picture").json))

    def test_no_callback_without_the_option(self):
        self.assertEqual(self.submit("/v1/async?callback=http://127.0.0.1/").status, 403)
        self.assertEqual(self.submit(X_Dogbreed_Callback="http://127.0.0.1/").status, 403)

    def test_limits_and_removal_while_it_waits(self):
        running = Server(self.model, "--async-max", 3, "--async-bytes", 2 * len(self.picture) + 2000)
        try:
            places = [self.submit(on=running) for _ in range(40)]
            refused = [reply for reply in places if reply.status != 202]
            self.assertTrue(refused)
            self.assertEqual({(reply.status, reply.headers["retry-after"]) for reply in refused}, {(429, "1")})
            places = [reply.json["location"] for reply in places if reply.status == 202]
            self.assertLessEqual(len(places), 3)
            for place in places:
                self.assertEqual(running.ask(place, "DELETE").status, 200)
            self.tried(lambda: (self.count("dogbreed_async_kept", running), self.count("dogbreed_async_bytes", running)), (0, 0))
            self.assertEqual(self.result(self.accepted(on=running), running).body, self.post().body)
            large = running.ask("/v1/async", "POST", self.picture + bytes(2 * len(self.picture) + 3000), Content_Type="image/jpeg")
            self.assertEqual(large.status, 429)
        finally:
            self.assertEqual(running.stop()[0], 0)

    def test_what_nobody_fetches_is_forgotten(self):
        running = Server(self.model, "--async-max", 3, "--async-expiry-s", 0.4)
        try:
            place = self.accepted(on=running)
            self.assertEqual(self.result(place, running).status, 200)
            self.tried(lambda: self.count("dogbreed_async_kept", running), 0)
            self.assertEqual(running.ask(place).status, 404)
            self.assertEqual(self.count('dogbreed_async_total{event="expired"}', running), 1)
        finally:
            self.assertEqual(running.stop()[0], 0)

    def test_many_at_once_beside_others(self):
        before = self.count('dogbreed_async_total{event="done"}')
        expected = self.post().body
        places = []
        threads = [threading.Thread(target=lambda: places.extend(self.accepted() for _ in range(25))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(10):
            self.assertEqual(self.post().body, expected)
        for thread in threads:
            thread.join()
        for place in places[:10]:
            self.assertEqual(self.server.ask(place, "DELETE").status, 200)
        for place in places[10:]:
            self.assertEqual(self.result(place).body, expected)
            self.assertEqual(self.server.ask(place, "DELETE").status, 200)
        self.assertGreaterEqual(self.count('dogbreed_async_total{event="done"}') - before, 90)
        self.assertEqual(self.server.ask("/metrics?format=json").json["ApproximateBacklogSize"], 0)

    def test_it_ends_with_requests_that_wait(self):
        running = Server(self.model, "--async-max", 300, "--workers", 1)
        for _ in range(200):
            self.accepted(on=running)
        self.assertEqual(running.stop()[0], 0)


class Callbacks(Base):
    @classmethod
    def setUpClass(cls):
        cls.receiver = Receiver()
        server.Case.setUpClass.__func__(cls)
        cls.server.stop()
        cls.list = cls.folder / "callbacks"
        cls.list.write_text(f"# allowed\n{cls.receiver.address}/hooks\r\nhttps://[::1]:9/\n")
        cls.server = Server(cls.model, "--async-max", 300, "--callbacks", cls.list, "--callback-timeout-s", 0.5)

    @classmethod
    def tearDownClass(cls):
        server.Case.tearDownClass.__func__(cls)
        cls.receiver.shutdown()
        cls.receiver.server_close()

    def setUp(self):
        self.receiver.got.clear()
        self.receiver.statuses.clear()

    def call(self, path="/hooks/a?x=1", **more):
        return self.accepted("/v1/async?callback=" + urllib.parse.quote(self.receiver.address + path, safe=""), **more)

    def test_a_result_is_sent_and_forgotten(self):
        expected = self.post().body
        place = self.call(X_Request_Id="mine")
        self.tried(lambda: len(self.receiver.got), 1)
        path, headers, body = self.receiver.got[0]
        self.assertEqual((path, body), ("/hooks/a?x=1", expected))
        self.assertEqual([headers[name] for name in ("Content-Type", "X-Dogbreed-Id", "X-Dogbreed-Status", "X-Request-Id")],
                         ["application/json", place[10:], "200", "mine"])
        self.tried(lambda: self.server.ask(place).status, 404)

    def test_by_header_and_of_a_failure(self):
        reply = self.server.ask("/v1/async", "POST", b"no picture", Content_Type="image/jpeg",
                                X_Dogbreed_Callback=self.receiver.address + "/hooks")
        self.assertEqual(reply.status, 202)
        self.tried(lambda: len(self.receiver.got), 1)
        self.assertEqual(self.receiver.got[0][1]["X-Dogbreed-Status"], "422")
        self.assertEqual(json.loads(self.receiver.got[0][2])["code"], "UNSUPPORTED")

    def test_three_tries_with_a_time_limit(self):
        name = 'dogbreed_async_total{event="undelivered"}'
        before = self.count(name)
        self.receiver.statuses = [500, 0]
        self.call()
        self.tried(lambda: len(self.receiver.got), 3)
        self.assertEqual(self.count(name), before)
        self.receiver.got.clear()
        self.receiver.statuses = [500, 404, 503]
        place = self.call()
        self.tried(lambda: self.count(name), before + 1)
        self.assertEqual(len(self.receiver.got), 3)
        self.assertEqual(self.server.ask(place).status, 200)  # it can still be fetched

    def test_redirects_are_not_followed(self):
        self.receiver.statuses = [302, 302, 302]
        self.call()
        self.tried(lambda: len(self.receiver.got), 3)
        self.assertEqual({path for path, _, _ in self.receiver.got}, {"/hooks/a?x=1"})

    def test_what_may_be_called(self):
        address = self.receiver.address
        port = self.receiver.server_address[1]
        for url in (address, address + "/", address + "/hooksother", address + "/hooks/../x", address + "/hooks/%2e%2e/x", address + "/hooks/..%2fx",
                    address + "/hooks#x", address + "/hooks\\x", address + "/hooks/ x", f"http://127.0.0.1:{port}0/hooks", "http://127.0.0.1/hooks",
                    f"https://127.0.0.1:{port}/hooks", f"http://127.0.0.1:{port}@evil.example/hooks", f"http://user@127.0.0.1:{port}/hooks",
                    f"http://127.0.0.1:{port}.evil.example/hooks", f"HTTP://127.0.0.1:{port}/hooks", f"http://localhost:{port}/hooks", "file:///etc/passwd",
                    "gopher://127.0.0.1/hooks", "", "/hooks", "http://", address + "/hooks/\xe9"):
            reply = self.submit("/v1/async?callback=" + urllib.parse.quote(url, safe=""))
            self.assertIn(reply.status, (400, 403) if "\\" in url or not url.isascii() or not url else (403,), url)
        self.assertEqual(self.receiver.got, [])

    def test_files_of_addresses_that_are_wrong(self):
        for text, part in (("ftp://x/\n", "ftp://x/"), ("# none\n", "no address"), ("http://x/?a\n", "expected http"), ("http://x/a/../b\n", "expected http")):
            bad = self.folder / "bad"
            bad.write_text(text)
            done = server.tool.run("serve", self.model, "--port", 0, "--async-max", 3, "--callbacks", bad)
            self.assertNotEqual(done.code, 0)
            self.assertIn(part, done.err)

    def test_a_receiver_that_hangs_does_not_keep_the_server(self):
        self.receiver.statuses = [0, 0, 0]
        running = Server(self.model, "--async-max", 3, "--callbacks", self.list, "--callback-timeout-s", 60)
        self.call(on=running)
        self.tried(lambda: len(self.receiver.got), 1)
        begin = time.monotonic()
        self.assertEqual(running.stop()[0], 0)
        self.assertLess(time.monotonic() - begin, 20)


if __name__ == "__main__":
    server.main()
