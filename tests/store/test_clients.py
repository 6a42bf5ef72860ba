"""The tool beside other people's programs on one server, OpenStack Swift: what it uploads, aws and s3cmd download, and the
other way round. The Python that runs it has awscli, boto3 and s3cmd. Ends with 77 where something is missing."""
import importlib.util
import os
import pathlib
import random
import subprocess
import sys

import tool
from servers import common, swift_server

NAMES = ["plain.jpg", "train/a b.jpg", "train/x+y", "train/x=y&z", "u/ü", "~(a)!'", "per%20cent", "hash#mark", "日本/犬.jpg", "[a],{b}",
         "semi;colon:at@", "double  blank", ".hidden", "deep/1/2/3/4/5"]
BIG = 9 << 20  # more than one part of every client
SERVER = None


def aws(*words):
    environment = {**SERVER.environment(), "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
                   "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required"}
    subprocess.run([sys.executable, "-m", "awscli", "s3", *words, "--only-show-errors"], env=environment, check=True)


def s3cmd(*words):
    program = os.path.join(os.path.dirname(sys.executable), "s3cmd")
    host = SERVER.endpoint.split("//")[1]
    subprocess.run([sys.executable, program, "--config", os.devnull, "--access_key", SERVER.key, "--secret_key", SERVER.secret,
                    "--host", host, "--host-bucket", host, "--no-ssl", "--region", SERVER.region, "--quiet", *words], check=True,
                   env=SERVER.environment())


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in pathlib.Path(folder).rglob("*") if path.is_file()}


class Clients(tool.Folder):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.here = cls.folder / "here"
        draw = random.Random(5)
        for name in [*NAMES, "big"]:
            path = cls.here / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(draw.randbytes(BIG if name == "big" else draw.randrange(2000)))
        cls.boto = SERVER.client()

    def ours(self, *words):
        return self.ok(tool.run("s3", *words, folder=self.folder, **SERVER.environment(),
                                DOGBREED_CACHE=str(self.folder / "cache")))

    def bucket(self, name):
        self.boto.create_bucket(Bucket=name)
        return f"s3://{name}"

    def arrives(self, name):
        """The folder has come whole."""
        there, here = tree(self.folder / name), tree(self.here)
        self.assertEqual(sorted(there), sorted(here))
        self.assertEqual([key for key in here if here[key] != there[key]], [])

    def test_what_is_uploaded_here_others_read(self):
        uri = self.bucket("ours")
        self.ours("sync", "here", f"{uri}/d")
        aws("sync", f"{uri}/d", str(self.folder / "by-aws"))
        self.arrives("by-aws")
        (self.folder / "by-s3cmd").mkdir()
        s3cmd("sync", f"{uri}/d/", f"{self.folder}/by-s3cmd/")
        self.arrives("by-s3cmd")

    def test_what_aws_uploads_is_read_here(self):
        uri = self.bucket("of-aws")
        aws("sync", str(self.here), f"{uri}/d")
        self.ours("sync", f"{uri}/d", "from-aws")
        self.arrives("from-aws")
        self.assertEqual(self.ours("sync", f"{uri}/d", "from-aws", "--json").json["copied"], [])

    def test_what_s3cmd_uploads_is_read_here(self):
        uri = self.bucket("of-s3cmd")
        s3cmd("sync", f"{self.here}/", f"{uri}/d/")
        self.ours("sync", f"{uri}/d", "from-s3cmd")
        self.arrives("from-s3cmd")

    def test_what_was_uploaded_here_aws_does_not_upload_again(self):
        uri = self.bucket("twice")
        self.ours("sync", "here", uri)
        before = {item["Key"]: item["LastModified"] for item in self.boto.list_objects_v2(Bucket="twice")["Contents"]}
        aws("sync", str(self.here), uri, "--size-only")
        after = {item["Key"]: item["LastModified"] for item in self.boto.list_objects_v2(Bucket="twice")["Contents"]}
        self.assertEqual(before, after)


if __name__ == "__main__":
    for module in ("boto3", "awscli", "S3"):
        if importlib.util.find_spec(module) is None:
            common.skip(f"{sys.executable} has no {module} (see scripts/test.sh)")
    with swift_server.server() as SERVER:
        tool.main()
