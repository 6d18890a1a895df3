"""Documents become events with time and number, or are refused and counted; no content makes the decoder fail."""

import gzip
import json
import random
from typing import Any

import pytest

from mozu.core.common.k8s_audit.decoder import AuditEventDecoder, NoAuditEvents
from mozu.core.common.k8s_audit.tolerant_json import CUT
from mozu.core.metrics import Metrics
from tests.core.common.k8s_audit.test_unwrapping import EVENT, GKE, azure, cloudwatch
from tests.support.requirements import ROOT

MAX_BYTES = 1 << 20
NOW = 7
DATA = ROOT / "tests" / "data" / "kubernetes"


class Decoding:
    """A decoder with its counters."""

    def __init__(self) -> None:
        self._metrics = Metrics()
        self.decoder = AuditEventDecoder(self._metrics, MAX_BYTES)

    def events(self, document: Any) -> list[Any]:
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        return [one.event for one in self.decoder.decode(data, NOW)]

    def refused(self) -> dict[str, float]:
        """Return the counts of refusals by reason."""
        found = self._metrics.collect()
        return {labels["reason"]: value for name, labels, value in found if name == "k8s_audit_refused_total"}

    def truncated(self) -> float:
        return next(value for name, _, value in self._metrics.collect() if name == "k8s_audit_truncated_total")


def test_the_time_is_that_of_the_stage() -> None:
    late = {**EVENT, "requestReceivedTimestamp": "2026-12-02T14:22:50Z"}
    (event,) = Decoding().events(late)
    assert ("k8s_audit", "pluginevent", 1_796_221_376_366_113_000) == (event.source, event.type, event.time)


@pytest.mark.parametrize("time", [None, 5, "yesterday", "2026-13-45T99:00:00Z"])
def test_without_a_readable_time_of_the_stage_that_of_the_request_counts_else_now(time: Any) -> None:
    received = {**EVENT, "stageTimestamp": time, "requestReceivedTimestamp": "1970-01-01T00:00:01Z"}
    assert [1_000_000_000] == [event.time for event in Decoding().events(received)]
    assert [NOW] == [event.time for event in Decoding().events({**EVENT, "stageTimestamp": time})]


def test_the_same_event_has_the_same_number_wherever_it_comes_from() -> None:
    text = json.dumps(EVENT)
    forms = (EVENT, [EVENT], cloudwatch(text), azure(EVENT), gzip.compress(text.encode()))
    numbers = {event.num for document in forms for event in Decoding().events(document)}
    assert 1 == len(numbers)
    assert 0 < numbers.pop() < 1 << 63


@pytest.mark.parametrize("change", [{"stage": "ResponseStarted"}, {"auditID": "a2"}, {"verb": "delete"}])
def test_events_that_differ_have_other_numbers_even_with_an_audit_id_chosen_by_the_client(change: Any) -> None:
    (one,), (other,) = Decoding().events(EVENT), Decoding().events({**EVENT, **change})
    assert one.num != other.num


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b'{"auditID":"a1"} {"auditID":"a2"}', "no JSON"),
        (b"[]5", "no JSON"),
        (b"\x1f\x8bdamaged", "damaged gzip"),
        (gzip.compress(json.dumps(EVENT).encode(), mtime=0)[:-9], "damaged gzip"),
        (gzip.compress(b" " * (MAX_BYTES + 1), mtime=0), "too large"),
        (b'"text"', "no audit event"),
        (b"{}", "no audit event"),
        (b'{"kind":"EventList","items":[{}]}', "no audit event"),
    ],
)
def test_a_document_without_events_is_refused_and_counted(document: bytes, reason: str) -> None:
    decoding = Decoding()
    with pytest.raises(NoAuditEvents, match=reason) as raised:
        decoding.events(document)
    assert (reason, {reason: 1.0}) == (raised.value.reason, decoding.refused())


def test_a_list_keeps_its_events_beside_something_that_is_none() -> None:
    decoding = Decoding()
    assert 2 == len(decoding.events([EVENT, 5, {**EVENT, "auditID": "a2"}]))
    assert {"no audit event": 1.0} == decoding.refused()


def test_an_empty_list_and_a_control_message_are_no_events_and_no_error() -> None:
    decoding = Decoding()
    assert (
        [] == decoding.events({"kind": "EventList", "items": []}) == decoding.events(cloudwatch(kind="CONTROL_MESSAGE"))
    )
    assert {} == decoding.refused()


@pytest.mark.parametrize(
    ("patch", "kept"),
    [
        ('"\\ud800 half"', "\ufffd half"),
        ('"\\ud83d\\ude00 \\\\ud800 whole"', "\U0001f600 \\ud800 whole"),
        ("1e999", "1e999"),
        ("-1e999", "-1e999"),
        ('"\\u0000"', "\0"),
        ('"\xff"', "\ufffd"),
        ("[" * 9000 + "]" * 9000, None),
        ('{"a":' * 9000 + "1" + "}" * 9000, None),
        ("[" * 300 + "]" * 300, None),
    ],
    ids=[
        "half a pair",
        "a pair",
        "number",
        "negative",
        "zero",
        "not UTF-8",
        "arrays",
        "objects",
        "deeper than orjson writes",
    ],
)
def test_a_patch_that_go_accepts_hides_neither_its_event_nor_its_neighbours(patch: str, kept: str | None) -> None:
    """Check because clients of the API server choose the content of `requestObject`."""
    before, after = json.dumps({**EVENT, "auditID": "before"}), json.dumps({**EVENT, "auditID": "after"})
    event = json.dumps({**EVENT, "requestObject": 1})[:-2]
    document = f'{{"kind":"EventList","items":[{before},{event}{patch}}},{after}]}}'.encode("latin-1")
    decoding = Decoding()
    events = decoding.events(document)
    assert ["before", "a1", "after"] == [event.data["auditID"] for event in events]
    assert {} == decoding.refused()
    if kept is not None:
        assert kept == events[1].data["requestObject"]
    else:
        assert CUT in json.dumps(events[1].data["requestObject"])


def test_an_event_from_which_the_api_server_removed_objects_is_counted() -> None:
    decoding = Decoding()
    decoding.events({**EVENT, "annotations": {"audit.k8s.io/truncated": "true"}})
    decoding.events(EVENT)
    assert 1 == decoding.truncated()


def test_the_recorded_log_of_a_real_api_server_is_read_line_by_line() -> None:
    decoding = Decoding()
    lines = (DATA / "audit.log").read_bytes().splitlines()
    events = [event for line in lines for event in decoding.events(line)]
    assert len(lines) == len(events) == len({event.num for event in events})
    assert all(event.time > 1_796_000_000_000_000_000 for event in events)
    assert {} == decoding.refused()


def test_the_recorded_list_that_a_real_api_server_posted_is_split() -> None:
    body = (DATA / "audit-webhook.json").read_bytes()
    events = Decoding().events(body)
    assert len(json.loads(body)["items"]) == len(events) == len({event.num for event in events})


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_document_is_read_or_refused(seed: int) -> None:
    choose = random.Random(seed)
    for whole in (EVENT, {"kind": "EventList", "items": [EVENT]}, cloudwatch(json.dumps(EVENT)), azure(EVENT), GKE):
        document = bytearray(json.dumps(whole).encode())
        for _ in range(choose.randrange(1, 6)):
            place = choose.randrange(len(document))
            document[place : place + choose.randrange(3)] = choose.randbytes(choose.randrange(3))
        decoding = Decoding()
        try:
            assert decoding.events(bytes(document)) is not None
        except NoAuditEvents:
            assert 0 < sum(decoding.refused().values())
