"""Audit events of Kubernetes in Kafka's records: single ones, lists, and the forms of clouds."""

import gzip
import json
from types import SimpleNamespace
from typing import Any

import pytest

from mozu.core.api import Alert, DataEvent
from mozu.core.common.k8s_audit.decoder import AuditEventDecoder
from mozu.core.metrics import Metrics
from mozu.core.testing import context
from mozu.plugins.sources.kafka.record import InvalidRecord, KafkaRecordDecoder
from mozu.plugins.sources.kafka.record_number import RecordNumbers
from mozu.plugins.sources.kafka.settings import KafkaSourceSettings
from mozu.plugins.sources.kafka.source import KafkaSource
from tests.core.common.k8s_audit.test_unwrapping import azure, cloudwatch
from tests.support.falco_http import payload
from tests.support.k8s_audit import event, event_list


def decoded(value: Any, *, alerts: bool = False, offset: int = 0) -> list[Any]:
    audit = AuditEventDecoder(Metrics(), 1 << 20)
    decoder = KafkaRecordDecoder(RecordNumbers(["a"]), event_source="k8s_audit", alerts=alerts, audit=audit)
    data = value if isinstance(value, bytes | None) else json.dumps(value).encode()
    return [*decoder.decode(SimpleNamespace(value=data, timestamp=5, topic="a", partition=0, offset=offset))]


@pytest.mark.parametrize(
    "value",
    [
        event_list(1, 2),
        [event(1), event(2)],
        cloudwatch(json.dumps(event(1)), json.dumps(event(2))),
        gzip.compress(json.dumps(cloudwatch(json.dumps(event(1)), json.dumps(event(2)))).encode()),
        {"records": [azure(event(1)), azure(event(2))]},
    ],
    ids=["EventList", "array", "EKS", "EKS, gzip", "AKS"],
)
def test_a_record_with_several_events_is_split(value: Any) -> None:
    found = decoded(value)
    assert ["id-1", "id-2"] == [one.data["auditID"] for one in found]
    assert 2 == len({one.num for one in found})
    assert {1_796_221_376_366_113_000} == {one.time for one in found}


def test_an_event_has_one_number_in_whatever_record_it_comes() -> None:
    (one,), (other,) = decoded(event(1), offset=1), decoded(event_list(1), offset=2)
    assert one.num == other.num


def test_without_a_time_the_record_s_counts() -> None:
    (found,) = decoded({"auditID": "a"})
    assert 5_000_000 == found.time


@pytest.mark.parametrize("value", [b"", b"no json", {}, [1], gzip.compress(b"{}", mtime=0)[:-3]], ids=repr)
def test_a_record_without_events_is_a_dead_letter(value: Any) -> None:
    with pytest.raises(InvalidRecord, match="there is no audit event of Kubernetes in it"):
        decoded(value)


@pytest.mark.parametrize(
    "value",
    [None, cloudwatch("I1202 scheduling", stream="kube-scheduler-0a1b"), cloudwatch(kind="CONTROL_MESSAGE")],
    ids=["tombstone", "other log", "control message"],
)
def test_a_record_that_belongs_in_the_stream_but_holds_no_events_is_no_dead_letter(value: Any) -> None:
    assert [] == decoded(value)


def test_an_alert_in_the_topic_stays_an_alert() -> None:
    (found,) = decoded(payload(), alerts=True)
    assert isinstance(found, Alert)
    (found,) = decoded(event(1), alerts=True)
    assert isinstance(found, DataEvent)


def test_ids_of_alerts_on_audit_events_do_not_depend_on_the_topic() -> None:
    settings = {"bootstrap_servers": ["127.0.0.1:9"], "topics": ["a"]}
    audit = KafkaSource(KafkaSourceSettings.model_validate({**settings, "event_source": "k8s_audit"}), context())
    other = KafkaSource(KafkaSourceSettings.model_validate(settings), context())
    assert ("k8s_audit", "kafka/a") == (audit.origin, other.origin)
