"""Local copies of s3:// paths within a bound: what was used longest ago makes room, what is in use stays; the disk is asked
before anything is read."""
import fcntl
import pathlib
import time

import test_store
import tool

SIZE = 100_000


class Cache(test_store.Case):
    def setUp(self):
        super().setUp()
        for number, name in enumerate("abcd"):
            self.server.put("bucket", f"{name}/file.safetensors", test_store.randoms(SIZE, number))
        self.mirror = self.place / "cache/store/mirror"

    def fetch(self, name, *words):
        """A command that has the copy and then finds that it is no network."""
        done = tool.run("weights", "list", f"s3://bucket/{name}/file.safetensors", *words, folder=self.place, **self.environment)
        self.assertNotIn("store_cache_bytes", done.err)
        return done

    def cache(self, *words):
        return self.ok(self.s3("cache", *words, "--json")).json

    def uris(self):
        return [copy["uri"].split("/")[3] for copy in self.cache()["copies"]]

    def gets(self, name):
        return len(self.server.seen("GET", f"/bucket/{name}/file"))

    def test_what_was_used_longest_ago_makes_room(self):
        bound = ["--store-cache-bytes", 2 * SIZE + 50_000]
        for name in "ab":
            self.fetch(name, *bound)
        self.fetch("a", *bound)  # used again: b is the older one now
        self.fetch("c", *bound)
        self.assertEqual(self.uris(), ["c", "a"])
        self.assertEqual(self.cache()["bytes"], 2 * SIZE)
        self.assertEqual((self.gets("a"), self.gets("b")), (1, 1))
        self.fetch("b", *bound)
        self.assertEqual((self.uris(), self.gets("b")), (["b", "c"], 2))
        self.assertEqual([path.name for path in self.mirror.iterdir() if path.name.startswith(".")], [])

    def test_without_a_bound_all_stay(self):
        for name in "abcd":
            self.fetch(name)
        self.assertEqual(self.uris(), ["d", "c", "b", "a"])
        self.assertEqual(self.cache()["bytes_max"], 0)

    def test_a_copy_that_is_in_use_stays(self):
        self.fetch("a")
        used = next(self.mirror.glob("*/used"))
        with used.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH)  # as another process that reads it
            self.assertEqual([copy["in_use"] for copy in self.cache()["copies"]], [True])
            done = tool.run("weights", "list", "s3://bucket/b/file.safetensors", "--store-cache-bytes", SIZE + 10,
                            folder=self.place, **self.environment)
            self.fails(done, 1, "s3://bucket/b/file.safetensors: needs 0.1 MB, but store_cache_bytes allows 0.1 MB of local copies, "
                       "and 0.1 MB of them are in use")
            self.assertEqual(self.gets("b"), 0)
            self.assertEqual((self.cache("--clear")["removed"], self.uris()), ([], ["a"]))
        self.assertEqual(self.cache()["copies"][0]["in_use"], False)
        self.fetch("b", "--store-cache-bytes", SIZE + 10)
        self.assertEqual(self.uris(), ["b"])

    def test_a_process_that_trains_holds_its_copy(self):
        tool.must("synth", self.place / "shapes", "--classes", 2, "--per-class", 10, "--size", 16, "--seed", 1)
        for path in (self.place / "shapes").rglob("*.jpg"):
            self.server.put("bucket", "dogs/" + str(path.relative_to(self.place / "shapes")), path.read_bytes())
        process = tool.start("train", "s3://bucket/dogs", *tool.SMALL, "--epochs", 4000, "--out", "run", folder=self.place,
                             **self.environment)
        while not (self.place / "run/config.json").exists() and process.poll() is None:
            time.sleep(0.01)
        listed = self.cache("--clear")
        self.assertEqual((listed["removed"], [copy["in_use"] for copy in listed["copies"]]), ([], [True]))
        process.terminate()
        process.communicate()
        self.assertEqual(process.returncode, 143)
        self.assertEqual(len(self.cache("--clear")["removed"]), 1)

    def test_one_that_is_larger_than_the_bound(self):
        done = tool.run("weights", "list", "s3://bucket/a/file.safetensors", "--store-cache-bytes", SIZE - 1, folder=self.place,
                        **self.environment)
        self.fails(done, 1, "s3://bucket/a/file.safetensors: needs 0.1 MB, but store_cache_bytes allows 0.1 MB of local copies")
        self.assertEqual(self.gets("a"), 0)

    def test_a_full_disk_is_seen_before(self):
        self.server.sizes["bucket", "a/file.safetensors"] = 1 << 55
        self.server.put("bucket", "a/file.safetensors/x", b"")  # so that it is a list that says so
        self.server.sizes["bucket", "a/file.safetensors/x"] = 1 << 55
        done = tool.run("weights", "list", "s3://bucket/a/file.safetensors", folder=self.place, **self.environment)
        self.fails(done, 1, "s3://bucket/a/file.safetensors/: needs 36028797019.0 MB, but", "free; store_dir names")
        self.assertEqual(self.gets("a"), 0)

    def test_nothing_of_the_user_is_removed(self):
        self.fetch("a")
        mine = [self.mirror / "0123456789abcdef0123456789abcdef", self.mirror / "mine", self.place / "outside"]
        for folder in mine:
            folder.mkdir()
            (folder / "file").write_bytes(b"1")
        link = self.mirror / ("f" * 32)
        (self.place / "outside/lock").write_bytes(b"")
        link.symlink_to(self.place / "outside")
        self.assertEqual(self.uris(), ["a"])
        self.assertEqual(self.cache("--clear")["removed"], ["s3://bucket/a/file.safetensors"])
        for folder in mine:
            self.assertEqual((folder / "file").read_bytes(), b"1")
        self.assertTrue(link.is_symlink())

    def test_copies_of_an_earlier_version(self):
        """They have neither `used` nor a document."""
        self.fetch("a")
        folder = next(path for path in self.mirror.iterdir())
        for name in ("used", "mirror.json"):
            (folder / name).unlink()
        self.assertEqual([(copy["uri"], copy["name"]) for copy in self.cache()["copies"]], [("", folder.name)])
        self.fetch("a")
        self.assertEqual((self.uris(), self.gets("a")), (["a"], 1))

    def test_what_a_killed_removal_left(self):
        self.fetch("a")
        old = self.mirror / ".old-0123-1"
        old.mkdir()
        (old / "file").write_bytes(b"1")
        self.cache()
        self.assertFalse(old.exists())

    def test_keep_and_text(self):
        for name in "abc":
            self.fetch(name)
        text = self.ok(self.s3("cache")).out
        self.assertRegex(text, r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d       100000        s3://bucket/c/file.safetensors  of 127")
        self.assertIn(f"3 copies, 0.3 MB in {self.mirror}", text)
        self.assertEqual(self.cache("--keep", SIZE)["removed"], [f"s3://bucket/{name}/file.safetensors" for name in "ab"])
        self.fails(self.s3("cache", "--keep", "much"), 2, "--keep much")
        self.fails(self.s3("cache", "--keep", "1", "--clear"), 2, "contradict")
        self.assertEqual(self.ok(self.s3("cache", "--clear")).out.splitlines()[0], "removed s3://bucket/c/file.safetensors")


if __name__ == "__main__":
    tool.main()
