"""The sink `s3`: alerts that share an object, its key, and the outcomes of alerts by the storage's answers."""

import asyncio
import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from pydantic import ValidationError

from mozu.core.api import ConfigError, Outcome, Record, Rejected, Retry
from mozu.core.testing import Reply, ScriptedEndpoint, alert, check_sink, context, records, scripted_endpoint
from mozu.core.testing.scripted_endpoint import EndpointRequest
from mozu.core.testing.virtual_clock import run as run_virtually
from mozu.plugins.sinks.s3.answer import Fate, StorageAnswer, classify
from mozu.plugins.sinks.s3.bucket import Bucket
from mozu.plugins.sinks.s3.object_key import object_key
from mozu.plugins.sinks.s3.settings import S3Settings
from mozu.plugins.sinks.s3.sink import S3Sink, build
from tests.support.ports import free_port

BASE: Final[dict[str, Any]] = {"bucket": "alerts", "access_key": "AKIAEXAMPLE", "secret_key": "s3cr3t-k3y"}
HOUR: Final = 3_600_000_000_000


def settings(**more: Any) -> S3Settings:
    return S3Settings.model_validate({**BASE, "linger": 0, **more})


def items(count: int, *, hours: Sequence[int] = ()) -> list[Record]:
    made = records(*(alert(f"Rule {number}") for number in range(count)))
    for number, record in enumerate(made):
        record.alert.time = 1_795_887_296_000_000_000 + (hours[number] * HOUR if hours else 0)
    return list(made)


def refusal(status: int, code: str, message: str = "no") -> Reply:
    return Reply(status, f"<?xml?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode())


def play(endpoint: ScriptedEndpoint, batches: Sequence[Sequence[Record]], **more: Any) -> list[Sequence[Outcome]]:
    """Return the outcomes of these batches, delivered by one sink."""

    async def scenario() -> list[Sequence[Outcome]]:
        made = build(settings(endpoint=endpoint.url, **more), context())
        await made.start()
        try:
            return [await made.deliver(batch) for batch in batches]
        finally:
            await made.stop()

    return asyncio.run(scenario())


def lines(request: EndpointRequest) -> list[bytes]:
    return gzip.decompress(request.body).splitlines()


# --- objects and keys


def test_alerts_of_several_hours_are_objects_of_their_hours() -> None:
    batch = items(5, hours=(0, 0, 1, 1, 1))
    with scripted_endpoint(200) as endpoint:
        assert [[None] * 5] == [list(one) for one in play(endpoint, [batch])]

    assert [2, 3] == [len(lines(request)) for request in endpoint.requests]
    assert ["17", "18"] == [request.path.split("/")[6] for request in endpoint.requests]
    assert {"PUT"} == {request.method for request in endpoint.requests}


def test_an_object_has_no_more_alerts_and_bytes_than_it_may_have() -> None:
    batch = items(6)
    with scripted_endpoint(200) as endpoint:
        play(endpoint, [batch], batch_records=4)
        play(endpoint, [batch], batch_bytes=2 * len(batch[0].body) + 1)

    assert [4, 2, 2, 2, 2] == [len(lines(request)) for request in endpoint.requests]


def test_the_same_alerts_have_the_same_key_and_others_another() -> None:
    batch = items(3)

    assert object_key("a/", batch, ".log") == object_key("a/", batch, ".log")
    assert object_key("a/", batch, ".log") != object_key("a/", batch[:2], ".log")


def test_no_name_of_a_host_gets_out_of_its_place_in_a_key() -> None:
    (item,) = items(1)
    item.stamp = msgspec.structs.replace(item.stamp, agent="../x y\n\udc80/")

    key = object_key("{agent}/", [item], ".log")

    assert key.startswith("-x-y-/20261128T173456.000000Z--x-y--")


@pytest.mark.parametrize(
    ("more", "suffix", "kind"),
    [
        ({"gzip": True}, ".log.gz", "application/gzip"),
        ({"gzip": False}, ".log", "text/plain; charset=utf-8"),
    ],
)
def test_a_suffix_says_what_an_object_holds(more: dict[str, Any], suffix: str, kind: str) -> None:
    with scripted_endpoint(200) as endpoint:
        play(endpoint, [items(1)], **more)

    (request,) = endpoint.requests
    assert request.path.endswith(suffix)
    assert kind == {name.lower(): value for name, value in request.headers.items()}["content-type"]


def test_few_alerts_wait_until_more_may_have_come_and_a_full_object_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> list[float]:
        made = S3Sink(settings(linger=7, batch_records=2), context())
        clock, found = asyncio.get_running_loop().time, list[float]()

        async def write(key: str, body: bytes, kind: str) -> StorageAnswer:
            found.append(clock())
            return StorageAnswer(Fate.WRITTEN)

        monkeypatch.setattr(made._bucket, "write", write)  # the network has no virtual clock
        for count in (1, 1, 2, 1):
            await made.deliver(items(count))
        return found

    assert [0.0, 7.0, 7.0, 14.0] == run_virtually(scenario())


def test_the_contract_of_sinks_holds() -> None:
    with scripted_endpoint(200) as endpoint:
        asyncio.run(check_sink(lambda: build(settings(endpoint=endpoint.url), context())))


# --- answers


@pytest.mark.parametrize(
    ("status", "code", "fate"),
    [
        (200, "", Fate.WRITTEN),
        (204, "", Fate.WRITTEN),
        (301, "PermanentRedirect", Fate.WAIT),
        (307, "TemporaryRedirect", Fate.WAIT),
        (400, "ExpiredToken", Fate.WAIT),
        (400, "RequestTimeout", Fate.WAIT),
        (400, "InvalidArgument", Fate.BLAMED),
        (400, "", Fate.BLAMED),
        (400, "EntityTooLarge", Fate.TOO_LARGE),
        (401, "", Fate.WAIT),
        (403, "AccessDenied", Fate.WAIT),
        (403, "SignatureDoesNotMatch", Fate.WAIT),
        (404, "NoSuchBucket", Fate.WAIT),
        (409, "OperationAborted", Fate.WAIT),
        (413, "", Fate.TOO_LARGE),
        (422, "", Fate.BLAMED),
        (429, "TooManyRequests", Fate.WAIT),
        (500, "InternalError", Fate.WAIT),
        (503, "SlowDown", Fate.WAIT),
        (507, "XMinioStorageFull", Fate.WAIT),
    ],
)
def test_an_answer_decides(status: int, code: str, fate: Fate) -> None:
    assert fate is classify(status, f"<Error><Code>{code}</Code><Message>a &amp; b</Message></Error>").fate


def test_a_remedy_is_said() -> None:
    found = classify(403, "<Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>")

    assert "403 AccessDenied: Access Denied. (the access key needs s3:PutObject for the bucket)" in found.reason


def test_a_storage_that_refuses_everything_is_asked_once_and_blames_no_alert() -> None:
    batch = items(5)
    with scripted_endpoint(refusal(503, "SlowDown"), 200) as endpoint:
        first, second = play(endpoint, [batch, batch], batch_records=2)

    assert [Retry(tried=False)] * 5 == list(first)
    assert [None] * 5 == list(second)
    assert [2, 2, 2, 1] == [len(lines(request)) for request in endpoint.requests]


def test_an_object_that_may_have_been_written_is_written_again_with_the_same_alerts_under_the_same_key() -> None:
    batch = items(9)
    with scripted_endpoint(500, 200) as endpoint:
        play(endpoint, [batch[:4], batch])

    one, again, rest = endpoint.requests
    assert (one.path, one.body) == (again.path, again.body)
    assert [item.body for item in batch[4:]] == lines(rest)


def test_an_object_that_is_too_large_is_halved_until_one_alert_alone_is_refused() -> None:
    batch = items(4)
    large = refusal(400, "EntityTooLarge")
    with scripted_endpoint(large, 200, large, large, 200) as endpoint:
        ((*good, bad, last),) = play(endpoint, [batch])

    assert [None, None] == good
    assert isinstance(bad, Rejected)
    assert "EntityTooLarge" in bad.reason
    assert last is None
    assert [4, 2, 2, 1, 1] == [len(lines(request)) for request in endpoint.requests]


def test_alerts_are_tried_one_by_one_after_three_refusals_that_may_be_their_fault() -> None:
    batch = items(2)
    bad = refusal(400, "InvalidArgument")
    with scripted_endpoint(bad, bad, bad, 200, bad) as endpoint:
        *refused, last = play(endpoint, [batch, batch, batch])

    assert [[Retry(tried=False)] * 2] * 2 == [list(one) for one in refused]
    assert [None, Retry(tried=True)] == list(last)


def test_a_storage_that_is_absent_blames_no_alert_and_fails_the_check() -> None:
    async def scenario() -> tuple[Sequence[Outcome], str | None]:
        made = build(settings(endpoint=f"http://127.0.0.1:{free_port()}"), context())
        await made.start()
        try:
            return await made.deliver(items(2)), await made.check()
        finally:
            await made.stop()

    outcomes, why = asyncio.run(scenario())
    assert [Retry(tried=False)] * 2 == list(outcomes)
    assert "no connection" in str(why)


def test_what_a_storage_repeats_of_the_credentials_is_not_said() -> None:
    with scripted_endpoint(refusal(403, "Odd", "key s3cr3t-k3y token t0k3n-of-mine \x1b[31m")) as endpoint:

        async def scenario() -> str | None:
            made = build(settings(endpoint=endpoint.url, session_token="t0k3n-of-mine"), context())
            await made.start()
            try:
                return await made.check()
            finally:
                await made.stop()

        why = str(asyncio.run(scenario()))
    assert "key *** token ***" in why
    assert why.isprintable()


def test_a_storage_that_lets_mozu_write_and_not_list_passes_the_check() -> None:
    with scripted_endpoint(refusal(403, "AccessDenied")) as endpoint:

        async def scenario() -> str | None:
            made = build(settings(endpoint=endpoint.url), context())
            await made.start()
            try:
                return await made.check()
            finally:
                await made.stop()

        assert asyncio.run(scenario()) is None


# --- settings


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({}, "https://alerts.s3.us-east-1.amazonaws.com/"),
        ({"region": "eu-west-1", "addressing": "path"}, "https://s3.eu-west-1.amazonaws.com/alerts/"),
        ({"endpoint": "https://minio.example:9000"}, "https://minio.example:9000/alerts/"),
        ({"endpoint": "http://[::1]:9000/"}, "http://[::1]:9000/alerts/"),
        ({"endpoint": "https://s3.example", "addressing": "virtual"}, "https://alerts.s3.example/"),
    ],
)
def test_a_bucket_is_in_the_host_or_in_the_path(more: dict[str, Any], where: str) -> None:
    assert where == str(Bucket(settings(**more)))


def test_keys_in_headers_never_print() -> None:
    made = settings(headers={"x-amz-server-side-encryption-customer-key": "K3Y"})

    assert "K3Y" in made.secrets()
    assert "K3Y" not in repr(made) + made.model_dump_json()


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"bucket": "../x"}, "name of a bucket"),
        ({"bucket": "a..b"}, "name of a bucket"),
        ({"bucket": "my.alerts"}, "addressing: path"),
        ({"endpoint": "minio:9000"}, "must be a URL"),
        ({"endpoint": "https://minio.example/path"}, "without a path"),
        ({"endpoint": "https://u:p@minio.example"}, "must be a URL"),
        ({"prefix": "/a"}, "no / at its beginning"),
        ({"prefix": "a/../b"}, "no steps"),
        ({"prefix": "{rule}/"}, "may refer to"),
        ({"prefix": "{year!r}/"}, "may refer to"),
        ({"prefix": "{/"}, "may refer to"),
        ({"prefix": "x" * 701}, "700 bytes"),
        ({"headers": {"authorization": "x"}}, "must be a header"),
        ({"headers": {"x-amz-date": "x"}}, "must be a header"),
        ({"headers": {"x-amz-acl": "a\r\nb: c"}}, "one line"),
        ({"secret_key": ""}, "one line"),
        ({"access_key": "a\nb"}, "one line"),
    ],
)
def test_settings_that_cannot_be_are_refused(more: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        settings(**more)


def test_a_certificate_that_cannot_be_read_is_a_mistake_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.pem"):
        build(settings(tls={"ca": tmp_path / "absent.pem"}), context())
