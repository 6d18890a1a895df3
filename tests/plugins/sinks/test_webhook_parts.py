"""Answers, batcher and the circuit: parts that need no network."""

import base64
import time
from email.utils import formatdate
from typing import Final

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from mozu.core.common.alert_batches import Batcher
from mozu.core.common.secret_mask import SecretMask
from mozu.core.testing import alert, records
from mozu.plugins.sinks.webhook import signature
from mozu.plugins.sinks.webhook.circuit_breaker import CircuitBreaker
from mozu.plugins.sinks.webhook.response import Verdict, classify, retry_after

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("-7", 0.0),
        ("7.5", 0.0),
        ("99999999999999999999", 3600.0),
        ("soon", 0.0),
        ("٧", 0.0),
        (formatdate(NOW + 30, usegmt=True), 30.0),
        (formatdate(NOW - 30, usegmt=True), 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600.0),
        ("Tue, 99 Foo 2023 99:99:99 GMT", 0.0),
        ("", 0.0),
    ],
)
def test_retry_after_is_a_number_or_a_date_and_never_too_long(text: str, expected: float) -> None:
    assert expected == retry_after({"Retry-After": text}, NOW)


def test_a_date_is_measured_by_the_clock_of_the_server() -> None:
    headers = {"Retry-After": formatdate(NOW + 1000, usegmt=True), "Date": formatdate(NOW + 990, usegmt=True)}
    assert 10.0 == retry_after(headers, NOW)


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        ((200, 201, 202, 204), Verdict.ACCEPTED),
        ((301, 302, 307, 308, 304, 401, 403, 407, 408, 425, 429, 500, 502, 503, 504, 599), Verdict.RETRY),
        ((400, 404, 405, 410, 413, 415, 422), Verdict.REJECTED),
    ],
)
def test_a_status_decides(statuses: tuple[int, ...], verdict: Verdict) -> None:
    assert {verdict} == {classify(status, {}, now=NOW).verdict for status in statuses}


def _numbers(batcher: Batcher, count: int, *, first: int = 1, size: int = 10) -> list[tuple[int, ...]]:
    made = records(*(alert() for _ in range(first - 1 + count)))[first - 1 :]
    return [batch.numbers() for batch in batcher.pack(made, [b"x" * size] * len(made))]


def test_a_request_is_bounded_in_alerts() -> None:
    assert [(1, 2), (3, 4), (5,)] == _numbers(Batcher(2, 1000), 5)


def test_a_request_is_bounded_in_bytes_but_takes_at_least_one_alert() -> None:
    assert [(1, 2), (3, 4), (5,)] == _numbers(Batcher(100, 25), 5)
    assert [(1,), (2,)] == _numbers(Batcher(100, 5), 2)


def test_a_request_that_is_tried_again_has_the_same_alerts_and_so_the_same_id() -> None:
    batcher = Batcher(100, 1000)
    made = records(*(alert() for _ in range(5)))
    first = batcher.pack(made[:3], [b"x"] * 3)[0]
    batcher.remember(first)
    again = batcher.pack(made, [b"x"] * 5)
    assert [(1, 2, 3), (4, 5)] == [batch.numbers() for batch in again]
    assert first.request_id() == again[0].request_id() != again[1].request_id()


def test_a_request_whose_alerts_are_not_all_there_is_made_anew() -> None:
    batcher = Batcher(100, 1000)
    made = records(*(alert() for _ in range(5)))
    batcher.remember(batcher.pack(made[:3], [b"x"] * 3)[0])
    assert [(1, 3, 4, 5)] == [batch.numbers() for batch in batcher.pack([made[0], *made[2:]], [b"x"] * 4)]


def test_one_alert_gives_a_request_its_own_id() -> None:
    made = records(alert())
    assert made[0].alert.id == Batcher(1, 1).pack(made, [b"x"])[0].request_id()


def test_the_circuit_opens_after_failures_in_a_row_and_closes_with_a_success() -> None:
    circuit = CircuitBreaker(2, 10.0)
    circuit.failed(0.0)
    circuit.succeeded()
    circuit.failed(1.0)
    assert circuit.closed
    circuit.failed(2.0)
    assert (False, 10.0, 3.0, 0.0) == (circuit.closed, circuit.left(2.0), circuit.left(9.0), circuit.left(20.0))
    circuit.succeeded()
    assert circuit.closed


def test_a_probe_that_fails_opens_the_circuit_at_once() -> None:
    circuit = CircuitBreaker(5, 10.0)
    for _ in range(5):
        circuit.failed(0.0)
    assert 0.0 == circuit.left(10.0)
    circuit.failed(10.0)
    assert 10.0 == circuit.left(10.0)


def test_each_secret_signs_and_any_of_them_verifies() -> None:
    secrets = [f"whsec_{base64.b64encode(bytes([n]) * 32).decode()}" for n in (1, 2)]
    body = b'{"a": "\xc3\xa4"}'
    headers = signature.headers([signature.key(secret) for secret in secrets], "msg_1", _now(), body)
    for secret in secrets:
        assert {"a": "ä"} == Verifier(secret).verify(body, headers)


def signed(now: int, body: bytes = b'{"a": 1}') -> tuple[str, dict[str, str]]:
    secret = f"whsec_{base64.b64encode(b'k' * 32).decode()}"
    return secret, signature.headers([signature.key(secret)], "msg_1", now, body)


ALTERED: Final = {
    "the body": (b'{"a": 2}', {}),
    "the id, so that it counts as another": (b'{"a": 1}', {"webhook-id": "msg_2"}),
    "the time, so that an old one counts as new": (b'{"a": 1}', {"webhook-timestamp": str(int(time.time()) + 60)}),
    "a signature of the other version": (b'{"a": 1}', {"webhook-signature": "v1a,AAAA"}),
    "no signature": (b'{"a": 1}', {"webhook-signature": ""}),
}


@pytest.mark.parametrize("what", ALTERED)
def test_a_request_of_which_anything_was_altered_is_not_verified(what: str) -> None:
    secret, headers = signed(_now())
    body, other = ALTERED[what]
    with pytest.raises(WebhookVerificationError):
        Verifier(secret).verify(body, {**headers, **other})


def test_a_request_that_is_replayed_after_minutes_is_not_verified() -> None:
    secret, headers = signed(_now() - 360)
    with pytest.raises(WebhookVerificationError, match="old"):
        Verifier(secret).verify(b'{"a": 1}', headers)


def test_another_secret_does_not_verify() -> None:
    _, headers = signed(_now())
    with pytest.raises(WebhookVerificationError):
        Verifier(f"whsec_{base64.b64encode(b'o' * 32).decode()}").verify(b'{"a": 1}', headers)


def _now() -> int:
    return int(time.time())


@pytest.mark.parametrize("secret", ["whsec_", "whsec_short", "not base64!", "whsec_" + "QUFB" * 40])
def test_a_key_that_is_none_is_refused_without_being_reported(secret: str) -> None:
    with pytest.raises(ValueError, match="signing secret") as caught:
        signature.key(secret)
    assert secret.removeprefix("whsec_") == "" or secret.removeprefix("whsec_") not in str(caught.value)


def test_the_veil_hides_longer_secrets_first_and_leaves_trifles() -> None:
    assert "*** and *** of a b" == SecretMask(["tokenA", "tokenA-long", "a"])("tokenA-long and tokenA of a b")
