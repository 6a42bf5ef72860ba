"""dogbreed.Server: a model behind HTTP from Python, and SageMaker's functions written in it. Skips without libmicrohttpd."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.error
import urllib.request

import dogbreed

try:
    import numpy
except ImportError:
    numpy = None

ENGINE = {"engine": "ref", "threads": 1}
WAIT = """
import dogbreed, os, signal, sys, threading
with dogbreed.Server(sys.argv[1], port=0, engine="ref") as server:
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    server.wait()
    print("ended")
"""


class Serve(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        root = os.path.join(cls.folder.name, "data")
        cls.path = os.path.join(cls.folder.name, "shapes.safetensors")
        dogbreed.synthesize(root, classes=3, per_class=4, size=40, seed=1)
        with dogbreed.Dataset(root) as data, dogbreed.Model(data, architecture="tiny", seed=1) as model:
            model.save(cls.path)
        files = [os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names]
        with open(min(path for path in files if path.endswith(".jpg")), "rb") as file:
            cls.picture = file.read()
        try:
            dogbreed.Server(cls.path, port=0, **ENGINE).close()
        except dogbreed.DogbreedError as error:
            cls.folder.cleanup()
            if error.name != "UNSUPPORTED":
                raise
            raise unittest.SkipTest(str(error))
        dogbreed.set_log(lambda level, line: cls.lines.append(line), 0)
        cls.lines = []

    @classmethod
    def tearDownClass(cls):
        dogbreed.set_log(None)
        cls.folder.cleanup()

    def server(self, **more):
        return dogbreed.Server(self.path, port=0, **ENGINE, **more)

    def post(self, server, path="/invocations", body=None, accept="application/json", kind="image/jpeg"):
        """Status, type and body of the reply."""
        request = urllib.request.Request(server.url + path, self.picture if body is None else body,
                                         {"Content-Type": kind, "Accept": accept})
        try:
            reply = urllib.request.urlopen(request)
        except urllib.error.HTTPError as error:
            reply = error
        with reply:
            return reply.status, reply.headers["Content-Type"], reply.read()

    def needs_numpy(self):
        if numpy is None:
            self.skipTest("NumPy is not here")

    def test_it_says_what_the_predictor_says(self):
        with self.server(model_name="shapes") as server, dogbreed.Predictor(self.path, **ENGINE) as predictor:
            self.assertEqual(server.url, f"http://127.0.0.1:{server.port}")
            status, _, body = self.post(server, "/v1/predict?top_k=2")
            answer = json.loads(body)
            self.assertEqual((status, answer["model"]["name"]), (200, "shapes"))
            expected = predictor.predict(self.picture, top_k=2)
            self.assertEqual([p["label"] for p in answer["predictions"]], [name for name, _ in expected])
            for found, (_, probability) in zip(answer["predictions"], expected):
                self.assertAlmostEqual(found["probability"], probability, places=6)

    def test_scores_as_its_body(self):
        with self.server() as server, dogbreed.Predictor(self.path, **ENGINE) as predictor:
            scores = predictor.scores(self.picture)
            self.assertEqual(self.post(server, "/invocations")[2].decode(), dogbreed.scores_json([scores]))
        with self.assertRaises(ValueError):
            dogbreed.scores_json([[1.0], [1.0, 2.0]])
        with self.assertRaises(dogbreed.DogbreedError):
            dogbreed.scores_json([])

    def test_a_bad_option_and_a_missing_model_are_named(self):
        with self.assertRaisesRegex(dogbreed.DogbreedError, "no such serve option; did you mean deadline_s"):
            self.server(deadline_=3)
        with self.assertRaisesRegex(dogbreed.DogbreedError, "nowhere"):
            dogbreed.Server("/nowhere/model", port=0)

    def test_it_listens_first(self):
        gate = threading.Event()
        with self.server(listen_first=True, model_fn=lambda path: gate.wait(60)) as server:
            status, _, body = self.post(server)
            self.assertEqual((status, json.loads(body)["code"]), (503, "LOADING"))
            gate.set()
            server.ready()
            self.assertEqual(self.post(server)[0], 200)
            server.ready()

    def test_a_load_that_fails_later_is_raised(self):
        def fail(path):
            raise KeyError("no such model")

        with dogbreed.Server("/nowhere/model", port=0, listen_first=True) as server:
            with self.assertRaisesRegex(dogbreed.DogbreedError, "nowhere"):
                server.ready()
            with self.assertRaisesRegex(dogbreed.DogbreedError, "nowhere"):
                server.wait()
        with self.server(listen_first=True, model_fn=fail) as server:
            with self.assertRaisesRegex(KeyError, "no such model"):
                server.wait()

    def test_stop_ends_loading(self):
        gate = threading.Event()
        with self.server(listen_first=True, model_fn=lambda path: gate.wait(60)) as server:
            threading.Timer(0.1, server.stop).start()
            with self.assertRaisesRegex(dogbreed.DogbreedError, "stopped before"):
                server.ready()
            server.wait()
            gate.set()

    def test_stop_ends_wait(self):
        with self.server() as server:
            threading.Timer(0.1, server.stop).start()
            server.wait()

    def test_an_interrupt_ends_wait(self):
        done = subprocess.run([sys.executable, "-c", WAIT, self.path], capture_output=True, text=True, timeout=60,
                              preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler), check=True)
        self.assertEqual(done.stdout, "ended\n")

    def test_all_functions_with_objects_of_their_own(self):
        asked = []
        with self.server(model_fn=lambda path: {"path": path},
                         input_fn=lambda body, kind: {"body": body, "kind": kind},
                         predict_fn=lambda data, model: (data, model),
                         output_fn=lambda result, accept: (asked.append(accept) or repr(result), "text/python")) as server:
            status, kind, body = self.post(server, body=b"dog", kind="x/dog")
            self.assertEqual((status, kind), (200, "text/python"))
            self.assertEqual(body.decode(), repr(({"body": b"dog", "kind": "x/dog"}, {"path": self.path})))
            self.assertEqual(asked, ["application/json"])
            self.assertEqual(server._functions.objects, {})

    def test_transform(self):
        with self.server(model_fn=lambda path: 7, transform_fn=lambda *found: json.dumps([found[0], len(found[1]), *found[2:]])) as server:
            status, kind, body = self.post(server, accept="text/csv")
            self.assertEqual((status, kind, json.loads(body)), (200, "text/csv", [7, len(self.picture), "image/jpeg", "text/csv"]))

    def test_arrays_go_to_the_librarys_steps_and_come_from_them(self):
        self.needs_numpy()
        seen = []
        with self.server() as plain:
            expected = json.loads(self.post(plain)[2])

        def predict(data, _):
            seen.append(data)
            return data.mean(axis=(2, 3))

        with self.server(predict_fn=predict) as server:
            found = json.loads(self.post(server)[2])
        self.assertEqual((seen[0].dtype, seen[0].shape[:2]), (numpy.float32, (1, 3)))
        numpy.testing.assert_array_equal(numpy.float32(found), seen[0].mean(axis=(2, 3)))
        with self.server(input_fn=lambda body, kind: seen[0]) as server:
            self.assertEqual(json.loads(self.post(server, body=b"any", kind="x/any")[2]), expected)
        with self.server(output_fn=lambda logits, accept: str(logits.argmax())) as server:
            status, kind, body = self.post(server, accept="*/*")
            self.assertEqual((status, kind, body.decode()), (200, "application/json", str(numpy.argmax(expected))))

    def test_what_a_function_raises_is_logged_and_not_told(self):
        def predict(data, model):
            raise ValueError("the secret of line 7")

        for more in ({"input_fn": lambda body, kind: "no array"}, {"output_fn": lambda result, accept: None},
                     {"predict_fn": predict, "input_fn": lambda body, kind: 1}):
            self.lines.clear()
            with self.server(**more) as server:
                status, _, body = self.post(server)
                self.assertEqual((status, json.loads(body)["code"]), (500, "FUNCTION"))
                self.assertNotIn(b"secret", body)
            if "predict_fn" in more:
                self.assertIn("function predict: ValueError: the secret of line 7", self.lines[0])
            else:
                self.assertIn("Error: ", self.lines[0])

    def test_what_model_fn_raises_comes_out(self):
        def model(path):
            raise KeyError(path)

        with self.assertRaises(KeyError):
            self.server(model_fn=model)
        with self.assertRaisesRegex(dogbreed.DogbreedError, "transform"):
            self.server(transform_fn=model, input_fn=model)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
