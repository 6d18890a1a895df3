"""The sink `s3` against moto's server, which checks signatures with AWS's own signer."""

import asyncio
import gzip
import socket
from collections.abc import Iterator, Sequence
from typing import Any, cast

import orjson
import pytest

from mozu.core.api import Outcome, Record, Retry, Sink
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.delivery.memory_queue import MemoryQueue
from mozu.core.delivery.sink_worker import SinkWorker
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.testing import alert, context, records
from mozu.plugins.sinks.s3.settings import S3Settings
from mozu.plugins.sinks.s3.sink import S3Sink, build
from tests.support.moto import MotoServer, moto_server
from tests.support.packing import packed

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def server() -> Iterator[MotoServer]:
    with moto_server() as found:
        for name in ("alerts", "odd", "virtual"):
            found.create_bucket(name)
        found.check_signatures()
        yield found


def settings(server: MotoServer, bucket: str, **more: Any) -> S3Settings:
    base = {"bucket": bucket, "endpoint": server.url, "access_key": server.key, "secret_key": server.secret}
    return S3Settings.model_validate({**base, "linger": 0, **more})


def deliver(given: S3Settings, items: Sequence[Record]) -> Sequence[Outcome]:
    async def scenario() -> Sequence[Outcome]:
        made = sink(given)
        await made.start()
        try:
            return await made.deliver(items)
        finally:
            await made.stop()

    return asyncio.run(scenario())


def sink(given: S3Settings) -> S3Sink:
    described = context()
    described.content_type = "application/json"
    return build(given, described)


def check(given: S3Settings) -> str | None:
    async def scenario() -> str | None:
        made = sink(given)
        await made.start()
        try:
            return await made.check()
        finally:
            await made.stop()

    return asyncio.run(scenario())


def test_alerts_are_lines_of_one_object_whose_key_has_their_date(server: MotoServer) -> None:
    items = records(*(alert(f"Rule {number}") for number in range(40)))
    for item in items:
        item.alert.time = 1_795_887_296_123_456_789

    assert [None] * 40 == list(deliver(settings(server, "alerts"), items))

    ((key, content),) = server.objects("alerts").items()
    assert key.startswith("mozu/2026/11/28/17/20261128T173456.123456Z-")
    assert key.endswith(".jsonl.gz")
    lines = gzip.decompress(content).splitlines()
    assert [item.body for item in items] == lines
    assert "application/gzip" == server.head("alerts", key)["ContentType"]


def test_a_prefix_of_any_letters_and_headers_of_ones_own_are_signed_as_aws_signs_them(server: MotoServer) -> None:
    given = settings(
        server, "odd", prefix="a b+c/é=百舌/~*'()&$@,;:%25/", gzip=False,
        headers={"x-amz-storage-class": "STANDARD_IA", "x-amz-meta-site": "a  b"},
    )  # fmt: skip

    assert [None] == list(deliver(given, records(alert("x\n\udc80"))))

    ((key, content),) = server.objects("odd").items()
    assert key.startswith("a b+c/é=百舌/~*'()&$@,;:%25/")
    assert isinstance(orjson.loads(content), dict)
    assert "STANDARD_IA" == server.head("odd", key)["StorageClass"]


def test_a_bucket_in_the_name_of_the_host(server: MotoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    resolve = socket.getaddrinfo

    def all_lead_here(host: str, *arguments: Any, **options: Any) -> Any:
        asked.append(host)
        return resolve("127.0.0.1", *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", all_lead_here)
    endpoint = f"http://s3.us-east-1.amazonaws.com:{server.port}"

    given = settings(server, "virtual", endpoint=endpoint, addressing="virtual")

    assert [None] == list(deliver(given, records(alert())))
    assert ["virtual.s3.us-east-1.amazonaws.com"] == asked
    monkeypatch.undo()
    assert 1 == len(server.objects("virtual"))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"secret_key": "wr0ng"}, "SignatureDoesNotMatch"),
        ({"access_key": "AKIAABSENT"}, "InvalidAccessKeyId"),
        ({"bucket": "absent"}, "NoSuchBucket"),
    ],
)
def test_what_is_wrong_with_the_configuration_blames_no_alert(
    server: MotoServer, wrong: dict[str, str], said: str
) -> None:
    given = settings(server, **{"bucket": "alerts", **wrong})

    assert [Retry(tried=False)] == list(deliver(given, records(alert())))
    why = str(check(given))
    assert said in why
    assert server.secret not in why


def test_a_storage_that_knows_bucket_and_key_passes_the_check(server: MotoServer) -> None:
    assert check(settings(server, "alerts")) is None


def test_every_alert_is_in_one_object_through_the_cores_queue_and_retries(server: MotoServer) -> None:
    server.create_bucket("many")
    alerts = [alert(f"Rule {number}") for number in range(1_300)]

    async def scenario() -> None:
        metrics = Metrics()
        isolated = Isolated("sink", "s3", cast(Sink, sink(settings(server, "many"))), metrics)
        queue = MemoryQueue(1 << 30, isolated.metrics)
        worker = SinkWorker(isolated, FalcoJson(), queue, agent="host", on_closed=lambda reason: None)
        await worker.start()
        for item in alerts:
            worker.accept(packed(item))
        worker.finish()
        await worker.run()
        await worker.stop()

    asyncio.run(scenario())

    objects = server.objects("many")
    found = [orjson.loads(line)["uuid"] for body in objects.values() for line in gzip.decompress(body).splitlines()]
    assert sorted(item.id for item in alerts) == sorted(found)
    assert len(objects) < 10
