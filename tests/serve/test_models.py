"""Models that requests load: the addresses of SageMaker's endpoints with many models, what a url may name, who goes when there is
no room, removal while a model is being used."""
import json
import os
import shutil
import threading

import server
from server import Server


class NoModels(server.Case):
    def test_there_are_no_such_addresses(self):
        for method, path in (("GET", "/models"), ("POST", "/models"), ("GET", "/models/a"), ("DELETE", "/models/a"), ("POST", "/models/a/invoke")):
            self.assertEqual(self.server.ask(path, method).status, 404, path)

    def test_a_folder_that_is_not_there_is_named(self):
        done = server.tool.run("serve", self.model, "--port", 0, "--multi-model", "/nowhere")
        self.assertNotEqual(done.code, 0)
        self.assertIn("multi_model: /nowhere", done.err)


class NoModelOfItsOwn(server.Case):
    def test_only_what_requests_load(self):
        root = self.folder / "alone"
        root.mkdir()
        shutil.copy(self.model / "model.safetensors", root / "dogs.safetensors")
        alone = Server("--multi-model", root)
        try:
            for path in ("/ping", "/healthz", "/readyz", "/metrics", "/metrics?format=json", "/execution-parameters", "/v2", "/v2/health/ready", "/openapi.json"):
                self.assertEqual(alone.ask(path).status, 200, path)
            for method, path in (("GET", "/"), ("POST", "/invocations"), ("POST", "/v1/predict"), ("GET", "/v2/models/dogs"),
                                 ("POST", "/v2/models/dogs/infer"), ("POST", "/v1/async")):
                self.assertEqual(alone.ask(path, method).status, 404, path)
            self.assertIn(b"dogbreed_models_loaded 0\n", alone.ask("/metrics").body)
            body = json.dumps({"model_name": "a", "url": "dogs.safetensors"}).encode()
            self.assertEqual(alone.ask("/models", "POST", body).status, 200)
            self.assertEqual(alone.ask("/models/a/invoke", "POST", self.picture, Content_Type="image/jpeg").body, self.post().body)
            self.assertIn(b"dogbreed_models_loaded 1\n", alone.ask("/metrics").body)
        finally:
            self.assertEqual(alone.stop()[0], 0)

    def test_neither_is_refused(self):
        done = server.tool.run("serve", "--port", 0)
        self.assertEqual(done.code, 2)
        self.assertIn("an argument is missing", done.err)
        done = server.tool.run("serve", "--port", 0, "--multi-model", self.folder, "--async-max", 1)
        self.assertEqual(done.code, 2)
        self.assertIn("async_max", done.err)


class Models(server.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.stop()
        cls.root = cls.folder / "root"
        (cls.root / "deep" / "er").mkdir(parents=True)
        shutil.copy(cls.model / "model.safetensors", cls.root / "dogs.safetensors")
        shutil.copy(cls.model / "model.safetensors", cls.root / "deep" / "er" / "model.safetensors")
        (cls.root / "link.safetensors").symlink_to(cls.root / "dogs.safetensors")
        (cls.root / "linked").symlink_to(cls.root / "deep")
        (cls.root / "out").symlink_to("/")
        (cls.root / "broken.safetensors").write_bytes(b"no model")
        os.mkfifo(cls.root / "pipe")
        cls.size = (cls.root / "dogs.safetensors").stat().st_size
        cls.server = Server(cls.model, "--multi-model", cls.root)

    def load(self, name, url="dogs.safetensors", on=None):
        return (on or self.server).ask("/models", "POST", json.dumps({"model_name": name, "url": str(url)}).encode())

    def names(self, on=None):
        return sorted(m["modelName"] for m in (on or self.server).ask("/models").json["models"])

    def tearDown(self):
        for name in self.names():
            self.server.ask(f"/models/{name}", "DELETE")

    def test_a_model_is_loaded_used_and_removed(self):
        expected = self.post().body
        self.assertEqual(self.post("/models/a/invoke").status, 404)
        for name, url in (("a", "dogs.safetensors"), ("b", self.root / "deep" / "er"), ("c", "deep//er/model.safetensors")):
            reply = self.load(name, url)
            self.assertEqual((reply.status, reply.json), (200, {"status": "loaded"}), reply.body)
            found = self.server.ask(f"/models/{name}")
            self.assertEqual((found.status, found.json), (200, {"modelName": name, "modelUrl": str(url)}))
            self.assertEqual(self.post(f"/models/{name}/invoke").body, expected)
        self.assertEqual(self.post("/models/a/invoke", body=b"no picture").status, 422)
        self.assertEqual(self.post("/models/a/invoke", Content_Type="image/gif").status, 415)
        self.assertEqual(self.names(), ["a", "b", "c"])
        self.assertIn(b"dogbreed_models_loaded 4\n", self.server.ask("/metrics").body)
        self.assertEqual(self.server.ask("/metrics?format=json").json["LoadedModelCount"], 4)
        again = self.load("a")
        self.assertEqual((again.status, again.json["code"]), (409, "EXISTS"))
        self.assertEqual(self.server.ask("/models/a", "DELETE").json, {"status": "removed"})
        self.assertEqual(self.server.ask("/models/a", "DELETE").status, 404)
        self.assertEqual(self.server.ask("/models/a").status, 404)
        self.assertEqual(self.post("/models/a/invoke").status, 404)
        self.assertEqual(self.names(), ["b", "c"])
        self.assertEqual(self.load("a").status, 200)

    def test_a_url_stays_below_the_folder_and_follows_no_link(self):
        outside = self.model / "model.safetensors"
        for url, status in (("", 400), ("/", 400), (".", 400), ("..", 400), ("../root/dogs.safetensors", 400), ("deep/../dogs.safetensors", 400),
                            (outside, 400), (str(self.root) + "x/dogs.safetensors", 400), (f"{self.root}/../root/dogs.safetensors", 400),
                            ("file:dogs.safetensors", 404), (self.root, 400), ("a/" * 40 + "b", (400, 404)), ("x" * 300, 400),
                            ("none", 404), ("deep", 404), ("dogs.safetensors/x", 404), ("link.safetensors", 404), ("linked/er", 404),
                            ("out" + str(outside), 404), ("pipe", 404), ("broken.safetensors", 422)):
            reply = self.load("x", url)
            self.assertIn(reply.status, status if isinstance(status, tuple) else (status,), (url, reply.body))
            self.assertNotIn(str(self.root).encode(), reply.body)
        self.assertEqual(self.names(), [])

    def test_bodies_are_checked(self):
        for body in (b"", b"[]", b"{}", b"{", b'{"model_name": "a"}', b'{"model_name": 1, "url": "x"}', b'{"model_name": "a/b", "url": "x"}',
                     b'{"model_name": "..", "url": "x"}', b'{"model_name": "a", "url": "x\\u0000y"}', b'{"model_name": "a", "url": "%s"}' % (b"x" * 5000),
                     b" " * 100000):
            self.assertEqual(self.server.ask("/models", "POST", body).status, 400, body[:50])

    def counter(self, name, on):
        lines = on.ask("/metrics").body.decode().splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith(name + " ")))

    def with_memory(self, memory):
        return Server(self.model, "--multi-model", self.root, "--multi-model-memory", memory)

    def taken(self):
        """Bytes that one of these models takes."""
        large = self.with_memory(1 << 30)
        try:
            self.assertEqual(self.counter("dogbreed_models_bytes", large), 0)
            self.assertEqual(self.load("a", on=large).status, 200)
            one = self.counter("dogbreed_models_bytes", large)
            self.assertEqual(self.load("b", on=large).status, 200)
            self.assertEqual(self.counter("dogbreed_models_bytes", large), 2 * one)
            self.assertEqual(large.ask("/models/a", "DELETE").status, 200)
            self.assertEqual(self.load("c", on=large).status, 200)  # behind the closing of a
            self.assertEqual(self.counter("dogbreed_models_bytes", large), 2 * one)
            return int(one)
        finally:
            self.assertEqual(large.stop()[0], 0)

    def test_the_one_that_was_used_least_lately_goes(self):
        one = self.taken()
        self.assertGreater(one, self.size)  # the file, and what computing needs
        small = self.with_memory(2 * one + 10)
        try:
            self.assertEqual([self.load(name, on=small).status for name in "ab"], [200, 200])
            self.assertEqual(small.ask("/models/a/invoke", "POST", self.picture, Content_Type="image/jpeg").status, 200)
            self.assertEqual(self.load("c", on=small).status, 200)
            self.assertEqual(self.names(small), ["a", "c"])
            self.assertEqual(self.load("d", on=small).status, 200)
            self.assertEqual(self.names(small), ["c", "d"])
            self.assertEqual(self.counter("dogbreed_model_evictions_total", small), 2)
            self.assertEqual(self.counter("dogbreed_models_bytes", small), 2 * one)
        finally:
            self.assertEqual(small.stop()[0], 0)
        for memory in (one - 1, self.size - 1):
            smaller = self.with_memory(memory)
            try:
                reply = self.load("a", on=smaller)
                self.assertEqual((reply.status, reply.json["code"]), (507, "NO_MEMORY"))
                self.assertEqual(self.names(smaller), [])
                self.assertEqual(self.counter("dogbreed_models_bytes", smaller), 0)
            finally:
                self.assertEqual(smaller.stop()[0], 0)

    def test_loads_and_their_times_are_counted(self):
        fresh = self.with_memory(1 << 30)
        try:
            self.assertEqual(fresh.ask("/models/a/invoke", "POST", self.picture, Content_Type="image/jpeg").status, 404)
            for name in "ab":
                self.assertEqual(self.load(name, on=fresh).status, 200)
            self.assertEqual(self.load("x", "broken.safetensors", on=fresh).status, 422)
            for _ in range(3):
                self.assertEqual(fresh.ask("/models/a/invoke", "POST", self.picture, Content_Type="image/jpeg").status, 200)
            self.assertEqual(fresh.ask("/models/b", "DELETE").status, 200)
            self.assertEqual(self.load("c", on=fresh).status, 200)  # behind the closing of b
            for name, value in (("cache_hits_total", 3), ("cache_misses_total", 1), ("evictions_total", 0), ("load_seconds_count", 3),
                                ("load_wait_seconds_count", 3), ("unload_seconds_count", 1)):
                self.assertEqual(self.counter("dogbreed_model_" + name, fresh), value, name)
            self.assertGreater(self.counter("dogbreed_model_load_seconds_sum", fresh), 0)
            found = fresh.ask("/metrics?format=json").json
            self.assertEqual(found["ModelCacheHit"], {"Unit": "None", "SampleCount": 4, "Sum": 3})
            self.assertEqual([found[name]["SampleCount"] for name in ("ModelLoadingTime", "ModelLoadingWaitTime", "ModelUnloadingTime")], [3, 3, 1])
            self.assertGreaterEqual(found["ModelLoadingWaitTime"]["Sum"], found["ModelLoadingTime"]["Sum"])
            self.assertNotIn("ModelDownloadingTime", found)  # nothing is
        finally:
            self.assertEqual(fresh.stop()[0], 0)

    def test_loaded_used_and_removed_by_many_at_once(self):
        expected, found = self.post().body, []

        def work(name):
            for _ in range(8):
                found.append(self.load(name).status)
                replies = [self.post(f"/models/{name}/invoke") for _ in range(3)]
                found.extend(r.status if r.status == 404 or r.body == expected else r.body for r in replies)
                found.append(self.server.ask(f"/models/{name}", "DELETE").status)

        threads = [threading.Thread(target=work, args=(name,)) for name in "aabbc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(set(found) - {200, 404, 409}, set())
        self.assertGreater(found.count(200), 20)
        self.assertEqual(self.names(), [])


if __name__ == "__main__":
    server.main()
