"""Runs in the store: what reads them, what is written beside them."""
import json
import shutil
import urllib.request

import test_paths
import test_store
import tool


class Run(test_paths.Base):
    def setUp(self):
        super().setUp()
        if not (self.folder / "local").exists():  # once for all tests
            self.ok(self.train("--out", self.folder / "local", "--debug", "--profile"))
        shutil.copytree(self.folder / "local", self.place / "local")
        for path in (self.place / "local").rglob("*"):
            if path.is_file():
                self.server.put("bucket", "runs/a/" + str(path.relative_to(self.place / "local")), path.read_bytes())
        self.before = self.remote("runs/a/")

    def added(self):
        now = self.remote("runs/a/")
        return sorted(key for key in now if now[key] != self.before.get(key))

    def test_a_report_lies_beside_the_run(self):
        done = self.ok(self.run_tool("report", "s3://bucket/runs/a", "--pdf", "--json-name", "r.json", "--json")).json
        self.assertEqual(done["run"], "s3://bucket/runs/a")
        self.assertEqual(done["files"], [f"s3://bucket/runs/a/{name}" for name in ("report.html", "report.pdf", "r.json")])
        self.assertEqual(self.added(), ["r.json", "report.html", "report.pdf"])
        self.ok(self.run_tool("report", "local", "--json-name", "r.json", "--json"))
        there = json.loads(self.server.get("bucket", "runs/a/r.json"))
        self.assertEqual(there["evaluation"], json.loads((self.place / "local/r.json").read_text())["evaluation"])
        self.server.requests.clear()
        self.ok(self.run_tool("report", "s3://bucket/runs/a"))  # what it wrote itself is not a difference for ever
        self.ok(self.run_tool("report", "s3://bucket/runs/a", "--check", "--no-html"))
        self.assertIn("check.json", self.added())

    def test_a_report_elsewhere(self):
        self.ok(self.run_tool("report", "s3://bucket/runs/a", "--out", "reports/a"))
        self.assertTrue((self.place / "reports/a/report.html").read_bytes().startswith(b"<!"))
        self.assertEqual(self.added(), [])
        done = self.ok(self.run_tool("report", "s3://bucket/runs/a", "--out", "s3://bucket/reports/a", "--pdf"))
        self.assertIn("s3://bucket/reports/a/report.html", done.out)
        self.assertEqual((sorted(self.remote("reports/a/")), self.added()), (["report.html", "report.pdf"], []))
        self.ok(self.run_tool("report", "local", "--out", "s3://bucket/reports/a"))
        self.ok(self.run_tool("report", "local", "--out", "here"))
        self.assertTrue((self.place / "here/report.html").exists())

    def test_a_store_that_may_only_be_read(self):
        self.server.faults = [test_store.fake_s3.Fault("PUT", "runs/a", 1000, status=403, code="AccessDenied")]
        self.fails(self.run_tool("report", "s3://bucket/runs/a"), 1, "s3://bucket/runs/a/report.html", "AccessDenied")
        self.ok(self.run_tool("report", "s3://bucket/runs/a", "--out", "reports"))
        done = self.ok(self.run_tool("evaluate", "s3://bucket/runs/a"))
        self.assertIn("not kept there: s3://bucket/runs/a/evaluation.json: refused (403 AccessDenied)", done.err)
        self.assertEqual(self.added(), [])

    def test_an_evaluation_lies_beside_the_run(self):
        self.ok(self.run_tool("evaluate", "s3://bucket/runs/a", "--split", "valid"))
        self.assertEqual(self.added(), ["evaluation-valid.json", "predictions-valid.csv"])
        del self.server.objects["bucket"]["runs/a/evaluation.json"]
        self.ok(self.run_tool("evaluate", "s3://bucket/runs/a"))
        self.assertIn("evaluation.json", self.remote("runs/a/"))

    def test_a_report_that_follows_a_run(self):
        status = json.loads(self.server.get("bucket", "runs/a/status.json"))
        self.server.put("bucket", "runs/a/status.json", json.dumps({**status, "state": "running"}).encode())
        process = tool.start("report", "s3://bucket/runs/a", "--live", "--refresh", 1, folder=self.place, **self.environment)
        self.until(lambda: self.server.get("bucket", "runs/a/report.html"), process)
        first = self.server.get("bucket", "runs/a/report.html")
        self.assertIn(b'http-equiv="refresh"', first)
        self.server.put("bucket", "runs/a/status.json", json.dumps({**status, "state": "completed"}).encode())
        self.assertEqual(process.wait(60), 0, process.stderr.read())
        self.assertNotEqual(self.server.get("bucket", "runs/a/report.html"), first)
        process.communicate()

    def test_what_only_reads(self):
        for words in (["debug"], ["debug", "--rule", "LossNotDecreasing"], ["profile"]):
            with self.subTest(words=words):
                there = self.ok(self.run_tool(words[0], "s3://bucket/runs/a", *words[1:], "--json")).json
                self.assertEqual(there, self.ok(self.run_tool(words[0], "local", *words[1:], "--json")).json)
        self.ok(self.run_tool("compare", "s3://bucket/runs/a", "local", "--html", "s3://bucket/pages/compare.html"))
        self.assertTrue(self.server.get("bucket", "pages/compare.html").startswith(b"<!"))
        self.fails(self.run_tool("compare", "s3://bucket/runs/a", "local", "--html", "s3://bucket/pages/"), 2, "--html s3://")
        self.fails(self.run_tool("debug", "s3://bucket/none"), 3, "no such object")
        self.assertEqual(self.added(), [])

    def test_a_model_of_the_store_is_served(self):
        model = "s3://bucket/runs/a/model.safetensors"
        (self.place / "job/opt/ml").mkdir(parents=True)
        for words in (["serve", model, "--port", 0], ["job", "serve", "--root", "job", "--model", model, "--port", 0]):
            with self.subTest(words=words):
                process = tool.start(*words, "--json", folder=self.place, **self.environment)
                port = json.loads(process.stdout.readline())["port"]
                self.assertEqual(urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=60).status, 200)
                process.terminate()
                process.communicate(timeout=60)
                self.assertEqual(process.returncode, 0)

    def test_what_is_made_in_the_store(self):
        self.ok(self.run_tool("synth", "s3://bucket/made", "--classes", 4, "--per-class", 20, "--size", 32, "--seed", 1))
        self.assertEqual(sorted(self.remote("made/").values()), sorted(self.remote("dogs/").values()))
        self.fails(self.run_tool("synth", "s3://bucket/made"), 1, "something is there already")
        done = self.ok(self.run_tool("weights", "convert", "s3://bucket/runs/a/model.safetensors", "s3://bucket/w/m.pth"))
        self.assertIn("s3://bucket/runs/a/model.safetensors -> s3://bucket/w/m.pth", done.out)
        self.ok(self.run_tool("weights", "convert", "local/model.safetensors", "m.pth"))
        self.assertEqual(self.server.get("bucket", "w/m.pth"), (self.place / "m.pth").read_bytes())
        names = sorted(path.name for path in (self.shapes / "train").iterdir())
        self.server.put("bucket", "classes.txt", ("\n".join(names) + "\n").encode())
        self.ok(self.run_tool("data", "check", "s3://bucket/dogs", "--class-list", "s3://bucket/classes.txt"))


if __name__ == "__main__":
    tool.main()
