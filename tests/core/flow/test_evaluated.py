from typing import Any

import msgspec
import pytest

from mozu.core.flow.evaluated import alerts_of
from mozu.core.model.alert import Alert
from mozu.core.testing import alert


def test_a_sequence_of_alerts_is_given_on() -> None:
    found = (alert("a"), alert("b"))
    assert alerts_of(found) is found
    assert alerts_of([]) == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (None, "evaluate\\(\\) must give a sequence of alerts, not NoneType"),
        ("text", "evaluate\\(\\) must give a sequence of alerts, not str"),
        (b"", "evaluate\\(\\) must give a sequence of alerts, not bytes"),
        (iter(()), "evaluate\\(\\) must give a sequence of alerts, not tuple_iterator"),
        ([alert("a"), {}], "evaluate\\(\\) must give alerts, not dict"),
    ],
)
def test_anything_else_is_the_fault_of_its_evaluator(found: object, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        alerts_of(found)


@pytest.mark.parametrize(
    ("member", "value"),
    [("rule", None), ("priority", "NOTICE"), ("source", 1), ("time", 0.5), ("template", "text"), ("values", ())],
)
@pytest.mark.parametrize("place", [0, 1])
def test_an_alert_with_a_member_of_another_type_is_too(member: str, value: Any, place: int) -> None:
    found: list[Alert] = [alert("a"), alert("b")]
    found[place] = msgspec.structs.replace(found[place], **{member: value})
    with pytest.raises(TypeError, match=f"`{member}` of an alert must be "):
        alerts_of(found)
