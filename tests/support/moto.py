"""moto's server: an S3 in a separate process, which on request checks signatures by AWS's own code."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.request import Request, urlopen

import boto3
from botocore.config import Config

from tests.support.ports import free_port

_READY: Final = "Running on"
_ALL_OF_S3: Final = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


class MotoServer:
    """A started server. `key` and `secret` are those of its only user, who may use S3."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        iam = self.client("iam", "any", "any")
        iam.create_user(UserName="mozu")
        iam.put_user_policy(UserName="mozu", PolicyName="s3", PolicyDocument=json.dumps(_ALL_OF_S3))
        made = iam.create_access_key(UserName="mozu")["AccessKey"]
        self.key, self.secret = str(made["AccessKeyId"]), str(made["SecretAccessKey"])
        self._session = self.client("s3", self.key, self.secret)

    def check_signatures(self) -> None:
        """Check the signature of each request from now on."""
        request = Request(f"{self.url}/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"})
        with urlopen(request, timeout=60) as answer:
            assert 200 == answer.status

    def create_bucket(self, name: str) -> None:
        """Create an empty bucket."""
        self._session.create_bucket(Bucket=name)

    def objects(self, bucket: str) -> dict[str, bytes]:
        """Return content by key, as AWS's own client reads it."""
        listed = self._session.list_objects_v2(Bucket=bucket).get("Contents", ())
        return {one["Key"]: self._session.get_object(Bucket=bucket, Key=one["Key"])["Body"].read() for one in listed}

    def head(self, bucket: str, key: str) -> dict[str, Any]:
        """Return the metadata of an object."""
        return dict(self._session.head_object(Bucket=bucket, Key=key))

    def client(self, service: str, key: str, secret: str) -> Any:
        """Return AWS's own client of a service."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
        )


@contextmanager
def moto_server() -> Iterator[MotoServer]:
    """Yield a server on the loopback that runs until the block ends."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={**os.environ, "LC_ALL": "C"}
    ) as process:
        assert process.stderr is not None
        try:
            assert any(_READY in line for line in process.stderr), "moto's server has not started"
            yield MotoServer(port)
        finally:
            process.kill()
