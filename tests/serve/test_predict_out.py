"""Results of pictures in files: the bytes that an endpoint answers for the same picture, what is there is not computed again,
also after a kill, results of another model are refused, pictures that fail, forms, names."""
import json
import os
import pathlib
import shutil
import signal
import tempfile
import time

import server


class PredictOut(server.Case):
    def setUp(self):
        self.place = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        self.photos = self.place / "photos"
        shutil.copytree(self.shapes / "test", self.photos)
        self.pictures = sorted(self.photos.glob("*/*.jpg"))
        self.out = self.place / "out"

    def predict(self, *words):
        return server.tool.run("predict", *words, "--model", self.model, "--out", self.out, folder=self.place)

    def files(self):
        """Results by name, without the record."""
        return {str(path.relative_to(self.out)): path.read_bytes() for path in self.out.rglob("*.out*")}

    def many(self, count):
        """A folder of large pictures that take a while."""
        drawn = self.place / "drawn"
        server.tool.must("synth", drawn, "--classes", 2, "--per-class", 4, "--size", 900)
        one = next(drawn.rglob("*.jpg"))
        folder = self.place / "many"
        (folder / "sub").mkdir(parents=True)
        for i in range(count):
            os.link(one, folder / ("sub" if i % 2 else ".") / f"{i:04d}.jpg")
        return folder

    def start(self, *words):
        return server.tool.start("predict", *words, "--model", self.model, "--out", self.out, folder=self.place)

    def wait_for(self, process, pattern):
        deadline = time.monotonic() + 60
        while not next(self.out.rglob(pattern), None) and time.monotonic() < deadline:
            self.assertIsNone(process.poll(), "it has ended")
            time.sleep(0.005)

    def result(self, picture):
        return self.out / (str(picture.relative_to(self.photos)) + ".out")

    def test_each_is_what_the_endpoint_answers(self):
        done = self.predict(self.photos)
        self.assertEqual((done.code, done.out), (0, f"{len(self.pictures)} results -> {self.out}\n"), done.err)
        self.assertEqual(len(list(self.out.rglob("*"))), len(self.pictures) + len(set(p.parent for p in self.pictures)) + 1)
        self.assertEqual(json.loads((self.out / "transform.json").read_text())["format"], "dogbreed.transform")
        for picture in self.pictures:
            reply = self.post(body=picture.read_bytes())
            self.assertEqual(reply.status, 200)
            self.assertEqual(self.result(picture).read_bytes(), reply.body)

    def test_what_is_there_and_whole_is_passed_over(self):
        self.assertEqual(self.predict(self.photos).code, 0)
        before = {p: self.result(p).read_bytes() for p in self.pictures}
        cut, gone, other, kept = self.pictures[:4]
        self.result(cut).write_bytes(before[cut][:-9])
        self.result(gone).unlink()
        self.result(other).write_text("[[1.0]]")
        number = self.result(kept).stat().st_ino
        done = self.predict(self.photos)
        self.assertEqual(done.out, f"3 results -> {self.out}; {len(self.pictures) - 3} were there\n")
        self.assertEqual({p: self.result(p).read_bytes() for p in self.pictures}, before)
        self.assertEqual(self.result(kept).stat().st_ino, number)
        found = self.predict(self.photos, "--json").json
        self.assertEqual(found, {"out": str(self.out), "written": 0, "passed": len(self.pictures), "failed": 0})

    def test_pictures_that_fail_are_listed_and_have_no_result(self):
        bad = self.pictures[0]
        bad.write_bytes(bad.read_bytes()[:50])
        empty = self.pictures[1]
        empty.write_bytes(b"")
        done = self.predict(self.photos)
        self.assertEqual(done.code, 3)
        self.assertIn(str(bad), done.err)
        self.assertIn(str(empty), done.err)
        self.assertEqual(done.out, f"{len(self.pictures) - 2} results -> {self.out}\n")
        self.assertFalse(self.result(bad).exists() or self.result(empty).exists())

    def test_two_of_one_name(self):
        again = self.place / "again"
        shutil.copytree(self.photos, again)
        done = self.predict(self.photos, again)
        self.assertEqual(done.code, 3)
        self.assertIn("both results would be", done.err)
        self.assertFalse(self.out.exists())

    def test_any_number_of_threads_gives_the_same_bytes(self):
        found = []
        for words in ((1, 1), (2, 16), (4, 3)):
            self.assertEqual(self.predict(self.photos, "--threads", words[0], "--batch-size", words[1]).code, 0)
            found.append({**self.files(), "record": (self.out / "transform.json").read_bytes()})
            shutil.rmtree(self.out)
        self.assertEqual(len(found[0]), len(self.pictures) + 1)
        self.assertEqual(found[1:], found[:1] * 2)

    def test_forms(self):
        picture = self.pictures[0]
        for accept, type in (("application/json", None), ("text/csv", "text/csv")):
            self.assertEqual(self.predict(picture, "--accept", accept, "--overwrite").code, 0)
            reply = self.post(body=picture.read_bytes(), Accept=accept)
            self.assertEqual((self.out / (picture.name + ".out")).read_bytes(), reply.body, accept)
        self.assertEqual(self.predict(picture, "--top-k", 2, "--overwrite").code, 0)
        reply = self.post(body=picture.read_bytes(), Accept="application/vnd.dogbreed+json", path="/invocations?top_k=2").json
        found = json.loads((self.out / (picture.name + ".out")).read_text())
        self.assertEqual(found, {key: reply[key] for key in ("predictions", "warnings")})
        self.assertEqual(self.predict(picture, "--accept", "application/jsonlines", "--overwrite").code, 0)
        line = (self.out / (picture.name + ".out")).read_text()
        self.assertEqual((len(json.loads(line)), line[-1]), (4, "\n"))
        for words, code in ((("--accept", "text/csv", "--top-k", 2), 2), (("--accept", "image/png"), 2), (("-",), 2)):
            done = self.predict(*([picture, *words] if words[0] != "-" else words))
            self.assertEqual(done.code, code, words)
            self.assertIn(words[0].strip("-") or "stdin", done.err)
        for words in (("--accept", "text/csv"), ("--overwrite",)):
            done = server.tool.run("predict", self.model, picture, *words)
            self.assertEqual(done.code, 2)
            self.assertIn("--out", done.err)

    def test_results_of_another_model_are_refused(self):
        self.assertEqual(self.predict(self.photos).code, 0)
        before = self.files()
        other = self.place / "other"
        server.tool.must("train", self.shapes, *server.tool.SMALL, "--epochs", 1, "--seed", 2, "--out", other, "--no-test", "-q")
        words = ("predict", self.photos, "--model", other, "--out", self.out)
        done = server.tool.run(*words)
        self.assertEqual(done.code, 3)
        self.assertEqual(len(done.err.splitlines()), 1)
        self.assertIn("another model", done.err)
        self.assertIn(str(self.out / "transform.json"), done.err)
        self.assertEqual(self.files(), before)
        for words_too in (("--crop", "0,0,20,20"), ("--accept", "text/csv")):
            self.assertEqual(self.predict(self.photos, *words_too).code, 3)
        done = server.tool.run(*words, "--overwrite")
        self.assertEqual((done.code, done.out), (0, f"{len(self.pictures)} results -> {self.out}\n"))
        after = self.files()
        self.assertEqual(set(after), set(before))
        self.assertFalse(set(after.items()) & set(before.items()))
        self.assertIn("another model", self.predict(self.photos).err)
        # Of those that nobody knows anything of.
        (self.out / "transform.json").unlink()
        done = self.predict(self.photos)
        self.assertEqual(done.code, 3)
        self.assertIn("no transform.json", done.err)
        self.assertEqual(self.files(), after)

    def test_a_kill_costs_nothing_that_was_there(self):
        folder = self.many(200)
        bad = folder / "0042.jpg"
        bad.unlink()
        bad.write_bytes(b"no picture")
        words = (folder, "--threads", 1, "--batch-size", 4)
        self.assertEqual(self.predict(*words).code, 3)
        whole = self.files()
        self.assertEqual(len(whole), 199)
        shutil.rmtree(self.out)
        for pattern in ("*.tmp", "*.jpg.out"):  # before and after the first group is at its place
            process = self.start(*words)
            self.wait_for(process, pattern)
            process.send_signal(signal.SIGKILL)
            process.communicate()
        there = {name: data for name, data in self.files().items() if name.endswith(".out")}
        self.assertTrue(0 < len(there) < 199)
        self.assertLessEqual(there.items(), whole.items())
        done = self.predict(*words)
        self.assertEqual(done.code, 3)
        self.assertIn(str(bad), done.err)
        self.assertEqual(self.files(), whole)

    def test_a_signal_ends_it_when_what_is_in_flight_is_written(self):
        folder = self.many(400)
        for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
            process = self.start(folder, "--threads", 1, "--batch-size", 2, "--json")
            self.wait_for(process, "*.tmp")
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, code, err)
            found = self.files()
            self.assertEqual([name for name in found if not name.endswith(".out")], [])
            counts = json.loads(out)
            self.assertEqual(counts["written"] + counts["passed"], len(found))
            self.assertTrue(0 < len(found) < 400)


if __name__ == "__main__":
    server.main()
