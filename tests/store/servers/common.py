"""What the servers have in common."""
import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass


@dataclass
class Server:
    endpoint: str
    key: str
    secret: str
    region: str = "us-east-1"

    def environment(self):
        """Of a program that is to find this server and nothing of the user's."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "S3_"))}
        return {**kept, "AWS_ENDPOINT_URL": self.endpoint, "AWS_ACCESS_KEY_ID": self.key,
                "AWS_SECRET_ACCESS_KEY": self.secret, "AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_CONFIG_FILE": os.devnull,
                "AWS_EC2_METADATA_DISABLED": "true"}

    def client(self, **words):
        """boto3's client for it, path style."""
        import boto3
        from botocore.config import Config
        words = {"aws_access_key_id": self.key, "aws_secret_access_key": self.secret, "region_name": self.region,
                 **words}
        # Swift 2.30 does not know the checksums of newer clients.
        config = Config(s3={"addressing_style": "path"}, signature_version="s3v4",
                        request_checksum_calculation="when_required", response_checksum_validation="when_required")
        return boto3.client("s3", endpoint_url=self.endpoint, config=config, **words)


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def logs(folder):
    """What the servers below a folder have written."""
    text = []
    for name in sorted(os.listdir(folder)):
        if name.endswith(".log"):
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                text.append(f"{name}: {file.read()}")
    return "\n".join(text)


def run(server, words):
    """A command with a server, and its exit status; 77 when there is no server."""
    if not words:
        sys.exit("a command is missing")
    with server() as one:
        with contextlib.suppress(KeyboardInterrupt):
            sys.exit(subprocess.run(words, env=one.environment()).returncode)
