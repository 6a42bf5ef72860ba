"""Long bodies of JSON and CSV, which are read where pictures are decoded: their replies are those of the same body without blanks, refusals too;
what is late is not read."""
import json
import time

import server
from server import Server

BLANKS = b" " * 100000


class Bodies(server.Case):
    words = ("--async-max", 10)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.stop()
        cls.server = Server(cls.model, "--multi-model", cls.model, *cls.words)
        cls.server.ask("/models", "POST", json.dumps({"model_name": "a", "url": "model.safetensors"}).encode())
        side = cls.server.ask("/v2/models/model").json["inputs"][1]["shape"][2]
        cls.rows = [[(i * 7 + k) % 256 / 128 - 1 for i in range(3 * side * side)] for k in range(2)]
        cls.tensor = json.dumps([[[row[c * side * side + y * side:c * side * side + (y + 1) * side] for y in range(side)] for c in range(3)]
                                 for row in cls.rows]).encode()
        cls.infer = json.dumps({"id": "7", "inputs": [{"name": "tensor", "datatype": "FP32", "shape": [2, 3, side, side],
                                                       "data": cls.rows[0] + cls.rows[1]}]}).encode()
        cls.csv = "".join(",".join(map(str, row)) + "\n" for row in cls.rows).encode()

    def same(self, path, kind, body, status=200):
        """The reply to a body is that to the same with blanks in front of it."""
        short = self.server.ask(path, "POST", body, Content_Type=kind)
        long = self.server.ask(path, "POST", BLANKS + body, Content_Type=kind)
        self.assertEqual((short.status, long.status), (status, status), (path, short.body[:200], long.body[:200]))
        return short, long

    def test_replies_do_not_depend_on_where_a_body_is_read(self):
        for path in ("/invocations", "/models/a/invoke"):
            for kind, body in (("application/json", self.tensor), ("text/csv", self.csv)):
                short, long = self.same(path, kind, body)
                self.assertEqual(short.body, long.body)
                self.assertEqual(len(short.json), 2)
        short, long = self.same("/v2/models/model/infer", "application/json", self.infer)
        self.assertEqual(short.body, long.body)
        self.assertEqual(short.json["id"], "7")
        short, long = self.same("/v1/predict", "application/json", self.tensor)
        self.assertEqual([r["predictions"] for r in short.json["results"]], [r["predictions"] for r in long.json["results"]])

    def test_refusals_neither(self):
        for path, kind, body in (("/invocations", "application/json", b"[1, 2"), ("/invocations", "application/json", b"[1, 2]"),
                                 ("/invocations", "text/csv", b"x" + self.csv), ("/models/a/invoke", "application/json", b"{}"),
                                 ("/v2/models/model/infer", "application/json", b"{}"), ("/v1/async", "application/json", b"[1, 2]"),
                                 ("/invocations?top_k=0", "application/json", self.tensor), ("/invocations?crop=0,0,1,1", "text/csv", self.csv)):
            short, long = self.same(path, kind, body, 400)
            self.assertEqual(short.body, long.body)

    def test_results_later(self):
        found = []
        for reply in self.same("/v1/async", "application/json", self.tensor, 202):
            self.assertEqual(reply.headers["location"], reply.json["location"])
            while (result := self.server.ask(reply.json["location"])).status == 202:
                time.sleep(0.01)
            found.append(result.body)
        self.assertEqual(found, [self.post(body=self.tensor, Content_Type="application/json").body] * 2)

    def test_what_is_late_is_answered(self):
        late = Server(self.model, "--deadline-s", 0.001, "--async-max", 10)
        try:
            many = 32  # times two pictures: reading them takes many milliseconds
            infer = json.loads(self.infer)
            infer["inputs"][0]["shape"][0] *= many
            infer["inputs"][0]["data"] *= many
            for path, body in (("/invocations", json.dumps(json.loads(self.tensor) * many)), ("/v2/models/model/infer", json.dumps(infer))):
                reply = late.ask(path, "POST", body.encode(), Content_Type="application/json")
                self.assertEqual((reply.status, reply.json["code"]), (503, "TIMEOUT"), path)
            self.assertIn(b'dogbreed_rejected_total{reason="deadline"} 2\n', late.ask("/metrics").body)
            self.assertIn(b"dogbreed_model_seconds_count 0\n", late.ask("/metrics").body)
        finally:
            self.assertEqual(late.stop()[0], 0)


if __name__ == "__main__":
    server.main()
