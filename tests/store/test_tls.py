"""The tool against servers of other people behind https with an authority of the test's own, buckets in the path and in the
host's name, encryption asked for on upload. test_tls.py swift|moto; the Python that runs it has boto3. Ends with 77 where a
server, boto3 or openssl is missing."""
import importlib.util
import pathlib
import random
import sys
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, HTTPServer

import test_servers
import tool
from servers import common, moto_server, swift_server, tls

MEGABYTE = 1 << 20
SERVER = RELAY = CERTIFICATES = None
KIND = ""


class Tls(test_servers.Bucket):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.port = RELAY.port

    def setUp(self):
        super().setUp()
        self.before = RELAY.requests

    def s3(self, *words, host="s3.localhost", **more):
        return super().s3(*words, **{"AWS_ENDPOINT_URL": f"https://{host}:{self.port}", "AWS_CA_BUNDLE": str(CERTIFICATES / "ours.pem"),
                                     **more})

    def there_and_back(self, *words, **more):
        """Every odd key, sizes of one and of several parts, a list, a folder."""
        for number, key in enumerate(self.odd_keys()):
            with self.subTest(key=key):
                (self.place / "there").write_bytes(key.encode())
                self.ok(self.s3("cp", "there", f"s3://{self.bucket}/{key}", *words, **more))
                self.assertEqual(self.read(key), key.encode())
                self.boto.put_object(Bucket=self.bucket, Key=key, Body=b"%d" % number)
                self.ok(self.s3("cp", f"s3://{self.bucket}/{key}", "back", *words, **more))
                self.assertEqual((self.place / "back").read_bytes(), b"%d" % number)
        listed = self.ok(self.s3("ls", f"s3://{self.bucket}", "--recursive", "--json", *words, **more)).lines
        self.assertEqual([row["key"] for row in listed], sorted(self.odd_keys(), key=str.encode))
        data = random.Random(3).randbytes(20 * MEGABYTE)
        (self.place / "big").write_bytes(data)
        self.ok(self.s3("cp", "big", f"s3://{self.bucket}/big", *words, **more))
        self.assertTrue(self.read("big") == data)
        self.ok(self.s3("cp", f"s3://{self.bucket}/big", "back", *words, **more))
        self.assertTrue((self.place / "back").read_bytes() == data)
        self.assertEqual(self.uploads(), [])
        (self.place / "from/sub").mkdir(parents=True)
        for name in ("one", "sub/two words"):
            (self.place / "from" / name).write_bytes(name.encode())
        for copied in (2, 0):
            report = self.ok(self.s3("sync", "from", f"s3://{self.bucket}/folder", "--json", *words, **more)).json
            self.assertEqual(len(report["copied"]), copied)
        self.ok(self.s3("rm", f"s3://{self.bucket}/folder/", "--recursive", *words, **more))
        self.assertEqual([key for key in self.keys() if key.startswith("folder")], [])

    @unittest.skipUnless(sys.argv[1:2] == ["swift"], "moto takes the bucket from any name, and verifies no signatures")
    def test_https_with_the_bucket_in_the_path(self):
        self.there_and_back(host="localhost")
        self.assertGreater(RELAY.requests, self.before)

    def test_https_with_the_bucket_in_the_name(self):
        self.there_and_back("--virtual-host")
        self.assertGreater(RELAY.requests, self.before)

    def test_http_with_the_bucket_in_the_name(self):
        plain = SERVER.endpoint.replace("127.0.0.1", "s3.localhost")
        self.there_and_back("--virtual-host", AWS_ENDPOINT_URL=plain)
        self.assertEqual(RELAY.requests, self.before)

    def test_a_bucket_that_is_not_there_by_its_name(self):
        self.fails(self.s3("ls", "s3://nobucketsuch", "--virtual-host"), 3, "no such bucket")

    @unittest.skipUnless(sys.argv[1:2] == ["swift"], "moto takes the bucket from any name, and verifies no signatures")
    def test_a_wrong_secret_over_https(self):
        self.fails(self.s3("ls", f"s3://{self.bucket}", "--virtual-host", AWS_SECRET_ACCESS_KEY="wrong"), 1, "SignatureDoesNotMatch")

    def test_the_option_goes_before_the_variable(self):
        ours = CERTIFICATES / "ours.pem"
        self.ok(self.s3("ls", f"s3://{self.bucket}", "--virtual-host", "--ca-bundle", ours, AWS_CA_BUNDLE=str(CERTIFICATES / "theirs.pem")))

    def test_a_wrong_authority_is_refused(self):
        for more in ({"AWS_CA_BUNDLE": str(CERTIFICATES / "theirs.pem")}, {"AWS_CA_BUNDLE": ""}):
            with self.subTest(**more):
                done = self.s3("ls", f"s3://{self.bucket}", "--virtual-host", **more)
                self.fails(done, 1, f"s3://{self.bucket}: the server's certificate is not accepted (",
                           "theirs.pem" if more["AWS_CA_BUNDLE"] else "the system's authorities", "AWS_CA_BUNDLE")
        self.assertEqual(RELAY.requests, self.before)  # nothing was said, and not five times

    def test_a_certificate_of_another_host(self):
        done = self.s3("ls", f"s3://{self.bucket}", "--path-style", host="elsewhere.localhost")
        self.fails(done, 1, "certificate is not accepted", "elsewhere.localhost")

    def test_authorities_that_cannot_be_read(self):
        self.fails(self.s3("ls", f"s3://{self.bucket}", AWS_CA_BUNDLE="none.pem"), 2, "AWS_CA_BUNDLE none.pem: there is no such file")
        self.fails(self.s3("ls", f"s3://{self.bucket}", "--ca-bundle", "none.pem"), 2, "ca_bundle none.pem")
        (self.place / "text.pem").write_text("no certificate")
        done = self.s3("ls", f"s3://{self.bucket}", "--virtual-host", "--ca-bundle", "text.pem")
        self.fails(done, 1, "ca_bundle text.pem: cannot be read as a PEM file of certificates")

    def test_a_redirect_to_https_gets_no_signature(self):
        seen = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                seen.append(self.path)
                self.send_response(307)
                self.send_header("Location", f"https://s3.localhost:{RELAY.port}{self.path}")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        http = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=http.serve_forever, daemon=True).start()
        self.addCleanup(http.server_close)
        self.addCleanup(http.shutdown)
        done = self.s3("ls", f"s3://{self.bucket}", AWS_ENDPOINT_URL=f"http://127.0.0.1:{http.server_address[1]}")
        self.fails(done, 1, "the server sends us elsewhere (307)", f"to https://s3.localhost:{RELAY.port}", "not followed")
        self.assertEqual((len(seen), RELAY.requests), (1, self.before))

    def encrypted(self, kind, key=None):
        """What boto3 says of an object of one part and one of many."""
        words = ["--virtual-host", "--encryption", kind] + (["--encryption-key", key] if key else [])
        for name, size in (("small", 1000), ("big", 12 * MEGABYTE)):
            data = random.Random(size).randbytes(size)
            (self.place / name).write_bytes(data)
            self.ok(self.s3("cp", name, f"s3://{self.bucket}/{name}", *words))
            head = self.boto.head_object(Bucket=self.bucket, Key=name)
            self.assertEqual((head["ServerSideEncryption"], head["ContentLength"]), (kind, size))
            if key:
                self.assertIn(key, head["SSEKMSKeyId"])
            self.ok(self.s3("cp", f"s3://{self.bucket}/{name}", "back", "--virtual-host"))
            self.assertTrue((self.place / "back").read_bytes() == data)
        (self.place / "d").mkdir()
        (self.place / "d/one").write_bytes(b"1")
        for copied in (1, 0):
            report = self.ok(self.s3("sync", "d", f"s3://{self.bucket}/d", "--json", *words)).json
            self.assertEqual(len(report["copied"]), copied)
        self.assertEqual(self.boto.head_object(Bucket=self.bucket, Key="d/one")["ServerSideEncryption"], kind)

    @unittest.skipUnless(sys.argv[1:2] == ["moto"], "Swift encrypts for itself")
    def test_encryption_by_the_store(self):
        self.encrypted("AES256")

    @unittest.skipUnless(sys.argv[1:2] == ["moto"], "Swift encrypts for itself")
    def test_encryption_by_a_key_service(self):
        self.encrypted("aws:kms")

    @unittest.skipUnless(sys.argv[1:2] == ["moto"], "Swift encrypts for itself")
    def test_encryption_by_a_key_that_is_named(self):
        self.encrypted("aws:kms", "1234abcd-12ab-34cd-56ef-1234567890ab")

    def test_options_that_contradict(self):
        uri = f"s3://{self.bucket}"
        self.fails(self.s3("ls", uri, "--encryption", "AES"), 2, "encryption AES: expected AES256 or aws:kms")
        self.fails(self.s3("ls", uri, "--encryption", "AES256", "--encryption-key", "k"), 2, "encryption_key")
        self.fails(self.s3("ls", uri, "--virtual-host", "--path-style"), 2, "contradict")
        self.fails(self.s3("ls", uri, "--virtual-host", AWS_ENDPOINT_URL="http://127.0.0.1:1"), 2, "127.0.0.1:1 is an address")


if __name__ == "__main__":
    KIND = test_servers.KIND = sys.argv[1]
    if importlib.util.find_spec("boto3") is None:
        common.skip(f"{sys.executable} has no boto3 (see scripts/test.sh)")
    with tempfile.TemporaryDirectory(prefix="dogbreed-tls-") as folder:
        CERTIFICATES = pathlib.Path(folder)
        tls.authority(folder, "ours")
        tls.authority(folder, "theirs")
        pem = tls.certificate(folder, "ours", "server", tls.NAMES)
        with {"swift": swift_server, "moto": moto_server}[KIND].server() as SERVER:
            test_servers.SERVER = SERVER
            RELAY = tls.Relay(pem, int(SERVER.endpoint.rsplit(":", 1)[1]))
            tool.main()
