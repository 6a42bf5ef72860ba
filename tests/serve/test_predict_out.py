"""Results of pictures in files: the bytes that an endpoint answers for the same picture, what is there is not computed again,
pictures that fail, names."""
import pathlib
import shutil
import tempfile

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

    def result(self, picture):
        return self.out / (str(picture.relative_to(self.photos)) + ".out")

    def test_each_is_what_the_endpoint_answers(self):
        done = self.predict(self.photos)
        self.assertEqual((done.code, done.out), (0, f"{len(self.pictures)} results -> {self.out}\n"), done.err)
        self.assertEqual(len(list(self.out.rglob("*"))), len(self.pictures) + len(set(p.parent for p in self.pictures)))
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

    def test_two_of_one_name_and_numbers_that_are_not_asked_for(self):
        again = self.place / "again"
        shutil.copytree(self.photos, again)
        done = self.predict(self.photos, again)
        self.assertEqual(done.code, 3)
        self.assertIn("both results would be", done.err)
        self.assertFalse(self.out.exists())
        done = self.predict(self.photos, "--top-k", 3)
        self.assertEqual(done.code, 2)
        self.assertIn("--top-k", done.err)


if __name__ == "__main__":
    server.main()
