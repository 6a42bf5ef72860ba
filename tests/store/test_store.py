"""dogbreed s3 against a small server with faults: what comes back is what was sent, or nothing. Signatures are checked by
botocore where it is installed."""
import hashlib
import pathlib
import random
import signal
import tempfile
import threading
import time

import fake_s3
import tool

MEGABYTE = 1 << 20
ODD_KEYS = ["a b", "x+y", "x=y&z", "u/ü", "~*()!'", "per%cent", "q?uestion#hash", "日本/犬.jpg", "<&>\"", "a//b", "d/../e"]


def randoms(size, seed=1):
    return random.Random(seed).randbytes(size)


class Case(tool.Folder):
    def setUp(self):
        self.server = fake_s3.Server()
        self.addCleanup(self.server.close)
        self.server.objects["bucket"] = {}
        self.place = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        self.environment = {"AWS_ACCESS_KEY_ID": "test:tester", "AWS_SECRET_ACCESS_KEY": "testing", "HOME": str(self.place),
                            "AWS_ENDPOINT_URL": self.server.url, "DOGBREED_CACHE": str(self.place / "cache"),
                            "DOGBREED_RETRY_DELAY": "0.01"}

    def s3(self, *words, **environment):
        return tool.run("s3", *words, folder=self.place, **{**self.environment, **environment})

    def file(self, name, data):
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def left_over(self):
        return [path.name for path in self.place.rglob(".dogbreed-*")]


class Plain(Case):
    def test_a_file_there_and_back(self):
        for size in (0, 1, 5 * MEGABYTE, 8 * MEGABYTE, 8 * MEGABYTE + 1, 20 * MEGABYTE):
            with self.subTest(size=size):
                data = randoms(size)
                self.file("there", data)
                self.ok(self.s3("cp", "there", "s3://bucket/file"))
                self.assertTrue(self.server.get("bucket", "file") == data)
                self.ok(self.s3("cp", "s3://bucket/file", "back"))
                self.assertTrue((self.place / "back").read_bytes() == data)
        self.assertEqual((self.server.uploads, self.left_over()), ({}, []))

    def test_parts_have_the_size_that_was_asked_for(self):
        self.file("there", randoms(12 * MEGABYTE))
        self.ok(self.s3("cp", "there", "s3://bucket/file", "--part-size", 5 * MEGABYTE))
        self.assertEqual(len(self.server.seen("PUT", "partNumber=")), 3)
        self.ok(self.s3("cp", "s3://bucket/file", "back", "--part-size", 6 * MEGABYTE))
        self.assertEqual(len(self.server.seen("GET")), 2)

    def test_odd_keys(self):
        self.file("there", b"woof")
        for key in ODD_KEYS:
            with self.subTest(key=key):
                self.ok(self.s3("cp", "there", "s3://bucket/" + key))
                self.assertEqual(self.server.get("bucket", key), b"woof")
                self.ok(self.s3("cp", "s3://bucket/" + key, "back"))
        listed = self.ok(self.s3("ls", "s3://bucket", "--recursive", "--json")).lines
        self.assertEqual([row["key"] for row in listed], sorted(ODD_KEYS, key=str.encode))
        for key in ODD_KEYS:
            self.ok(self.s3("rm", "s3://bucket/" + key))
        self.assertEqual(self.server.keys("bucket"), [])

    def test_a_list_of_many_pages(self):
        self.server.page = 7
        for i in range(50):
            self.server.put("bucket", f"dogs/class {i % 5}/{i:03}.jpg", b"x" * i)
        rows = self.ok(self.s3("ls", "s3://bucket/dogs/", "--recursive", "--json")).lines
        self.assertEqual([row["key"] for row in rows], self.server.keys("bucket"))
        self.assertEqual(sum(row["size"] for row in rows), sum(range(50)))
        self.assertEqual(len(self.server.seen("GET", "list-type=2")), 8)
        rows = self.ok(self.s3("ls", "s3://bucket/dogs/", "--json")).lines
        self.assertEqual([row["folder"] for row in rows], [f"dogs/class {i}/" for i in range(5)])

    def test_words(self):
        self.fails(self.s3("cp", "a", "b"), 2, "expected one local path and one s3://")
        self.fails(self.s3("ls", "bucket"), 2, "expected s3://BUCKET")
        self.fails(self.s3("ls", "s3://bucket", "--endpoint", "ftp://x"), 2, "http://host:port")
        self.fails(self.s3("cp", "nothing", "s3://bucket/x"), 3, "nothing: cannot be opened")
        self.fails(self.s3("cp", "s3://bucket/none", "x"), 3, "s3://bucket/none: no such object (404")
        self.fails(self.s3("ls", "s3://none"), 3, "no such bucket")
        self.file("d/x", b"")
        self.fails(self.s3("cp", "d", "s3://bucket/"), 2, "s3 sync copies folders")

    def test_without_the_network(self):
        done = self.s3("cp", "s3://bucket/x", "x", AWS_ENDPOINT_URL="http://127.0.0.1:1")
        self.fails(done, 1, "s3://bucket/x", "127.0.0.1")

    def test_an_anonymous_request_has_no_signature(self):
        self.server.put("bucket", "open", b"all")
        self.fails(self.s3("cp", "s3://bucket/open", "x", "--no-sign-request"), 1, "refused (403")


class Refused(Case):
    def test_wrong_keys(self):
        self.server.put("bucket", "x", b"1")
        self.fails(self.s3("ls", "s3://bucket", AWS_ACCESS_KEY_ID="nobody"), 1, "InvalidAccessKeyId", "access key")
        if self.server.signed:
            self.fails(self.s3("ls", "s3://bucket", AWS_SECRET_ACCESS_KEY="wrong"), 1, "SignatureDoesNotMatch")
        self.assertEqual(len(self.server.requests), 1 + self.server.signed)

    def test_the_region_is_learned(self):
        self.server.region = "eu-west-3"
        self.file("there", b"1")
        self.ok(self.s3("cp", "there", "s3://bucket/x"))
        self.assertEqual(len(self.server.seen("PUT")), 2)
        self.ok(self.s3("cp", "s3://bucket/x", "back"))
        self.server.requests.clear()
        self.ok(self.s3("cp", "s3://bucket/x", "back", "--region", "eu-west-3"))
        self.assertEqual(len(self.server.requests), 2)

    def test_a_wrong_clock_is_corrected_once(self):
        self.server.clock = 5000.0
        self.file("there", b"1")
        done = self.ok(self.s3("cp", "there", "s3://bucket/x"))
        self.assertIn("clock", done.err)
        self.assertEqual(len(self.server.seen("PUT")), 2)
        self.ok(self.s3("cp", "s3://bucket/x", "back"))
        self.server.clock = 0.0
        self.server.fail("PUT", status=403, code="RequestTimeTooSkewed", times=9)
        self.server.requests.clear()
        self.fails(self.s3("cp", "there", "s3://bucket/x"), 1, "RequestTimeTooSkewed")
        self.assertEqual(len(self.server.requests), 2)

    def test_no_redirect_is_followed(self):
        other = fake_s3.Server()
        self.addCleanup(other.close)
        self.server.put("bucket", "x", b"1")
        for method in ("HEAD", "GET"):
            self.server.fail(method, status=307, code="TemporaryRedirect", headers={"Location": other.url + "/bucket/x"})
            self.fails(self.s3("cp", "s3://bucket/x", "back"), 1, "redirects are not followed")
        self.assertEqual(other.requests, [])


class Faults(Case):
    def setUp(self):
        super().setUp()
        self.data = randoms(20 * MEGABYTE)

    def test_errors_that_pass(self):
        self.server.put("bucket", "x", b"woof")
        for status in (429, 500, 502, 503, 504):
            with self.subTest(status=status):
                self.server.fail("HEAD", status=status, times=2)
                self.server.fail("GET", status=status, times=4)
                self.ok(self.s3("cp", "s3://bucket/x", "back"))
        self.server.fail("GET", status=503, code="SlowDown", times=5)
        self.server.requests.clear()
        (self.place / "back").unlink()
        self.fails(self.s3("cp", "s3://bucket/x", "back"), 1, "s3://bucket/x", "503 SlowDown")
        self.assertEqual(len(self.server.seen("GET")), 5)
        self.assertFalse((self.place / "back").exists())
        self.server.faults.clear()
        self.server.fail("GET", status=403, code="AccessDenied")
        self.fails(self.s3("cp", "s3://bucket/x", "back"), 1, "AccessDenied")

    def test_a_small_one_is_cut(self):
        self.server.put("bucket", "x", self.data[:MEGABYTE])
        self.server.fail("GET", cut=300000)
        self.server.fail("GET", cut=200000)
        self.ok(self.s3("cp", "s3://bucket/x", "back"))
        self.assertTrue((self.place / "back").read_bytes() == self.data[:MEGABYTE])

    def test_parts_are_cut(self):
        self.server.put("bucket", "x", self.data)
        self.server.fail("GET", cut=5 * MEGABYTE, times=3)
        self.ok(self.s3("cp", "s3://bucket/x", "back"))
        self.assertTrue((self.place / "back").read_bytes() == self.data)

    def test_a_cut_download_goes_on_next_time(self):
        self.server.put("bucket", "x", self.data)
        words = ["cp", "s3://bucket/x", "back", "--network-attempts", 1, "--transfers", 1]
        self.server.faults.append(fake_s3.Fault("GET", "x", 0))
        self.ok(self.s3("cp", "s3://bucket/x", "whole", "--transfers", 1))
        self.assertEqual(len(self.server.seen("GET")), 3)
        count = [0]

        def third():
            count[0] += 1
            return count[0] == 3

        server, handler = self.server, fake_s3.Handler.do_get
        self.addCleanup(setattr, fake_s3.Handler, "do_get", handler)

        def do_get(request):
            if third():
                request.what = {"cut": MEGABYTE}
            handler(request)

        fake_s3.Handler.do_get = do_get
        self.fails(self.s3(*words), 1, "s3://bucket/x")
        self.assertFalse((self.place / "back").exists())
        self.assertEqual(len(self.left_over()), 2)
        server.requests.clear()
        self.ok(self.s3(*words))
        self.assertEqual(len(server.seen("GET")), 1)
        self.assertTrue((self.place / "back").read_bytes() == self.data)
        self.assertEqual(self.left_over(), [])

    def test_an_object_that_changed_is_not_mixed(self):
        other = randoms(20 * MEGABYTE, 2)
        self.server.put("bucket", "x", self.data)
        self.server.fail("GET", cut=MEGABYTE, times=3)
        self.fails(self.s3("cp", "s3://bucket/x", "back", "--network-attempts", 1), 1, "s3://bucket/x")
        self.server.faults.clear()
        self.server.put("bucket", "x", other)
        self.ok(self.s3("cp", "s3://bucket/x", "back"))
        self.assertTrue((self.place / "back").read_bytes() == other)
        self.server.fail("GET", call=lambda: self.server.put("bucket", "x", self.data))
        done = self.s3("cp", "s3://bucket/x", "back2", "--transfers", 1)
        self.fails(done, 3, "has changed meanwhile")
        self.assertFalse((self.place / "back2").exists())
        self.assertTrue((self.place / "back").read_bytes() == other)

    def test_a_wrong_length_or_content(self):
        self.server.put("bucket", "x", b"woof")
        self.server.fail("GET", short=10, times=9)
        self.fails(self.s3("cp", "s3://bucket/x", "back"), 1, "s3://bucket/x")
        self.server.faults.clear()
        self.server.put("bucket", "x", b"wool", etag=hashlib.md5(b"woof").hexdigest())
        self.fails(self.s3("cp", "s3://bucket/x", "back"), 3, "not what its ETag")
        self.server.fail("GET", text="too much")
        self.fails(self.s3("cp", "s3://bucket/x", "back"), 1, "more than the expected")
        self.assertEqual(self.left_over() + [path.name for path in self.place.glob("back")], [])
        self.file("there", b"1")
        self.server.fail("PUT", etag="0" * 32)
        self.fails(self.s3("cp", "there", "s3://bucket/y"), 3, "other bytes")

    def test_a_slow_server(self):
        self.server.put("bucket", "x", b"woof")
        self.server.fail("GET", wait=4)
        started = time.monotonic()
        self.ok(self.s3("cp", "s3://bucket/x", "back", "--network-timeout", 1))
        self.assertLess(time.monotonic() - started, 3.9)

    def test_lists_that_cannot_be_read(self):
        for text in ("", "<ListBucketResult>", "<ListBucketResult><Contents><Key>x</Key></Contents></ListBucketResult>",
                     "<Other/>", "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
                     "<!DOCTYPE a><ListBucketResult/>",
                     "<ListBucketResult><Contents><Key>x</Key><ETag>1</ETag><Size>-1</Size></Contents></ListBucketResult>"):
            with self.subTest(text=text):
                self.server.fail("GET", text=text)
                self.fails(self.s3("ls", "s3://bucket"), 3, "s3://bucket")

    def test_uploads_in_parts_survive_faults(self):
        self.file("there", self.data)
        self.server.fail("POST", "uploads", status=500)
        self.server.fail("PUT", "partNumber=2", status=503, times=2)
        self.server.fail("POST", "uploadId", text="<Error><Code>InternalError</Code><Message>again</Message></Error>")
        self.ok(self.s3("cp", "there", "s3://bucket/x"))
        self.assertTrue(self.server.get("bucket", "x") == self.data)
        self.assertEqual(self.server.uploads, {})

    def test_a_failed_upload_is_aborted(self):
        self.file("there", self.data)
        for fault in (fake_s3.Fault("PUT", "partNumber=3", 9, status=403, code="AccessDenied"),
                      fake_s3.Fault("POST", "uploadId", 9,
                                    text="<Error><Code>InvalidPart</Code><Message>no</Message></Error>")):
            self.server.faults = [fault]
            self.fails(self.s3("cp", "there", "s3://bucket/x"), 1, "s3://bucket/x", fault.what.get("code", "InvalidPart"))
            self.assertEqual((self.server.uploads, self.server.keys("bucket")), ({}, []))
            self.assertEqual(list((self.place / "cache/store/uploads").iterdir()), [])

    def test_a_killed_upload_is_aborted_by_the_next_run(self):
        self.file("there", self.data)
        self.file("small", b"1")
        self.server.fail("PUT", "partNumber=3", wait=60)
        process = tool.start("s3", "cp", "there", "s3://bucket/x", "--transfers", "1", folder=self.place,
                             **self.environment)
        while not self.server.seen("PUT", "partNumber=3"):
            time.sleep(0.01)
        # While it lives nobody touches its upload.
        self.ok(self.s3("cp", "small", "s3://bucket/small"))
        self.assertEqual(len(self.server.uploads), 1)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.assertEqual(self.server.keys("bucket"), ["small"])
        self.ok(self.s3("cp", "small", "s3://bucket/small"))
        self.assertEqual(self.server.uploads, {})
        self.assertEqual(list((self.place / "cache/store/uploads").iterdir()), [])
        self.ok(self.s3("cp", "there", "s3://bucket/x"))
        self.assertTrue(self.server.get("bucket", "x") == self.data)

    def test_an_interrupted_upload_is_aborted(self):
        self.file("there", self.data)
        self.server.fail("PUT", "partNumber=2", wait=60)
        process = tool.start("s3", "cp", "there", "s3://bucket/x", folder=self.place, **self.environment)
        while not self.server.seen("PUT", "partNumber=2"):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        self.assertIn("stopp", process.communicate(timeout=20)[1])
        self.assertEqual(process.returncode, 130)
        self.assertEqual((self.server.uploads, self.server.keys("bucket")), ({}, []))

    def test_a_killed_download_goes_on(self):
        self.server.put("bucket", "x", self.data)
        self.server.fail("GET", "bucket/x", times=0)
        gate = threading.Event()
        handler = fake_s3.Handler.do_get
        self.addCleanup(setattr, fake_s3.Handler, "do_get", handler)
        fake_s3.Handler.do_get = lambda request: (request.headers.get("range", "").startswith("bytes=16") and gate.wait(60),
                                                  handler(request))
        process = tool.start("s3", "cp", "s3://bucket/x", "back", "--transfers", "1", folder=self.place, **self.environment)
        while len(self.server.seen("GET")) < 3:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        gate.set()
        self.assertFalse((self.place / "back").exists())
        self.server.requests.clear()
        self.ok(self.s3("cp", "s3://bucket/x", "back"))
        self.assertEqual(len(self.server.seen("GET")), 1)
        self.assertTrue((self.place / "back").read_bytes() == self.data)


class Sync(Case):
    def tree(self, folder):
        return {str(path.relative_to(self.place / folder)): path.read_bytes()
                for path in (self.place / folder).rglob("*") if path.is_file()}

    def test_there_and_back(self):
        for name in ("a.jpg", "sub/b c.jpg", "sub/ü/d.jpg"):
            self.file("from/" + name, name.encode())
        self.file("from/big", randoms(9 * MEGABYTE))
        dry = self.ok(self.s3("sync", "from", "s3://bucket/dogs", "--dry-run", "--json")).json
        self.assertEqual(sorted(dry["copied"]), sorted(self.tree("from")))
        self.assertEqual((dry["dry_run"], self.server.keys("bucket")), (True, []))
        first = self.ok(self.s3("sync", "from", "s3://bucket/dogs", "--json")).json
        self.assertEqual(sorted(first["copied"]), sorted(self.tree("from")))
        self.assertEqual({key[5:]: self.server.get("bucket", key) for key in self.server.keys("bucket")}, self.tree("from"))
        again = self.ok(self.s3("sync", "from", "s3://bucket/dogs", "--json")).json
        self.assertEqual((again["copied"], again["kept"]), ([], 4))
        self.ok(self.s3("sync", "s3://bucket/dogs", "to"))
        self.assertEqual(self.tree("to"), self.tree("from"))
        again = self.ok(self.s3("sync", "s3://bucket/dogs/", "to", "--json")).json
        self.assertEqual((again["copied"], again["kept"]), ([], 4))

    def test_only_what_differs_travels_and_nothing_goes_unasked(self):
        for name in ("same", "changed", "mine"):
            self.file("from/" + name, name.encode())
        self.ok(self.s3("sync", "from", "s3://bucket/d"))
        self.file("from/changed", b"CHANGED")  # same size
        (self.place / "from/mine").unlink()
        self.server.put("bucket", "d/theirs", b"")
        self.server.put("bucket", "d2/other", b"")
        report = self.ok(self.s3("sync", "from", "s3://bucket/d", "--json")).json
        self.assertEqual((report["copied"], report["deleted"], report["kept"]), (["changed"], [], 1))
        self.assertEqual(self.server.keys("bucket"), ["d/changed", "d/mine", "d/same", "d/theirs", "d2/other"])
        report = self.ok(self.s3("sync", "from", "s3://bucket/d", "--delete", "--json")).json
        self.assertEqual((report["copied"], report["deleted"]), ([], ["mine", "theirs"]))
        self.assertEqual(self.server.keys("bucket"), ["d/changed", "d/same", "d2/other"])
        self.file("from/local", b"")
        report = self.ok(self.s3("sync", "s3://bucket/d", "from", "--delete", "--json")).json
        self.assertEqual(sorted(self.tree("from")), ["changed", "same"])

    def test_an_empty_source_deletes_nothing(self):
        self.server.put("bucket", "d/x", b"")
        (self.place / "empty").mkdir()
        self.fails(self.s3("sync", "empty", "s3://bucket/d", "--delete"), 3, "nothing is deleted")
        self.file("full/x", b"")
        self.fails(self.s3("sync", "s3://bucket/none", "full", "--delete"), 3, "nothing is deleted")
        self.assertEqual(list(self.tree("full")), ["x"])

    def test_names_that_lead_out_of_the_folder(self):
        for key in ("d/../../evil", "d//evil", "d/./evil", "d/a\\b", "d/a\nb"):
            with self.subTest(key=key):
                self.server.objects["bucket"] = {}
                self.server.put("bucket", key, b"evil")
                done = self.s3("sync", "s3://bucket/d", "to")
                self.fails(done, 3)
                self.assertEqual(list(self.place.rglob("evil")), [])

    def test_two_keys_that_would_be_one_file(self):
        self.server.put("bucket", "d/Dog.jpg", b"1")
        self.server.put("bucket", "d/dog.jpg", b"2")
        self.fails(self.s3("sync", "s3://bucket/d", "to"), 3, "Dog.jpg", "dog.jpg")
        self.assertFalse((self.place / "to").exists())

    def test_links_in_the_target_are_not_followed(self):
        (self.place / "outside").mkdir()
        (self.place / "to").mkdir()
        (self.place / "to/sub").symlink_to(self.place / "outside")
        self.server.put("bucket", "d/sub/x", b"1")
        self.assertNotEqual(self.s3("sync", "s3://bucket/d", "to").code, 0)
        self.assertEqual(list((self.place / "outside").iterdir()), [])


if __name__ == "__main__":
    tool.main()
