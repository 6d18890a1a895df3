"""Plugin fields whose readers returned wrong values: each field is reported once, every wrong value is counted."""

import pytest

from mozu.core.flow.impaired_fields import FieldFault, ImpairedFields
from mozu.core.metrics import Metrics
from mozu.core.model.fields import Field, FieldType


def field(name: str) -> Field:
    return Field(name=name, type=FieldType.UINT, doc="D.", read=lambda event: 1)


def test_a_field_is_reported_once_and_counted_each_time(caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics()
    impaired = ImpairedFields(metrics)
    assert impaired.take() == []
    for name in ("acme.a", "acme.b", "acme.a", "acme.a"):
        impaired.on_wrong("acme 1.2", field(name), "a text")
    first, second = impaired.take()
    said = "field acme.a of acme 1.2 gave a wrong value, which counts as absent: a text"
    assert first == FieldFault("acme.a", "acme 1.2", said)
    assert second.field == "acme.b"
    assert caplog.messages.count(said) == 1
    counted = {labels["field"]: value for name, labels, value in metrics.collect()}
    assert counted == {"acme.a": 3, "acme.b": 1}


def test_what_was_taken_is_not_reported_again() -> None:
    impaired = ImpairedFields()
    impaired.on_wrong("acme 1.2", field("acme.a"), "a text")
    impaired.take()
    impaired.on_wrong("acme 1.2", field("acme.a"), "a text")
    impaired.on_wrong("acme 1.2", field("acme.c"), "a text")
    assert [fault.field for fault in impaired.take()] == ["acme.c"]
