"""`dogbreed serve` while its model is being loaded: it listens, says 503, and can be ended; a load that fails ends it as it always did.
gate.c is an engine that opens when the test lets it."""
import os
import signal
import time

import server
import tool

WAITS = (("GET", "/ping"), ("GET", "/readyz"), ("GET", "/v2/health/ready"), ("POST", "/invocations"), ("POST", "/v1/predict"),
         ("GET", "/v2/models/model"), ("GET", "/v2/models/model/ready"), ("POST", "/v2/models/model/infer"), ("POST", "/endpoints/model/invocations"),
         ("POST", "/v1/async"), ("GET", "/v1/async/0"))
GOES_ON = ("/", "/healthz", "/v2/health/live", "/v2", "/metrics", "/metrics?format=json", "/openapi.json", "/execution-parameters", "/models")


class Gated(server.Server):
    """Started, with the line that says where it listens; its first line on stdout has not been read."""

    def __init__(self, *words, **environment):
        self.process = tool.start("serve", "--port", 0, "--json", *words, **environment)
        line = self.process.stderr.readline()
        if not line.startswith("listening at http://127.0.0.1:"):
            raise AssertionError(line + self.process.stderr.read())
        self.port = int(line.split(",")[0].rsplit(":", 1)[1])


class Loading(tool.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = server.small_model(cls)
        cls.gate = cls.folder / "gate"
        cls.environment = {"DOGBREED_ENGINE_PATH": os.environ["DOGBREED_TEST_GATE_ENGINE"], "DOGBREED_TEST_GATE": str(cls.gate)}

    def setUp(self):
        self.gate.touch()

    def start(self, *words):
        return Gated(self.model, "--engine", "torch", *words, **self.environment)

    def test_it_says_that_it_loads_and_ends_at_once(self):
        loading = self.start("--async-max", 1, "--multi-model", self.folder)
        try:
            for method, path in WAITS:
                reply = loading.ask(path, method, b"x" * 100000 if method == "POST" else b"")
                self.assertEqual((reply.status, reply.json["code"], reply.headers["retry-after"]), (503, "LOADING", "1"), path)
                self.assertEqual(reply.headers["content-type"], "application/json")
            for path in GOES_ON:
                self.assertEqual(loading.ask(path).status, 200, path)
            self.assertEqual(loading.ask("/nothing").status, 404)
            text = loading.ask("/metrics").body
            self.assertIn(b"dogbreed_models_loaded 0\n", text)
            self.assertIn(b'engine="none"', text)
        finally:
            code, err = loading.stop()  # the gate is still closed: it cannot have waited for the model
        self.assertEqual(code, 0, err)
        self.assertTrue(self.gate.exists())

    def test_what_needs_no_model_of_its_own_has_all_of_drain_s(self):
        loading = self.start("--multi-model", self.folder)
        with loading.wire() as wire:
            wire.send(f"POST /models HTTP/1.1\r\n{server.HOST}Content-Length: 2\r\n\r\n{{")
            loading.process.send_signal(signal.SIGTERM)
            time.sleep(1.5)  # more than a server has that has computed nothing
            reply = wire.send("}").reply()
            self.assertIsNotNone(reply)
            self.assertEqual(reply.status, 400)
        code, err = loading.stop(0)
        self.assertEqual(code, 0, err)

    def test_tokens_come_first(self):
        tokens = self.folder / "tokens"
        tokens.write_text("a-long-token\n")
        loading = self.start("--tokens", tokens)
        self.assertEqual(loading.ask("/ping").status, 503)
        self.assertEqual(loading.ask("/invocations", "POST").status, 401)
        self.assertEqual(loading.ask("/invocations", "POST", Authorization="Bearer a-long-token").status, 503)
        self.assertEqual(loading.stop(signal.SIGINT)[0], 0)

    def test_a_load_that_fails_ends_it(self):
        loading = self.start()
        self.assertEqual(loading.ask("/ping").status, 503)
        self.gate.unlink()
        code, err = loading.stop(0)
        before = tool.run("serve", self.model, "--port", 0, "--engine", "torch", "--no-listen-first", **self.environment)
        self.assertEqual((code, err), (before.code, before.err))
        self.assertIn("the gate is open", err)
        self.assertNotEqual(code, 0)

    def test_without_a_model_nothing_is_loaded(self):
        done = tool.run("serve", self.folder / "none", "--port", 0)
        self.assertEqual(done.out, "")
        self.assertIn("none", done.err)
        self.assertEqual(done.code, tool.run("serve", self.folder / "none", "--port", 0, "--no-listen-first").code)


if __name__ == "__main__":
    server.main()
