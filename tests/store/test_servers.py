"""The tool against servers that other people wrote, with boto3 at the other end: OpenStack Swift, which verifies signatures
as Amazon does, and moto. test_servers.py swift|moto; the Python that runs it has boto3. Ends with 77 where a server or boto3
is missing."""
import importlib.util
import random
import signal
import sys
import time
import unittest

import tool
from servers import common, moto_server, swift_server

MEGABYTE = 1 << 20
ODD_KEYS = ["a b", "x+y", "x=y&z", "u/ü", "~*()!'", "per%cent", "q?uestion#hash", "日本/犬.jpg", "<&>\"", "d/e/f", "a;b:c@d,e$f"]
SERVER = None
KIND = ""


class Bucket(tool.Folder):
    """A bucket for each test, and boto3 to look into it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.boto = SERVER.client()
        cls.number = 0

    def setUp(self):
        type(self).number += 1
        self.bucket = f"bucket{self.number}"
        self.boto.create_bucket(Bucket=self.bucket)
        self.place = self.folder / str(self.number)
        self.place.mkdir()

    def environment(self, **more):
        return {**SERVER.environment(), "DOGBREED_CACHE": str(self.place / "cache"), "DOGBREED_RETRY_DELAY": "0.05",
                **more}

    def s3(self, *words, **more):
        return tool.run("s3", *words, folder=self.place, **self.environment(**more))

    def keys(self):
        pages = self.boto.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def read(self, key):
        return self.boto.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def uploads(self):
        return self.boto.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])

    def odd_keys(self):
        return ODD_KEYS if KIND == "swift" else ["plain", "dots.and-dashes_1", "d/e/f"]


class Store(Bucket):
    def test_odd_keys_both_ways(self):
        for number, key in enumerate(self.odd_keys()):
            with self.subTest(key=key):
                (self.place / "there").write_bytes(key.encode())
                self.ok(self.s3("cp", "there", f"s3://{self.bucket}/{key}"))
                self.assertEqual(self.read(key), key.encode())
                self.boto.put_object(Bucket=self.bucket, Key=key, Body=b"%d" % number)
                self.ok(self.s3("cp", f"s3://{self.bucket}/{key}", "back"))
                self.assertEqual((self.place / "back").read_bytes(), b"%d" % number)
        listed = self.ok(self.s3("ls", f"s3://{self.bucket}", "--recursive", "--json")).lines
        self.assertEqual([row["key"] for row in listed], sorted(self.odd_keys(), key=str.encode))
        self.assertEqual(sorted(self.keys()), sorted(self.odd_keys()))
        for key in self.odd_keys():
            self.ok(self.s3("rm", f"s3://{self.bucket}/{key}"))
        self.assertEqual(self.keys(), [])

    def test_sizes_and_parts_both_ways(self):
        for size in (0, 1, 8 * MEGABYTE, 8 * MEGABYTE + 1, 20 * MEGABYTE):
            with self.subTest(size=size):
                data = random.Random(size).randbytes(size)
                (self.place / "there").write_bytes(data)
                self.ok(self.s3("cp", "there", f"s3://{self.bucket}/ours"))
                self.assertTrue(self.read("ours") == data)
                self.boto.upload_file(str(self.place / "there"), self.bucket, "theirs")
                self.ok(self.s3("cp", f"s3://{self.bucket}/theirs", "back"))
                self.assertTrue((self.place / "back").read_bytes() == data)
                for key in ("ours", "theirs"):
                    self.assertEqual(self.boto.head_object(Bucket=self.bucket, Key=key)["ContentLength"], size)
        self.assertEqual(self.uploads(), [])

    def test_a_list_of_pages(self):
        count = 1005 if KIND == "swift" else 1100
        (self.place / "many").mkdir()
        for i in range(count):
            (self.place / "many" / f"{i:04}").write_bytes(b"%d" % i)
        self.ok(self.s3("sync", "many", f"s3://{self.bucket}/many"))
        self.assertEqual(self.keys(), [f"many/{i:04}" for i in range(count)])
        rows = self.ok(self.s3("ls", f"s3://{self.bucket}/many/", "--json")).lines
        self.assertEqual([row["key"] for row in rows], self.keys())
        again = self.ok(self.s3("sync", "many", f"s3://{self.bucket}/many", "--json")).json
        self.assertEqual((again["copied"], again["kept"]), ([], count))
        self.ok(self.s3("sync", f"s3://{self.bucket}/many", "back"))
        self.assertEqual({path.name: path.read_bytes() for path in (self.place / "back").iterdir()},
                         {f"{i:04}": b"%d" % i for i in range(count)})

    def test_sync_keeps_what_is_equal(self):
        (self.place / "from/sub").mkdir(parents=True)
        (self.place / "from/sub/big").write_bytes(random.Random(1).randbytes(9 * MEGABYTE))
        (self.place / "from/small").write_bytes(b"1")
        for target in (f"s3://{self.bucket}/d", f"s3://{self.bucket}/d"):
            report = self.ok(self.s3("sync", "from", target, "--json")).json
        self.assertEqual((report["copied"], report["kept"]), ([], 2))
        self.boto.put_object(Bucket=self.bucket, Key="d/small", Body=b"2")
        self.boto.put_object(Bucket=self.bucket, Key="d/other", Body=b"3")
        report = self.ok(self.s3("sync", f"s3://{self.bucket}/d", "from", "--json")).json
        self.assertEqual((sorted(report["copied"]), report["kept"]), (["other", "small"], 1))
        report = self.ok(self.s3("sync", "from", f"s3://{self.bucket}/d", "--delete", "--json")).json
        self.assertEqual((report["copied"], report["deleted"]), ([], []))
        (self.place / "from/other").unlink()
        report = self.ok(self.s3("sync", "from", f"s3://{self.bucket}/d", "--delete", "--json")).json
        self.assertEqual((report["deleted"], self.keys()), (["other"], ["d/small", "d/sub/big"]))

    def test_what_is_not_there(self):
        self.fails(self.s3("cp", f"s3://{self.bucket}/none", "x"), 3, "no such object (404")
        self.fails(self.s3("ls", "s3://nobucketsuch"), 3, "no such bucket")

    @unittest.skipUnless(sys.argv[1:2] == ["swift"], "moto verifies no signatures")
    def test_wrong_keys_and_region(self):
        (self.place / "there").write_bytes(b"1")
        self.fails(self.s3("ls", f"s3://{self.bucket}", AWS_SECRET_ACCESS_KEY="wrong"), 1, "403 SignatureDoesNotMatch")
        self.fails(self.s3("cp", "there", f"s3://{self.bucket}/x", AWS_ACCESS_KEY_ID="test:nobody"), 1, "403")
        self.fails(self.s3("ls", f"s3://{self.bucket}", "--no-sign-request"), 1, "answered 412")
        self.assertEqual(self.keys(), [])
        self.ok(self.s3("cp", "there", f"s3://{self.bucket}/x", AWS_REGION="eu-west-1"))
        self.ok(self.s3("cp", f"s3://{self.bucket}/x", "back", AWS_REGION="eu-west-1"))
        self.assertEqual(self.read("x"), b"1")

    def test_a_killed_upload_is_not_seen_and_is_aborted(self):
        (self.place / "there").write_bytes(random.Random(1).randbytes(60 * MEGABYTE))
        (self.place / "small").write_bytes(b"1")
        process = tool.start("s3", "cp", "there", f"s3://{self.bucket}/x", "--transfers", "1", "--part-size",
                             str(5 * MEGABYTE), folder=self.place, **self.environment())
        while process.poll() is None and not self.uploads():
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.assertEqual((self.keys(), len(self.uploads())), ([], 1))
        self.ok(self.s3("cp", "small", f"s3://{self.bucket}/small"))
        self.assertEqual((self.keys(), self.uploads()), (["small"], []))
        self.ok(self.s3("cp", "there", f"s3://{self.bucket}/x"))
        self.assertTrue(self.read("x") == (self.place / "there").read_bytes())

    def test_a_killed_download_goes_on(self):
        data = random.Random(1).randbytes(60 * MEGABYTE)
        self.boto.put_object(Bucket=self.bucket, Key="x", Body=data)
        words = ["s3", "cp", f"s3://{self.bucket}/x", "back", "--transfers", "1", "--part-size", str(5 * MEGABYTE)]
        process = tool.start(*words, folder=self.place, **self.environment())
        while process.poll() is None and not list(self.place.glob(".dogbreed-*.json")):
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.assertFalse((self.place / "back").exists())
        self.ok(tool.run(*words, folder=self.place, **self.environment()))
        self.assertTrue((self.place / "back").read_bytes() == data)
        self.assertEqual(list(self.place.glob(".dogbreed-*")), [])


if __name__ == "__main__":
    KIND = sys.argv[1]
    if importlib.util.find_spec("boto3") is None:
        common.skip(f"{sys.executable} has no boto3 (see scripts/test.sh)")
    with {"swift": swift_server, "moto": moto_server}[KIND].server() as SERVER:
        tool.main()
