"""Signatures of requests: the examples that AWS publishes, and AWS's own signer."""

from datetime import UTC, datetime
from typing import Final

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as TheirCredentials
from hypothesis import given
from hypothesis import strategies as st

from mozu.plugins.sinks.s3.signature import S3Credentials, authorization, encoded, signed_headers

EXAMPLE: Final = S3Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
SUITE: Final = S3Credentials(
    "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", service="service"
)
EMPTY: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
HOST: Final = "examplebucket.s3.amazonaws.com"


@pytest.mark.parametrize(
    ("method", "key", "query", "headers", "body", "signature"),
    [
        (
            "GET", "test.txt", {}, {"range": "bytes=0-9"}, b"",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT", "test$file.text", {},
            {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            b"Welcome to Amazon S3.",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            "GET", "", {"lifecycle": ""}, {}, b"",
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            "GET", "", {"max-keys": "2", "prefix": "J"}, {}, b"",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
    ids=["object", "put", "lifecycle", "list"],
)  # fmt: skip
def test_an_example_of_the_api_reference_of_s3(
    method: str, key: str, query: dict[str, str], headers: dict[str, str], body: bytes, signature: str
) -> None:
    path = f"/{encoded(key, '/')}"
    now = datetime(2013, 5, 24, tzinfo=UTC)
    found = signed_headers(EXAMPLE, method, path, query, {"host": HOST, **headers}, body, now)

    assert signature == found["authorization"].rpartition("Signature=")[2]


@pytest.mark.parametrize(
    ("method", "signature"),
    [
        ("GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ],
)
def test_the_vanilla_cases_of_the_published_test_suite(method: str, signature: str) -> None:
    stamp = "20150830T123600Z"
    headers = {"host": "example.amazonaws.com", "x-amz-date": stamp}

    assert authorization(SUITE, method, "/", {}, headers, EMPTY, stamp).endswith(f"Signature={signature}")


@given(
    key=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
    value=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
    body=st.binary(max_size=100),
    token=st.none() | st.just("t0ken"),
)
def test_any_key_and_header_are_signed_as_aws_signs_them(key: str, value: str, body: bytes, token: str | None) -> None:
    mine = S3Credentials(EXAMPLE.access_key, EXAMPLE.secret_key, "eu-central-1", token)
    path = f"/{encoded(key, '/')}"
    request = AWSRequest("PUT", f"https://{HOST}{path}", data=body, headers={"x-amz-meta-a": value})
    S3SigV4Auth(TheirCredentials(mine.access_key, mine.secret_key, token), "s3", mine.region).add_auth(request)
    stamp = datetime.strptime(request.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)

    found = signed_headers(mine, "PUT", path, {}, {"host": HOST, "x-amz-meta-a": value}, body, stamp)

    assert request.headers["Authorization"] == found["authorization"]
