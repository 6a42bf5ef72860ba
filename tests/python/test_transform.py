"""Predictor.transform: results in files, from Python."""
import json
import os
import sys
import tempfile
import unittest

import dogbreed

ENGINE = {"engine": "ref", "threads": 2}


class Transform(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = os.path.join(folder.name, "data")
        self.out = os.path.join(folder.name, "out")
        dogbreed.synthesize(self.root, classes=3, per_class=4, size=40, seed=1)
        with dogbreed.Dataset(self.root) as data, dogbreed.Model(data, architecture="tiny", seed=1) as model:
            self.predictor = dogbreed.Predictor(model, **ENGINE)
        self.addCleanup(self.predictor.close)
        self.files = sorted(os.path.join(folder, name) for folder, _, names in os.walk(self.root) for name in names
                            if name.endswith(".jpg"))

    def result(self, path):
        with open(os.path.join(self.out, os.path.relpath(path, self.root) + ".out"), encoding="utf-8") as file:
            return file.read()

    def test_each_picture_has_its_scores(self):
        seen = []
        found = self.predictor.transform(self.root, self.out, progress=seen.append)
        self.assertEqual(found, {"written": len(self.files), "passed": 0, "failed": {}})
        self.assertEqual([(r.state, r.done, r.total) for r in seen],
                         [("written", i + 1, len(self.files)) for i in range(len(self.files))])
        for path in self.files:
            self.assertEqual(self.result(path), dogbreed.scores_json([self.predictor.scores(path)]))
        self.assertEqual(self.predictor.transform([self.root], self.out)["passed"], len(self.files))

    def test_forms_and_crops(self):
        self.predictor.transform(self.root, self.out, top_k=2, crop=(0, 0, 20, 20))
        found = json.loads(self.result(self.files[0]))["predictions"]
        expected = self.predictor.predict(self.files[0], top_k=2, crop=(0, 0, 20, 20))
        self.assertEqual([row["label"] for row in found], [name for name, _ in expected])
        with self.assertRaises(dogbreed.DogbreedError) as caught:
            self.predictor.transform(self.root, self.out)
        self.assertEqual(caught.exception.name, "MISMATCH")
        self.assertIn("transform.json", str(caught.exception))
        found = self.predictor.transform(self.root, self.out, accept="text/csv", overwrite=True)
        self.assertEqual(found["written"], len(self.files))
        self.assertEqual(len(self.result(self.files[0]).split(",")), 3)
        with self.assertRaises(dogbreed.DogbreedError) as caught:
            self.predictor.transform(self.root, self.out, accept="text/html")
        self.assertIn("accept", str(caught.exception))

    def test_failures_stops_and_exceptions(self):
        bad = os.path.join(self.root, "bad.jpg")
        with open(bad, "wb") as file:
            file.write(b"no picture")
        seen = []
        found = self.predictor.transform([self.root, "/nowhere.jpg"], self.out, progress=seen.append)
        self.assertEqual(set(found["failed"]), {bad, "/nowhere.jpg"})
        self.assertEqual({path: error.name for path, error in found["failed"].items()},
                         {bad: "UNSUPPORTED", "/nowhere.jpg": "NOT_FOUND"})
        self.assertEqual(found["written"], len(self.files))
        for result in seen:
            self.assertEqual(result.error is not None, result.state == "failed")
        with self.assertRaises(dogbreed.DogbreedError) as caught:
            self.predictor.transform(self.root, self.out, progress=lambda result: dogbreed.STOP)
        self.assertEqual(caught.exception.name, "CANCELLED")

        def interrupt(result):
            raise KeyboardInterrupt(result.name)

        with self.assertRaises(KeyboardInterrupt):
            self.predictor.transform(self.root, self.out, progress=interrupt)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
